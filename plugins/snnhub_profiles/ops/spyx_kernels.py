"""Reference code of spyx's layers. Arrays are (samples, *features), sums in f32 in XLA's order."""

from __future__ import annotations

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from snnhub.engine.exact import fused_multiply_add
from snnhub.engine.kernels import Context, Kernel
from snnhub.ir.graph import Node
from snnhub.ir.tensor import Array

from snnhub_profiles.ops.spyx_layers import channels_last

TILE, SMALL = 8, 160
DROPPED, MIDDLE, LEAST = (1 << 29) - 1, 1 << 28, 2.0**-125
INSTEAD = np.array([0, np.nan, np.inf, -np.inf], np.float32)
LONGEST = 32
"""Terms up to which XLA's CPU compiler leaves a sum over one axis as it is (its tree of reductions)."""


def numbers(node: Node, name: str) -> Array | None:
    """A parameter with what it cannot hold put in; None where the node has none."""
    if name not in node.param:
        return None
    values, odd = node.param[name].array, node.param.get(f"{name}_odd")
    return values if odd is None else np.where(odd.array == 0, values, INSTEAD[odd.array])


def _weight(node: Node) -> Array:
    found = numbers(node, "weight")
    assert found is not None  # noqa: S101  the op asks for it
    return found


def dense(context: Context) -> Kernel:
    """Per output, fma after fma; of one output, a product and a reduction."""
    columns = np.ascontiguousarray(_weight(context.node).T)
    bias = numbers(context.node, "bias")
    lone = _lone(*columns.shape)
    many = columns.shape[1] > 1 or len(columns) <= LONGEST

    def run(x: Array) -> Array:
        rows = x.astype(np.float32).reshape(-1, len(columns))
        with np.errstate(all="ignore"):
            if len(columns) == 1 and bias is not None:  # a product and a sum, which become one fma
                start = np.broadcast_to(bias, (len(rows), len(bias)))
                return _fma(rows, columns, start).reshape(*x.shape[:-1], len(bias))
            total = _in_order(rows, columns, lone) if many else _in_windows(rows * columns[:, 0])[:, None]
            total = total if bias is None else total + bias
        return total.reshape(*x.shape[:-1], columns.shape[1])

    return lambda inputs: run(inputs["x"])


def _lone(inputs: int, outputs: int) -> int | None:
    """The output that XLA's vectors of eight leave over; it rounds the products of its first tile of inputs."""
    if outputs == 2:
        return 0
    unrolled = outputs in (9, 25) and inputs * outputs <= SMALL
    return outputs - 1 if outputs > 1 and outputs % TILE == 1 and not unrolled else None


def _in_order(rows: Array, columns: Array, lone: int | None = None) -> Array:
    total = np.zeros((len(rows), columns.shape[1]), np.float32)
    for index in np.flatnonzero(
        rows.any(axis=0) | ~np.isfinite(columns).all(axis=1)
    ):  # an fma of 0 changes nothing
        x, weight = rows[:, index, None], columns[index]
        plain = bool(((x == 0) | (np.abs(x) == 1)).all())  # products of spikes are exact
        after = total + x * weight if plain else _fma(x, weight[None], total)
        if lone is not None and index < TILE:
            after[:, lone] = total[:, lone] + rows[:, index] * weight[lone]
        total = after
    return total


def _fma(x: Array, weight: Array, total: Array) -> Array:
    """``x weight + total`` rounded once. The product is exact in f64; where the f64 sum lies in the middle of two
    f32, or is too small for all of their bits, it is made exactly.
    """
    wide = x.astype(np.float64) * weight + total
    doubtful = (wide.view(np.int64) & DROPPED) == MIDDLE
    doubtful |= (np.abs(wide) < LEAST) & (wide != 0)
    after = wide.astype(np.float32)
    if doubtful.any():
        x, weight = (np.broadcast_to(each, wide.shape)[doubtful] for each in (x, weight))
        after[doubtful] = fused_multiply_add(x, weight, total[doubtful])
    return after


def _in_windows(products: Array) -> Array:
    """Sums along the last axis: windows of 32, the zeros that are missing half in front, until 32 are left."""
    while products.shape[1] > LONGEST:
        count = -(-products.shape[1] // LONGEST)
        missing = count * LONGEST - products.shape[1]
        whole = np.pad(products, ((0, 0), (missing // 2, missing - missing // 2)))
        products = _one_by_one(whole.reshape(len(products), count, LONGEST))
    return _one_by_one(products)


def _one_by_one(terms: Array) -> Array:
    total = np.zeros(terms.shape[:-1], np.float32)
    for index in range(terms.shape[-1]):
        total = total + terms[..., index]
    return total


def conv(context: Context) -> Kernel:
    """Windows gathered, then sums as those of ``dense``, always in order."""
    node, weight = context.node, _weight(context.node)
    columns = np.ascontiguousarray(weight.transpose(2, 3, 1, 0).reshape(-1, len(weight)))
    bias = numbers(node, "bias")
    steps = node.integers("stride")
    given = list(zip(node.integers("before"), node.integers("after"), strict=True))
    around = ((0, 0), (0, 0), *((max(low, 0), max(high, 0)) for low, high in given))
    kept = tuple(slice(max(-low, 0), min(high, 0) or None) for low, high in given)

    def run(x: Array) -> Array:
        padded = np.pad(x[:, :, *kept].astype(np.float32), around)
        windows = sliding_window_view(padded, weight.shape[2:], axis=(2, 3))[:, :, :: steps[0], :: steps[1]]
        rows = windows.transpose(0, 2, 3, 4, 5, 1)
        with np.errstate(all="ignore"):
            total = _in_order(rows.reshape(-1, len(columns)), columns)
            total = total if bias is None else total + bias
        return np.ascontiguousarray(total.reshape(*rows.shape[:3], -1).transpose(0, 3, 1, 2))

    return lambda inputs: run(inputs["x"])


def flatten(context: Context) -> Kernel:
    """Channels last."""

    def run(x: Array) -> Array:
        ordered = x.transpose(0, 2, 3, 1) if x.ndim == 4 else x
        return ordered.reshape(len(x), -1)

    return lambda inputs: run(inputs["x"])


def sum_pool(context: Context) -> Kernel:
    """One entry of the window after the other, in C order of spyx's axes."""
    node, shape = context.node, context.shapes["y"]
    window, stride, before, after = (node.integers(name) for name in ("kernel", "stride", "before", "after"))
    around = ((0, 0), *zip(before, after, strict=True))
    last = channels_last(tuple(range(len(window))))

    def run(x: Array) -> Array:
        padded = np.pad(x.astype(np.float32), around)
        total = np.zeros((len(x), *shape), np.float32)
        for place in np.ndindex(*(window[axis] for axis in last)):
            first = dict(zip(last, place, strict=True))
            steps = (
                slice(first[axis], first[axis] + (size - 1) * stride[axis] + 1, stride[axis])
                for axis, size in enumerate(shape)
            )
            total = total + padded[(slice(None), *steps)]
        return total

    return lambda inputs: run(inputs["x"])


def spread(context: Context) -> Kernel:
    """``numpy.broadcast_to`` with the axes in spyx's order."""
    shape = context.node.integers("shape")
    target = channels_last(shape)

    def run(x: Array) -> Array:
        ordered = x.transpose(0, 2, 3, 1) if x.ndim == 4 else x
        ordered = ordered.reshape(len(x), *[1] * (len(target) - ordered.ndim + 1), *ordered.shape[1:])
        wide = np.broadcast_to(ordered, (len(x), *target))
        return np.ascontiguousarray(wide.transpose(0, 3, 1, 2) if len(target) == 3 else wide)

    return lambda inputs: run(inputs["x"])
