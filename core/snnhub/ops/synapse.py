"""Dense and Conv: weighted sums, in floats or in exact integers.

Floats: the exact sum, rounded once to the weight's type. Integers: exact, or wrapped to 24 bits where the
attribute says so, since Loihi's convolution wraps its sum and its dense synapse does not.
"""

from __future__ import annotations

from math import prod

from snnhub.errors import GraphError
from snnhub.ir.graph import Node
from snnhub.ir.numtype import NumType, integer
from snnhub.ir.op import Attribute, Shape, Shapes, TransformOp, Types
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
