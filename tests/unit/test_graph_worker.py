"""Workers that run graphs: the engine as a worker, declarations, refusals, answers that are none."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from snnhub.engine.reference import prepare
from snnhub.errors import RunError, UnsupportedError, UsageError
from snnhub.ir.builder import GraphBuilder
from snnhub.ir.graph import Graph
from snnhub.ir.numtype import F32
from snnhub.ops.registry import REGISTRY
from snnhub.peers import engine_worker
from snnhub.peers.capabilities import Capabilities
from snnhub.peers.graph_worker import GraphWorker

from tests.build import dense, loihi_mlp, mlp, neurons, spikes

ENGINE = [sys.executable, "-m", "snnhub.peers.engine_worker"]
WORKER = """
import json, sys
import numpy as np
for line in sys.stdin:
    request = json.loads(line)
    method, params = request["method"], request["params"]
    answer = {"protocol": 1, "name": "test", "environment": {}} if method == "hello" else {}
    if method == "capabilities":
        answer = CAPABILITIES
    if method == "run":
        x = np.load(params["input"])
        answer = run(params, x)
    kind = "error" if "message" in answer else "result"
    print(json.dumps({"id": request["id"], kind: answer}), flush=True)
    if method == "bye":
        break

"""


def script(tmp_path: Path, run: str, **declared: Any) -> list[str]:
    """A worker whose ``run(params, x)`` is given as text."""
    said = {"models": ["graph-json/1"], "batch": True, **declared}
    path = tmp_path / "worker.py"
    path.write_text(f"CAPABILITIES = {said!r}\n{run}\n{WORKER}")
    return [sys.executable, str(path)]


@pytest.fixture(scope="module")
def engine() -> Iterator[GraphWorker]:
    with GraphWorker(ENGINE, "engine") as worker:
        yield worker


@pytest.mark.parametrize("form", ["snn/1", "graph-json/1"])
@pytest.mark.parametrize("graph", [mlp(), loihi_mlp(reset=(5, 2))], ids=["float", "integer"])
def test_the_engine_in_another_process_is_the_engine(
    form: str, graph: Graph, engine: GraphWorker, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = engine.capabilities()
    assert said.models == ("snn/1", "graph-json/1")
    monkeypatch.setattr(engine, "_capabilities", Capabilities.read({**said.said, "models": [form]}, "engine"))
    assert engine.missing(graph) == ()
    plan = prepare(graph)
    keys = plan.record_keys()
    for x, steps in ((spikes((12, 3, 6)), None), (spikes((12, 6)), 20)):
        wanted, _ = plan.run(x, record=keys, steps=steps)
        found = engine.run(graph, x, keys, steps)
        assert found.batched == wanted.batched
        assert list(found) == list(keys)
        for key in keys:
            assert found[key].dtype == wanted[key].dtype
            np.testing.assert_array_equal(found[key], wanted[key])
    assert engine.identity["environment"]["snnhub"] != "missing"


def test_the_engine_declares_everything() -> None:
    said = engine_worker.capabilities({}, lambda done, total: None)
    assert "exp" in said["micro_ops"]
    assert {"core.Dense/1", "core.Conv/1", "core.Concat/1"} <= set(said["transforms"])


def test_errors_of_the_engine_come_back_as_they_are(engine: GraphWorker) -> None:
    with pytest.raises(UsageError, match="nothing to record"):
        engine.run(mlp(), spikes((3, 6)), ["n7/v"])
    with pytest.raises(UsageError, match="wrong shape"):
        engine.run(mlp(), spikes((3, 7)))
    builder = GraphBuilder("two", REGISTRY)
    first, second = builder.input((2,), F32, "in_a"), builder.input((2,), F32, "in_b")
    port = builder.node("add", "core.Add", {"a": first, "b": second})
    builder.output(neurons(builder, "n", port))
    with pytest.raises(UsageError, match="one input"):
        engine.run(builder.graph(), spikes((3, 2)))


def test_a_worker_without_batches_gets_samples_one_by_one(tmp_path: Path) -> None:
    body = """
def run(params, x):
    assert x.ndim == 2 and not params["batched"], x.shape
    np.save(params["folder"] + "/y.npy", x[:, :4].astype(np.int64) * 300)
    return {"arrays": {key: params["folder"] + "/y.npy" for key in params["record"]}}
"""
    x = spikes((5, 3, 6))
    with GraphWorker(script(tmp_path, body, batch=False), "plain") as worker:
        found = worker.run(mlp(input_type=F32), x, ["output"])["output"]
        np.testing.assert_array_equal(found, x[:, :, :4].astype(np.int64) * 300)
        assert found.dtype == np.int64, "what does not fit the type is kept as it came"
        one = worker.run(loihi_mlp(), x[:, 0] * 0, ["output"])["output"]
        assert one.shape == (5, 4)
        assert one.dtype == np.uint8


@pytest.mark.parametrize(
    ("body", "kind", "words"),
    [
        ("return {}", RunError, "did not record"),
        ("return {'arrays': {'more': 'x'}}", RunError, "did not record"),
        ("return {'arrays': {'output': '/nowhere.npy'}}", RunError, "no array"),
        ("return {'arrays': {'output': 7}}", RunError, "no array"),
        (
            "y = params['folder'] + '/y.npy'; np.save(y, x[1:]); return {'arrays': {'output': y}}",
            RunError,
            "another form",
        ),
        ("return {'message': 'it broke', 'detail': 'line 7'}", RunError, "it broke"),
        ("return {'message': 'no conv', 'detail': 'c1', 'unsupported': True}", UnsupportedError, "no conv"),
        ("return {'message': 'no conv', 'unsupported': 'yes'}", RunError, "no conv"),
    ],
)
def test_answers_that_are_none(body: str, kind: type[Exception], words: str, tmp_path: Path) -> None:
    with (
        GraphWorker(script(tmp_path, f"def run(params, x):\n    {body}"), "odd") as worker,
        pytest.raises(kind, match=words) as caught,
    ):
        worker.run(mlp(), spikes((4, 2, 6)))
    if isinstance(caught.value, UnsupportedError):
        assert [(f.code, f.place, f.message) for f in caught.value.findings] == [("SNN-4203", "c1", "no conv")]
        assert caught.value.exit_code == 4


@pytest.mark.parametrize(
    "said", [{}, {"models": "snn/1"}, {"models": [1]}, {"models": [], "limits": {"delay": "x"}}]
)
def test_declarations_that_are_none(said: dict[str, Any]) -> None:
    with pytest.raises(RunError, match="cannot be read"):
        Capabilities.read(said, "odd")


def test_a_worker_that_reads_no_graph(tmp_path: Path) -> None:
    with (
        GraphWorker(script(tmp_path, "run = None", models=["netx"]), "netx") as worker,
        pytest.raises(UnsupportedError, match="no form of a graph"),
    ):
        worker.run(mlp(), spikes((4, 6)))


def declared(**said: Any) -> Capabilities:
    """Everything that ``mlp`` needs, with changes."""
    ops = ["state", "input", "add", "param", "ge", "where"]
    plain = {"micro_ops": ops, "transforms": {"core.Dense/1": {}}, "types": ["f32", "bool"]}
    return Capabilities.read(json.loads(json.dumps({"models": ["snn/1"], **plain, **said})), "declared")


@pytest.mark.parametrize(
    ("said", "places", "words"),
    [
        ({}, [], ""),
        ({"micro_ops": ["state"]}, ["n0", "n1"], "add, ge, input"),
        ({"micro_ops": [], "ops": ["core.IF/1"]}, [], ""),
        ({"micro_ops": [], "ops": ["core.IF/2"]}, ["n0", "n1"], "add"),
        ({"types": ["int", "bool"]}, ["n0", "n1"], "f32"),
        ({"types": ["int"], "ops": ["core.IF/1"]}, [], ""),
        ({"transforms": {}}, ["fc0", "fc1"], "core.Dense/1"),
        ({"transforms": {"core.Dense/1": {"types": ["int"]}}}, ["fc0", "fc1"], "f32"),
        ({"transforms": {"core.Dense/1": {"attributes": {"bias": [True]}}}}, ["fc0", "fc1"], "False"),
        ({"transforms": {"core.Dense/1": {"attributes": {"bias": [True, False]}}}}, [], ""),
        ({"limits": {"inputs": 0}}, ["graph"], "1"),
    ],
)
def test_what_a_declaration_leaves_out(said: dict[str, Any], places: list[str], words: str) -> None:
    found = declared(**said).missing(mlp(), REGISTRY)
    assert [finding.place for finding in found] == places
    assert {finding.code for finding in found} <= {"SNN-4202"}
    assert all(words in finding.old for finding in found)


def test_limits_of_edges() -> None:
    builder = GraphBuilder("limits", REGISTRY)
    source = builder.input((3,), F32)
    port = neurons(builder, "n", dense(builder, "d", source, np.eye(3, dtype=np.float32), delay=4))
    builder.edge(source, builder.edges[-1].dst)
    builder.output(port)
    found = declared(limits={"delay": 3, "float_edges": 1}).missing(builder.graph(), REGISTRY)
    assert [(finding.old, finding.new) for finding in found] == [("4", "at most 3"), ("2", "at most 1")]
