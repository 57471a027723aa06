"""Dense and Conv. Convolution gathers its windows (im2col) and is then the same product as Dense."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from snnhub.engine.kernels import Context, Kernel
from snnhub.engine.kernels.matmul import ExactProduct
from snnhub.ir.tensor import Array

GATHER_BYTES = 2**25
"""Windows gathered at once; larger inputs are convolved in pieces."""


def _bias(context: Context) -> Array | None:
    return context.node.param["bias"].array if "bias" in context.node.param else None


def _wrap(total: Array, context: Context, shift: int = 0, bits: int = 24) -> Array:
    """Two's complement where the node wraps its sum, then the shift, then the dtype of the output."""
    if context.node.attribute["accumulate"] == "wrap24":
        total = ((total + 2 ** (bits - 1)) & (2**bits - 1)) - 2 ** (bits - 1)
    return (total >> shift if shift else total).astype(context.types["y"].numpy)


def dense(context: Context) -> Kernel:
    """X (samples, …, in) to (samples, …, out)."""
    weight = context.node.param["weight"].array
    product = ExactProduct(weight, _bias(context), context.types["x"], context.types["y"])
    shift = context.node.integer("shift")

    def run(x: Array) -> Array:
        ready = product.prepare(x.reshape(-1, weight.shape[1]))
        total = product(ready).reshape(*x.shape[:-1], weight.shape[0])
        return _wrap(total, context, shift)

    return lambda inputs: run(inputs["x"])


def conv(context: Context) -> Kernel:
    """X (samples, channels, *spatial) to (samples, filters, *spatial)."""
    node, weight = context.node, context.node.param["weight"].array
    groups, filters = node.integer("groups"), weight.shape[0]
    bias = _bias(context)
    products = [
        ExactProduct(
            rows.reshape(rows.shape[0], -1),
            None if bias is None else bias[index * filters // groups :][: filters // groups],
            context.types["x"],
            context.types["y"],
        )
        for index, rows in enumerate(np.split(weight, groups))
    ]
    out_shape = context.shapes["y"]
    per_sample = int(np.prod(weight.shape[1:])) * int(np.prod(out_shape[1:])) * 8
    piece = max(1, GATHER_BYTES // per_sample)

    def run(x: Array) -> Array:
        result = np.empty((x.shape[0], *out_shape), context.types["y"].numpy)
        for start in range(0, x.shape[0], piece):
            part = x[start : start + piece]
            for index, product in enumerate(products):
                ready = product.prepare(part[:, index * weight.shape[1] : (index + 1) * weight.shape[1]])
                windows = _windows(ready.values, weight.shape[2:], context)
                rows = np.moveaxis(windows, 1, len(out_shape)).reshape(-1, product.rows.shape[1])
                sums = product(replace(ready, values=rows)).reshape(len(part), *out_shape[1:], -1)
                first = index * filters // groups
                block = result[start : start + len(part), first : first + filters // groups]
                block[...] = _wrap(np.moveaxis(sums, -1, 1), context)
        return result

    return lambda inputs: run(inputs["x"])


def _windows(x: Array, kernel: tuple[int, ...], context: Context) -> Array:
    """A view (samples, channels, *out spatial, *kernel) of the zero-padded input."""
    node = context.node
    padded = np.pad(x, [(0, 0), (0, 0), *((pad, pad) for pad in node.integers("padding"))])
    return window_view(padded, kernel, node.integers("stride"), node.integers("dilation"))


def window_view(x: Array, kernel: tuple[int, ...], stride: tuple[int, ...], dilation: tuple[int, ...]) -> Array:
    """Sliding windows over the trailing axes: (samples, channels, *out spatial, *kernel), no copy."""
    dims = len(kernel)
    spans = tuple(gap * (size - 1) + 1 for size, gap in zip(kernel, dilation, strict=True))
    view = np.lib.stride_tricks.sliding_window_view(x, spans, axis=tuple(range(2, 2 + dims)))
    steps = tuple(slice(None, None, step) for step in (*stride, *dilation))
    return view[(slice(None), slice(None), *steps)]
