"""Lowering to Loihi: what is exact, what is refused, what is reported, and that the lag is predicted."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from snnhub.engine.reference import prepare
from snnhub.errors import UnsupportedError
from snnhub.findings import Severity
from snnhub.ir.builder import GraphBuilder
from snnhub.ir.correspondence import compose, identity
from snnhub.ir.graph import Edge, Graph, Match, Port
from snnhub.ir.numtype import F32
from snnhub.ir.rung import Rung
from snnhub.ir.tensor import Array, tensor
from snnhub.ops.registry import REGISTRY
from snnhub.passes.base import PassContext, promise_of, run_passes
from snnhub_loihi import linear
from snnhub_loihi.lowering import passes

from tests.build import conv, dense, mlp, neurons, scalar, spikes


def lowered(graph: Graph, calibration: Array | None = None) -> tuple[Graph, PassContext]:
    context = PassContext(calibration=calibration)
    return run_passes(graph, passes(), context), context


def grid(shape: tuple[int, ...], seed: int = 0) -> Array:
    """Weights on a grid of eighths: sums land exactly on the threshold, and quantisation loses nothing."""
    return (np.random.default_rng(seed).integers(-4, 7, shape) / 8).astype(np.float32)


def on_grid(compare: str = "ge", theta: float = 1.0) -> Graph:
    builder = GraphBuilder("grid", REGISTRY)
    port = builder.input((8,), F32)
    for index, (before, after) in enumerate(((8, 12), (12, 6))):
        port = neurons(
            builder,
            f"n{index}",
            dense(builder, f"d{index}", port, grid((after, before), index)),
            theta,
            compare=compare,
        )
    builder.output(port)
    return builder.graph()


@pytest.mark.parametrize("compare", ["ge", "gt"])
@pytest.mark.parametrize("theta", [1.0, 0.625, 0.7])
def test_weights_on_a_grid_lower_with_every_spike_equal(compare: str, theta: float) -> None:
    graph = on_grid(compare, theta)
    found, context = lowered(graph)
    assert all(row["exact"] for row in context.tables["loihi layers"])
    promise = promise_of(found)
    assert promise is not None
    assert promise.rung is Rung.SPIKES_LAG
    x = spikes((60, 8, 8), 0.5)
    before, _ = prepare(graph).run(x, record=["n0/s", "n1/s"])
    after, _ = prepare(found).run(x, record=["n0/s", "n1/s"], steps=62)
    assert before["n1/s"].any()
    np.testing.assert_array_equal(before["n0/s"], after["n0/s"][1:61])
    np.testing.assert_array_equal(before["n1/s"], after["n1/s"][2:62])


def grouped(seed: int = 0) -> Graph:
    """Convolutions with groups, dilation, stride and padding that differ between the axes; then a dense layer."""
    builder = GraphBuilder("grouped", REGISTRY)
    geometry: dict[str, Any] = {"stride": (2, 1), "padding": (1, 2), "dilation": (1, 2), "groups": 2}
    port = conv(builder, "c0", builder.input((4, 7, 6), F32), grid((6, 2, 3, 2), seed), **geometry)
    port = neurons(builder, "n0", port)
    port = conv(builder, "c1", port, grid((6, 1, 2, 2), seed + 1), dilation=(2, 1), groups=6)
    port = builder.node("f", "core.Flatten", neurons(builder, "n1", port), start=0, end=2)
    builder.output(neurons(builder, "n2", dense(builder, "d", port, grid((5, 6 * 2 * 7), seed + 2))))
    return builder.graph()


def test_grouped_and_dilated_convolutions_lower_with_every_spike_equal() -> None:
    graph = grouped()
    found, context = lowered(graph)
    assert all(row["exact"] for row in context.tables["loihi layers"])
    x = spikes((30, 4, 4, 7, 6), 0.5)
    before, _ = prepare(graph).run(x, record=["n0/s", "n1/s", "n2/s"])
    after, _ = prepare(found).run(x, record=["n0/s", "n1/s", "n2/s"], steps=33)
    for lag, key in enumerate(before, 1):
        np.testing.assert_array_equal(before[key], after[key][lag : lag + 30])
        assert before[key].any()


def test_the_lag_of_every_quantity_is_in_the_correspondence() -> None:
    found, _ = lowered(on_grid())
    lags = {f"{m.old.node}/{m.old.name}": m.lag for m in found.correspondence}
    assert lags["n0/s"] == 1
    assert lags["d1/y"] == lags["n1/s"] == lags["output/x"] == 2
    assert lags["input/x"] == 0
    scale = next(m.scale for m in found.correspondence if m.old == Port("n0", "v"))
    assert scale is not None
    assert scale % 64 == 0


def test_lowering_is_idempotent() -> None:
    found, _ = lowered(on_grid())
    again, _ = lowered(found)
    assert again.network() == found.network()


def test_weights_are_even_in_range_and_thresholds_exact() -> None:
    graph = mlp((10, 12, 5), seed=3)
    found, context = lowered(graph, spikes((10, 6, 10)))
    for row in context.tables["loihi layers"]:
        assert row["clipped"] == 0
        assert row["levels"] > 10
        assert 0 < row["overlap"] <= 1
    for node in found.nodes:
        if node.op == "core.Dense":
            weight = node.param["weight"].array.astype(int)
            assert not (weight % 2).any()
            assert weight.min() >= -256
            assert weight.max() <= 254


def test_calibration_promises_an_overlap_and_keeps_the_worst_layer_best() -> None:
    graph = mlp((10, 30, 20), seed=3)
    calibration = spikes((12, 20, 10), seed=5)
    chosen, with_data = lowered(graph, calibration)
    plain, without = lowered(graph)
    promise = promise_of(chosen)
    assert promise is not None
    assert promise.rung is Rung.BOUNDED
    assert promise.overlap is not None
    worst = min(row["overlap"] for row in with_data.tables["loihi layers"])
    assert promise.overlap < worst
    assert without.tables["loihi layers"][0]["overlap"] is None
    assert worst >= overlap_of(graph, plain, calibration)


def overlap_of(graph: Graph, found: Graph, x: Array) -> float:
    before, _ = prepare(graph).run(x, record=["n0/s", "n1/s"])
    after, _ = prepare(found).run(x, record=["n0/s", "n1/s"], steps=len(x) + 2)
    worst = 1.0
    for key, lag in (("n0/s", 1), ("n1/s", 2)):
        a, b = before[key].astype(bool), after[key][lag : lag + len(x)].astype(bool)
        worst = min(worst, (a & b).sum() / max(1, (a | b).sum()))
    return worst


def test_leaky_neurons_on_a_grid_keep_exact_sums() -> None:
    """Potentials that land on the threshold are common on a grid: rounded weights would miss most of them."""
    builder = GraphBuilder("leak", REGISTRY)
    params = {"v_threshold": scalar(1.0), "v_reset": scalar(0.0), "tau": scalar(2.0)}
    port = dense(builder, "d", builder.input((8,), F32), grid((20, 8)))
    builder.output(
        builder.node("n", "core.LIF", port, params=params, reset="value", compare="ge", decay_input=False)
    )
    x = spikes((100, 10, 8), 0.5)
    found, context = lowered(builder.graph(), x)
    (row,) = context.tables["loihi layers"]
    weight = found.node["d"].param["weight"].array.astype(int)
    unit = Fraction(row["scale"]) / 8
    assert unit.denominator == 1
    np.testing.assert_array_equal(weight, grid((20, 8)) * 8 * int(unit))
    assert row["overlap"] > 0.98
    bound = next(f.bound for f in found.findings if f.code == "SNN-2106")
    assert bound.startswith("sums are exact on the grid of the weights; v fires from")


def test_leaky_neurons_keep_their_spikes_up_to_rounding() -> None:
    """Tau 2 is 2048 of 4096 exactly; weights are rounded, and v is rounded toward zero to a 64th."""
    weight = np.random.default_rng(1).normal(0.2, 0.6, (20, 8)).astype(np.float32)
    builder = GraphBuilder("leak", REGISTRY)
    params = {"v_threshold": scalar(1.0), "v_reset": scalar(0.0), "tau": scalar(2.0)}
    port = dense(builder, "d", builder.input((8,), F32), weight)
    builder.output(
        builder.node("n", "core.LIF", port, params=params, reset="value", compare="ge", decay_input=False)
    )
    found, _ = lowered(builder.graph())
    assert int(found.node["n"].param["vDecay"].array) == 2048
    x = spikes((100, 10, 8), 0.5)
    before, _ = prepare(builder.graph()).run(x)
    after, _ = prepare(found).run(x, steps=101)
    a, b = before["output"].astype(bool), after["output"][1:].astype(bool)
    assert (a & b).sum() > 0.97 * (a | b).sum()
    assert {f.code for f in found.findings} >= {"SNN-2104", "SNN-2106"}


def test_reset_to_another_value_is_a_shift() -> None:
    builder = GraphBuilder("shift", REGISTRY)
    port = dense(builder, "d", builder.input((8,), F32), grid((10, 8)))
    builder.output(neurons(builder, "n", port, v_threshold=1.0, v_reset=-0.5))
    found, _ = lowered(builder.graph())
    x = spikes((60, 4, 8), 0.5)
    before, _ = prepare(builder.graph()).run(x)
    after, _ = prepare(found).run(x, steps=61)
    np.testing.assert_array_equal(before["output"], after["output"][1:])
    assert "SNN-2006" in {f.code for f in found.findings}


def pooled(where: str) -> Graph:
    builder = GraphBuilder("pool", REGISTRY)
    source = builder.input((2, 8, 8), F32)
    pool: dict[str, Any] = {
        "kernel": (2, 2),
        "stride": (2, 2),
        "padding": (0, 0),
        "ceil_mode": False,
        "count_include_pad": True,
    }
    port = neurons(builder, "n0", conv(builder, "c0", source, grid((4, 2, 3, 3)), padding=(1, 1)))
    if where == "own":
        port = neurons(builder, "n1", builder.node("p", "core.AvgPool", port, **pool), v_threshold=0.5)
    elif where == "forward":
        port = conv(
            builder, "c1", builder.node("p", "core.AvgPool", port, **pool), grid((4, 4, 3, 3)), padding=(1, 1)
        )
        port = neurons(builder, "n1", port)
    elif where == "backward":
        port = builder.node(
            "p", "core.AvgPool", conv(builder, "c1", port, grid((4, 4, 3, 3)), padding=(1, 1)), **pool
        )
        port = neurons(builder, "n1", port, v_threshold=0.5)
    else:
        port = builder.node("p", "core.AvgPool", port, **pool)
        size = 64
        port = builder.node("f", "core.Flatten", port, start=0, end=2)
        builder.output(neurons(builder, "n2", dense(builder, "d", port, grid((5, size)))))
        return builder.graph()
    port = builder.node("f", "core.Flatten", port, start=0, end=2)
    builder.output(neurons(builder, "n2", dense(builder, "d", port, grid((5, 64)))))
    return builder.graph()


@pytest.mark.parametrize("where", ["own", "forward", "backward", "dense"])
def test_average_pooling_folds_with_every_spike_equal(where: str) -> None:
    """Weights on a grid, so that sums land exactly on the threshold: the trap of pooling before a neuron."""
    graph = pooled(where)
    found, context = lowered(graph)
    assert "core.AvgPool" not in {node.op for node in found.nodes}
    assert all(row["exact"] for row in context.tables["loihi layers"])
    x = spikes((20, 3, 2, 8, 8))
    before, _ = prepare(graph).run(x)
    lag = next(m.lag for m in found.correspondence if m.old.node == "output")
    after, _ = prepare(found).run(x, steps=20 + lag)
    assert before["output"].any()
    np.testing.assert_array_equal(before["output"], after["output"][lag:])


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"ceil_mode": True, "kernel": (3, 3)}, "ceil_mode"),
        ({"padding": (1, 1), "count_include_pad": False}, "count_include_pad"),
        ({"kernel": (3, 3), "stride": (3, 3)}, "borders differ|instead of"),
    ],
)
def test_pooling_that_cannot_be_folded_is_refused(
    changes: dict[str, Any], words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(linear, "LARGEST", 0)  # unequal windows become a matrix where one is small enough
    builder = GraphBuilder("pool", REGISTRY)
    pool: dict[str, Any] = {
        "kernel": (2, 2),
        "stride": (2, 2),
        "padding": (0, 0),
        "ceil_mode": False,
        "count_include_pad": True,
        **changes,
    }
    port = neurons(
        builder, "n0", conv(builder, "c0", builder.input((1, 8, 8), F32), grid((2, 1, 3, 3)), padding=(1, 1))
    )
    port = conv(builder, "c1", builder.node("p", "core.AvgPool", port, **pool), grid((2, 2, 3, 3)), padding=(1, 1))
    builder.output(neurons(builder, "n1", port))
    with pytest.raises(UnsupportedError, match=words):
        lowered(builder.graph())


def test_batch_norm_is_folded_into_the_layer_before() -> None:
    random = np.random.default_rng(0)
    builder = GraphBuilder("norm", REGISTRY)
    port = conv(
        builder, "c", builder.input((2, 6, 6), F32), random.normal(0, 0.4, (3, 2, 3, 3)).astype(np.float32)
    )
    scale, shift = (tensor(random.normal(0.7, 0.1, (3, 1, 1)).astype(np.float32)) for _ in range(2))
    port = builder.node("bn", "core.BatchNorm", port, params={"scale": scale, "shift": shift})
    builder.output(neurons(builder, "n", port))
    found, _ = lowered(builder.graph())
    assert [node.id for node in found.nodes] == ["c", "n"]
    assert found.node["n"].param["bias"].shape == (3, 1, 1)
    assert {f.code: f.severity for f in found.findings}["SNN-2111"] is Severity.LOSS
    promise = promise_of(found)
    assert promise is not None
    assert promise.rung is Rung.DISTRIBUTION


def test_everything_that_cannot_be_lowered_is_reported_at_once() -> None:
    builder = GraphBuilder("faults", REGISTRY)
    source = builder.input((2, 4, 4), F32)
    pool: dict[str, Any] = {
        "kernel": (2, 2),
        "stride": (2, 2),
        "padding": (0, 0),
        "dilation": (1, 1),
        "ceil_mode": False,
    }
    a = builder.node("max", "core.MaxPool", source, **pool)
    soft = builder.node("soft", "core.IF", a, params={"v_threshold": scalar(1.0)}, reset="subtract", compare="ge")
    b = conv(builder, "c", soft, grid((2, 2, 1, 1)))
    builder.output(builder.node("add", "core.Add", {"a": b, "b": soft}))
    with pytest.raises(UnsupportedError) as caught:
        lowered(builder.graph())
    errors = [f for f in caught.value.findings if f.severity is Severity.ERROR]
    assert {f.place for f in errors} == {"max", "soft", "add", "c", "output"}
    assert all(f.remedy or f.old for f in errors)


def test_transforms_that_loihi_does_not_have_are_reported_at_once() -> None:
    builder = GraphBuilder("transforms", REGISTRY)
    port = builder.node("pad", "core.Pad", builder.input((2, 3, 5), F32), before=(0, 1, 0), after=(0, 0, 1))
    port = builder.node("up", "core.Upsample", port, factor=(2, 1))
    port = builder.node("adaptive", "core.AdaptiveAvgPool", port, sizes=(3, 3))
    port = neurons(builder, "n0", conv(builder, "c0", port, grid((4, 2, 3, 3))))
    number = {"scale": scalar(-1.0), "shift": scalar(1.0)}
    inverse = builder.node("scale", "core.Scale", port, params=number)
    port = builder.node("relu", "core.ReLU", builder.node("mul", "core.Mul", {"a": port, "b": inverse}))
    port = builder.node("line", "core.Reshape", port, shape=(2, 2))
    line = conv(builder, "c1", port, grid((4, 2, 1)), stride=(1,), padding=(0,), dilation=(1,))
    port = neurons(builder, "n1", line)
    builder.output(neurons(builder, "n2", dense(builder, "d", port, grid((3, 2)))))
    with pytest.raises(UnsupportedError) as caught:
        lowered(builder.graph())
    errors = [f for f in caught.value.findings if f.severity is Severity.ERROR]
    assert {f.place for f in errors} == {"pad", "up", "adaptive", "scale", "relu", "mul", "line", "c1", "d"}
    assert all(f.remedy for f in errors)


def test_calibration_that_is_not_spikes_is_refused() -> None:
    with pytest.raises(UnsupportedError, match="must be spikes"):
        lowered(mlp(), np.full((4, 2, 6), 0.5))


def test_neurons_that_can_never_fire_are_named() -> None:
    builder = GraphBuilder("dead", REGISTRY)
    weight = np.array([[0.5, 0.5], [-0.5, -1.0], [0.25, -0.25]], np.float32)
    builder.output(neurons(builder, "n", dense(builder, "d", builder.input((2,), F32), weight)))
    found, context = lowered(builder.graph())
    assert context.tables["loihi layers"][0]["never_fire"] == 1
    assert next(f for f in found.findings if f.code == "SNN-2105").message.endswith(": 1")


def test_correspondences_compose() -> None:
    a, b, c = Port("a", "s"), Port("b", "s"), Port("c", "s")
    first = (Match(a, b, 1, 2.0), Match(Port("x", "s"), Port("gone", "s")))
    second = (Match(b, c, 2, 3.0, (0, 4)),)
    assert compose(first, second) == (Match(a, c, 3, 6.0, (0, 4)),)
    graph = mlp()
    assert compose(identity(graph, REGISTRY), identity(graph, REGISTRY)) == identity(graph, REGISTRY)


def test_a_loop_without_room_for_the_step_is_refused() -> None:
    graph = on_grid()
    loop = dense_loop(graph)
    with pytest.raises(UnsupportedError, match=r"no room|no lag|synapse"):
        lowered(loop)


def dense_loop(graph: Graph) -> Graph:
    """A loop n1 -> d0 with its delay on the wrong edge."""
    edges = tuple(replace(e, delay=1) if e.dst.node == "n1" else e for e in graph.edges)
    node = replace(graph.node["d0"], id="back").with_params(weight=tensor(grid((12, 6), 9)))
    more = (Edge(Port("n1", "s"), Port("back", "x")), Edge(Port("back", "y"), Port("n0", "x")))
    return replace(graph, nodes=(*graph.nodes, node), edges=(*edges, *more))
