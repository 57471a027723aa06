"""The torch engine against the reference engine: bit for bit where every sum is exact, whatever its order."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from snnhub.engine.reference import prepare
from snnhub.engine.torch_engine.plan import MULTI_ELEMENTS, prepare_torch
from snnhub.engine.torch_engine.settings import Mode, Settings
from snnhub.errors import MissingPeerError
from snnhub.ir.builder import GraphBuilder
from snnhub.ir.graph import Graph, Node
from snnhub.ir.numtype import F32, F64, SPIKE, signed
from snnhub.ir.tensor import Array, tensor
from snnhub.ops.registry import REGISTRY
from snnhub_conformance.strategies import float_graphs, netx_graphs

from tests.build import conv, dense, loihi_mlp, mlp, spikes
from tests.property.test_engine import stimulus

pytestmark = [pytest.mark.peer, pytest.mark.usefixtures("spikingjelly")]


def test_without_torch(monkeypatch: pytest.MonkeyPatch) -> None:
    from snnhub.engine.torch_engine import settings as module
    from snnhub.hub import builtin

    monkeypatch.setattr(module, "find_spec", lambda name: None)
    monkeypatch.setattr(builtin, "find_spec", lambda name: None)
    with pytest.raises(MissingPeerError, match="torch is not installed"):
        prepare_torch(mlp())
    (found,) = (runner for runner in builtin.snnhub_register_runners() if runner.name == "torch")
    assert not found.availability().ok
    assert "snnhub[torch]" in found.availability().hint


def test_a_device_that_is_not_here() -> None:
    import torch

    if torch.cuda.is_available():
        pytest.skip("it is here")
    with pytest.raises(MissingPeerError, match="no CUDA device"):
        prepare_torch(mlp(), Settings(device="cuda"))


@settings(max_examples=120)
@given(
    st.one_of(float_graphs(), netx_graphs()),
    st.sampled_from(list(Mode)),
    st.sampled_from([None, 1, 2]),
    st.integers(1, 15),
    st.integers(0, 2**20),
)
def test_random_graphs_where_every_sum_is_exact(
    graph: Graph, mode: Mode, batch: int | None, steps: int, seed: int
) -> None:
    """Loops, delays, several edges into one port, Loihi's integers; also when a run goes on from a state."""
    graph = replace(graph, nodes=tuple(_on_grid(node) for node in graph.nodes))
    x = stimulus(graph, steps, 3, seed)
    x = (np.rint(8 * x) / 8).astype(x.dtype)
    plan, wanted = prepare_torch(graph, Settings(mode, batch)), prepare(graph)
    keys = plan.record_keys()
    whole, _ = wanted.run(x, record=keys)
    found, state = plan.run(x, record=keys)
    np.testing.assert_equal(dict(found), dict(whole))
    later, _ = plan.run(x, record=keys, state=state)
    expected, _ = wanted.run(np.concatenate([x, x]), record=keys)
    np.testing.assert_equal(dict(later), {key: array[steps:] for key, array in expected.items()})


def _on_grid(node: Node) -> Node:
    """The node with float weights on a grid: their sums over spikes and eighths are exact in any order."""
    if "weight" not in node.param or not node.param["weight"].type.is_float:
        return node
    return node.with_params(weight=tensor(np.rint(node.param["weight"].array * 16) / np.float32(16)))


@pytest.mark.parametrize(
    ("op", "shape", "changes"),
    [
        ("core.Conv", (4, 9), {"weight": (6, 2, 3), "groups": 2, "stride": (2,), "bias": True}),
        ("core.Conv", (4, 7, 6), {"weight": (6, 4, 3, 2), "padding": (2, 1), "dilation": (2, 1)}),
        ("core.Conv", (2, 5, 4, 6), {"weight": (3, 2, 2, 2, 3), "stride": (1, 2, 1), "bias": True}),
        ("core.Conv", (2, 3, 3, 3, 3), {"weight": (2, 2, 2, 2, 2, 2)}),
        ("core.ConvTranspose", (4, 5), {"weight": (4, 3, 3), "groups": 2, "stride": (2,), "bias": True}),
        ("core.ConvTranspose", (3, 4, 3), {"weight": (3, 2, 3, 2), "padding": (2, 1), "dilation": (2, 1)}),
        ("core.ConvTranspose", (2, 3, 4, 2), {"weight": (2, 3, 2, 1, 3), "stride": (3, 1, 2), "bias": True}),
        ("core.ConvTranspose", (2, 5, 4), {"weight": (2, 3, 2, 3), "stride": (3, 2), "output_padding": (2, 1)}),
        ("core.ConvTranspose", (2, 6, 7), {"weight": (2, 3, 1, 2), "padding": (2, 3), "stride": (2, 1)}),
        ("core.ConvTranspose", (2, 3, 3, 3, 3), {"weight": (2, 2, 2, 2, 2, 2)}),
        ("core.Dense", (3, 7), {"weight": (5, 7), "bias": True}),
        ("core.AvgPool", (3, 9), {"kernel": (4,), "stride": (3,), "padding": (2,), "ceil_mode": True}),
        ("core.AvgPool", (3, 9, 8), {"kernel": (3, 2), "padding": (1, 1), "count_include_pad": False}),
        ("core.AvgPool", (2, 5, 5, 5), {"kernel": (2, 3, 2), "stride": (2, 2, 1), "ceil_mode": True}),
        ("core.MaxPool", (3, 9), {"kernel": (3,), "stride": (2,), "padding": (1,), "dilation": (2,)}),
        ("core.MaxPool", (3, 9, 8), {"kernel": (3, 2), "stride": (2, 2), "padding": (1, 1), "ceil_mode": True}),
        ("core.MaxPool", (2, 5, 5, 5), {"kernel": (2, 2, 2), "stride": (1, 1, 1)}),
        ("core.BatchNorm", (3, 4, 5), {"scale": (3, 1, 1), "shift": (3, 1, 1)}),
        ("core.BatchNorm", (4,), {"scale": (4,), "shift": ()}),
        ("core.Flatten", (3, 4, 5), {"start": 1, "end": 2}),
    ],
)
@pytest.mark.parametrize("kind", ["f32", "spikes", "f64"])
def test_every_transform_where_every_sum_is_exact(
    op: str, shape: tuple[int, ...], changes: dict[str, Any], kind: str
) -> None:
    """Numbers on a grid, whose sums are exact: both engines must agree in bits."""
    random = np.random.default_rng(0)
    type_ = {"f32": F32, "spikes": SPIKE, "f64": F64}[kind]
    dtype = np.float64 if kind == "f64" else np.float32
    rank = len(shape) - 1
    params: dict[str, Any] = {}
    attributes: dict[str, Any] = {"core.Dense": {"shift": 0}}.get(op, {})
    if op in ("core.Conv", "core.ConvTranspose", "core.Dense"):
        attributes = {**attributes, "accumulate": "exact", "bias": False}
    if op in ("core.Conv", "core.ConvTranspose"):
        attributes |= {"stride": (1,) * rank, "padding": (0,) * rank, "dilation": (1,) * rank, "groups": 1}
    if op == "core.ConvTranspose":
        attributes |= {"output_padding": (0,) * rank}
    if op.endswith("Pool"):
        attributes |= {"stride": (2,) * rank, "padding": (0,) * rank, "ceil_mode": False}
        attributes |= {"count_include_pad": True} if op == "core.AvgPool" else {"dilation": (1,) * rank}
    for name, value in changes.items():
        if name in ("weight", "scale", "shift"):
            params[name] = tensor((random.integers(-16, 17, value) / 16).astype(dtype))
        else:
            attributes[name] = value
    if attributes.get("bias"):
        outputs = params["weight"].shape[0]
        if op == "core.ConvTranspose":
            outputs = params["weight"].shape[1] * attributes["groups"]
        params["bias"] = tensor((random.integers(-16, 17, outputs) / 16).astype(dtype))
    builder = GraphBuilder("one", REGISTRY)
    builder.output(builder.node("y", op, builder.input(shape, type_), params=params, **attributes))
    x = random.integers(-8, 9, (5, 3, *shape)) / 8 if kind != "spikes" else random.integers(0, 2, (5, 3, *shape))
    graph = builder.graph()
    found, _ = prepare_torch(graph).run(x)
    wanted, _ = prepare(graph).run(x)
    assert found["output"].dtype == wanted["output"].dtype
    np.testing.assert_array_equal(found["output"], wanted["output"])
    fallback = [finding for finding in found.findings if finding.code == "SNN-6004"]
    assert len(fallback) == (len(shape) == 5)


@pytest.mark.parametrize("count", [1, 2])
def test_subnormal_numbers_are_not_flushed(count: int) -> None:
    """Convolution, product and mean of numbers below the smallest normal one, as oneDNN and MKL compute them."""
    random = np.random.default_rng(0)
    builder = GraphBuilder("tiny", REGISTRY)
    port = builder.input((3, 12, 12), F32)
    weight = (random.integers(-8, 9, (16, 3, 3, 3)) * 2.0**-149).astype(np.float32)
    port = conv(builder, "conv", port, weight)
    geometry: dict[str, Any] = {"kernel": (2, 2), "stride": (2, 2), "padding": (0, 0)}
    port = builder.node("pool", "core.AvgPool", port, **geometry, ceil_mode=False, count_include_pad=True)
    port = builder.node("flat", "core.Flatten", port, start=0, end=2)
    weight = random.integers(-8, 9, (40, 400)).astype(np.float32)
    builder.output(dense(builder, "fc", port, weight))
    graph, x = builder.graph(), (random.random((4, 8, 3, 12, 12)) < 0.4).astype(np.float32)
    keys = ["conv/y", "pool/y", "output"]
    found, _ = prepare_torch(graph, Settings(threads=count)).run(x, record=keys)
    wanted, _ = prepare(graph).run(x, record=keys)
    for key in keys:
        assert np.abs(wanted[key]).max() < np.finfo(np.float32).smallest_normal
        assert (wanted[key] != 0).any()
        np.testing.assert_array_equal(found[key], wanted[key])


def test_auto_takes_steps_one_by_one_where_all_do_not_fit() -> None:
    plan = prepare_torch(mlp((6, 5, 4)))
    elements = sum(int(np.prod(shape)) for shape in plan.analysis.shapes.values())
    steps = MULTI_ELEMENTS // elements
    assert plan.mode(steps, 1) is Mode.MULTI
    assert plan.mode(steps + 1, 1) is Mode.SINGLE
    assert prepare_torch(mlp(), Settings(Mode.AUTO, batch=1)).mode(steps, 1000) is Mode.MULTI
    assert prepare_torch(mlp(), Settings(Mode.MULTI)).mode(steps, 1000) is Mode.MULTI


def test_what_torch_cannot_do_exactly_runs_in_the_reference_kernel() -> None:
    """Integers beyond f64, and a normalisation that differs from element to element."""
    builder = GraphBuilder("wide", REGISTRY)
    port = builder.input((3,), signed(32))
    weight = np.array([[2**30 + 1, -3, 2**29 + 1], [5, 2**30 - 1, 7]], np.int64)
    builder.output(dense(builder, "fc", port, weight))
    x = np.random.default_rng(0).integers(-(2**31), 2**31, (4, 2, 3))
    _same_in_reference(builder.graph(), x, "fc")
    builder = GraphBuilder("norm", REGISTRY)
    scale = np.random.default_rng(0).normal(1, 1, (2, 3, 4)).astype(np.float32)
    params = {"scale": tensor(scale), "shift": tensor(scale + 1)}
    builder.output(builder.node("bn", "core.BatchNorm", builder.input((2, 3, 4), F32), params=params))
    _same_in_reference(builder.graph(), np.random.default_rng(1).random((4, 2, 2, 3, 4), np.float32), "bn")


def _same_in_reference(graph: Graph, x: Array, place: str) -> None:
    found, _ = prepare_torch(graph).run(x)
    assert [finding.place for finding in found.findings if finding.code == "SNN-6004"] == [place]
    np.testing.assert_array_equal(found["output"], prepare(graph).run(x)[0]["output"])


def test_a_run_of_nothing_says_how_it_was_called() -> None:
    recording, _ = prepare_torch(mlp()).run(np.ones((3, 2, 6), np.float32), record=())
    (called,) = (finding for finding in recording.findings if finding.code == "SNN-6003")
    assert called.new == "m"
    assert "2 samples per call" in called.message


def test_spikes_are_the_same_on_a_gpu() -> None:
    import torch

    if not torch.cuda.is_available():
        pytest.skip("no CUDA device")
    graph, x = mlp((60, 50, 40)), np.random.default_rng(0).random((20, 8, 60), np.float32)
    keys = ["n0/s", "n1/s"]
    there, _ = prepare_torch(graph, Settings(device="cuda")).run(x, record=keys)
    here, _ = prepare_torch(graph).run(x, record=keys)
    np.testing.assert_equal(dict(there), dict(here))
    integers, shown = loihi_mlp(), spikes((20, 8, 6))
    found, _ = prepare_torch(integers, Settings(device="cuda")).run(shown)
    np.testing.assert_array_equal(found["output"], prepare(integers).run(shown)[0]["output"])
