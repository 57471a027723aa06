"""Failing pieces: planted faults are cut down to the layer, neuron, inputs and steps that show them."""

from __future__ import annotations

import json
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import snnhub
from snnhub.api.repro import ReproResult, repro, repro_again
from snnhub.api.request import RunRequest
from snnhub.cli.main import invoke
from snnhub.compare.isolate import recorded_sources, with_isolated
from snnhub.compare.piece import Piece, sizes
from snnhub.compare.shrink import Shrinker
from snnhub.compare.slices import one_of, one_place, prefix, some_inputs, without_flatten
from snnhub.compare.verdict import judge
from snnhub.engine.reference import prepare
from snnhub.errors import CheckFailedError, FormatError, UnsupportedError, UsageError
from snnhub.hub.loader import load
from snnhub.hub.objects import Runner
from snnhub.ir.builder import GraphBuilder
from snnhub.ir.graph import TERMINAL_PORT, Graph, Match, Port
from snnhub.ir.numtype import SPIKE
from snnhub.ir.recording import Recording
from snnhub.ir.tensor import smallest_integer
from snnhub.ops.registry import REGISTRY
from snnhub.passes.base import PassContext, run_passes
from snnhub_formats.bundle import open_bundle
from snnhub_formats.container import save
from snnhub_netx.arrange import passes

from tests.build import conv, cuba, dense, loihi_mlp, mlp, spikes

SIZES = (6, 8, 8, 4)
VTH = 65
"""Odd, since the weights are even: one more makes a difference."""


def changed(graph: Graph, node: str, **params: Any) -> Graph:
    """The graph with other parameters of one node."""
    nodes = tuple(n.with_params(**params) if n.id == node else n for n in graph.nodes)
    return replace(graph, nodes=nodes)


def with_higher_threshold(graph: Graph, node: str, neuron: int, by: int = 1) -> Graph:
    """The planted fault: one neuron of a layer has a threshold that is ``by`` larger."""
    size = graph.node[node.replace("n", "fc")].param["weight"].shape[0]
    thresholds = np.full(size, VTH)
    thresholds[neuron] += by
    return changed(graph, node, vThMant=smallest_integer(thresholds))


@pytest.fixture
def pair(tmp_path: Path) -> tuple[Path, Path]:
    """A network of three layers, and the same with one threshold in the middle one higher by 1."""
    good = loihi_mlp(SIZES, seed=2, vth=VTH)
    save(good, tmp_path / "good.snn")
    save(with_higher_threshold(good, "n1", 3), tmp_path / "bad.snn")
    return tmp_path / "good.snn", tmp_path / "bad.snn"


def cut(a: Any, b: Any, x: Any, folder: Path, **options: Any) -> ReproResult:
    return repro(a, b, stimulus=x, output=folder / "bug.zip", **options)


def test_a_threshold_of_one_neuron_is_cut_down_to_that_neuron(pair: tuple[Path, Path], tmp_path: Path) -> None:
    x = spikes((60, 20, 6), seed=3)
    result = cut(*pair, x, tmp_path)
    assert result.found.key.startswith("n1/")
    assert result.found.index == (3,)
    assert result.before["layers"] == 3
    assert result.before["samples"] == 20
    assert result.after["layers"] == 1
    assert result.after["nodes"] == 2
    assert result.after["samples"] == 1
    assert result.after["steps"] <= 4
    assert result.after["inputs"] <= 4
    assert result.other == "network"
    again = repro_again(tmp_path / "bug.zip")
    assert again.fails
    assert again.same
    with open_bundle(tmp_path / "bug.zip") as bundle:
        a, b = bundle.graphs["a"], bundle.graphs["b"]
        assert [node.id for node in a.nodes] == ["fc1", "n1"]
        assert a.node["fc1"].param["weight"].shape[0] == 1
        assert a.node["n1"].param["vThMant"].array.reshape(-1).tolist() == [VTH]
        assert b.node["n1"].param["vThMant"].array.reshape(-1).tolist() == [VTH + 1]
        assert a.node["fc1"].param["weight"].sha256 == b.node["fc1"].param["weight"].sha256
        assert bundle.recordings["a"]["n1/v"].shape[0] == result.after["steps"]
        for name in ("numpy", "snnhub"):
            assert any(line["name"] == name for line in bundle.facts["versions"])


def test_the_same_archive_for_the_same_case(pair: tuple[Path, Path], tmp_path: Path) -> None:
    x = spikes((60, 20, 6), seed=3)
    cut(*pair, x, tmp_path)
    first = (tmp_path / "bug.zip").read_bytes()
    cut(*pair, x, tmp_path)
    assert (tmp_path / "bug.zip").read_bytes() == first


def test_nothing_differs(pair: tuple[Path, Path], tmp_path: Path) -> None:
    with pytest.raises(CheckFailedError, match="nothing differs"):
        cut(pair[0], pair[0], spikes((20, 6)), tmp_path)
    assert not (tmp_path / "bug.zip").exists()
    with pytest.raises(UsageError, match="second network or with a runner"):
        repro(pair[0], stimulus=spikes((20, 6)), output=tmp_path / "bug.zip")


def test_a_conversion_is_cut_down_across_its_lag(tmp_path: Path) -> None:
    """Float against lowered integers: other names of inputs, other types, each layer a step later."""
    graph, x = mlp((10, 12, 12, 4), seed=3), spikes((30, 8, 10), seed=5)
    save(graph, tmp_path / "net.snn")
    snnhub.convert(tmp_path / "net.snn", to="netx", output=tmp_path / "net.net")
    assert not snnhub.verify(tmp_path / "net.snn", tmp_path / "net.net", stimulus=x, expect="spikes+lag").passed
    result = cut(tmp_path / "net.snn", tmp_path / "net.net", x, tmp_path)
    assert result.after["layers"] == 1
    assert result.after["inputs"] < result.before["inputs"]
    assert result.after["steps"] <= result.before["steps"]
    assert repro_again(tmp_path / "bug.zip").same


def image(seed: int = 0, vth: int = VTH) -> Graph:
    """A convolution of spikes and a dense layer, with flattening between them."""
    random = np.random.default_rng(seed)
    builder = GraphBuilder("image", REGISTRY)
    port = builder.input((2, 7, 6), SPIKE)
    kernel = (2 * random.integers(-20, 40, (3, 2, 3, 3))).astype(np.int16)
    port = conv(builder, "conv", port, kernel, delay=1, padding=(1, 1), stride=(2, 1))
    port = cuba(builder, "n0", port, vth=vth)
    port = builder.node("flat", "core.Flatten", port, start=0, end=2)
    weight = (2 * random.integers(-4, 7, (5, 3 * 4 * 6))).astype(np.int16)
    builder.output(cuba(builder, "n1", dense(builder, "fc", port, weight, delay=1), vth=vth))
    return builder.graph()


@pytest.mark.parametrize("node", ["n0", "n1"])
def test_convolutions_and_flattened_layers(node: str, tmp_path: Path) -> None:
    good, x = image(), spikes((40, 12, 2, 7, 6), 0.2)
    save(good, tmp_path / "a.snn")
    save(changed(good, node, vThMant=smallest_integer(np.asarray(VTH + 1))), tmp_path / "b.snn")
    result = cut(tmp_path / "a.snn", tmp_path / "b.snn", x, tmp_path)
    assert result.after["nodes"] == 2
    assert result.after["layers"] == 1
    assert result.after["steps"] <= 5
    assert result.after["inputs"] <= 24
    assert repro_again(tmp_path / "bug.zip").same
    with open_bundle(tmp_path / "bug.zip") as bundle:
        assert bundle.recordings["a"][f"{node}/s"].size == result.after["steps"]


def test_slices_compute_the_same_numbers() -> None:
    """Every slice of a graph, over an input that fits, gives what the whole gives there."""
    graph, x = image(3), spikes((12, 2, 2, 7, 6), 0.4)
    keys = ["n0/s", "n0/v", "n1/s", "n1/v", "flat/y"]
    whole, _ = prepare(graph).run(x, record=keys)
    first = prefix(graph, Port("n0", "s"))
    assert {node.id for node in first.nodes} == {"conv", "n0"}
    channel = one_of(first, "n0", 2, REGISTRY)
    assert channel is not None
    one, _ = prepare(channel).run(x, record=["n0/v"])
    np.testing.assert_array_equal(one["n0/v"], whole["n0/v"][:, :, 2:3])
    for place in ((0, 0), (2, 3), (3, 5)):
        found = one_place(channel, "n0", place, REGISTRY)
        assert found is not None
        small, window = found
        assert np.prod(window.size) == 9
        at, _ = prepare(small).run(window.of(x), record=["n0/v"])
        np.testing.assert_array_equal(at["n0/v"][..., 0, 0], whole["n0/v"][:, :, 2:3, place[0], place[1]])
    assert one_of(graph, "n0", 0, REGISTRY) is None
    assert one_place(graph, "n0", (0, 0), REGISTRY) is None
    second = [edge for edge in graph.edges if edge.dst.node in ("flat", "fc", "n1", "output")]
    source = replace(graph.inputs[0], id="in0", shape=(3, 4, 6))
    edges = tuple(replace(e, src=Port("in0", "x")) if e.dst.node == "flat" else e for e in second)
    nodes = tuple(node for node in graph.nodes if node.id in ("flat", "fc", "n1"))
    tail = without_flatten(replace(graph, nodes=nodes, edges=edges, inputs=(source,)), REGISTRY)
    assert tail is not None
    assert [node.id for node in tail.nodes] == ["fc", "n1"]
    keep = [0, 5, 9, 40]
    values = np.zeros_like(whole["flat/y"])
    values[:, :, keep] = whole["flat/y"][:, :, keep]
    few = some_inputs(tail, "in0", keep)
    assert few is not None
    left, _ = prepare(tail).run(values, record=["n1/v"])
    right, _ = prepare(few).run(values[:, :, keep], record=["n1/v"])
    np.testing.assert_array_equal(left["n1/v"], right["n1/v"])


def faulty(request: RunRequest) -> Recording:
    """A runner with a fault: the fourth neuron of layer n1 needs one more to fire."""
    graph = request.graph
    node = graph.node.get("n1")
    if node is not None:
        thresholds = np.array(np.broadcast_to(node.param["vThMant"].array, _elements(graph)))
        thresholds[min(3, len(thresholds) - 1)] += 1
        graph = changed(graph, "n1", vThMant=smallest_integer(thresholds))
    plan = prepare(graph)
    keys = plan.record_keys() if "*" in request.record else request.record
    found, _ = plan.run(request.stimulus.values, record=keys, steps=request.length)
    return replace(found, batched=True)


def _elements(graph: Graph) -> tuple[int, ...]:
    return (graph.node["fc1"].param["weight"].shape[0],)


def fussy(request: RunRequest) -> Recording:
    """The same fault in a runner that takes whole networks only."""
    if "fc0" not in request.graph.node:
        raise UnsupportedError("takes whole networks only")
    return faulty(request)


@pytest.fixture
def runners(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two faulty runners: one takes graphs, the other only what an importer here calls its own."""
    monkeypatch.setitem(load().runners, "faulty", Runner("faulty", "", f"{__name__}:faulty"))
    monkeypatch.setitem(load().runners, "fussy", Runner("fussy", "", f"{__name__}:fussy", takes="snn"))


def test_a_runner_of_graphs_runs_every_piece(
    pair: tuple[Path, Path], tmp_path: Path, runners: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    result = cut(pair[0], None, spikes((40, 6, 6), seed=3), tmp_path, against="faulty")
    assert result.other == "runner"
    assert result.after["layers"] == 1
    assert result.after["steps"] <= 5
    again = repro_again(tmp_path / "bug.zip")
    assert (again.fails, again.same, again.other) == (True, True, "runner")
    monkeypatch.delitem(load().runners, "faulty")
    without = repro_again(tmp_path / "bug.zip")
    assert (without.fails, without.same, without.other) == (True, True, "recording")
    assert [finding.code for finding in without.findings] == ["SNN-5112"]
    monkeypatch.setitem(load().runners, "faulty", Runner("faulty", "", "snnhub.api.neutral:run_engine"))
    repaired = repro_again(tmp_path / "bug.zip")
    assert not repaired.fails
    assert invoke(["repro", "--again", str(tmp_path / "bug.zip")]) == 0


def test_a_runner_that_takes_no_parts_is_replaced_by_its_recording(
    pair: tuple[Path, Path], tmp_path: Path, runners: None
) -> None:
    result = cut(pair[0], None, spikes((40, 6, 6), seed=3), tmp_path, against="fussy")
    assert result.other == "recording"
    assert result.after["layers"] == 1
    assert result.after["nodes"] == 2
    assert [finding.code for finding in result.findings] == ["SNN-5112"]
    again = repro_again(tmp_path / "bug.zip")
    assert (again.fails, again.same) == (True, True)


def test_verify_isolate_tells_who_adds_errors_from_who_inherits_them(tmp_path: Path) -> None:
    good, x = loihi_mlp(SIZES, seed=2, vth=VTH), spikes((30, 4, 6))
    save(good, tmp_path / "good.snn")
    save(with_higher_threshold(good, "n1", 3, by=100), tmp_path / "bad.snn")
    plain = snnhub.verify(tmp_path / "good.snn", tmp_path / "bad.snn", stimulus=x, expect="bounded")
    assert {row.alone for row in plain.verdict.rows} == {None}
    result = snnhub.verify(tmp_path / "good.snn", tmp_path / "bad.snn", stimulus=x, isolate=True)
    rows = {row.a_key: row for row in result.verdict.rows}
    assert (rows["n0/s"].overlap, rows["n0/s"].alone) == (1.0, 1.0)
    assert rows["n1/s"].overlap == rows["n1/s"].alone
    assert (rows["n1/s"].overlap or 1) < 1
    assert (rows["n2/s"].overlap or 1) < 1
    assert rows["n2/s"].alone == 1.0
    assert result.verdict.first is not None
    assert result.verdict.first.alone is True
    with pytest.raises(UsageError, match="reference engine"):
        snnhub.verify(tmp_path / "good.snn", stimulus=x, against="engine", engine="torch", isolate=True)


def test_verify_isolate_against_a_runner(
    tmp_path: Path, runners: None, capsys: pytest.CaptureFixture[str]
) -> None:
    good, x = loihi_mlp(SIZES, seed=2, vth=VTH), spikes((40, 6, 6), seed=3)
    save(good, tmp_path / "good.snn")
    np.save(tmp_path / "x.npy", x)
    result = snnhub.verify(tmp_path / "good.snn", stimulus=x, against="faulty", isolate=True)
    rows = {row.a_key: row for row in result.verdict.rows}
    assert rows["n0/s"].alone == 1.0
    assert (rows["n1/s"].alone or 1) < 1
    assert rows["n2/s"].alone == 1.0
    assert (rows["n2/s"].overlap or 1) < 1
    arguments = ["verify", str(tmp_path / "good.snn"), "--against", "faulty", "--input", str(tmp_path / "x.npy")]
    assert invoke([*arguments, "--isolate"]) == 1
    assert "alone" in capsys.readouterr().out.splitlines()[3]
    assert invoke([*arguments, "--json"]) == 1
    assert all(row["alone"] is None for row in json.loads(capsys.readouterr().out)["verdict"]["rows"])


def test_layers_that_nobody_recorded_the_input_of_are_not_tried_alone() -> None:
    graph, x = loihi_mlp(SIZES, seed=2, vth=VTH), spikes((20, 2, 6))
    full, _ = prepare(graph).run(x, record=["n0/s", "n1/s", "n2/s"])
    known = replace(full, arrays={key: full[key] for key in ("n0/s", "n2/s")}, batched=True)
    matches = [Match(Port(name, "s"), Port(name, "s")) for name in ("n0", "n2")]
    from snnhub.compare.align import align

    pairs, _ = align(known, known, matches, frozenset(known), 20)
    found = with_isolated(
        judge(pairs), graph, matches, known, recorded_sources(graph, known, x), REGISTRY, (20, 20)
    )
    assert [row.alone for row in found.rows] == [1.0, None]


def test_the_command(pair: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    np.save(tmp_path / "x.npy", spikes((40, 6, 6), seed=3))
    a, b = map(str, pair)
    x, bug = str(tmp_path / "x.npy"), str(tmp_path / "bug.zip")
    assert invoke(["repro", a, b, "--input", x, "-o", bug]) == 0
    assert "still fails against the second network" in capsys.readouterr().out
    assert invoke(["repro", "--again", bug]) == 1
    assert "still fails, as it was" in capsys.readouterr().out
    assert invoke(["repro", "--again", bug, "--json"]) == 1
    assert json.loads(capsys.readouterr().out)["same"] is True
    assert invoke(["repro", a, b, "--input", x, "-o", bug, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["after"]["layers"] == 1
    with zipfile.ZipFile(bug) as archive:
        text = archive.read("README.md").decode()
    assert "snnhub repro --again bug.zip" in text
    for arguments, words in (
        (["--again", bug, "-o", bug], "nothing else"),
        ([a, b], "missing: --input X.npy, -o BUG.zip"),
        ([a, b, "--input", x, "-o", str(tmp_path / "no" / "bug.zip")], "folder does not exist"),
        (["--again", str(tmp_path / "no.zip")], "no such file"),
    ):
        assert invoke(["repro", *arguments]) == 2
        assert words in capsys.readouterr().err
    assert invoke(["repro", a, a, "--input", x, "-o", bug]) == 1
    assert "nothing differs" in capsys.readouterr().err


def test_hostile_archives(pair: tuple[Path, Path], tmp_path: Path) -> None:
    cut(*pair, spikes((40, 6, 6), seed=3), tmp_path)
    with zipfile.ZipFile(tmp_path / "bug.zip") as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    facts = json.loads(members["repro.json"])

    def refused(words: str, method: int = zipfile.ZIP_STORED, **changes: bytes | None) -> None:
        content = {**members, **{name.replace("__", "/").replace("_dot_", "."): v for name, v in changes.items()}}
        with zipfile.ZipFile(tmp_path / "bad.zip", "w", method) as made:
            for name, data in content.items():
                if data is not None:
                    made.writestr(name, data)
        with pytest.raises(FormatError, match=words):
            repro_again(tmp_path / "bad.zip")

    def told(**changes: Any) -> bytes:
        return json.dumps({**facts, **changes}).encode()

    refused("does not belong", ___dot___dot___evil=b"x")
    refused("does not belong", zipfile.ZIP_DEFLATED)
    refused("not the archive", a_dot_snn=None)
    refused("not JSON", repro_dot_json=b"{")
    refused("not known here", repro_dot_json=told(version=2))
    refused("not the facts", repro_dot_json=told(format="else"))
    refused("wrong kind .found steps", repro_dot_json=told(steps="many"))
    refused("do not fit", repro_dot_json=told(steps=0))
    refused("do not fit", repro_dot_json=told(steps=10**9))
    refused("do not fit", repro_dot_json=told(lag=10**9))
    refused("do not fit", repro_dot_json=told(input_ids=["a", "b"]))
    refused("select", repro_dot_json=told(select=[1]))
    (tmp_path / "bad.zip").write_bytes((tmp_path / "bug.zip").read_bytes()[:500])
    with pytest.raises(FormatError, match="not a readable archive"):
        repro_again(tmp_path / "bad.zip")


def test_an_output_that_sums_two_layers(tmp_path: Path) -> None:
    """The weights behind it are found where they are matched; else only steps and inputs can be left out."""

    def network(weight: int) -> Graph:
        builder = GraphBuilder(f"w{weight}", REGISTRY)
        port = builder.input((3,), SPIKE)
        left = cuba(builder, "p", dense(builder, "fp", port, 80 * np.eye(3, dtype=np.int16)))
        right = dense(builder, "fq", port, np.full((3, 3), weight, np.int16))
        builder.output(left)
        builder.edge(right, Port("output", TERMINAL_PORT))
        return builder.graph()

    save(network(2), tmp_path / "a.snn")
    save(network(4), tmp_path / "b.snn")
    x = np.zeros((10, 3, 3), np.uint8)
    x[6:, 2, 1] = 1
    result = cut(tmp_path / "a.snn", tmp_path / "b.snn", x, tmp_path)
    assert (result.found.sample, result.found.key) == (2, "fq/y")
    assert (result.after["nodes"], result.after["samples"], result.after["steps"]) == (1, 1, 1)
    assert repro_again(tmp_path / "bug.zip").same
    piece = Piece(network(2), network(4), {"input": x[:, 2:]}, "output", "output", 10)
    shrinker = Shrinker(piece, REGISTRY)
    assert shrinker.start().first is not None
    shrinker.shrink(lambda port: None, ())
    assert sizes(shrinker.piece)["steps"] == 1
    assert len(shrinker.piece.a.nodes) == 3


def test_what_counts_as_a_failure(tmp_path: Path) -> None:
    """Potentials may differ while all spikes are equal: only --expect bits makes that a failure."""
    good, x = loihi_mlp(SIZES, seed=2, vth=VTH), spikes((40, 6, 6), seed=3)
    save(good, tmp_path / "a.snn")
    save(changed(good, "n2", vDecay=smallest_integer(np.asarray(1))), tmp_path / "b.snn")
    files = tmp_path / "a.snn", tmp_path / "b.snn"
    bits = cut(*files, x, tmp_path)
    assert bits.found.key == "n2/v"
    assert bits.after["layers"] == 1
    assert repro_again(tmp_path / "bug.zip").same
    with pytest.raises(CheckFailedError, match="all spikes equal"):
        cut(*files, x[: bits.found.step + 1], tmp_path, expect="spikes")
    with pytest.raises(UsageError, match="bits or in spikes"):
        cut(*files, x, tmp_path, expect="decision")


@pytest.mark.parametrize(("node", "change"), [("n0", {"vThMant": VTH + 1}), ("n1", {"vDecay": 100})])
def test_layers_that_a_pass_made_wider(node: str, change: dict[str, int], tmp_path: Path) -> None:
    """A silent neuron was added to n0: its entries, and inputs of n1, are some of those of the other side."""
    good, x = loihi_mlp(SIZES, seed=2, vth=VTH), spikes((60, 20, 6), seed=3)
    good = changed(good, "fc1", weight=smallest_integer(np.full((8, 8), -8)))
    wider = run_passes(good, list(passes()), PassContext())
    place = {match.old: match for match in wider.correspondence}[Port(node, "s")]
    assert {match.select for match in wider.correspondence if match.old.node == "n0"} == {(0, 8)}
    values = {name: smallest_integer(np.asarray(value)) for name, value in change.items()}
    save(good, tmp_path / "a.snn")
    save(changed(wider, place.new.node, **values), tmp_path / "b.snn")
    result = cut(tmp_path / "a.snn", tmp_path / "b.snn", x, tmp_path)
    assert result.found.key.startswith(f"{node}/")
    assert (result.after["nodes"], result.after["layers"]) == (2, 1)
    with open_bundle(tmp_path / "bug.zip") as bundle:
        shapes = {
            name: [tensor.shape for _, tensor in graph.nodes[0].params] for name, graph in bundle.graphs.items()
        }
        assert shapes["a"] == shapes["b"]
        assert shapes["a"][0][0] == 1
    assert repro_again(tmp_path / "bug.zip").same
    isolated = snnhub.verify(tmp_path / "a.snn", tmp_path / "b.snn", stimulus=x, isolate=True, expect="bounded")
    alone = {row.a_key: row.alone for row in isolated.verdict.rows if row.spikes}
    assert alone["n2/s"] == 1.0
    assert (alone["n0/s"] or 1) < 1 if node == "n0" else alone["n0/s"] == 1.0


def test_samples_of_which_only_outputs_were_compared(
    pair: tuple[Path, Path], tmp_path: Path, runners: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """States of many samples do not fit into memory; the sample whose output differs is run again with them."""
    x = spikes((60, 20, 6), seed=3)
    outputs = [snnhub.run(path, x).recording["output"] for path in pair]
    differ = np.flatnonzero((outputs[0] != outputs[1]).any(axis=(0, 2)))
    assert differ.size
    order = [*(i for i in range(20) if i not in differ), *differ]
    monkeypatch.setattr("snnhub.api.sides.STATE_BYTES", 1)
    result = cut(pair[0], None, x[:, order], tmp_path, against="faulty", expect="spikes")
    assert result.found.sample >= 20 - differ.size
    assert result.before["samples"] == 20
    assert (result.after["layers"], result.after["samples"]) == (1, 1)
    assert repro_again(tmp_path / "bug.zip").same
