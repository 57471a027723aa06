"""A conversion measured step by step: stock steps keep their contracts, and a broken one is named."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import snnhub
from snnhub.api import lower as lowering
from snnhub.api.proving import WRITTEN, BrokenPromiseError
from snnhub.cli.main import invoke
from snnhub.compare import proof
from snnhub.engine.reference import prepare
from snnhub.errors import UsageError
from snnhub.hub.objects import Exporter
from snnhub.ir.builder import GraphBuilder
from snnhub.ir.correspondence import identity
from snnhub.ir.graph import Graph
from snnhub.ir.numtype import F32
from snnhub.ir.rung import Rung
from snnhub.ir.tensor import Array, tensor
from snnhub.ops.registry import REGISTRY
from snnhub.passes.base import Applied, Pass, PassContext, PassResult, Promise, run_pass, unchanged
from snnhub_formats.container import save

from tests.build import dense, loihi_mlp, mlp, neurons, spikes

Change = Callable[[PassResult], PassResult]


def grid(layers: Sequence[int] = (8, 12, 6), seed: int = 0) -> Graph:
    """Weights on a grid of eighths: quantisation loses nothing, and sums land on the threshold all the time."""
    random = np.random.default_rng(seed)
    builder = GraphBuilder("grid", REGISTRY)
    port = builder.input((layers[0],), F32)
    for index, (before, after) in enumerate(zip(layers, layers[1:], strict=False)):
        weight = (random.integers(-4, 7, (after, before)) / 8).astype(np.float32)
        port = neurons(builder, f"n{index}", dense(builder, f"d{index}", port, weight))
    builder.output(port)
    return builder.graph()


@pytest.fixture
def source(tmp_path: Path) -> Path:
    save(grid(), tmp_path / "a.snn")
    return tmp_path / "a.snn"


@pytest.fixture
def x() -> Array:
    return spikes((30, 6, 8), 0.5)


def test_every_step_up_to_the_written_file_is_measured(source: Path, x: Array) -> None:
    result = snnhub.convert(source, source.with_suffix(".net"), verify=x)
    assert result.proof is not None
    found = {step.name: (step.promise.rung, step.kept) for step in result.proof.steps if step.promise}
    assert found == {
        "loihi integers": (Rung.SPIKES, True),
        "loihi steps": (Rung.SPIKES_LAG, True),
        "netx layer names": (Rung.BITS, True),
        WRITTEN: (Rung.BITS, True),
    }
    assert all(step.worst is not None and step.worst.overlap == 1.0 for step in result.proof.steps[1:])
    assert result.proof.steps[0].kept is None
    assert "SNN-2302" in {finding.code for finding in result.findings}
    assert source.with_suffix(".net").exists()
    assert list(source.parent.glob(".snnhub-*")) == []


def test_a_measured_file_is_the_file_that_is_written_otherwise(source: Path, x: Array, tmp_path: Path) -> None:
    snnhub.convert(source, tmp_path / "b.net", verify=x)
    snnhub.convert(source, tmp_path / "c.net")
    assert (tmp_path / "b.net").read_bytes() == (tmp_path / "c.net").read_bytes()


def test_every_graph_runs_once(source: Path, x: Array, monkeypatch: pytest.MonkeyPatch) -> None:
    """Source, integers, steps, names: four networks. The file read back is the last of them."""
    runs: list[str] = []

    def counted(graph: Graph, *more: object) -> object:
        runs.append(graph.name)
        return prepare(graph, *more)  # type: ignore[arg-type]

    monkeypatch.setattr("snnhub.compare.proof.prepare", counted)
    snnhub.convert(source, source.with_suffix(".net"), verify=x)
    assert len(runs) == 4


def broken(name: str, change: Change, monkeypatch: pytest.MonkeyPatch) -> None:
    """Put a fault into the stock pass of that name; its contract stays."""
    stock = lowering.passes_for

    def passes_for(exporter: Exporter) -> list[Pass]:
        return [faulty(item, change) if item.name == name else item for item in stock(exporter)]

    monkeypatch.setattr("snnhub.api.convert.passes_for", passes_for)


def faulty(item: Pass, change: Change) -> Pass:
    def run(graph: Graph, context: PassContext) -> PassResult:
        return change(item.run(graph, context))

    return replace(item, run=run)


def weight_off(result: PassResult) -> PassResult:
    """The weights of one input, one quantum (even weights: 2) too small."""
    node = next(node for node in result.graph.nodes if "weight" in node.param)
    values = node.param["weight"].array.copy()
    values[:, 0] -= 2
    return put(result, node.id, "weight", values)


def threshold_off(result: PassResult) -> PassResult:
    node = next(node for node in result.graph.nodes if "vThMant" in node.param)
    return put(result, node.id, "vThMant", node.param["vThMant"].array + 1)


def put(result: PassResult, name: str, parameter: str, values: Array) -> PassResult:
    nodes = tuple(
        node.with_params(**{parameter: tensor(values)}) if node.id == name else node for node in result.graph.nodes
    )
    return replace(result, graph=replace(result.graph, nodes=nodes))


def lag_off(result: PassResult) -> PassResult:
    rows = tuple(replace(row, lag=row.lag + 1) if row.lag else row for row in result.correspondence)
    return replace(result, correspondence=rows)


def swapped(result: PassResult) -> PassResult:
    """The table says that a neuron is its neighbour."""
    one, other = [row.new.node for row in result.correspondence if row.old.name == "s"]
    names = {one: other, other: one}
    rows = tuple(
        replace(row, new=row.new._replace(node=names.get(row.new.node, row.new.node)))
        if row.old.name == "s"
        else row
        for row in result.correspondence
    )
    return replace(result, correspondence=rows)


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("loihi integers", weight_off),
        ("loihi integers", threshold_off),
        ("loihi steps", weight_off),
        ("loihi steps", lag_off),
        ("netx layer names", weight_off),
        ("netx layer names", threshold_off),
        ("netx layer names", swapped),
    ],
)
def test_a_broken_step_is_named_and_nothing_is_written(
    name: str, change: Change, source: Path, x: Array, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken(name, change, monkeypatch)
    target = source.with_suffix(".net")
    target.write_bytes(b"the old file")
    with pytest.raises(BrokenPromiseError) as caught:
        snnhub.convert(source, target, verify=x)
    assert caught.value.exit_code == 1
    assert caught.value.where == name
    assert caught.value.proof.broken is not None
    assert caught.value.proof.broken.name == name
    assert [step.name for step in caught.value.proof.steps if step.kept is False] == [name]
    errors = [finding for finding in caught.value.findings if finding.severity.value == "error"]
    assert [(finding.code, finding.place) for finding in errors] == [("SNN-2301", name)]
    assert target.read_bytes() == b"the old file"
    assert sorted(path.name for path in source.parent.iterdir()) == ["a.net", "a.snn"]


def test_a_writer_that_changes_a_weight_is_named(source: Path, x: Array, monkeypatch: pytest.MonkeyPatch) -> None:
    from snnhub_netx import writer

    honest = writer._write_neuron

    def wrong(group: object, neuron: object) -> None:
        honest(group, neuron)  # type: ignore[arg-type]
        group["vThMant"][()] += 1  # type: ignore[index]

    monkeypatch.setattr(writer, "_write_neuron", wrong)
    with pytest.raises(BrokenPromiseError) as caught:
        snnhub.convert(source, source.with_suffix(".net"), verify=x)
    assert caught.value.where == WRITTEN
    assert not source.with_suffix(".net").exists()


def test_lossy_promises_are_measured_as_they_are(tmp_path: Path) -> None:
    """Random weights: the bound that calibration promises holds on its own data, and the overlap is below 1."""
    save(mlp((9, 24, 8), 3), tmp_path / "a.snn")
    x = spikes((30, 40, 9))
    result = snnhub.convert(tmp_path / "a.snn", tmp_path / "a.net", calibration=x, verify=x)
    assert result.proof is not None
    step = next(step for step in result.proof.steps if step.name == "loihi integers")
    assert step.promise is not None
    assert step.promise.rung is Rung.BOUNDED
    assert step.kept
    assert step.verdict is not None
    assert step.verdict.reached in (Rung.BOUNDED, Rung.SPIKES)
    assert step.worst is not None
    assert step.worst.overlap is not None
    assert step.promise.overlap is not None
    assert step.promise.overlap <= step.worst.overlap < 1


def test_a_step_that_promises_statistics_is_not_measured(source: Path, x: Array) -> None:
    graph = grid()
    applied = Applied("noise", graph, graph, identity(graph, REGISTRY), Promise(Rung.DISTRIBUTION))
    prover = proof.Prover(x, REGISTRY)
    prover.start(graph)
    prover.apply(applied)
    assert prover.steps[0].kept is None
    assert prover.steps[0].note == proof.UNMEASURABLE


def test_silence_shows_nothing(source: Path, x: Array) -> None:
    with pytest.raises(BrokenPromiseError, match="nothing fired") as caught:
        snnhub.convert(source, source.with_suffix(".net"), verify=np.zeros_like(x))
    assert "SNN-2303" in {finding.code for finding in caught.value.findings}
    assert not source.with_suffix(".net").exists()


def test_a_conversion_without_passes_is_measured_too(tmp_path: Path) -> None:
    save(loihi_mlp((8, 6)), tmp_path / "a.snn")
    x = spikes((12, 3, 8), 0.5)
    result = snnhub.convert(tmp_path / "a.snn", tmp_path / "b.snn", verify=x)
    assert result.proof is not None
    assert [(step.name, step.kept) for step in result.proof.steps] == [("import", None), (WRITTEN, True)]
    dry = snnhub.convert(tmp_path / "a.snn", to="snn", verify=x[:, 0], dry_run=True)
    assert dry.proof is not None
    assert dry.proof.passed
    assert dry.output is None
    with pytest.raises(UsageError, match="wrong shape"):
        snnhub.convert(tmp_path / "a.snn", tmp_path / "c.snn", verify=x[:, :, :3])
    assert not (tmp_path / "c.snn").exists()


def test_the_command(
    source: Path, x: Array, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    np.save(source.parent / "x.npy", x)
    command = ["convert", str(source), "-o", str(source.with_suffix(".net"))]
    command += ["--verify", str(source.parent / "x.npy")]
    assert invoke([*command, "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert [step["kept"] for step in document["proof"]["steps"]] == [None, True, True, True, True]
    assert invoke(command) == 0
    assert "written file" in capsys.readouterr().out
    source.with_suffix(".net").unlink()
    broken("loihi steps", lag_off, monkeypatch)
    assert invoke([*command, "--json"]) == 1
    document = json.loads(capsys.readouterr().out)
    assert document["proof"]["broken"] == "loihi steps"
    assert {"SNN-2301", "SNN-2302"} <= {finding["code"] for finding in document["findings"]}
    assert invoke(command) == 1
    shown = capsys.readouterr()
    assert "BROKEN" in shown.out
    assert "loihi steps" in shown.err
    assert not source.with_suffix(".net").exists()


def test_a_pass_that_does_nothing_is_no_step(source: Path, x: Array) -> None:
    context = PassContext()
    graph = grid()
    run_pass(graph, Pass("nothing", 1, Promise(Rung.BITS), "", unchanged), context)
    assert context.applied == []
