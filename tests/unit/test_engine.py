"""The reference engine: neurons by hand, delays, cycles, several edges, state, input checks."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from snnhub.engine import reference
from snnhub.engine.reference import prepare
from snnhub.engine.state import RunState
from snnhub.errors import FormatError, RunError, UnsupportedError, UsageError
from snnhub.ir.builder import GraphBuilder
from snnhub.ir.graph import Edge, Node, Port
from snnhub.ir.numtype import F32, SPIKE, integer, signed
from snnhub.ir.op import OpKind, Ports, StepOp
from snnhub.ir.program import Slot, State
from snnhub.ir.tensor import tensor
from snnhub.ir.trace import check
from snnhub.ops.registry import REGISTRY, Registry

from tests.build import conv, cuba, dense, loihi_mlp, mlp, neurons, scalar, spikes


def test_integrate_and_fire_by_hand() -> None:
    """Landmine 1: an IF neuron with input 1/16 and threshold 1 fires first at step 15 (counted from 0)."""
    builder = GraphBuilder("if", REGISTRY)
    builder.output(neurons(builder, "n", builder.input((1,), F32)))
    recording, _ = prepare(builder.graph()).run(np.full((34, 1), 0.0625, np.float32), record=["output", "n/v"])
    assert np.flatnonzero(recording["output"][:, 0]).tolist() == [15, 31]
    assert recording["n/v"][14, 0] == 0.9375
    assert recording["n/v"][15, 0] == 0.0
    assert recording["output"].dtype == np.uint8


@pytest.mark.parametrize(("compare", "first"), [("ge", 3), ("gt", 4)])
def test_exactly_at_threshold(compare: str, first: int) -> None:
    """Landmine 2: >= against > where the sum lands exactly on the threshold."""
    builder = GraphBuilder("tie", REGISTRY)
    builder.output(neurons(builder, "n", builder.input((1,), F32), compare=compare))
    recording, _ = prepare(builder.graph()).run(np.full((6, 1), 0.25, np.float32))
    assert np.flatnonzero(recording["output"][:, 0])[0] == first


def test_reset_kinds() -> None:
    """Landmine 3: reset to a value, by subtraction, or not at all, in the same step."""
    found = {}
    for reset in ("value", "subtract", "none"):
        builder = GraphBuilder(reset, REGISTRY)
        params = {"v_threshold": scalar(1.0)} | ({"v_reset": scalar(-0.5)} if reset == "value" else {})
        port = builder.node("n", "core.IF", builder.input((1,), F32), params=params, reset=reset, compare="ge")
        builder.output(port)
        recording, _ = prepare(builder.graph()).run(np.full((4, 1), 0.75, np.float32), record=["n/v"])
        found[reset] = recording["n/v"][:, 0].tolist()
    assert found == {
        "value": [0.25, -0.5, 0.25, -0.5],
        "subtract": [0.75, 0.5, 0.25, 0.0],
        "none": [0.75, 1.5, 2.25, 3.0],
    }


def test_delays_deliver_later_and_zero_before_the_start() -> None:
    builder = GraphBuilder("delay", REGISTRY)
    source = builder.input((1,), SPIKE)
    builder.output(
        cuba(builder, "n", dense(builder, "fc", source, np.full((1, 1), 100, np.int8), delay=3), vth=50), delay=2
    )
    x = np.zeros((10, 1), np.uint8)
    x[1] = 1
    recording, _ = prepare(builder.graph()).run(x, record=["output", "n/s"])
    assert np.flatnonzero(recording["n/s"]).tolist() == [4]
    assert np.flatnonzero(recording["output"]).tolist() == [6]


def test_a_self_loop_of_delay_one() -> None:
    builder = GraphBuilder("self", REGISTRY)
    port = neurons(builder, "n", builder.input((1,), F32))
    builder.edge(port, Port("n", "x"), 1)
    builder.output(port)
    x = np.zeros((5, 1), np.float32)
    x[0] = 1.0
    recording, _ = prepare(builder.graph()).run(x)
    assert recording["output"][:, 0].tolist() == [1, 1, 1, 1, 1]


def test_input_wired_straight_to_output() -> None:
    builder = GraphBuilder("wire", REGISTRY)
    builder.output(builder.input((2, 2), signed(8)))
    x = np.arange(-8, 8, dtype=np.int8).reshape(4, 2, 2)
    np.testing.assert_array_equal(prepare(builder.graph()).run(x)[0]["output"], x)


def test_two_edges_into_one_port_add_up() -> None:
    builder = GraphBuilder("sum", REGISTRY)
    source = builder.input((2,), SPIKE)
    weight = np.array([[3, 4], [5, 6]], np.int8)
    port = cuba(builder, "n", dense(builder, "a", source, weight), vth=2**16)
    builder.edge(dense(builder, "b", source, weight), Port("n", "a"))
    builder.output(port)
    recording, _ = prepare(builder.graph()).run(np.ones((1, 2), np.uint8), record=["n/u"])
    assert recording["n/u"][0].tolist() == [14 * 64, 22 * 64]


def test_float_edges_are_summed_exactly_and_rounded_once() -> None:
    builder = GraphBuilder("ulp", REGISTRY)
    source = builder.input((3,), F32)
    rows = np.array([[1.0, 2.0**-24, 2.0**-24]], np.float32)
    builder.output(neurons(builder, "n", dense(builder, "fc", source, rows), v_threshold=8.0))
    recording, _ = prepare(builder.graph()).run(np.ones((1, 3), np.float32), record=["n/v"])
    assert recording["n/v"][0, 0] == np.float32(1 + 2.0**-23)


def test_batch_axis_is_absent_if_the_input_has_none() -> None:
    plan = prepare(mlp())
    x = spikes((7, 6))
    alone, _ = plan.run(x, record=["output", "n0/v"])
    together, _ = plan.run(x[:, None], record=["output", "n0/v"])
    assert alone["output"].shape == (7, 4)
    assert together["output"].shape == (7, 1, 4)
    np.testing.assert_array_equal(alone["n0/v"], together["n0/v"][:, 0])


def test_running_longer_than_the_input_shows_zeros() -> None:
    plan = prepare(loihi_mlp())
    x = spikes((5, 2, 6))
    longer, _ = plan.run(x, steps=9)
    padded, _ = plan.run(np.concatenate([x, np.zeros((4, 2, 6), np.uint8)]))
    np.testing.assert_array_equal(longer["output"], padded["output"])


def test_state_can_be_saved_and_restored(tmp_path: Path) -> None:
    plan = prepare(loihi_mlp(v_decay=300))
    x = spikes((20, 3, 6))
    whole, _ = plan.run(x, record=plan.record_keys())
    _, state = plan.run(x[:7])
    state.save(tmp_path / "state.npz")
    rest, _ = plan.run(x[7:], record=plan.record_keys(), state=RunState.load(tmp_path / "state.npz"))
    for key, array in rest.items():
        np.testing.assert_array_equal(array, whole[key][7:])
    again, _ = plan.run(x, record=plan.record_keys())
    np.testing.assert_array_equal(again["output"], whole["output"])


def test_a_foreign_state_file_is_refused(tmp_path: Path) -> None:
    np.savez(tmp_path / "x.npz", something=np.zeros(3))
    with pytest.raises(FormatError, match="not a run state"):
        RunState.load(tmp_path / "x.npz")


def test_large_recordings_go_to_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    plan = prepare(mlp())
    x = spikes((9, 4, 6))
    wanted, _ = plan.run(x, record=plan.record_keys())
    monkeypatch.setattr("snnhub.engine.recorder.MEMORY_BYTES", 10)
    streamed, _ = plan.run(x, record=plan.record_keys())
    assert all(isinstance(array, np.memmap) for array in streamed.values())
    for key in wanted:
        np.testing.assert_array_equal(streamed[key], wanted[key])


@pytest.mark.parametrize(
    ("x", "words"),
    [
        (np.zeros((5, 7), np.uint8), "wrong shape"),
        (np.zeros(6, np.uint8), "wrong shape"),
        (np.zeros((0, 6), np.uint8), "empty"),
        (np.zeros((5, 0, 6), np.uint8), "empty"),
        (np.full((5, 6), np.nan), "NaN"),
        (np.full((5, 6), 2, np.uint8), "does not take"),
        (np.full((5, 6), 0.5), "does not take"),
        (np.full((5, 6), "x"), "numbers"),
    ],
)
def test_bad_input_is_refused(x: np.ndarray, words: str) -> None:
    with pytest.raises(UsageError, match=words) as caught:
        prepare(loihi_mlp()).run(x)
    assert caught.value.where.startswith("input")


def test_bool_and_integral_floats_are_spikes() -> None:
    plan = prepare(loihi_mlp())
    x = spikes((8, 6))
    for other in (x.astype(bool), x.astype(np.float64), x.astype(np.int64)):
        np.testing.assert_array_equal(plan.run(other)[0]["output"], plan.run(x)[0]["output"])


def test_rounding_of_input_is_a_finding() -> None:
    recording, _ = prepare(mlp()).run(np.full((2, 6), 0.1))
    assert [(f.code, f.severity.value) for f in recording.findings] == [("SNN-5001", "info")]


def test_overflow_to_infinity_is_a_finding() -> None:
    builder = GraphBuilder("boom", REGISTRY)
    builder.output(
        neurons(builder, "n", builder.input((1,), F32), v_threshold=np.inf if False else 3e38, reset="none")
        if False
        else neurons(builder, "n", builder.input((1,), F32), v_threshold=3.3e38)
    )
    recording, _ = prepare(builder.graph()).run(np.full((3, 1), -3e38, np.float32), record=["n/v"])
    assert [f.code for f in recording.findings] == ["SNN-5002"]


def test_a_check_stops_the_run_naming_node_and_step() -> None:
    def body(x, state, param):  # type: ignore[no-untyped-def]
        total = check(state.total + x, -10, 10)
        return {"total": total}, {"s": total > 5}

    op = StepOp(
        "test.Sum",
        1,
        "",
        body,
        lambda _: (Slot("x", signed(8)),),
        lambda _: (State("total", integer(-10, 10), 0),),
        lambda _: (),
    )
    registry = Registry()
    registry.add(op)
    assert op.kind is OpKind.STEP
    builder = GraphBuilder("sum", registry)
    builder.output(builder.node("acc", "test.Sum", builder.input((2,), signed(8))))
    plan = prepare(builder.graph(), registry)
    assert plan.run(np.full((3, 2), 3, np.int8))[0]["output"].sum() == 4
    with pytest.raises(RunError, match="left its checked range") as caught:
        plan.run(np.full((5, 2), 3, np.int8))
    assert "node acc" in caught.value.where
    assert "step 3" in caught.value.where
    assert "state total" in caught.value.where
    assert "element [0]" in caught.value.where


def test_a_file_program_is_what_runs() -> None:
    """Whatever the installed op expands to, the arithmetic that travels with the graph decides."""
    graph = mlp((2, 2))
    silent = REGISTRY("core.IF", 1).program({"reset": "value", "compare": "gt"})  # type: ignore[union-attr]
    x = np.zeros((2, 2), np.float32)
    node = graph.node["n0"].with_params(v_threshold=scalar(0.0))
    for program, fires in ((node.program, 1), (silent, 0)):
        nodes = (graph.nodes[0], replace(node, program=program))
        recording, _ = prepare(replace(graph, nodes=nodes)).run(x)
        assert (recording["output"] == fires).all()


def test_ops_that_nobody_can_run_are_refused() -> None:
    class Opaque:
        name, version, kind, doc, attributes, ports = "acme.K", 1, OpKind.KERNEL, "", (), Ports()

        def parameters(self, attributes: object) -> tuple[()]:
            return ()

        def output_shapes(self, node: Node, shapes: dict[str, tuple[int, ...]]) -> dict[str, tuple[int, ...]]:
            return {"y": shapes["x"]}

        def output_types(self, node: Node, types: dict[str, object]) -> dict[str, object]:
            return {"y": types["x"]}

    registry = Registry()
    registry.add(Opaque())  # type: ignore[arg-type]
    builder = GraphBuilder("k", registry)
    builder.output(builder.node("k", "acme.K", builder.input((1,), F32)))
    with pytest.raises(UnsupportedError, match="can run this op"):
        prepare(builder.graph(), registry)


def test_unknown_record_keys_are_refused_with_those_that_exist() -> None:
    with pytest.raises(UsageError, match="n0/v"):
        prepare(mlp()).run(spikes((2, 6)), record=["n0/w"])


def test_integer_convolution_wraps_to_24_bits() -> None:
    builder = GraphBuilder("wrap", REGISTRY)
    port = conv(
        builder,
        "c",
        builder.input((1, 1, 1), integer(0, 2**16)),
        np.full((1, 1, 1, 1), 200, np.int16),
        accumulate="wrap24",
    )
    builder.output(port)
    recording, _ = prepare(builder.graph()).run(np.full((1, 1, 1, 1), 2**16))
    wanted = (200 * 2**16 + 2**23) % 2**24 - 2**23
    assert recording["output"].reshape(-1).tolist() == [wanted]


def test_dense_can_shift_its_sum() -> None:
    builder = GraphBuilder("shift", REGISTRY)
    weight = tensor(np.array([[-3, -3]], np.int8))
    port = builder.node(
        "d",
        "core.Dense",
        builder.input((2,), SPIKE),
        params={"weight": weight},
        bias=False,
        accumulate="exact",
        shift=1,
    )
    builder.output(port)
    recording, _ = prepare(builder.graph()).run(np.array([[1, 0], [1, 1]], np.uint8))
    assert recording["output"][:, 0].tolist() == [-2, -3]


def test_progress_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reference, "BLOCK_ELEMENTS", 12)
    seen: list[tuple[int, int]] = []
    prepare(mlp()).run(spikes((6, 3, 6)), progress=lambda done, total: seen.append((done, total)))
    assert seen[-1][0] == seen[-1][1] == len(seen)
    assert len(seen) > 3


def test_edge_order_is_kept() -> None:
    graph = mlp()
    assert str(graph.edges[0]) == "input.x -> fc0.x"
    assert Edge(Port("a", "s"), Port("b", "x"), 2).delay == 2
