"""The radius of every transform against brute force: inputs moved within their radii, sums in every order."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from snnhub.engine import kernels
from snnhub.engine.kernels import Context
from snnhub.engine.robust import transforms
from snnhub.engine.robust.bounded import Bounded
from snnhub.engine.robust.plan import bounded_sum
from snnhub.ir.graph import Node
from snnhub.ir.numtype import F32, SPIKE
from snnhub.ir.op import TransformOp
from snnhub.ir.tensor import Array, tensor
from snnhub.ops.registry import CORE, REGISTRY

from tests.permuted import KERNELS, ORDERS, summing
from tests.unit.test_robust_rules import moved

SAMPLES, TRIES = 6, 12
Random = np.random.Generator
PLANE: dict[str, Any] = {"kernel": (2, 2), "stride": (2, 1), "padding": (1, 0), "ceil_mode": False}


def dense(random: Random, bias: bool) -> tuple[dict[str, Array], dict[str, Any]]:
    params = {"weight": random.normal(0, 1, (5, 12))} | ({"bias": random.normal(0, 1, 5)} if bias else {})
    return params, {"bias": bias, "accumulate": "exact", "shift": 0}


def conv(random: Random, groups: int, bias: bool) -> tuple[dict[str, Array], dict[str, Any]]:
    params = {"weight": random.normal(0, 1, (4, 4 // groups, 3, 3))}
    params |= {"bias": random.normal(0, 1, 4)} if bias else {}
    geometry = {"stride": (1, 2), "padding": (1, 0), "dilation": (1, 1), "groups": groups}
    return params, {"bias": bias, "accumulate": "exact", **geometry}


def transposed(random: Random, groups: int, bias: bool) -> tuple[dict[str, Array], dict[str, Any]]:
    params = {"weight": random.normal(0, 1, (4, 6 // groups, 3, 2))}
    params |= {"bias": random.normal(0, 1, 6)} if bias else {}
    geometry = {"stride": (1, 2), "padding": (1, 0), "output_padding": (0, 1), "dilation": (1, 2)}
    return params, {"bias": bias, "accumulate": "exact", **geometry, "groups": groups}


def norm(random: Random) -> tuple[dict[str, Array], dict[str, Any]]:
    scale = random.choice([0.5, 1.0, 2.0, 0.3, 1.7, -3.1, 0.0], (4, 1, 1))
    return {"scale": scale, "shift": random.choice([0.0, 0.3, -1.7, 2.0], (4, 1, 1))}, {}


def plain(**attributes: Any) -> Callable[[Random], tuple[dict[str, Array], dict[str, Any]]]:
    return lambda random: ({}, attributes)


CASES: dict[str, tuple[str, tuple[int, ...], Callable[[Random], tuple[dict[str, Array], dict[str, Any]]]]] = {
    "dense": ("core.Dense", (12,), lambda random: dense(random, False)),
    "dense, bias": ("core.Dense", (3, 12), lambda random: dense(random, True)),
    "conv": ("core.Conv", (4, 5, 6), lambda random: conv(random, 1, False)),
    "conv, groups, bias": ("core.Conv", (4, 5, 6), lambda random: conv(random, 2, True)),
    "transposed conv": ("core.ConvTranspose", (4, 3, 4), lambda random: transposed(random, 1, False)),
    "transposed conv, groups, bias": ("core.ConvTranspose", (4, 3, 4), lambda random: transposed(random, 2, True)),
    "average": ("core.AvgPool", (4, 5, 6), plain(count_include_pad=True, **PLANE)),
    "average without padding": ("core.AvgPool", (4, 5, 6), plain(count_include_pad=False, **PLANE)),
    "adaptive": ("core.AdaptiveAvgPool", (4, 5, 6), plain(sizes=(2, 4))),
    "maximum": ("core.MaxPool", (4, 5, 6), plain(dilation=(1, 2), **PLANE)),
    "flatten": ("core.Flatten", (4, 5, 6), plain(start=0, end=1)),
    "reshape": ("core.Reshape", (4, 5, 6), plain(shape=(6, 20))),
    "pad": ("core.Pad", (4, 5, 6), plain(before=(1, 0, 2), after=(0, 1, 1))),
    "upsample": ("core.Upsample", (4, 5, 6), plain(factor=(2, 3))),
    "relu": ("core.ReLU", (4, 5, 6), plain()),
    "concat": ("core.Concat", (4, 5, 6), plain(axis=1, sizes=(5, 5))),
    "add": ("core.Add", (4, 5, 6), plain()),
    "mul": ("core.Mul", (4, 5, 6), plain()),
    "batch norm": ("core.BatchNorm", (4, 5, 6), norm),
    "scale": ("core.Scale", (4, 5, 6), norm),
}


def prepared(name: str, random: Random) -> tuple[TransformOp, Context]:
    op_name, shape, make = CASES[name]
    op = REGISTRY(op_name, 1)
    assert isinstance(op, TransformOp)
    params, attributes = make(random)
    if random.random() < 0.4:  # on a binary grid, up to the edge of what f32 holds
        reach = 2.0 ** random.integers(1, 22)
        on = {key: random.random() < 0.7 for key in params}
        params = {key: np.rint(value * reach) / 64 if on[key] else value for key, value in params.items()}
    tensors = tuple((key, tensor(np.asarray(value, np.float32))) for key, value in params.items())
    node = Node(name, op_name, 1, tuple(attributes.items()), tensors)
    shapes = dict.fromkeys(op.ports.inputs, shape)
    types = dict.fromkeys(op.ports.inputs, F32)
    return op, Context(
        node, {**shapes, **op.output_shapes(node, shapes)}, {**types, **op.output_types(node, types)}
    )


def operand(random: Random, shape: tuple[int, ...], reach: float) -> Bounded:
    """Numbers of which some are 0, some spikes; or integers, or few among zeros. Radii relative to them."""
    kind, size = random.choice(["mixed", "integers", "sparse"]), (SAMPLES, *shape)
    value = random.normal(0, 1, size) * 10.0 ** random.integers(-2, 2, size)
    value = np.where(random.random(size) < 0.3, np.rint(value), value)
    if kind == "integers":
        value = random.integers(-1, 2, size) * random.integers(1, 2 ** random.integers(1, 24), size).astype(
            np.float64
        )
    value = (value * (random.random(size) < (0.15 if kind == "sparse" else 1))).astype(np.float32)
    if reach == 0:
        return Bounded(value)
    radius = np.where(random.random(value.shape) < 0.2, 0.0, reach * np.abs(value.astype(np.float64)))
    return Bounded(value, radius)


@pytest.mark.parametrize("name", CASES)
@settings(max_examples=60)
@given(seed=st.integers(0, 2**32 - 1), reach=st.sampled_from([0.0, 1e-7, 1e-5, 0.1, 1.5]))
def test_radii_of_transforms(name: str, seed: int, reach: float) -> None:
    random = np.random.default_rng(seed)
    op, context = prepared(name, random)
    inputs = {port: operand(random, context.shapes[port], reach) for port in op.ports.inputs}
    kernel, rule = kernels.load(op, context), transforms.load(op, context)
    assert rule is not None
    ours = kernel({port: item.value for port, item in inputs.items()})
    found = rule(inputs, ours)
    radius = np.zeros(ours.shape) if found is None else found
    assert radius.shape == ours.shape
    for number in range(TRIES):
        others = {port: moved(random, item, int(random.integers(3))) for port, item in inputs.items()}
        theirs = in_some_order(context, kernel, ORDERS[number % len(ORDERS)], random)(others)
        apart = np.abs(ours.astype(np.float64) - theirs.astype(np.float64))
        assert (apart <= radius).all(), (apart - radius).max()


def in_some_order(
    context: Context, kernel: Callable[[Mapping[str, Array]], Array], order: str, random: Random
) -> Callable[[Mapping[str, Array]], Array]:
    make = KERNELS.get(context.node.op)
    found: Callable[[Mapping[str, Array]], Array] = make(context, summing(order, random)) if make else kernel
    return found


def test_every_transform_of_the_core_has_a_rule_and_a_test() -> None:
    ops = {op.name for op in CORE if isinstance(op, TransformOp)}
    assert {name for name, _ in transforms.RULES} == ops
    assert {op for op, _, _ in CASES.values()} == ops


@given(seed=st.integers(0, 2**32 - 1), reach=st.sampled_from([0.0, 1e-7, 0.1]))
def test_radii_of_edges_into_one_port(seed: int, reach: float) -> None:
    random = np.random.default_rng(seed)
    parts = [operand(random, (8,), reach) for _ in range(int(random.integers(2, 6)))]
    ours = bounded_sum(parts, F32)
    for order in ORDERS:
        others = [moved(random, part, int(random.integers(3))) for part in parts]
        theirs = summing(order, random)(np.stack(others, axis=-1))
        assert (np.abs(ours.value.astype(np.float64) - theirs.astype(np.float64)) <= ours.radii()).all()


def test_spikes_on_a_binary_grid_have_no_radius() -> None:
    """Dense and Conv with bias, and averages of spikes."""
    random = np.random.default_rng(0)
    for name in ("dense, bias", "conv, groups, bias", "average", "adaptive"):
        op, context = prepared(name, random)
        params = tuple(
            (key, tensor(np.asarray(np.rint(item.array * 16) / 16, np.float32)))
            for key, item in context.node.params
        )
        node = Node(name, context.node.op, 1, context.node.attributes, params)
        context = Context(node, context.shapes, {**context.types, "x": SPIKE})
        x = (random.random((SAMPLES, *context.shapes["x"])) < 0.5).astype(np.uint8)
        rule = transforms.load(op, context)
        assert rule is not None
        assert rule({"x": Bounded(x)}, kernels.load(op, context)({"x": x})) is None
