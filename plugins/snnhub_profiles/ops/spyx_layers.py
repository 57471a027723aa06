"""spyx's layers without a state, as jax computes them: sums in XLA's order, axes in spyx's order.

spyx has (height, width, channels); here a signal of three axes is (channels, height, width) as in the file.
"""

from __future__ import annotations

from math import prod

import numpy as np
from snnhub.errors import GraphError
from snnhub.ir.graph import Node
from snnhub.ir.numtype import F32, NumType
from snnhub.ir.op import Attribute, Attributes, Parameter, Shape, Shapes, TransformOp, Types
from snnhub.ops.rules import float_result

KERNELS = "snnhub_profiles.ops.spyx_kernels"


def _f32(node: Node, types: Types) -> NumType:
    return float_result(F32, types["x"])


def _same_type(node: Node, types: Types) -> NumType:
    return types["x"]


def _dense_shape(node: Node, shapes: Shapes) -> Shape:
    x, weight = shapes["x"], node.param["weight"].shape
    if len(weight) != 2 or x[-1:] != weight[1:]:
        raise GraphError("input features do not fit the weight", found=f"{list(x)}, weight {list(weight)}")
    if "bias" in node.param and node.param["bias"].shape != weight[:1]:
        raise GraphError("bias does not fit", found=str(list(node.param["bias"].shape)))
    return (*x[:-1], weight[0])


def _dense_parameters(attributes: Attributes) -> tuple[Parameter, ...]:
    weight = Parameter("weight", "weights, (out, in)", F32, elementwise=False)
    bias = Parameter("bias", "added to each sum, (out,)", F32, elementwise=False)
    return (weight, bias) if attributes["bias"] else (weight,)


def _flat_shape(node: Node, shapes: Shapes) -> Shape:
    return (prod(shapes["x"]),)


def _pool_shape(node: Node, shapes: Shapes) -> Shape:
    x = shapes["x"]
    names = ("window", "stride", "before", "after")
    if any(len(node.integers(name)) != len(x) for name in names):
        raise GraphError("one number per axis is needed", found=str(list(x)))
    windows = zip(x, *(node.integers(name) for name in names), strict=True)
    found = tuple((size + a + b - window) // stride + 1 for size, window, stride, a, b in windows)
    if min(found, default=1) < 1:
        raise GraphError("window is larger than its input", found=str(list(x)))
    return found


def _spread_shape(node: Node, shapes: Shapes) -> Shape:
    shape = node.integers("shape")
    try:
        fits = np.broadcast_shapes(channels_last(shapes["x"]), channels_last(shape)) == channels_last(shape)
    except ValueError:
        fits = False
    if not fits:
        raise GraphError("shapes do not fit", found=str(list(shapes["x"])), allowed=str(list(shape)))
    return shape


def channels_last(shape: Shape) -> Shape:
    """Three axes in spyx's order; others as they are."""
    return (shape[1], shape[2], shape[0]) if len(shape) == 3 else shape


def channels_first(shape: Shape) -> Shape:
    """Three axes of spyx in the order of the file; others as they are."""
    return (shape[2], shape[0], shape[1]) if len(shape) == 3 else shape


OPS = (
    TransformOp(
        "spyx.Dense",
        1,
        "y = weight x + bias over the last axis in f32 as XLA sums it for one sample on a CPU: per output, fma after "
        "fma in the order of the inputs, then the bias; of a single output and more than 32 inputs, products in "
        "windows of 32, the padding of zeros half in front.",
        _dense_shape,
        _f32,
        f"{KERNELS}:dense",
        (Attribute("bias", "whether a bias is added", (False, True)),),
        _dense_parameters,
        like="core.Dense",
    ),
    TransformOp(
        "spyx.Flatten",
        1,
        "All axes as one; of (channels, height, width) with the channels running fastest.",
        _flat_shape,
        _same_type,
        f"{KERNELS}:flatten",
        like="core.Flatten",
    ),
    TransformOp(
        "spyx.SumPool",
        1,
        "Sums over windows of all axes with zeros around, in f32, in the order of the window.",
        _pool_shape,
        _f32,
        f"{KERNELS}:sum_pool",
        (
            Attribute("window", "size of the window, per axis", range=(1, 2**16), many=True),
            Attribute("stride", "step of the window, per axis", range=(1, 2**16), many=True),
            Attribute("before", "zeros in front, per axis", range=(0, 2**16), many=True),
            Attribute("after", "zeros behind, per axis", range=(0, 2**16), many=True),
        ),
    ),
    TransformOp(
        "spyx.Spread",
        1,
        "Entries repeated along axes of one, as jax broadcasts them; axes in spyx's order.",
        _spread_shape,
        _same_type,
        f"{KERNELS}:spread",
        (Attribute("shape", "the new shape, without time and batch", range=(1, 2**31 - 1), many=True),),
        like="core.Flatten",
    ),
)
