"""Every core transform by plain loops over Python numbers: the second opinion on what the engine computes.

Arrays hold Python objects: integers of any size, and floats. Sums of floats are rational numbers, rounded once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from fractions import Fraction
from itertools import product
from math import inf, nan
from typing import Any

import numpy as np
from snnhub.ir.graph import Node
from snnhub.ir.numtype import NumType
from snnhub.ir.tensor import Array

from snnhub_conformance.scalar import nearest

Index = tuple[int, ...]
Inputs = Mapping[str, Array]
Number = Any


def indices(shape: Iterable[int]) -> Iterator[Index]:
    """Every index, the last axis running fastest."""
    return product(*(range(size) for size in shape))


def rounded(exact: Fraction | int, type_: NumType) -> float:
    """The nearest float of the type, ties to even; 0.0 for zero."""
    return nearest(Fraction(exact), type_) if exact else 0.0


def added(terms: Iterable[Number], type_: NumType) -> Number:
    """The exact sum, rounded once where the type is a float."""
    if type_.is_int:
        return sum(terms)
    return rounded(sum((Fraction(term) for term in terms), Fraction(0)), type_)


def numbers(array: Array, shape: Index | None = None) -> Array:
    """The array as Python numbers, broadcast to ``shape``."""
    whole: Array = np.broadcast_to(array, array.shape if shape is None else shape)
    result = np.empty(whole.shape, object)
    for index in indices(whole.shape):
        result[index] = whole[index].item()
    return result


def _wrapped(total: int, node: Node) -> int:
    return (total + 2**23) % 2**24 - 2**23 if node.attribute["accumulate"] == "wrap24" else total


def _dense(node: Node, inputs: Inputs, shape: Index, type_: NumType) -> Array:
    x, weight, y = inputs["x"], node.param["weight"].array.tolist(), np.empty(shape, object)
    bias = node.param["bias"].array.tolist() if "bias" in node.param else [0] * len(weight)
    for index in indices(shape):
        row = x[index[:-1]]
        pairs = [(w, v) for w, v in zip(weight[index[-1]], row.tolist(), strict=True) if w and v]
        y[index] = _weighted(node, pairs, bias[index[-1]], type_)
        if type_.is_int:
            y[index] >>= node.integer("shift")
    return y


def _weighted(node: Node, pairs: list[tuple[Number, Number]], bias: Number, type_: NumType) -> Number:
    if type_.is_int:
        return _wrapped(sum(w * v for w, v in pairs) + bias, node)
    return rounded(sum((Fraction(w) * Fraction(v) for w, v in pairs), Fraction(bias)), type_)


def _conv(node: Node, inputs: Inputs, shape: Index, type_: NumType) -> Array:
    x, weight, y = inputs["x"], node.param["weight"].array, np.empty(shape, object)
    bias = node.param["bias"].array.tolist() if "bias" in node.param else [0] * shape[0]
    per_group = shape[0] // node.integer("groups")
    taps = [(tap, np.moveaxis(weight, 0, -1)[tap].tolist()) for tap in indices(weight.shape[1:])]
    steps, pads, gaps = (node.integers(name) for name in ("stride", "padding", "dilation"))
    for index in indices(shape):
        first = index[0] // per_group * weight.shape[1]
        pairs = []
        for tap, own in taps:
            place = [
                o * s - p + k * g for o, s, p, k, g in zip(index[1:], steps, pads, tap[1:], gaps, strict=True)
            ]
            inside = all(0 <= at < size for at, size in zip(place, x.shape[1:], strict=True))
            value = x[(first + tap[0], *place)] if inside else 0
            if value and own[index[0]]:
                pairs.append((own[index[0]], value))
        y[index] = _weighted(node, pairs, bias[index[0]], type_)
    return y


def _conv_transpose(node: Node, inputs: Inputs, shape: Index, type_: NumType) -> Array:
    """Every product is put where it lands; what lands outside is cut off."""
    x, weight, y = inputs["x"], node.param["weight"].array, np.empty(shape, object)
    bias = node.param["bias"].array.tolist() if "bias" in node.param else [0] * shape[0]
    per_group = len(weight) // node.integer("groups")
    steps, pads, gaps = (node.integers(name) for name in ("stride", "padding", "dilation"))
    landed: dict[Index, list[tuple[Number, Number]]] = {index: [] for index in indices(shape)}
    for tap in indices(weight.shape):
        own, first = weight[tap].item(), tap[0] // per_group * weight.shape[1]
        for source in indices(x.shape[1:]):
            value = x[(tap[0], *source)]
            numbers = zip(source, steps, pads, tap[2:], gaps, strict=True)
            place = (first + tap[1], *(i * s - p + k * g for i, s, p, k, g in numbers))
            if own and value and place in landed:
                landed[place].append((own, value))
    for index, pairs in landed.items():
        y[index] = _weighted(node, pairs, bias[index[0]], type_)
    return y


def _window(node: Node, index: Index, sizes: Index) -> Iterator[tuple[Index, bool, bool]]:
    """Places of a pooling window: where, whether inside the input, whether inside its padding."""
    kernel, steps, pads = (node.integers(name) for name in ("kernel", "stride", "padding"))
    gaps = node.integers("dilation") if "dilation" in node.attribute else (1,) * len(kernel)
    for tap in indices(kernel):
        place = tuple(o * s - p + k * g for o, s, p, k, g in zip(index, steps, pads, tap, gaps, strict=True))
        inside = all(0 <= at < size for at, size in zip(place, sizes, strict=True))
        padded = all(-p <= at < size + p for at, size, p in zip(place, sizes, pads, strict=True))
        yield place, inside, padded


def _average(node: Node, inputs: Inputs, shape: Index, type_: NumType) -> Array:
    x, y = inputs["x"], np.empty(shape, object)
    for index in indices(shape):
        places = list(_window(node, index[1:], x.shape[1:]))
        terms = [x[(index[0], *place)] for place, inside, _ in places if inside]
        count = sum(padded if node.attribute["count_include_pad"] else inside for _, inside, padded in places)
        y[index] = rounded(Fraction(rounded(sum(map(Fraction, terms), Fraction(0)), type_)) / count, type_)
    return y


def _maximum(node: Node, inputs: Inputs, shape: Index, type_: NumType) -> Array:
    x, y = inputs["x"], np.empty(shape, object)
    for index in indices(shape):
        y[index] = max(
            x[(index[0], *place)] for place, inside, _ in _window(node, index[1:], x.shape[1:]) if inside
        )
    return y


def _adaptive(node: Node, inputs: Inputs, shape: Index, type_: NumType) -> Array:
    x, y = inputs["x"], np.empty(shape, object)
    for index in indices(shape):
        ranges = [
            range(at * size // out, -((at + 1) * size // -out))
            for at, size, out in zip(index[1:], x.shape[1:], shape[1:], strict=True)
        ]
        total = rounded(sum((Fraction(x[(index[0], *p)]) for p in product(*ranges)), Fraction(0)), type_)
        for part in ranges:
            total = rounded(Fraction(total) / len(part), type_)
        y[index] = total
    return y


def _in_order(node: Node, inputs: Inputs, shape: Index, type_: NumType) -> Array:
    x, y = inputs["x"], np.empty(shape, object)
    for source, target in zip(indices(x.shape), indices(shape), strict=True):
        y[target] = x[source]
    return y


def _pad(node: Node, inputs: Inputs, shape: Index, type_: NumType) -> Array:
    y = np.full(shape, 0 if type_.is_int else 0.0, object)
    for index in indices(inputs["x"].shape):
        y[tuple(at + before for at, before in zip(index, node.integers("before"), strict=True))] = inputs["x"][
            index
        ]
    return y


def _upsample(node: Node, inputs: Inputs, shape: Index, type_: NumType) -> Array:
    y = np.empty(shape, object)
    for index in indices(shape):
        inner = (at // factor for at, factor in zip(index[1:], node.integers("factor"), strict=True))
        y[index] = inputs["x"][(index[0], *inner)]
    return y


def _concat(node: Node, inputs: Inputs, shape: Index, type_: NumType) -> Array:
    y, axis, first = np.empty(shape, object), node.integer("axis"), node.integers("sizes")[0]
    for index in indices(shape):
        behind = index[axis] >= first
        place = (*index[:axis], index[axis] - first * behind, *index[axis + 1 :])
        y[index] = inputs["b" if behind else "a"][place]
    return y


def _elementwise(function: Callable[..., Number], *params: str) -> Callable[[Node, Inputs, Index, NumType], Array]:
    """``function`` of exact numbers (inputs, then parameters), rounded once."""

    def run(node: Node, inputs: Inputs, shape: Index, type_: NumType) -> Array:
        own = [numbers(node.param[name].array, shape) for name in params]
        y = np.empty(shape, object)
        for index in indices(shape):
            given = [array[index] for array in (*inputs.values(), *own)]
            exact = function(*(given if type_.is_int else map(Fraction, given)))
            y[index] = exact if type_.is_int else rounded(exact, type_)
        return y

    return run


ODD: Mapping[int, float] = {1: nan, 2: inf, 3: -inf}
"""The weights for which numbers stand in ``nirtorch``'s ops."""


def _odd_dense(node: Node, inputs: Inputs, shape: Index, type_: NumType) -> Array:
    x, weight, y = inputs["x"], node.param["weight_odd"].array.tolist(), np.empty(shape, object)
    for index in indices(shape):
        pairs = zip(weight[index[-1]], x[index[:-1]].tolist(), strict=True)
        y[index] = _odd_sum(node, index[-1], pairs)
    return y


def _odd_conv(node: Node, inputs: Inputs, shape: Index, type_: NumType) -> Array:
    x, weight, y = inputs["x"], node.param["weight_odd"].array, np.empty(shape, object)
    per_group = shape[0] // node.integer("groups")
    steps, pads, gaps = (node.integers(name) for name in ("stride", "padding", "dilation"))
    for index in indices(shape):
        pairs = []
        for tap in indices(weight.shape[1:]):
            numbers = zip(index[1:], steps, pads, tap[1:], gaps, strict=True)
            place = [o * s - p + k * g for o, s, p, k, g in numbers]
            inside = all(0 <= at < size for at, size in zip(place, x.shape[1:], strict=True))
            channel = index[0] // per_group * weight.shape[1] + tap[0]
            pairs.append((weight[(index[0], *tap)].item(), x[(channel, *place)] if inside else 0))
        y[index] = _odd_sum(node, index[0], pairs)
    return y


def _odd_sum(node: Node, place: int, pairs: Iterable[tuple[int, Number]]) -> float:
    """Sums and products of Python's floats, which are IEEE 754's."""
    bias = node.param["bias_odd"].array[place].item() if "bias_odd" in node.param else 0
    return sum((ODD[code] * float(value) for code, value in pairs if code), ODD.get(bias, 0.0))


TRANSFORMS: dict[str, Callable[[Node, Inputs, Index, NumType], Array]] = {
    "core.Dense": _dense,
    "core.Conv": _conv,
    "core.ConvTranspose": _conv_transpose,
    "core.AvgPool": _average,
    "core.MaxPool": _maximum,
    "core.AdaptiveAvgPool": _adaptive,
    "nirtorch.OddDense": _odd_dense,
    "nirtorch.OddConv": _odd_conv,
    "core.Flatten": _in_order,
    "core.Reshape": _in_order,
    "core.Pad": _pad,
    "core.Upsample": _upsample,
    "core.Concat": _concat,
    "core.Add": _elementwise(lambda a, b: a + b),
    "core.Mul": _elementwise(lambda a, b: a * b),
    "core.ReLU": _elementwise(lambda x: max(x, 0)),
    "core.Scale": _elementwise(lambda x, scale, shift: x * scale + shift, "scale", "shift"),
    "core.BatchNorm": _elementwise(lambda x, scale, shift: x * scale + shift, "scale", "shift"),
}
"""By op: (node, inputs by port, shape and type of the result) to the result."""
