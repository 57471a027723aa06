"""Kernel ops: declared states, ports and latency; runs, files, refusals."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from snnhub.api.inspect import inspect
from snnhub.engine import memory, reference
from snnhub.engine.reference import prepare
from snnhub.engine.robust.certify import certify, has_no_floats
from snnhub.engine.state import RunState
from snnhub.errors import GraphError, SnnhubError, UnsupportedError, UsageError
from snnhub.ir.analysis import analyse
from snnhub.ir.graph import Graph, Port
from snnhub.ir.op import KernelState
from snnhub.ir.program import Program
from snnhub.ir.tensor import Array
from snnhub.ir.timing import depth_to_outputs, lag_to_output, latencies
from snnhub.ir.verify import recordable, verify
from snnhub.ops.registry import CORE, REGISTRY, Registry
from snnhub.peers.capabilities import Capabilities
from snnhub_formats import container, graph_json

from tests.build import mlp, spikes
from tests.networks.kernel_ops import DELAYED_DENSE, KNOWING, broken, delayed

KEYS = ("output", "slow/line", "slow/seen", "slow/y", "slow/busy", "n/v", "n/s")
X = spikes((30, 5, 4), 0.3)


def by_hand(graph: Graph, x: Array) -> Array:
    """The delayed layer from its definition, one synapse at a time."""
    weight, delay = (graph.node["slow"].param[name].array for name in ("weight", "delay"))
    y = np.zeros((*x.shape[:2], weight.shape[0]), np.int64)
    for (target, source), steps in np.ndenumerate(delay):
        late = np.concatenate([np.zeros((int(steps), x.shape[1])), x[:, :, source]])[: len(x)]
        y[:, :, target] += int(weight[target, source]) * late.astype(np.int64)
    return y


def test_it_computes_what_it_says() -> None:
    graph = delayed()
    recording, _ = prepare(graph, KNOWING).run(X, record=KEYS)
    np.testing.assert_array_equal(recording["slow/y"], by_hand(graph, X))
    assert recording["output"].any()
    assert recording["slow/line"].shape == (30, 5, 6, 4)
    assert recording["slow/busy"].shape == (30, 5)
    np.testing.assert_array_equal(recording["slow/seen"], np.maximum.accumulate(X))


@pytest.mark.parametrize("recurrent", [False, True])
def test_stopping_and_going_on_continues_bit_for_bit(recurrent: bool, tmp_path: Path) -> None:
    plan = prepare(delayed(recurrent=recurrent), KNOWING)
    whole, end = plan.run(X, record=KEYS)
    parts, state = [], plan.initial_state(5)
    for first, last in ((0, 1), (1, 7), (7, 8), (8, 30)):
        recording, state = plan.run(X[first:last], record=KEYS, state=state)
        state.save(tmp_path / "state.npz")
        state = RunState.load(tmp_path / "state.npz")
        parts.append(recording)
    for key in KEYS:
        np.testing.assert_array_equal(np.concatenate([part[key] for part in parts]), whole[key], err_msg=key)
    np.testing.assert_array_equal(state.nodes["slow"]["line"], end.nodes["slow"]["line"])


@pytest.mark.parametrize("recurrent", [False, True])
def test_batches_and_blocks_change_nothing(recurrent: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    graph = delayed(recurrent=recurrent)
    whole, _ = prepare(graph, KNOWING).run(X, record=KEYS)
    for sample in range(X.shape[1]):
        alone, _ = prepare(graph, KNOWING).run(X[:, sample], record=KEYS)
        for key in KEYS:
            np.testing.assert_array_equal(alone[key], whole[key][:, sample], err_msg=key)
    monkeypatch.setattr(reference, "BLOCK_ELEMENTS", 36)
    monkeypatch.setattr(reference, "GROUP", 2)
    small, _ = prepare(graph, KNOWING).run(X, record=KEYS)
    for key in KEYS:
        np.testing.assert_array_equal(small[key], whole[key], err_msg=key)


def test_a_delayed_edge_into_it() -> None:
    graph = delayed()
    late = replace(graph, edges=(replace(graph.edges[0], delay=3), *graph.edges[1:]))
    now, _ = prepare(graph, KNOWING).run(X, record=("slow/y",))
    then, _ = prepare(late, KNOWING).run(X, record=("slow/y",))
    np.testing.assert_array_equal(then["slow/y"][3:], now["slow/y"][:-3])


def test_a_state_that_does_not_fit_is_refused() -> None:
    plan = prepare(delayed(), KNOWING)
    state = plan.initial_state(5)
    state.nodes["slow"]["line"] = np.zeros((5, 2, 4), np.uint8)
    with pytest.raises(UsageError, match="does not belong"):
        plan.run(X, state=state)


@pytest.mark.parametrize("recurrent", [False, True])
def test_through_both_files(recurrent: bool, tmp_path: Path) -> None:
    graph = delayed(recurrent=recurrent)
    container.save(graph, tmp_path / "net.snn")
    loaded = container.load(tmp_path / "net.snn")
    assert loaded == graph
    text = graph_json.from_graph_json(graph_json.to_graph_json(graph), KNOWING)
    assert text.network() == graph.network()
    before, _ = prepare(graph, KNOWING).run(X, record=KEYS)
    for other in (loaded, text):
        after, _ = prepare(other, KNOWING).run(X, record=KEYS)
        for key in KEYS:
            np.testing.assert_array_equal(before[key], after[key])


def test_a_reader_without_the_plugin_inspects_and_does_not_run(tmp_path: Path) -> None:
    assert REGISTRY("acme.DelayedDense", 1) is None
    container.save(delayed(), tmp_path / "net.snn")
    document = inspect(tmp_path / "net.snn").to_json()
    assert [layer["op"] for layer in document["layers"]] == ["acme.DelayedDense/1", "core.IF/1"]
    assert document["layers"][0]["params"]["weight"]["shape"] == [3, 4]
    assert [item["code"] for item in document["findings"]] == ["SNN-1003"]
    with pytest.raises(GraphError, match="no installed plugin knows") as caught:
        prepare(container.load(tmp_path / "net.snn"))
    assert [finding.place for finding in caught.value.findings] == ["slow"]
    assert "Install the plugin" in caught.value.findings[0].remedy


def test_what_can_be_recorded() -> None:
    graph = delayed()
    assert recordable(graph.node["slow"], KNOWING) == ("line", "seen", "y", "busy")
    states = analyse(graph, KNOWING).states
    assert {port.name: shape for port, (shape, _) in states.items()} == {"line": (6, 4), "seen": (4,)}


def test_its_latency_counts() -> None:
    graph = delayed()
    least = int(graph.node["slow"].param["delay"].array.min())
    assert least >= 1
    assert depth_to_outputs(graph, latencies(graph, KNOWING))["n"] == (least, least)
    assert lag_to_output(graph, KNOWING) == least


@pytest.mark.parametrize(("kernel", "words"), [("too_wide", "1048576"), ("forgetful", "nothing")])
def test_code_that_breaks_its_schema_is_stopped(kernel: str, words: str) -> None:
    with pytest.raises(SnnhubError, match="does not give what its schema declares") as caught:
        prepare(delayed(), broken(kernel)).run(X)
    assert words in caught.value.found


def test_names_are_disjoint() -> None:
    twice = replace(DELAYED_DENSE, state_rule=lambda _: (KernelState("y", DELAYED_DENSE.states({})[0].type),))
    lookup = Registry((*CORE, twice))
    graph = delayed()
    with pytest.raises(GraphError, match="disjoint"):
        recordable(graph.node["slow"], lookup)


def test_a_kernel_op_carries_no_program() -> None:
    graph = delayed()
    program = mlp().nodes[1].program
    assert isinstance(program, Program)
    node = replace(graph.node["slow"], program=program)
    found = verify(replace(graph, nodes=(node, *graph.nodes[1:])), KNOWING)
    assert "SNN-1014" in [finding.code for finding in found if finding.place == "slow"]


def test_parameters_that_do_not_fit_are_named() -> None:
    graph = delayed()
    small = replace(graph.inputs[0], shape=(3,))
    found = verify(replace(graph, inputs=(small,)), KNOWING)
    assert [(item.code, item.place) for item in found][:1] == [("SNN-1009", "slow")]


def test_order_robustness_is_refused_by_name() -> None:
    graph = delayed()
    assert not has_no_floats(graph, KNOWING)  # the neurons behind it are floats
    with pytest.raises(UnsupportedError) as caught:
        certify(graph, X, lookup=KNOWING)
    assert [(item.code, item.place) for item in caught.value.findings] == [("SNN-5205", "slow")]
    alone = replace(
        graph,
        nodes=graph.nodes[:1],
        edges=(graph.edges[0], replace(graph.edges[-1], src=Port("slow", "y"))),
    )
    assert has_no_floats(alone, KNOWING)
    assert certify(alone, X, lookup=KNOWING).robust


def test_its_states_count_as_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    plan = prepare(delayed(), KNOWING)
    monkeypatch.setattr(memory, "available", lambda: 20_000)
    plan.run(X[:, :1])
    with pytest.raises(UnsupportedError, match=r"most of it for the state slow\.line"):
        plan.run(np.zeros((1, 2000, 4), np.uint8))


def test_what_a_worker_declares() -> None:
    graph = delayed()
    said = {"models": ["snn/1"], "micro_ops": [], "ops": ["core.IF/1"], "transforms": {}}
    found = Capabilities.read(said, "worker").missing(graph, KNOWING)
    assert [(item.code, item.place) for item in found] == [("SNN-4202", "slow")]
    said["ops"] = ["core.IF/1", "acme.DelayedDense/1"]
    assert Capabilities.read(said, "worker").missing(graph, KNOWING) == ()


def test_the_torch_engine_falls_back() -> None:
    pytest.importorskip("torch")
    from snnhub.engine.torch_engine.plan import prepare_torch

    for recurrent in (False, True):
        graph = delayed(recurrent=recurrent)
        ours, _ = prepare(graph, KNOWING).run(X, record=KEYS)
        plan = prepare_torch(graph, lookup=KNOWING)
        theirs, state = plan.run(X[:11], record=KEYS)
        rest, _ = plan.run(X[11:], record=KEYS, state=state)
        for key in KEYS:
            np.testing.assert_array_equal(np.concatenate([theirs[key], rest[key]]), ours[key], err_msg=key)
        told = [item for item in theirs.findings if item.code == "SNN-6004"]
        assert "slow" in [item.place for item in told]
