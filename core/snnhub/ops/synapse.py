"""Dense, Conv and ConvTranspose: weighted sums, in floats or in exact integers.

Floats: the exact sum, rounded once to the weight's type. Integers: exact, or wrapped to 24 bits where the
attribute says so, since Loihi's convolution wraps its sum and its dense synapse does not.
"""

from __future__ import annotations

from math import prod

from snnhub.errors import GraphError
from snnhub.ir.graph import Node
from snnhub.ir.numtype import NumType, integer
from snnhub.ir.op import Attribute, Attributes, Parameter, Shape, Shapes, TransformOp, Types
from snnhub.ops.rules import (
    ACCUMULATE,
    BIAS,
    check_bias,
    rank_at_least,
    spatial,
    weight_and_bias,
    weighted_sum,
    window_size,
)


def _dense_shape(node: Node, shapes: Shapes) -> Shape:
    x, weight = shapes["x"], node.param["weight"].shape
    rank_at_least(x, 1)
    if len(weight) != 2:
        raise GraphError("weight needs shape (out, in)", found=str(list(weight)))
    if x[-1] != weight[1]:
        raise GraphError(
            "input features do not fit the weight",
            found=f"{x[-1]} features",
            allowed=f"{weight[1]} (weight {list(weight)})",
        )
    check_bias(node, weight[0])
    return (*x[:-1], weight[0])


def _dense_type(node: Node, types: Types) -> NumType:
    result = weighted_sum(node, types, node.param["weight"].shape[1])
    shift = node.integer("shift")
    if result.is_float:
        if shift:
            raise GraphError("float sums are not shifted", found=f"shift {shift}", allowed="0")
        return result
    return integer(result.range[0] >> shift, result.range[1] >> shift)


def _conv_shape(node: Node, shapes: Shapes) -> Shape:
    x, weight = shapes["x"], node.param["weight"].shape
    dims = len(weight) - 2
    if dims < 1 or len(x) != dims + 1:
        raise GraphError(
            "input must be (channels, *spatial) of the weight's rank", found=f"{list(x)}, {list(weight)}"
        )
    spatial(node, ("stride", "padding", "dilation"), dims)
    groups = node.integer("groups")
    if x[0] != weight[1] * groups or weight[0] % groups:
        raise GraphError(
            "channels do not fit the weight",
            found=f"{x[0]} channels, {weight[0]} filters, groups {groups}",
            allowed=f"{weight[1] * groups} channels (weight {list(weight)})",
        )
    check_bias(node, weight[0])
    sizes = zip(
        x[1:], weight[2:], *(node.integers(name) for name in ("stride", "padding", "dilation")), strict=True
    )
    return (weight[0], *(window_size(*size) for size in sizes))


def _conv_type(node: Node, types: Types) -> NumType:
    return weighted_sum(node, types, prod(node.param["weight"].shape[1:]))


def _transpose_shape(node: Node, shapes: Shapes) -> Shape:
    """(in - 1) stride - 2 padding + dilation (kernel - 1) + output_padding + 1 per axis, as PyTorch defines it."""
    x, weight = shapes["x"], node.param["weight"].shape
    dims = len(weight) - 2
    if dims < 1 or len(x) != dims + 1:
        raise GraphError(
            "input must be (channels, *spatial) of the weight's rank", found=f"{list(x)}, {list(weight)}"
        )
    spatial(node, TRANSPOSED_WINDOW, dims)
    groups = node.integer("groups")
    if x[0] != weight[0] or x[0] % groups:
        raise GraphError(
            "channels do not fit the weight",
            found=f"{x[0]} channels, groups {groups}",
            allowed=f"{weight[0]} channels (weight {list(weight)}), a multiple of groups",
        )
    check_bias(node, weight[1] * groups)
    windows = zip(x[1:], weight[2:], *(node.integers(name) for name in TRANSPOSED_WINDOW), strict=True)
    return (weight[1] * groups, *(transposed_size(*window) for window in windows))


def transposed_size(size: int, kernel: int, stride: int, padding: int, dilation: int, output_padding: int) -> int:
    """Output length of a transposed convolution, as PyTorch defines it.

    Raises ``GraphError`` if nothing is left, or if the output padding is more than torch takes.
    """
    if output_padding >= max(stride, dilation):
        raise GraphError(
            "output_padding must be smaller than stride or dilation",
            found=str(output_padding),
            allowed=f"below {max(stride, dilation)}",
        )
    count = (size - 1) * stride - 2 * padding + dilation * (kernel - 1) + output_padding + 1
    if count < 1:
        raise GraphError("padding cuts everything off", found=f"size {size}, kernel {kernel}, padding {padding}")
    return count


def _transpose_type(node: Node, types: Types) -> NumType:
    channels, _, *kernel = node.param["weight"].shape
    return weighted_sum(node, types, channels // node.integer("groups") * prod(kernel))


def _transpose_params(attributes: Attributes) -> tuple[Parameter, ...]:
    """``weight`` as torch lays it out, and ``bias`` where the attribute says so."""
    weight = Parameter("weight", "synaptic weights, (in, out / groups, *kernel)", None, elementwise=False)
    return (weight, *weight_and_bias(attributes)[1:])


TRANSPOSED_WINDOW = ("stride", "padding", "dilation", "output_padding")
"""Attributes of a transposed convolution with one entry per spatial axis."""

DENSE = TransformOp(
    "core.Dense",
    1,
    "y = (weight x + bias) >> shift, over the last axis. Floats: the exact sum rounded once, shift 0.",
    _dense_shape,
    _dense_type,
    "snnhub.engine.kernels.synapse:dense",
    (
        BIAS,
        ACCUMULATE,
        Attribute("shift", "integer sums: arithmetic shift right of the sum (floor)", range=(0, 24)),
    ),
    weight_and_bias,
)

CONV = TransformOp(
    "core.Conv",
    1,
    "Cross-correlation over (channels, *spatial) with zero padding, as torch.nn.Conv1d to 3d compute it.",
    _conv_shape,
    _conv_type,
    "snnhub.engine.kernels.synapse:conv",
    (
        BIAS,
        ACCUMULATE,
        Attribute("stride", "step of the window, per spatial axis", range=(1, 2**16), many=True),
        Attribute("padding", "zeros on both sides, per spatial axis", range=(0, 2**16), many=True),
        Attribute("dilation", "distance of kernel taps, per spatial axis", range=(1, 2**16), many=True),
        Attribute("groups", "blocks of channels that do not mix", range=(1, 2**16)),
    ),
    weight_and_bias,
)

CONV_TRANSPOSE = TransformOp(
    "core.ConvTranspose",
    1,
    "Transposed convolution over (channels, *spatial), as torch.nn.ConvTranspose1d to 3d compute it: "
    "y[o, i * stride - padding + k * dilation] += weight[c, o, k] x[c, i], the exact sum rounded once.",
    _transpose_shape,
    _transpose_type,
    "snnhub.engine.kernels.synapse:conv_transpose",
    (
        BIAS,
        ACCUMULATE,
        Attribute(
            "stride", "distance of what two neighbours are spread to, per axis", range=(1, 2**16), many=True
        ),
        Attribute("padding", "entries cut off on both sides, per spatial axis", range=(0, 2**16), many=True),
        Attribute("output_padding", "entries more at the end, per spatial axis", range=(0, 2**16), many=True),
        Attribute("dilation", "distance of kernel taps, per spatial axis", range=(1, 2**16), many=True),
        Attribute("groups", "blocks of channels that do not mix", range=(1, 2**16)),
    ),
    _transpose_params,
)
