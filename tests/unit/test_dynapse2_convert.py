"""snnhub convert … --to dynapse2: the graph that is mapped is the one that is read; what boards do not hold."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import snnhub
from snnhub.api.check import check_target
from snnhub.cli.main import invoke
from snnhub.engine.reference import prepare
from snnhub.errors import FormatError, UnsupportedError, UsageError
from snnhub.ir.graph import Graph, Port
from snnhub.ir.rung import Rung
from snnhub.ir.tensor import Array, tensor
from snnhub.ops.registry import REGISTRY
from snnhub.passes.base import PassContext, promise_of
from snnhub_dynapse2.board import Board, read_board, write_board
from snnhub_dynapse2.chain import Layer, Linear
from snnhub_dynapse2.dac import BASES, amps
from snnhub_dynapse2.exporter import export_dynapse2
from snnhub_dynapse2.lowered.adapter import adapted
from snnhub_dynapse2.lowered.mapping import run
from snnhub_dynapse2.lowered.rates import counted
from snnhub_dynapse2.lowered.rebuild import one_iscale
from snnhub_dynapse2.network import CURRENTS
from snnhub_dynapse2.parameters import FACTORS, names
from snnhub_dynapse2.reader import read_file
from snnhub_dynapse2.split import separated
from snnhub_dynapse2.target import dynapse2
from snnhub_formats import container

from tests.build import mlp
from tests.networks.dynapse2_graphs import built, graph_of, neurons, random_graph
from tests.networks.dynapse2_nets import fixed_fan_in, network

SEEDS = (0, 2, 5, 11)


def written(graph: Graph, folder: Path, **lowering: str) -> tuple[Graph, Path]:
    """The lowered graph, and the file that was written of it."""
    folder.mkdir(exist_ok=True)
    source, path = folder / "net.snn", folder / "net.json"
    container.save(graph, source)
    options = {name.replace("_", "-"): value for name, value in lowering.items()}
    return snnhub.convert(source, path, to="dynapse2", lowering=options).graph, path


def refused(
    graph: Graph, folder: Path, capsys: pytest.CaptureFixture[str], *more: str
) -> dict[str, dict[str, Any]]:
    """By code, the errors of a conversion by command line: exit 4, and no file."""
    container.save(graph, folder / "net.snn")
    path = folder / "net.json"
    assert invoke(["convert", str(folder / "net.snn"), "--to", "dynapse2", "-o", str(path), "--json", *more]) == 4
    assert not path.exists()
    found = json.loads(capsys.readouterr().out)["findings"]
    return {item["code"]: item for item in reversed(found) if item["severity"] == "error"}


def bare(graph: Graph) -> Graph:
    """Everything of a graph but its name and history."""
    return replace(graph, name="", provenance=Graph("", (), (), (), ()).provenance)


@pytest.mark.parametrize("seed", SEEDS)
def test_what_is_written_is_read(seed: int, tmp_path: Path) -> None:
    """The graph with recipes, correspondence and findings; and a second conversion changes nothing."""
    graph = random_graph(seed)
    lowered, path = written(graph, tmp_path)
    found = snnhub.load(path)
    assert bare(found) == bare(lowered)
    assert [node.id for node in found.nodes] == [node.id for node in graph.nodes]
    promise = promise_of(found)
    assert promise is not None
    assert promise.rung is Rung.DISTRIBUTION
    again, second = written(found, tmp_path / "again")
    assert again.network() == lowered.network()
    assert second.read_bytes().splitlines()[:-1] == path.read_bytes().splitlines()[:-1]  # the last has the source


@pytest.mark.parametrize("seed", SEEDS)
def test_the_lowered_graph_computes_with_the_numbers_of_the_file(seed: int, tmp_path: Path) -> None:
    """Weights are sums of bases over iscale, currents are those of codes, n_ref is kept where a code gives it."""
    graph = random_graph(seed)
    lowered, path = written(graph, tmp_path)
    document = json.loads(path.read_bytes())
    cores = {(chip["id"], core["id"]): core for chip in document["chips"] for core in chip["cores"]}
    core_of = {(row["node"], row["index"]): cores[row["chip"], row["core"]] for row in document["map"]}
    for node in lowered.nodes:
        if node.op == "core.Dense":
            target = lowered.fed_by(node.id)[0].dst.node
            for index, row in enumerate(node.param["weight"].array):
                core = core_of[target, index]
                bases = [amps(name, read_code(core, name)) / core["iscale_A"] for name in BASES]
                levels = {sum(b for k, b in enumerate(bases) if mask >> k & 1) for mask in range(16)}
                for weight in np.abs(row):
                    assert min(abs(weight - level) for level in levels) <= 1e-6 * weight
            continue
        size = sum(row["node"] == node.id for row in document["map"])
        itau = np.broadcast_to(node.param["Itau_mem"].array, (size,))
        wanted = [core_of[node.id, k]["parameters"]["SOIF_LEAK_N"]["amps"] for k in range(size)]
        assert itau.tolist() == np.asarray(wanted, np.float32).tolist()
        same = node.param["n_ref"].array == graph.node[node.id].param["n_ref"].array
        assert np.all(same)


def read_code(core: dict[str, Any], name: str) -> Any:
    from snnhub_dynapse2.dac import Code

    row = core["parameters"][name]
    return Code(row["coarse"], row["fine"])


def test_a_file_without_layers_is_one_node_for_each_name(tmp_path: Path) -> None:
    """Files need not say how the graph was laid out: what comes from neurons then comes a step later."""
    weight = np.ones((3, 3), np.float32)
    layers: list[Layer] = [Linear("v", weight), neurons("a", 3, weight), Linear("w", weight), neurons("b", 3)]
    lowered, path = written(built(layers), tmp_path)
    document = json.loads(path.read_bytes())
    del document["model"]["graph"]
    path.write_text(json.dumps(document))
    found = snnhub.load(path)
    assert {node.id for node in found.nodes if node.op == "dynapse2.DynapSim"} == {
        node.id for node in lowered.nodes if node.op == "dynapse2.DynapSim"
    }
    prepare(found, REGISTRY).run(np.ones((3, 1, *found.inputs[0].shape), np.float32))
    into = [edge for edge in found.edges if "/w_" in edge.dst.node]
    assert {edge.delay for edge in into if edge.src.node == "input"} == {0}
    assert {edge.delay for edge in into if edge.src.node != "input"} == {1}


def test_biases_are_worked_out_where_they_are_not_stored(tmp_path: Path) -> None:
    """Factors have lost digits, and still give the same codes."""
    made = fixed_fan_in(4, 12, 5, 2)
    with_them, _ = written(graph_of(made), tmp_path / "a")
    result = written(graph_of(made, biases=False), tmp_path / "b")[0]
    assert "SNN-2520" in {item.code for item in result.findings}
    for name in set(CURRENTS) - {"If_nmda", "Ipulse_ahp"}:  # the first does nothing, the other has lost most
        assert result.node["DynapSim"].param[name] == with_them.node["DynapSim"].param[name], name
    for name in names(FACTORS):
        a, b = (g.node["DynapSim"].param[name].array for g in (result, with_them))
        assert np.allclose(a, b, rtol=2e-2)


def test_a_factor_that_no_current_gives(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    graph = graph_of(fixed_fan_in(4, 12, 5, 2), biases=False)
    node = graph.node["DynapSim"].with_params(f_charge=tensor(np.float32(1.5), "float32"))
    found = refused(replaced(graph, node), tmp_path, capsys)["SNN-2520"]
    assert (found["place"], "factory" in found["remedy"]) == ("DynapSim/Ipulse", True)


def replaced(graph: Graph, node: Any) -> Graph:
    return replace(graph, nodes=tuple(node if old.id == node.id else old for old in graph.nodes))


def test_violations_come_all_at_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Fan-in and a current, each with its layer and its count."""
    rng = np.random.default_rng(0)
    layers: list[Layer] = [
        Linear("a/w_in", rng.normal(0, 1, (65, 3)).astype(np.float32)),
        neurons("a", 3),
        Linear("b/w_in", rng.normal(0, 1, (3, 4)).astype(np.float32)),
        neurons("b", 4, changes={"Itau_mem": np.full(4, 1e-5)}),
    ]
    found = refused(built(layers), tmp_path, capsys)
    assert (found["SNN-2502"]["place"], found["SNN-2502"]["old"]) == ("a", "65 synapses")
    assert (found["SNN-2506"]["place"], found["SNN-2506"]["old"]) == ("b/Itau_mem", "1e-05 A")


def test_tags_with_their_count(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = refused(graph_of(fixed_fan_in(6000, 256, 64, 1)), tmp_path, capsys, "--chips", "1")
    assert int(found["SNN-2504"]["old"].split()[0]) > 2048


def test_destinations_with_their_count() -> None:
    """A source for four chips and the monitor."""
    w_rec = np.zeros((3100, 3100))
    w_rec[7] = 1.0
    graph = graph_of(network(np.zeros((1, 3100)), w_rec, monitored=()))
    context = PassContext(options={"monitor": "DynapSim:7"})
    found = {item.code: item for item in run(graph, context).findings}
    assert found["SNN-2503"].old == "5 destinations"


def test_saturation_is_an_error_where_iscale_is_kept(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    graph = graph_of(network(np.full((3, 2), 300.0), np.zeros((2, 2)), iscale=1e-8))
    assert "SNN-2512" in refused(graph, tmp_path, capsys, "--iscale", "keep")
    lowered, _ = written(graph, tmp_path)
    moved = [item for item in lowered.findings if item.code == "SNN-2513"]
    assert moved
    assert "rounding" not in moved[0].bound


def test_what_is_no_network_of_analog_neurons(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Each with its place: another neuron, a bias, a delay of two steps, two outputs, shared weights."""
    assert "--approximate analog" in refused(mlp(), tmp_path, capsys)["SNN-2542"]["remedy"]
    weight = np.ones((3, 2), np.float32)
    biased = built([Linear("w", weight, np.ones(2, np.float32)), neurons("n", 2)])
    assert refused(biased, tmp_path, capsys)["SNN-2521"]["place"] == "w/bias"
    good = built([Linear("w", weight), neurons("n", 2, np.ones((2, 2)))])
    late = replace(good, edges=tuple(replace(e, delay=2 * e.delay) for e in good.edges))
    assert refused(late, tmp_path, capsys)["SNN-2521"]["place"] == "n/w_rec"
    state = replace(
        good, edges=tuple(replace(e, src=Port("w", "y")) if e.dst.node == "output" else e for e in good.edges)
    )
    assert refused(state, tmp_path, capsys)["SNN-2521"]["place"] == "output"
    assert refused(separated(good, REGISTRY), tmp_path, capsys)["SNN-2521"]["place"] == "n"


def test_signals_without_weights_get_synapses_of_weight_1(tmp_path: Path) -> None:
    lowered, path = written(built([neurons("n", 4)]), tmp_path)
    assert [item.new for item in lowered.findings if item.code == "SNN-2522"] == ["n/from/input"]
    weight = lowered.node["n/from/input"].param["weight"].array
    assert np.count_nonzero(weight) == 4
    assert np.diag(weight) == pytest.approx(np.ones(4), rel=0.01)
    assert bare(snnhub.load(path)) == bare(lowered)


def test_constants_with_mismatch_become_one_number(tmp_path: Path) -> None:
    layer = neurons("n", 2, changes={"C_mem": np.array([2e-12, 4.5e-12])})
    lowered, path = written(built([Linear("w", np.ones((1, 2), np.float32)), layer]), tmp_path)
    assert "SNN-2523" in {item.code for item in lowered.findings}
    assert read_file(path).layout["C_mem"] == pytest.approx(3e-12, rel=1e-6)
    assert lowered.node["n"].param["C_mem"].array == pytest.approx(3e-12, rel=1e-6)


def raster(steps: int, samples: int, channels: int) -> Array:
    return (np.random.default_rng(3).random((steps, samples, channels)) < 0.2).astype(np.float32)


def test_rates_are_measured_on_the_users_raster(tmp_path: Path) -> None:
    graph = built([Linear("w", np.full((6, 5), 3.0, np.float32)), neurons("n", 5)])
    container.save(graph, tmp_path / "net.snn")
    x = raster(300, 4, 6)
    result = snnhub.convert(tmp_path / "net.snn", tmp_path / "net.json", to="dynapse2", calibration=x)
    (row,) = result.tables["dynapse2 rates"]
    spikes = []
    for each in (graph, result.graph):
        recording, _ = prepare(each, REGISTRY).run(x, record=["n/s"])
        spikes.append(recording["n/s"].astype(np.int64).sum(axis=(0, 1)))
    assert (row["spikes"], row["spikes_after"]) == (spikes[0].sum(), spikes[1].sum())
    off = (spikes[1] - spikes[0]) / (4 * 0.3)
    assert row["rmse_Hz"] == pytest.approx(np.sqrt(np.square(off).mean()))
    assert row["mean_error_Hz"] == pytest.approx(np.abs(off).mean())
    assert row["ratio"] == pytest.approx(spikes[1].sum() / spikes[0].sum())
    neuron = result.tables["dynapse2 neuron rates"][4]
    assert (neuron["layer"], neuron["index"]) == ("n", 4)
    assert neuron["rate_after_Hz"] == pytest.approx(spikes[1][4] / 1.2)
    (told,) = [item for item in result.findings if item.code == "SNN-2524"]
    assert told.severity.value == "loss"
    assert bare(snnhub.load(tmp_path / "net.json")) == bare(result.graph)
    quiet = snnhub.convert(tmp_path / "net.snn", tmp_path / "q.json", to="dynapse2", calibration=0 * x)
    assert [item.severity.value for item in quiet.findings if item.code == "SNN-2524"] == ["info"]
    assert quiet.tables["dynapse2 rates"][0]["ratio"] is None


def test_reports_of_cores_and_neurons(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    graph = graph_of(fixed_fan_in(4, 12, 5, 2))
    container.save(graph, tmp_path / "net.snn")
    arguments = ["convert", str(tmp_path / "net.snn"), "--to", "dynapse2", "-o", str(tmp_path / "net.json")]
    assert invoke([*arguments, "--json"]) == 0
    tables = json.loads(capsys.readouterr().out)["tables"]
    (core,) = tables["dynapse2 cores"]
    assert {"neurons", "cam", "cam_of", "sram", "tags", "mse", "uniform_mse", "current_error"} <= set(core)
    assert (core["neurons"], core["cam_of"]) == (12, 64)
    assert [row["index"] for row in tables["dynapse2 neurons"]] == list(range(12))
    assert {row["current"] for row in tables["dynapse2 currents"]} == set(CURRENTS)
    assert invoke(arguments) == 0
    assert "of 64" in capsys.readouterr().out
    assert invoke(["inspect", str(tmp_path / "net.json")]) == 0
    assert "of 64" in capsys.readouterr().out
    shown = snnhub.inspect(tmp_path / "net.json").tables["dynapse2 cores"]
    assert [row["cam"] for row in shown] == [core["cam"]]
    assert snnhub.inspect(tmp_path / "net.snn").tables == {}


def test_options(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    graph = random_graph(2)
    layers = [node.id for node in graph.nodes if node.op == "dynapse2.DynapSim"]
    last = layers[-1]
    _, path = written(graph, tmp_path)
    watched = {row.node for row in watchers(path)}
    assert watched == {last}
    board = tmp_path / "board.json"
    write_board(Board(((0, 1), (0, 2)), (0, 0), (-7, 0)), board)
    found, path = written(
        graph, tmp_path, monitor=f"{layers[0]}:0", board=str(board), chips="1", split_synapses="auto"
    )
    assert [(row.node, row.index) for row in watchers(path)] == [(layers[0], 0)]
    assert read_file(path).board == Board(((0, 1),), (0, 0), (-7, 0))
    assert bare(snnhub.load(path)) == bare(found)
    board = tmp_path / "board.toml"
    board.write_text("positions = [[0, 1], [0, 2]]\ninput = [0, 0]\nmonitor_hop = [-7, 0]\nverified = false\n")
    assert read_board(board) == Board(((0, 1), (0, 2)), (0, 0), (-7, 0))
    bad = tmp_path / "bad.toml"
    bad.write_text("positions = [")
    with pytest.raises(FormatError, match="TOML"):
        read_board(bad)
    for wrong in ({"monitor": "nobody"}, {"monitor": f"{last}:0-99"}, {"chips": "0"}, {"board": "nowhere.json"}):
        with pytest.raises(UsageError):
            written(graph, tmp_path / "wrong", **wrong)
        assert not (tmp_path / "wrong" / "net.json").exists()
    arguments = ["convert", str(tmp_path / "net.snn"), "--to", "dynapse2", "-o", str(tmp_path / "two.json")]
    names = [f"--monitor={last}:0", f"--monitor={layers[0]}"]
    assert invoke([*arguments, *names, "--split-synapses", "auto", "--board", str(board)]) == 0
    assert {row.node for row in watchers(tmp_path / "two.json")} == {last, layers[0]}
    assert invoke([*arguments, "--iscale", "sometimes"]) == 2
    capsys.readouterr()


def watchers(path: Path) -> list[Any]:
    held = read_file(path)
    where = {(row.chip, row.core, row.neuron) for row in held.monitors}
    return [row for row in held.map if (row.chip, row.core, row.neuron) in where]


def test_only_mapped_networks_are_written(tmp_path: Path) -> None:
    graph = random_graph(0)
    with pytest.raises(UnsupportedError) as caught:
        export_dynapse2(graph, tmp_path / "a.json")
    assert "SNN-2525" in {item.code for item in caught.value.findings}
    lowered, _ = written(graph, tmp_path)
    node = next(node for node in lowered.nodes if node.op == "core.Dense" and node.param["weight"].array.any())
    moved = replaced(
        lowered, node.with_params(weight=tensor(node.param["weight"].array * np.float32(1.01), "float32"))
    )
    with pytest.raises(UnsupportedError, match="no sums of the bases"):
        export_dynapse2(moved, tmp_path / "a.json")
    assert not (tmp_path / "a.json").exists()
    again, _ = written(moved, tmp_path)  # mapped anew
    assert again.network() != moved.network()


def test_settings_that_the_model_does_not_have_are_said(tmp_path: Path) -> None:
    lowered, path = written(graph_of(fixed_fan_in(4, 12, 5, 2)), tmp_path)
    text = path.read_text()
    path.write_text(
        text.replace('"stp":false', '"stp":true').replace('"so_dc":true', '"so_dc":true,"soif_kill":true')
    )
    found = snnhub.load(path)
    assert {"SNN-4404", "SNN-4405"} <= {item.code for item in found.findings}
    assert found.network() == lowered.network()
    path.write_text(text.replace('"GABA"', '"SHUNT"'))
    found = snnhub.load(path)
    assert [item.severity.value for item in found.findings if item.code == "SNN-4401"] == ["loss"]
    assert all((node.param["weight"].array >= 0).all() for node in found.nodes if node.op == "core.Dense")


def test_weights_for_a_simulator_with_one_iscale(tmp_path: Path) -> None:
    """Cores have an iscale each: what reaches the neurons is the same current."""
    layer = neurons("n", 4, changes={"Igain_syn": np.array([8.69e-9, 8.69e-9, 3e-8, 1.1e-7])})
    graph = built([Linear("w", np.full((2, 4), 2.0, np.float32)), layer])
    plain, none = one_iscale(graph.node["n"], 4)
    assert (plain.tolist(), none) == ([1.0] * 4, [])
    lowered, _ = written(graph, tmp_path)
    iscale = lowered.node["n"].param["Iscale"].array.astype(np.float64)
    factors, (told,) = one_iscale(lowered.node["n"], 4)
    assert told.code == "SNN-4406"
    np.testing.assert_allclose(factors * iscale[0], iscale, rtol=1e-12)


def test_the_target_counts_and_refuses(tmp_path: Path) -> None:
    graph = graph_of(fixed_fan_in(4, 12, 5, 2))
    lowered, _ = written(graph, tmp_path)
    for each in (graph, lowered):
        report = check_target(each, dynapse2())
        assert report.fits
        used = {limit.parameter: high for _, _, high, limit in report.usage}
        assert (used["neurons"], used["fan-in"], used["monitored neurons"]) == (12, 5, 12)
    report = check_target(graph_of(fixed_fan_in(70, 12, 65, 2)), dynapse2())
    assert [item.code for item in report.findings] == ["SNN-2502"]
    assert "SNN-2101" in {item.code for item in check_target(mlp(), dynapse2()).findings}


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('"reads":"DynapSim"', '"reads":"nobody"', "read from"),
        ('"neurons":12}', '"neurons":11}', "same neurons"),
        ('"delay":1', '"delay":2', "delay"),
        ('"from":"DynapSim"', '"from":"input"', "lead from one layer"),
        ('"from":"DynapSim"', '"from":"elsewhere"', "do not lead"),
        ('"reduce":"sum"', '"reduce":"most"', "decoder"),
        ('"id":"DynapSim/w_rec"', '"id":"DynapSim/w_in"', "not all different"),
        ('"SOIF_LEAK_N":', '"SOIF_LEAK":', "parameter is not known"),
    ],
)
def test_files_whose_layers_do_not_fit_are_refused(old: str, new: str, words: str, tmp_path: Path) -> None:
    _, path = written(graph_of(fixed_fan_in(4, 12, 5, 2)), tmp_path)
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))
    with pytest.raises(FormatError, match=words):
        snnhub.load(path)


def test_the_adapter_keeps_every_number() -> None:
    """Layers in one row: weights in units of the first iscale, currents as they are stored."""
    graph = random_graph(5)
    found, _ = adapted(graph, REGISTRY)
    assert found is not None
    for link in found.shape.links:
        matrix = found.network.w_in if link.source == "input" else found.network.w_rec
        held = matrix[found.shape.rows(link), found.shape.columns(link.target)]
        iscale = found.iscale[found.shape.columns(link.target)] / found.network.iscale
        np.testing.assert_allclose(held, graph.node[link.id].param["weight"].array.T * iscale, rtol=1e-12)
    rates = counted(graph, graph, found.shape, raster(50, 1, graph.inputs[0].shape[0]), REGISTRY)
    assert all((a == b).all() for a, b in rates.values())
