"""Rockpool's saved files, read without Rockpool: what is believed, what is asked for, what is refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import snnhub
from snnhub.api.options import ImportOptions
from snnhub.cli.main import invoke
from snnhub.codes import CODES
from snnhub.engine.reference import prepare
from snnhub.errors import FormatError, UnsupportedError, UsageError
from snnhub.hub.catalogue import detect
from snnhub.hub.loader import load
from snnhub.ir.graph import Decoder, Graph
from snnhub.ir.tensor import Array
from snnhub_rockpool.decays import from_dash, from_shift, from_tau
from snnhub_rockpool.importer import import_model

from tests.conftest import SHARED
from tests.networks.rockpool_files import (
    Module,
    counts,
    dropout,
    exp_syn,
    lif,
    linear,
    synnet,
    text,
    turned,
    write,
)

F = np.float32
SHIFT_EXACT = 0.003476059501913853
"""A time constant whose decay is 0.75 both ways, at steps of 1 ms."""


def imported(tmp_path: Path, net: Module, **given: str) -> Graph:
    return import_model(write(tmp_path / "net.json", net), ImportOptions(given=given))


def refused(tmp_path: Path, net: Module, **given: str) -> UnsupportedError:
    with pytest.raises(UnsupportedError) as caught:
        imported(tmp_path, net, **given)
    assert caught.value.exit_code == 4
    return caught.value


def codes(graph: Graph | UnsupportedError) -> set[str]:
    return {finding.code for finding in graph.findings}


def pair(size: int = 5, **changed: Any) -> Module:
    return {"0_LinearTorch": linear(4, size), "1_LIFTorch": lif(size, **changed)}


def test_default_names_are_believed_whatever_their_order_in_the_file(tmp_path: Path) -> None:
    inner = {"0_LinearTorch": linear(5, 5, bias=True), "1_LIFBitshiftTorch": lif(5)}
    net = {**pair(), "2_TimeStepDropout": dropout(), "3_TorchResidual": inner, "4_ExpSynTorch": exp_syn(5)}
    one, other = imported(tmp_path, net), imported(tmp_path, turned(net))
    assert one.network() == other.network()
    assert [(node.id, node.op) for node in one.nodes] == [
        ("0_LinearTorch", "core.Dense"),
        ("1_LIFTorch", "core.MultiSpikeLIF"),
        ("3_TorchResidual/0_LinearTorch", "core.Dense"),
        ("3_TorchResidual/1_LIFBitshiftTorch", "core.MultiSpikeLIF"),
        ("3_TorchResidual", "core.Add"),
        ("4_ExpSynTorch", "core.ExpSyn"),
    ]
    assert one.dt == 0.001
    assert {"SNN-3005", "SNN-3202", "SNN-3210"} == codes(one)
    assert one.node["1_LIFTorch"].origin.path == "1_LIFTorch"
    assert "0.001" in one.node["1_LIFTorch"].param["alpha"].recipe


def test_the_class_decides_about_the_decay(tmp_path: Path) -> None:
    """Equal files but for one name: exp(-dt/tau), or the nearest shift. tau is 4 dt: 0.7788 against 0.75."""
    alphas = []
    for name in ("LIFTorch", "LIFBitshiftTorch"):
        net = {"0_LinearTorch": linear(4, 5), f"1_{name}": lif(5, tau_mem=0.004)}
        alphas.append(float(imported(tmp_path, net).node[f"1_{name}"].param["alpha"].array))
    assert alphas == [pytest.approx(0.7788, abs=1e-4), 0.75]


def test_decays_are_computed_as_torch_does() -> None:
    tau = np.array([0.02, 0.0014426950408889634, np.inf, 0.0], F)
    reciprocal = (F(1) / tau[:2]) * F(-0.001)
    np.testing.assert_array_equal(from_tau(tau, 0.001)[:2], np.exp(reciprocal.astype(float)).astype(F))
    np.testing.assert_array_equal(from_tau(tau, 0.001)[2:], [1, 0])
    np.testing.assert_array_equal(
        from_shift(np.array([0.0005, 0.002, 0.0029], F), 0.001), np.array([0, 0.5, 0.75], F)
    )
    np.testing.assert_array_equal(from_dash(np.array([1, 3], F)), np.array([0.5, 0.875], F))


@pytest.mark.parametrize(
    ("mode", "values", "alpha", "beta"),
    [
        ("decays", {"alpha": 0.5, "beta": np.full((5, 1), 0.25, F)}, 0.5, 0.25),
        ("bitshifts", {"dash_mem": np.full(5, 2.0, F), "dash_syn": 1.0}, 0.75, 0.5),
    ],
)
def test_every_way_to_say_a_decay(
    tmp_path: Path, mode: str, values: dict[str, Any], alpha: float, beta: float
) -> None:
    node = imported(tmp_path, pair(leak_mode=mode, tau_mem=None, tau_syn=None, **values)).node["1_LIFTorch"]
    assert (float(node.param["alpha"].array), float(node.param["beta"].array)) == (alpha, beta)


def test_synnet_is_known_by_its_names(tmp_path: Path) -> None:
    graph = imported(tmp_path, synnet(6, 8, 7, 3, drops=True))
    order = ["0_linear", "0_neurons", "1_linear", "1_neurons", "out_linear", "out_neurons"]
    assert [node.id for node in graph.nodes] == [f"seq/{name}" for name in order]
    assert graph.decoder == Decoder("sum")
    assert [finding.place for finding in graph.findings if finding.code == "SNN-3005"] == [
        "seq/0_dropout",
        "seq/1_dropout",
    ]
    assert graph.node["seq/out_neurons"].attribute["max_spikes"] == 1
    # the neurons of a SynNet may be of the other class: the finding has both decays
    slow = synnet(6, 8, 3)
    slow["seq"]["0_neurons"] = lif(8, tau_mem=0.004, tau_syn=SHIFT_EXACT)
    words = [f.message for f in imported(tmp_path, slow).findings if f.code == "SNN-3202"]
    assert any("alpha 0.75 instead of 0.7788" in message for message in words)


def test_membrane_potentials_as_output_are_told_by_the_threshold(tmp_path: Path) -> None:
    graph = imported(tmp_path, synnet(6, 8, 3, vmem=True))
    assert graph.decoder == Decoder("mean", quantity="seq/out_neurons/vmem")
    assert "SNN-3209" in codes(graph)
    result = snnhub.run(tmp_path / "net.json", counts(30, 5, 6))
    assert result.decisions is not None
    mean = result.recording["seq/out_neurons/vmem"].mean(axis=0)
    np.testing.assert_array_equal(result.decisions.winners, mean.argmax(axis=-1))
    assert (result.spikes["output"], result.decisions.ties) == (0, 0)
    said = imported(tmp_path, synnet(6, 8, 3, vmem=True), output="spikes")
    assert said.decoder == Decoder("sum")
    assert "SNN-3209" not in codes(said)
    assert imported(tmp_path, pair(), output="vmem").decoder == Decoder("mean", quantity="1_LIFTorch/vmem")
    assert "SNN-3209" in codes(refused(tmp_path, {"0_LinearTorch": linear(3, 2)}, output="vmem"))
    with pytest.raises(UsageError, match="unknown output"):
        imported(tmp_path, pair(), output="both")


def test_what_the_file_leaves_open_is_asked_for_and_the_answer_is_taken(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    block = {"w": linear(5, 5), "act": lif(5, tau_mem=0.004, tau_syn=SHIFT_EXACT)}
    net = {"fc": linear(4, 5), "out": lif(5), "blk": block}
    problem = refused(tmp_path, net)
    assert {finding.place for finding in problem.findings} >= {"out", "blk", "blk/act"}
    assert any("alpha 0.75 instead of 0.7788" in finding.message for finding in problem.findings)
    assert invoke(["inspect", str(tmp_path / "net.json")]) == 4
    capsys.readouterr()
    given = json.loads(problem.remedy[problem.remedy.index("{") :])
    assert given["output"] == "spikes"
    assert {entry["path"] for entry in given["net"]} == {"fc", "out", "blk"}
    choices = {entry["path"]: entry for entry in given["net"]}
    assert choices["out"]["class"] == "LIFTorch|LIFBitshiftTorch"
    assert choices["blk"]["class"] == "TorchSequential|TorchResidual"
    structure = tmp_path / "S.json"
    structure.write_text(json.dumps(given))
    unedited = refused(tmp_path, net, structure=str(structure))
    assert any("still leaves the choice" in finding.message for finding in unedited.findings)
    choices["out"]["class"] = "LIF"
    choices["blk"] |= {"class": "Residual"}
    choices["blk"]["of"] = [{"path": "blk/w", "class": "Linear"}, {"path": "blk/act", "class": "LIFBitshift"}]
    given["net"] = [choices[name] for name in ("fc", "out", "blk")]
    structure.write_text(json.dumps(given))
    graph = imported(tmp_path, net, structure=str(structure))
    assert [node.id for node in graph.nodes] == ["fc", "out", "blk/w", "blk/act", "blk"]
    assert float(graph.node["blk/act"].param["alpha"].array) == 0.75
    assert invoke(["inspect", str(tmp_path / "net.json"), "--option", f"structure={structure}"]) == 0
    assert invoke(["inspect", str(tmp_path / "net.json"), "--structure", str(structure)]) == 0


def test_a_structure_file_names_every_module_once(tmp_path: Path) -> None:
    net = {"a": linear(4, 5), "b": lif(5)}
    entry = {"path": "a", "class": "Linear"}
    structure = tmp_path / "S.json"
    structure.write_text(json.dumps({"net": [entry, entry, {"path": "c", "class": "LIF"}]}))
    messages = [str(finding) for finding in refused(tmp_path, net, structure=str(structure)).findings]
    for place, words in (("a", "listed twice"), ("c", "not in the file"), ("b", "not in the structure file")):
        assert any(place in message and words in message for message in messages)
    structure.write_text(json.dumps({"net": [{"path": "a", "class": "LIF"}, {"path": "b", "class": "LIF"}]}))
    assert "named LIFTorch" in refused(tmp_path, net, structure=str(structure)).message
    for wrong in ("[]", "{", '{"net": 1}', '{"net": [{"path": "a"}]}', '{"net": [], "more": 1}'):
        structure.write_text(wrong)
        with pytest.raises(FormatError):
            imported(tmp_path, net, structure=str(structure))
    with pytest.raises(UsageError):
        imported(tmp_path, net, structure=str(tmp_path / "none.json"))


@pytest.mark.parametrize(
    ("net", "place"),
    [
        ({"0_LinearTorch": linear(4, 5), "1_LIFTorch": lif(6)}, "1_LIFTorch"),
        ({"0_LinearTorch": linear(4, 5), "1_LinearTorch": linear(6, 5)}, "1_LinearTorch"),
        ({"0_LinearTorch": linear(4, 5), "1_LIFTorch": lif(5, threshold=np.ones(4, F))}, "1_LIFTorch"),
        ({"0_LinearTorch": linear(4, 5), "1_LIFTorch": lif(5, w_rec=np.zeros((5, 6), F))}, "1_LIFTorch"),
        ({"0_TorchResidual": {"0_LinearTorch": linear(4, 5)}}, "0_TorchResidual"),
        ({"0_LinearTorch": linear(4, 5), "1_ExpSynTorch": exp_syn(3)}, "1_ExpSynTorch"),
    ],
    ids=["neurons", "weights", "thresholds", "recurrence", "residual", "synapses"],
)
def test_sizes_must_chain(tmp_path: Path, net: Module, place: str) -> None:
    """Rockpool loads a weight (3, 4) into a module (3, 9) without a word."""
    assert ("SNN-3208", place) in {(f.code, f.place) for f in refused(tmp_path, net).findings}


def test_everything_that_is_wrong_is_told_at_once(tmp_path: Path) -> None:
    net = {
        "0_LinearTorch": {"weight": text(np.array([[np.nan, 1.0]] * 4))},
        "1_LIFTorch": lif(2, max_spikes_per_dt=np.inf),
        "2_LinearTorch": linear(2, 3),
        "3_LIFTorch": lif(3, threshold=np.array([1.0, 0.0, -1.0])),
        "4_LinearTorch": linear(3, 3),
        "5_LIFTorch": lif(3, noise_std=0.1),
        "6_LIFTorch": lif(3, tau_syn=-0.01, max_spikes_per_dt=2.5),
    }
    path = write(tmp_path / "net.json", net)
    assert "NaN" in path.read_text()
    assert "Infinity" in path.read_text()
    found = {(finding.code, finding.place) for finding in refused(tmp_path, net).findings}
    assert found == {
        ("SNN-3207", "0_LinearTorch/weight"),
        ("SNN-3204", "1_LIFTorch"),
        ("SNN-3205", "3_LIFTorch/threshold"),
        ("SNN-3206", "5_LIFTorch"),
        ("SNN-3207", "6_LIFTorch/tau_syn"),
        ("SNN-3204", "6_LIFTorch"),
    }


def test_recurrence_that_is_not_declared_acts_all_the_same(tmp_path: Path) -> None:
    """Rockpool's simulation uses w_rec although has_rec is false (132 spikes became 1,958,007)."""
    w_rec = np.zeros((5, 5), F)
    w_rec[1, 3] = 0.5
    graph = imported(tmp_path, pair(w_rec=w_rec))
    assert "SNN-3203" in codes(graph)
    np.testing.assert_array_equal(graph.node["1_LIFTorch/rec"].param["weight"].array, w_rec.T)
    declared = imported(tmp_path, pair(w_rec=w_rec, _has_rec=True))
    assert "SNN-3203" not in codes(declared)
    assert declared.network() == graph.network()
    assert "1_LIFTorch/rec" not in imported(tmp_path, pair()).node


def test_an_exodus_neuron_is_not_a_lif_neuron(tmp_path: Path) -> None:
    bias = np.full(3, 0.25, F)
    net = {"0_LinearTorch": linear(4, 6), "1_LIFExodus": lif(3, 2, bias=bias)}
    graph = imported(tmp_path, net)
    assert "SNN-3211" in codes(graph)
    assert float(graph.node["1_LIFExodus"].param["bias"].array) == 0.5
    net["1_LIFExodus"] = lif(3, 2, w_rec=np.ones((3, 6), F), _has_rec=True)
    assert "SNN-3211" in codes(refused(tmp_path, net))


@pytest.mark.parametrize("name", ["1_LowPassTorch", "1_aLIFTorch"])
def test_classes_that_are_not_held_are_named(tmp_path: Path, name: str) -> None:
    net = {"0_LinearTorch": linear(4, 5), name: {**lif(5), "tau_ahp": text(0.01)}}
    assert ("SNN-3002", name) in {(f.code, f.place) for f in refused(tmp_path, net).findings}


def rockpool_in_numpy(net: Module, x: Array) -> dict[str, Array]:
    """Linear, LIF with two synapses and recurrence, and a residual block of Linear and LIF: their own loop."""

    def get(module: Module, name: str) -> Array:
        return np.asarray(json.loads(module[name]), F)

    one, two = net["1_LIFTorch"], net["2_TorchResidual"]["1_LIFTorch"]
    state = [np.zeros((x.shape[1], 5, 2), F), np.zeros((x.shape[1], 5), F), np.zeros((x.shape[1], 5), F)]
    inner = [np.zeros((x.shape[1], 5, 1), F), np.zeros((x.shape[1], 5), F), np.zeros((x.shape[1], 5), F)]

    def step(module: Module, st: list[Array], arrived: Array) -> Array:
        shape = st[0].shape
        isyn = st[0] + arrived.reshape(shape)
        isyn = isyn + (st[2] @ get(module, "w_rec")).reshape(shape)
        isyn = isyn * from_tau(get(module, "tau_syn"), 0.001)
        h = st[1] * from_tau(get(module, "tau_mem"), 0.001) + isyn.sum(-1) + get(module, "bias")
        n = np.minimum(np.where(h >= 1, np.floor(h), 0), 31).astype(F)
        st[:] = [isyn, h - n, n]
        return n

    out: dict[str, list[Array]] = {"1_LIFTorch/s": [], "output": []}
    for values in x:
        first = step(one, state, values @ get(net["0_LinearTorch"], "weight"))
        arrived = first @ get(net["2_TorchResidual"]["0_LinearTorch"], "weight")
        second = step(two, inner, arrived + get(net["2_TorchResidual"]["0_LinearTorch"], "bias"))
        out["1_LIFTorch/s"].append(first)
        out["output"].append(first + second)
    return {key: np.stack(arrays) for key, arrays in out.items()}


def test_a_network_with_synapses_recurrence_and_residual_computes_what_rockpool_does(tmp_path: Path) -> None:
    """Weights are on a grid, so every sum is exact; columns of weights are neuron-major."""
    w_rec = np.rint(np.random.default_rng(5).normal(0, 4, (5, 10))).astype(F) / 16
    tau_syn = np.tile(np.array([[0.002, 0.03]], F), (5, 1))
    net = {
        "0_LinearTorch": linear(4, 10, seed=3),
        "1_LIFTorch": lif(5, 2, w_rec=w_rec, _has_rec=True, tau_syn=tau_syn, bias=np.full(5, 0.125, F)),
        "2_TorchResidual": {"0_LinearTorch": linear(5, 5, bias=True), "1_LIFTorch": lif(5)},
    }
    graph, x = imported(tmp_path, net), counts(60, 3, 4)
    wanted = rockpool_in_numpy(net, x)
    found, _ = prepare(graph).run(x, record=list(wanted))
    for key, array in wanted.items():
        np.testing.assert_array_equal(found[key], array, err_msg=key)
    assert wanted["1_LIFTorch/s"].sum() > 200
    assert wanted["output"].max() > 3
    assert "SNN-3212" in codes(graph)


def test_synapses_without_weights_before_them_take_features_by_turns(tmp_path: Path) -> None:
    net = {"0_LIFTorch": lif(3, 2, tau_syn=np.tile(np.array([[0.002, 0.02]], F), (3, 1)))}
    graph = imported(tmp_path, net)
    assert graph.inputs[0].shape == (6,)
    assert "SNN-3215" in codes(graph)
    x = np.zeros((1, 1, 6), F)
    x[..., 3] = 1  # synapse 1 of neuron 1
    found, _ = prepare(graph).run(x, record=["0_LIFTorch/isyn", "0_LIFTorch/isyn2"])
    assert not found["0_LIFTorch/isyn"].any()
    assert np.flatnonzero(found["0_LIFTorch/isyn2"]).tolist() == [1]


def test_steps_of_different_length_are_told(tmp_path: Path) -> None:
    graph = imported(tmp_path, {**pair(), "2_LinearTorch": linear(5, 5), "3_LIFTorch": lif(5, dt=0.002)})
    assert graph.dt is None
    assert "SNN-3213" in codes(graph)


@pytest.mark.parametrize(
    "content",
    [
        "",
        "[1]",
        "{}",
        '{"a": {"weight": "[[1], [1, 2]]"}}',
        '{"a": {"weight": "[["}}',
        '{"a": {"weight": "[1]"}, "a": {}}',
        '{"a/b": {"weight": "[[1]]"}}',
        '{"a":' * 60 + "{}" + "}" * 60,
        '{"a": {"weight": "[[\\"x\\"]]"}}',
    ],
)
def test_broken_files_are_refused(tmp_path: Path, content: str) -> None:
    path = tmp_path / "net.json"
    path.write_text(content)
    with pytest.raises((FormatError, UnsupportedError)):
        import_model(path, ImportOptions())


@pytest.mark.parametrize(
    "values", [{"dt": "x"}, {"dt": True}, {"dt": 0.0}, {"max_spikes_per_dt": "x"}, {"bias": "b"}]
)
def test_parameters_that_are_no_numbers_are_refused(tmp_path: Path, values: dict[str, Any]) -> None:
    assert codes(refused(tmp_path, pair(**values))) <= {"SNN-3204", "SNN-3207"}
    assert codes(refused(tmp_path, pair(leak_mode="slow"))) <= {"SNN-3207", "SNN-3201"}


def test_files_are_known_by_content(tmp_path: Path) -> None:
    assert detect(write(tmp_path / "net.snn", pair())).name == "rockpool"
    assert detect(write(tmp_path / "dense.bin", {"0_LinearTorch": linear(4, 5)})).name == "rockpool"
    assert snnhub.inspect(tmp_path / "net.snn").importer == "rockpool"
    other = tmp_path / "other.json"
    other.write_text('{"weight": [1, 2]}')
    with pytest.raises(UnsupportedError):
        detect(other)


def test_a_factory_without_a_name_still_goes_to_spikingjelly() -> None:
    """Rockpool is asked for by name: --from rockpool."""
    from snnhub.api.source import resolve

    assert resolve("model.py:net", "rockpool").importer.name == "rockpool"
    implied = [item.name for item in load().importers.values() if item.live and item.implied]
    assert implied == ["spikingjelly"]


def test_the_trained_synnet_of_the_documentation(tmp_path: Path) -> None:
    path = SHARED / "rockpool" / "to_deploy_inXylo.json"
    if not path.is_file():
        pytest.skip(f"{path} is not here")
    graph = snnhub.load(path)
    assert graph.inputs[0].shape == (16,)
    assert graph.dt == 0.009994
    weights = [node.param["weight"].shape for node in graph.nodes if node.op == "core.Dense"]
    assert weights == [(63, 16), (63, 63), (63, 63), (4, 63)]
    betas = graph.node["seq/0_neurons"].param["beta"].array
    np.testing.assert_allclose(np.unique(betas.round(5)), [0.5, 0.75, 0.875], atol=1e-5)
    assert graph.node["seq/out_neurons"].attribute["max_spikes"] == 1
    with np.load(SHARED / "rockpool" / "rasters.npz") as rasters:
        x = np.stack([rasters[f"test_poisson_{k}"] for k in range(3)], axis=1)
    result = snnhub.run(path, x, record=["seq/0_neurons/s", "output"])
    assert result.spikes["seq/0_neurons/s"] > 10_000


def test_every_code_of_this_importer_is_tested_here() -> None:
    own = {code for code in CODES if code.startswith("SNN-32")}
    live = (Path(__file__).parents[1] / "differential").glob("test_rockpool*.py")
    text_ = "".join(path.read_text() for path in (Path(__file__), *live))
    assert [code for code in sorted(own) if code not in text_] == []
