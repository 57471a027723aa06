"""How far transforms move: the same kernels, run over sizes and radii. Arrays are (samples, *features)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np

from snnhub.engine import kernels
from snnhub.engine.exact import EXACT_F32, EXACT_F64, F64, grid_exponent
from snnhub.engine.kernels import Context
from snnhub.engine.kernels.synapse import outputs_first
from snnhub.engine.robust.bounded import Bounded
from snnhub.engine.robust.rounding import NEXT, PAD, above, gamma, known, smallest, spacing, two_roundings, unit
from snnhub.engine.robust.sums import sum_radius
from snnhub.ir.graph import Node
from snnhub.ir.numtype import F64 as WIDE
from snnhub.ir.op import TransformOp
from snnhub.ir.tensor import Array, tensor

Inputs = Mapping[str, Bounded]
Radius = Callable[[Inputs, Array], F64 | None]
"""From bounded inputs and the engine's output, the radius of the output; None if no order changes it."""


def load(op: TransformOp, context: Context) -> Radius | None:
    """The rule of a transform; None for an op whose sums nobody here knows."""
    if context.types["y"].is_int:
        return lambda inputs, y: None
    factory = RULES.get((op.like, 1) if op.like else (op.name, op.version))
    return None if factory is None else factory(op, context)


def weighted(op: TransformOp, context: Context) -> Radius:
    """Dense, Conv and ConvTranspose: the rule of sums, with as many terms as inputs that are not 0."""
    node = context.node
    weight, bias = node.param["weight"].array, node.param.get("bias")
    size_of = _magnitudes(op, context, np.abs(weight), None if bias is None else np.abs(bias.array))
    spread_of = _magnitudes(op, context, np.abs(weight), None)
    count = _counter(op, context)
    grid_of = _grid(op, context)

    def radius(inputs: Inputs, y: Array) -> F64 | None:
        x = inputs["x"]
        size = size_of(np.abs(x.value))
        live = x.value != 0 if x.radius is None else (x.value != 0) | (x.radius > 0)
        terms = count(live) + (bias is not None)
        most = float(terms.max(initial=0))
        lost = 1 + gamma(most, unit(y.dtype)) * NEXT if op.like else 1.0  # a kernel with an order of its own
        size = size * lost
        if x.radius is not None:
            spread = spread_of(above(x.radius, y.dtype)).astype(np.float64) * NEXT + terms * smallest(y.dtype)
            found = sum_radius(y, terms, size, spread * lost, rounded_products=True)
        else:
            plain = bool(((x.value == 0) | (np.abs(x.value) == 1)).all())
            found = sum_radius(y, terms, size, 0.0, rounded_products=not plain, grid=grid_of(x.value))
        if op.like:
            found = found * (2 * lost)  # this order and another, each as far from the exact sum
        return found if found.any() else None

    return radius


def _grid(op: TransformOp, context: Context) -> Callable[[Array], Array | None]:
    """For an input, exponents of powers of two that divide all terms of a sum; None if it is not finite."""
    node = context.node
    weight, bias = _rows(node), node.param.get("bias")
    across = (-1,) if "core.Dense" in (op.name, op.like) else (-1, *[1] * (weight.ndim - 2))
    rows = np.array([grid_exponent(row) for row in weight]).reshape(across)
    own = rows.max(initial=0) + 2**14  # a bias of 0 is a multiple of anything
    if bias is not None:
        own = np.array([grid_exponent(entry) if entry.any() else own for entry in bias.array[:, None]])
        own = own.reshape(across)

    def grid(x: Array) -> Array | None:
        if not np.isfinite(x).all():
            return None
        return np.asarray(np.minimum(rows + grid_exponent(x.astype(np.float64)), own))

    return grid


def _magnitudes(op: TransformOp, context: Context, weight: Array, bias: Array | None) -> Callable[[Array], Array]:
    """The node's own kernel with the absolute values of its weights."""
    node = _with(context.node, weight, bias)
    kernel = kernels.load(op, replace(context, node=node))
    return lambda x: kernel({"x": x})


def _counter(op: TransformOp, context: Context) -> Callable[[Array], F64]:
    """How many inputs of each sum are not 0."""
    node, weight = context.node, _rows(context.node)
    if "core.Dense" in (op.name, op.like):
        return lambda live: live.sum(axis=-1, keepdims=True).astype(np.float64)
    groups = node.integer("groups")
    ones = np.ones((groups, *weight.shape[1:]), weight.dtype)
    if node.op == "core.ConvTranspose":
        ones = np.ones((groups * weight.shape[1], 1, *weight.shape[2:]), weight.dtype)
    shapes = {**context.shapes, "y": (groups, *context.shapes["y"][1:])}
    kernel = kernels.load(op, replace(context, node=_with(node, ones, None), shapes=shapes))
    each = len(weight) // groups if groups > 1 else 1  # one group has one count for all filters

    def count(live: Array) -> F64:
        found: F64 = kernel({"x": live.astype(weight.dtype)}).astype(np.float64)
        return np.repeat(found, each, axis=1) if each > 1 else found

    return count


def _rows(node: Node) -> Array:
    """Weights, the axis of outputs first."""
    return outputs_first(node) if node.op == "core.ConvTranspose" else node.param["weight"].array


def _with(node: Node, weight: Array, bias: Array | None) -> Node:
    params = {"weight": tensor(weight)} | ({} if bias is None else {"bias": tensor(bias)})
    attributes = tuple((name, bias is not None if name == "bias" else value) for name, value in node.attributes)
    return replace(node, params=tuple(sorted(params.items())), attributes=attributes)


def moved(op: TransformOp, context: Context) -> Radius:
    """Flatten, Reshape, Pad, Upsample: the radii go where the numbers go. MaxPool: by no more than the entry of
    its window that moves most. Nothing is rounded.
    """
    kernel = kernels.load(op, replace(context, types=dict.fromkeys(context.types, WIDE)))

    def radius(inputs: Inputs, y: Array) -> F64 | None:
        x = inputs["x"]
        return None if x.radius is None else np.maximum(kernel({"x": x.radius}), 0.0)

    return radius


def rectified(op: TransformOp, context: Context) -> Radius:
    """ReLU: by no more than its input, not at all where that is below 0 for every order."""

    def radius(inputs: Inputs, y: Array) -> F64 | None:
        x = inputs["x"]
        return None if x.radius is None else np.where(x.value < -x.radius, 0.0, x.radius)

    return radius


def concatenated(op: TransformOp, context: Context) -> Radius:
    """Radii beside radii."""
    axis = context.node.integer("axis") + 1

    def radius(inputs: Inputs, y: Array) -> F64 | None:
        if all(item.radius is None for item in inputs.values()):
            return None
        return np.concatenate([inputs[name].radii() for name in ("a", "b")], axis=axis)

    return radius


def added(op: TransformOp, context: Context) -> Radius:
    """One rounding on each side."""

    def radius(inputs: Inputs, y: Array) -> F64 | None:
        if all(item.radius is None for item in inputs.values()):
            return None
        before = inputs["a"].radii() + inputs["b"].radii()
        return (before + two_roundings(y, before, y.dtype)) * PAD

    return radius


def multiplied(op: TransformOp, context: Context) -> Radius:
    """The product rule, and one rounding on each side."""

    def radius(inputs: Inputs, y: Array) -> F64 | None:
        a, b = inputs["a"], inputs["b"]
        if a.radius is None and b.radius is None:
            return None
        before = np.abs(a.value) * b.radii() + np.abs(b.value) * a.radii() + a.radii() * b.radii()
        before = known(before * PAD)
        return (before + two_roundings(y, before, y.dtype)) * PAD

    return radius


def scaled(op: TransformOp, context: Context) -> Radius:
    """BatchNorm and Scale: a sum of two terms, whose product may be rounded before it is added, or not."""
    scale, shift = (context.node.param[name].array.astype(np.float64) for name in ("scale", "shift"))
    power = (scale == 0) | (np.frexp(np.abs(scale))[0] == 0.5)

    def radius(inputs: Inputs, y: Array) -> F64 | None:
        x = inputs["x"]
        wide, moves = np.abs(x.value.astype(np.float64)), x.radii()
        product, before = wide * np.abs(scale), moves * np.abs(scale)
        whole = power | (x.value == 0) | (np.abs(x.value) == 1) | (shift == 0)
        rounded = np.where(whole & (moves == 0), 0.0, spacing((product + before) * NEXT, y.dtype) / 2)
        before = known((before + rounded) * PAD)
        found = (before + two_roundings(y, before, y.dtype)) * PAD
        return found if found.any() else None

    return radius


def averaged(op: TransformOp, context: Context) -> Radius:
    """AvgPool and AdaptiveAvgPool: a sum in any order, then divisions by numbers of entries."""
    mean = kernels.load(op, context)
    terms = _window(context)
    divisions = len(context.shapes["y"]) - 1

    def radius(inputs: Inputs, y: Array) -> F64 | None:
        x, u = inputs["x"], unit(y.dtype)
        size = np.abs(x.value)
        if x.radius is None and _whole_sums(x.value, terms, y.dtype):
            return None
        mean_size = mean({"x": size}).astype(np.float64) * NEXT**2
        spread: Array = np.zeros(())
        if x.radius is not None:
            spread = mean({"x": above(x.radius, y.dtype)}).astype(np.float64) * NEXT**2 + smallest(y.dtype)
        factor = gamma(terms, u) + 2 * (1 + divisions) * u * NEXT
        total = (mean_size + spread) * factor + spread
        least = 4 * (1 + divisions) * smallest(y.dtype)
        return np.where(total == 0, 0.0, known((total + least) * PAD))

    return radius


def _window(context: Context) -> int:
    """The largest number of entries of a window."""
    if "kernel" in context.node.attribute:
        return int(np.prod(context.node.integers("kernel")))
    pairs = zip(context.shapes["x"][1:], context.shapes["y"][1:], strict=True)
    return int(np.prod([size // out + 2 for size, out in pairs]))


def _whole_sums(x: Array, terms: int, dtype: np.dtype[np.generic]) -> bool:
    """Whether all sums of so many entries are exact in every order."""
    if not x.size or not np.isfinite(x).all():
        return not x.size
    limit = EXACT_F64 if dtype == np.float64 else EXACT_F32
    grid = grid_exponent(x.astype(np.float64))
    return grid > -100 and bool(float(np.abs(x).max()) * terms <= np.ldexp(float(limit), grid))


RULES: dict[tuple[str, int], Callable[[TransformOp, Context], Radius]] = {
    ("core.Dense", 1): weighted,
    ("core.Conv", 1): weighted,
    ("core.ConvTranspose", 1): weighted,
    ("core.AvgPool", 1): averaged,
    ("core.AdaptiveAvgPool", 1): averaged,
    ("core.MaxPool", 1): moved,
    ("core.Flatten", 1): moved,
    ("core.Reshape", 1): moved,
    ("core.Pad", 1): moved,
    ("core.Upsample", 1): moved,
    ("core.ReLU", 1): rectified,
    ("core.Concat", 1): concatenated,
    ("core.Add", 1): added,
    ("core.Mul", 1): multiplied,
    ("core.BatchNorm", 1): scaled,
    ("core.Scale", 1): scaled,
}
