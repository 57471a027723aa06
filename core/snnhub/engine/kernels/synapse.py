"""Dense, Conv and ConvTranspose. Convolution gathers its windows (im2col) and is then the same product as Dense;
a transposed one is a convolution of its input with zeros in between.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from snnhub.engine.kernels import Context, Kernel
from snnhub.engine.kernels.matmul import ExactProduct
from snnhub.ir.graph import Node
from snnhub.ir.tensor import Array, tensor

GATHER_BYTES = 2**25
"""Windows gathered at once; larger inputs are convolved in pieces."""
ORDER = ("stride", "padding", "dilation", "output_padding")
"""Attributes of a transposed convolution, in the order in which they are used here."""


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
                rows = _rows(ready.values, context)
                odd = None if ready.odd is None else _rows(ready.odd, context)
                sums = product(replace(ready, values=rows, odd=odd)).reshape(len(part), *out_shape[1:], -1)
                first = index * filters // groups
                block = result[start : start + len(part), first : first + filters // groups]
                block[...] = _wrap(np.moveaxis(sums, -1, 1), context)
        return result

    return lambda inputs: run(inputs["x"])


def _rows(x: Array, context: Context) -> Array:
    """Windows of an input, one row each: (samples times out spatial, terms)."""
    weight = context.node.param["weight"].array
    windows = np.moveaxis(_windows(x, weight.shape[2:], context), 1, weight.ndim - 1)
    return windows.reshape(-1, int(np.prod(weight.shape[1:])))


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


def conv_transpose(context: Context) -> Kernel:
    """X (samples, channels, *spatial) to (samples, filters, *spatial): the same sums as ``as_conv``'s."""
    node = as_conv(context.node)
    kernel = conv(replace(context, node=node))
    return lambda inputs: kernel({"x": spread(context.node, inputs["x"])})


def outputs_first(node: Node) -> Array:
    """The weights of a ConvTranspose as Conv has them: (out, in / groups, *kernel), the kernel not turned."""
    weight = node.param["weight"].array
    groups = np.split(weight, node.integer("groups"))
    return np.concatenate([group.swapaxes(0, 1) for group in groups])


def as_conv(node: Node) -> Node:
    """The Conv without stride and padding that makes of a ``spread`` input what a ConvTranspose makes of it."""
    weight = outputs_first(node)
    dims = weight.ndim - 2
    turned = np.ascontiguousarray(weight[(slice(None), slice(None), *[slice(None, None, -1)] * dims)])
    own = {name: value for name, value in node.attributes if name != "output_padding"}
    attributes = {**own, "stride": (1,) * dims, "padding": (0,) * dims}
    params = {**node.param, "weight": tensor(turned)}
    return replace(node, op="core.Conv", attributes=tuple(attributes.items()), params=tuple(params.items()))


def spread(node: Node, x: Array) -> Array:
    """The input of a ConvTranspose with ``stride - 1`` zeros between entries, and around it the zeros that its
    convolution needs; where the padding cuts off more than a kernel reaches, without its ends.
    """
    kernel = node.param["weight"].shape[2:]
    for axis, numbers in enumerate(zip(kernel, *(node.integers(name) for name in ORDER), strict=True), 2):
        size, stride, padding, dilation, more = numbers
        shape = (*x.shape[:axis], (x.shape[axis] - 1) * stride + 1, *x.shape[axis + 1 :])
        wide = np.zeros(shape, x.dtype)
        wide[(*[slice(None)] * axis, slice(None, None, stride))] = x
        before = dilation * (size - 1) - padding
        around = [(0, 0)] * x.ndim
        around[axis] = (max(before, 0), max(before + more, 0))
        wide = np.pad(wide, around)
        end = wide.shape[axis] + min(before + more, 0)
        x = wide[(*[slice(None)] * axis, slice(max(-before, 0), end))]
    return x
