"""Average and maximum pooling over sliding windows, and averages over windows that fit an output size."""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from snnhub.engine.exact import EPSILON, round_once
from snnhub.engine.kernels import Context, Kernel
from snnhub.engine.kernels.synapse import window_view
from snnhub.ir.tensor import Array
from snnhub.ops.pooling import adaptive_window


def _padding(context: Context) -> list[tuple[int, int]]:
    """Padding per axis; ``ceil_mode`` may need more on the right, which counts for nothing."""
    node, shapes = context.node, context.shapes
    dilation = node.integers("dilation") if "dilation" in node.attribute else (1,) * len(node.integers("kernel"))
    result = [(0, 0), (0, 0)]
    for size, out, kernel, stride, pad, gap in zip(
        shapes["x"][1:],
        shapes["y"][1:],
        *(node.integers(n) for n in ("kernel", "stride", "padding")),
        dilation,
        strict=True,
    ):
        reach = (out - 1) * stride + gap * (kernel - 1) + 1
        result.append((pad, max(pad, reach - size - pad)))
    return result


def _counts(context: Context) -> Array:
    """Number of entries that each output divides by, in f64: padding counts only where the node says so."""
    node, shapes = context.node, context.shapes
    counts: Array = np.ones((), np.float64)
    for size, out, kernel, stride, pad in zip(
        shapes["x"][1:], shapes["y"][1:], *(node.integers(n) for n in ("kernel", "stride", "padding")), strict=True
    ):
        start = np.arange(out) * stride - pad
        end = np.minimum(start + kernel, size + pad)
        if not node.attribute["count_include_pad"]:
            start, end = np.maximum(start, 0), np.minimum(end, size)
        counts = counts[..., None] * (end - start)
    return counts


def average(context: Context) -> Kernel:
    """The exact sum rounded once, then divided by the number of entries (one more rounding)."""
    kernel, stride = context.node.integers("kernel"), context.node.integers("stride")
    padding, counts, dtype = _padding(context), _counts(context), context.types["y"].numpy
    axes = tuple(range(-len(kernel), 0))
    whole = context.types["x"].is_int

    def run(x: Array) -> Array:
        windows = window_view(np.pad(x, padding), kernel, stride, (1,) * len(kernel)).astype(np.float64)
        return np.asarray(_totals(windows, axes, whole, dtype) / counts.astype(dtype))

    return lambda inputs: run(inputs["x"])


def _totals(windows: Array, axes: tuple[int, ...], whole: bool, dtype: np.dtype[np.generic]) -> Array:
    """Sums over the last axes of f64 windows, exact and rounded once. ``whole``: integers, whose f64 sums are."""
    total = windows.sum(axis=axes)
    if not whole:
        bound = np.abs(windows).sum(axis=axes) * (float(np.prod([windows.shape[axis] for axis in axes])) * EPSILON)
        total = round_once(
            total,
            np.zeros_like(total),
            bound,
            dtype,
            lambda index: (Fraction(float(value)) for value in windows[index].flat),
        )
    return np.asarray(total.astype(dtype))


def adaptive_average(context: Context) -> Kernel:
    """One window after the other, since their sizes differ; the exact sum, then one division per axis."""
    sizes, dtype = context.shapes["y"][1:], context.types["y"].numpy
    axes = tuple(range(-len(sizes), 0))
    whole = context.types["x"].is_int
    spans = [
        [adaptive_window(index, size, out) for index in range(out)]
        for size, out in zip(context.shapes["x"][1:], sizes, strict=True)
    ]

    def run(x: Array) -> Array:
        result = np.empty((x.shape[0], *context.shapes["y"]), dtype)
        for index in np.ndindex(*sizes):
            window = [span[place] for span, place in zip(spans, index, strict=True)]
            cut = (slice(None), slice(None), *(slice(start, end) for start, end in window))
            total = _totals(x[cut].astype(np.float64), axes, whole, dtype)
            for start, end in window:
                total = np.asarray(total / dtype.type(end - start))
            result[(slice(None), slice(None), *index)] = total
        return result

    return lambda inputs: run(inputs["x"])


def maximum(context: Context) -> Kernel:
    """The largest entry; padding is below every value of the dtype."""
    node = context.node
    padding, dtype = _padding(context), context.types["y"].numpy
    lowest = -np.inf if dtype.kind == "f" else context.types["x"].range[0]
    kernel = node.integers("kernel")

    def run(x: Array) -> Array:
        padded = np.pad(x.astype(dtype), padding, constant_values=lowest)
        windows = window_view(padded, kernel, node.integers("stride"), node.integers("dilation"))
        return np.asarray(windows.max(axis=tuple(range(-len(kernel), 0))))

    return lambda inputs: run(inputs["x"])
