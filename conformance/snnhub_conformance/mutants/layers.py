"""Classes of wrong transforms: sums rounded in between, windows and axes taken the other way, formulas of others.

Each function gets the node, what arrives (samples, features…) by port, and the right result; it gives a wrong one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from math import prod

import numpy as np
from snnhub.engine.kernels.synapse import as_conv, spread, window_view
from snnhub.ir.graph import Graph, Node
from snnhub.ir.tensor import Array, tensor

from snnhub_conformance.mutants.engine_class import Change, EngineClass, Wrong, with_nodes, with_transform

Inputs = Mapping[str, Array]


def _terms(node: Node, x: Array, right: Array) -> Array:
    """The products of every sum of a Dense, Conv or ConvTranspose, (…of the result, terms), in the dtype of the
    weight.
    """
    if node.op == "core.ConvTranspose":
        node, x = as_conv(node), spread(node, x)
    weight = node.param["weight"].array
    wide = weight.dtype if weight.dtype.kind == "f" else np.dtype(np.int64)
    weight, x = weight.astype(wide), x.astype(wide)
    if node.op == "core.Dense":
        return np.asarray(x[..., None, :] * weight)
    dims, groups = weight.ndim - 2, node.integer("groups")
    around = [(0, 0), (0, 0), *((pad, pad) for pad in node.integers("padding"))]
    view = window_view(np.pad(x, around), weight.shape[2:], node.integers("stride"), node.integers("dilation"))
    parts = np.split(np.moveaxis(view, 1, 1 + dims), groups, axis=1 + dims)  # samples, *out, channels, *kernel
    rows = [
        part.reshape(*part.shape[: 1 + dims], 1, -1) * own.reshape(own.shape[0], -1)
        for part, own in zip(parts, np.split(weight, groups), strict=True)
    ]
    return np.moveaxis(np.concatenate(rows, axis=-2), -2, 1)


def _bias(node: Node, dims: int) -> Array:
    bias = node.param["bias"].array if "bias" in node.param else np.zeros(1, node.param["weight"].array.dtype)
    return bias.reshape(-1, *[1] * dims) if node.op != "core.Dense" else bias


def _sum_in(dtype: str, backwards: bool = False) -> Wrong:
    """Sums accumulated one term after the other in a dtype, the bias last."""

    def wrong(node: Node, inputs: Inputs, right: Array) -> Array:
        if right.dtype.kind != "f":
            return right
        terms = _terms(node, inputs["x"], right).astype(dtype)
        total = np.zeros(terms.shape[:-1], dtype)
        for place in range(terms.shape[-1]):
            total = total + terms[..., -1 - place if backwards else place]
        return np.asarray((total + _bias(node, right.ndim - 2).astype(dtype)).astype(right.dtype))

    return wrong


def _bias_apart(node: Node, inputs: Inputs, right: Array) -> Array:
    """The sum is rounded before the bias is added."""
    if right.dtype.kind != "f" or "bias" not in node.param:
        return right
    without = _terms(node, inputs["x"], right).astype(np.float64).sum(axis=-1).astype(right.dtype)
    return np.asarray(without + _bias(node, right.ndim - 2))


def _whole(node: Node, inputs: Inputs, right: Array) -> Array:
    return np.asarray(_terms(node, inputs["x"], right).sum(axis=-1) + _bias(node, right.ndim - 2).astype(np.int64))


def _saturated(node: Node, inputs: Inputs, right: Array) -> Array:
    """Sums that should wrap to 24 bits stop at the limit."""
    if node.attribute["accumulate"] != "wrap24" or node.attribute.get("shift"):
        return right
    return np.clip(_whole(node, inputs, right), -(2**23), 2**23 - 1)


def _shift_truncates(node: Node, inputs: Inputs, right: Array) -> Array:
    """The shift of a sum rounds toward zero."""
    shift = node.integer("shift")
    if not shift or node.attribute["accumulate"] == "wrap24":
        return right
    total = _whole(node, inputs, right)
    return np.asarray(np.sign(total) * (np.abs(total) >> shift))


def _other_order(node: Node, inputs: Inputs, right: Array) -> Array:
    """The merged axes are read with the first one running fastest: (W, H, C)."""
    x = inputs["x"]
    if node.op == "core.Reshape":
        return np.asarray(x.T.reshape(-1, len(x)).T.reshape(right.shape))
    start, end = node.integer("start") + 1, node.integer("end") + 2
    axes = (*range(start), *reversed(range(start, end)), *range(end, x.ndim))
    return x.transpose(axes).reshape(right.shape)


def _pool_sum(node: Node, inputs: Inputs, right: Array) -> Array:
    return np.asarray(right * right.dtype.type(prod(node.integers("kernel"))))


def _pool_product(node: Node, inputs: Inputs, right: Array) -> Array:
    """A product with the reciprocal in place of the division, where every window has the same entries."""
    one, count = right.dtype.type(1), right.dtype.type(prod(node.integers("kernel")))
    total = np.rint(right.astype(np.float64) * float(count))
    if any(node.integers("padding")) or node.attribute["ceil_mode"] or inputs["x"].dtype.kind == "f":
        return right
    return np.asarray(total.astype(right.dtype) * (one / count))


def _max_over_zeros(node: Node, inputs: Inputs, right: Array) -> Array:
    """Padding counts as zeros, which win over what is negative."""
    if not any(node.integers("padding")):
        return right
    kernel, stride, gap = (node.integers(name) for name in ("kernel", "stride", "dilation"))
    reach = [
        (o - 1) * s + g * (k - 1) + 1 for o, s, g, k in zip(right.shape[2:], stride, gap, kernel, strict=True)
    ]
    sizes = inputs["x"].shape[2:]
    around = [(p, max(p, r - size - p)) for p, r, size in zip(node.integers("padding"), reach, sizes, strict=True)]
    padded = np.pad(inputs["x"], [(0, 0), (0, 0), *around])
    return np.asarray(window_view(padded, kernel, stride, gap).max(axis=tuple(range(-len(kernel), 0))))


def _strided_windows(node: Node, inputs: Inputs, right: Array) -> Array:
    """Windows of one length, floor(in / out), side by side."""
    steps = [max(size // out, 1) for size, out in zip(inputs["x"].shape[2:], right.shape[2:], strict=True)]
    result = np.empty(right.shape, right.dtype)
    for index in np.ndindex(*right.shape[2:]):
        cut = tuple(slice(place * step, (place + 1) * step) for place, step in zip(index, steps, strict=True))
        window = inputs["x"][(slice(None), slice(None), *cut)]
        if 0 not in window.shape:
            result[(slice(None), slice(None), *index)] = window.mean(axis=tuple(range(2, window.ndim)))
    return result


def _tiled(node: Node, inputs: Inputs, right: Array) -> Array:
    """The whole is repeated instead of every entry."""
    return np.tile(inputs["x"], (1, 1, *node.integers("factor")))


def _swapped(node: Node, inputs: Inputs, right: Array) -> Array:
    return np.concatenate([inputs["b"], inputs["a"]], axis=node.integer("axis") + 1)


def _identity(node: Node, inputs: Inputs, right: Array) -> Array:
    return inputs["x"]


def _two_roundings(node: Node, inputs: Inputs, right: Array) -> Array:
    if right.dtype.kind != "f":
        return right
    scale, shift = (node.param[name].array for name in ("scale", "shift"))
    return np.asarray(inputs["x"].astype(right.dtype) * scale + shift)


def _shift_first(node: Node, inputs: Inputs, right: Array) -> Array:
    wide = right.dtype if right.dtype.kind == "f" else np.dtype(np.int64)
    scale, shift = (node.param[name].array.astype(wide) for name in ("scale", "shift"))
    return np.asarray((inputs["x"].astype(wide) + shift) * scale)


def _last_axis(graph: Graph) -> Graph | None:
    """Numbers per channel are put on the last axis."""

    def node(item: Node) -> Node | None:
        new = {
            name: tensor(value.array.reshape(value.array.shape[::-1]))
            for name, value in item.params
            if name not in ("weight", "bias") or item.program is not None
            if value.array.ndim > 1 and value.array.shape != value.array.shape[::-1]
        }
        return item.with_params(**new) if new else None

    return with_nodes(graph, node)


def _reversed_axes(*names: str) -> Change:
    """Attributes of spatial axes read in the order (W, H)."""

    def node(item: Node) -> Node | None:
        own = {name: value for name, value in item.attributes if name in names and isinstance(value, tuple)}
        turned = {name: value[::-1] for name, value in own.items()}
        if turned == own:
            return None
        return replace(item, attributes=tuple({**item.attribute, **turned}.items()))

    return lambda graph: with_nodes(graph, node)


def _conv_weight(item: Node, new: Array | None) -> Node | None:
    same = new is None or np.array_equal(new, item.param["weight"].array)
    return None if new is None or same else item.with_params(weight=tensor(new))


def _in_and_out(graph: Graph) -> Graph | None:
    """A kernel's channels in and out exchanged."""

    def node(item: Node) -> Node | None:
        weight = item.param["weight"].array if item.op in CONVOLUTIONS else np.zeros((1, 2))
        return _conv_weight(item, weight.swapaxes(0, 1) if weight.shape[0] == weight.shape[1] else None)

    return with_nodes(graph, node)


def _interleaved(node: Node, inputs: Inputs, right: Array) -> Array:
    """Filters of the groups lie in turns instead of one group after the other."""
    groups = node.integer("groups")
    shape = (len(right), groups, right.shape[1] // groups, *right.shape[2:])
    return right.reshape(shape).swapaxes(1, 2)


def _moved_back(node: Node, inputs: Inputs, right: Array) -> Array:
    """Output padding in front: everything lies later by it."""
    more = node.integers("output_padding")
    late: Array = np.zeros_like(right) + _bias(node, right.ndim - 2).astype(right.dtype)
    if not any(more):
        return right
    kept = tuple(slice(None, size - gap) for size, gap in zip(right.shape[2:], more, strict=True))
    there = tuple(slice(gap, None) for gap in more)
    late[(slice(None), slice(None), *there)] = right[(slice(None), slice(None), *kept)]
    return late


def _layer(name: str, mistake: str, wrong: Wrong, *ops: str) -> EngineClass:
    return EngineClass(name, mistake, run=with_transform(wrong, *(f"core.{op}" for op in ops)))


CONVOLUTIONS = ("core.Conv", "core.ConvTranspose")
SPATIAL = ("stride", "padding", "output_padding", "dilation", "kernel", "factor", "sizes", "before", "after")
LAYERS: tuple[EngineClass, ...] = (
    _layer(
        "sum.f32",
        "sums accumulated in f32, one term after the other",
        _sum_in("float32"),
        "Dense",
        "Conv",
        "ConvTranspose",
    ),
    _layer(
        "sum.f32-backwards",
        "sums accumulated in f32, the last term first",
        _sum_in("float32", True),
        "Dense",
        "Conv",
        "ConvTranspose",
    ),
    _layer(
        "sum.f64",
        "sums accumulated in f64 and rounded at the end, not exact",
        _sum_in("float64"),
        "Dense",
        "Conv",
        "ConvTranspose",
    ),
    _layer(
        "sum.bias-apart", "a sum rounded before its bias is added", _bias_apart, "Dense", "Conv", "ConvTranspose"
    ),
    _layer(
        "sum.saturates",
        "sums that should wrap to 24 bits stop at the limit",
        _saturated,
        "Dense",
        "Conv",
        "ConvTranspose",
    ),
    _layer(
        "sum.shift-truncates", "the shift of a sum rounds toward zero instead of down", _shift_truncates, "Dense"
    ),
    _layer("flatten.order", "features flattened as (W, H, C)", _other_order, "Flatten"),
    _layer("reshape.order", "a new shape filled with the first axis running fastest", _other_order, "Reshape"),
    _layer("pool.sum", "an average done as a sum", _pool_sum, "AvgPool"),
    _layer("pool.reciprocal", "an average as a product with the reciprocal", _pool_product, "AvgPool"),
    _layer("pool.max-zero", "padding of a maximum counted as zeros", _max_over_zeros, "MaxPool"),
    _layer(
        "pool.adaptive-strided",
        "adaptive windows of one length, side by side",
        _strided_windows,
        "AdaptiveAvgPool",
    ),
    _layer("upsample.tiled", "the whole repeated instead of every entry", _tiled, "Upsample"),
    _layer("concat.swapped", "the second part put first", _swapped, "Concat"),
    _layer("relu.dropped", "ReLU left out", _identity, "ReLU"),
    _layer(
        "norm.two-roundings", "scale and shift rounded one after the other", _two_roundings, "BatchNorm", "Scale"
    ),
    _layer("norm.shift-first", "shifted first and scaled then", _shift_first, "BatchNorm", "Scale"),
    _layer("groups.interleaved", "filters of groups in turns", _interleaved, "Conv", "ConvTranspose"),
    _layer(
        "window.output-padding", "output padding put in front instead of at the end", _moved_back, "ConvTranspose"
    ),
    EngineClass("parameter.last-axis", "numbers per channel put on the last axis", _last_axis),
    EngineClass("window.axes", "attributes of spatial axes read as (W, H)", _reversed_axes(*SPATIAL)),
    EngineClass("weight.in-out", "a kernel's channels in and out exchanged", _in_and_out),
)
"""Every class of wrong transforms."""
