"""spyx's layers without a state, as jax computes them: sums in XLA's order, axes in spyx's order.

spyx has (height, width, channels); here a signal of three axes is (channels, height, width) as in the file.
"""

from __future__ import annotations

from math import prod

import numpy as np
from snnhub.errors import GraphError
from snnhub.ir.graph import Node
from snnhub.ir.numtype import F32, NumType, integer
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
    _ensure_fit(node)
    return (*x[:-1], weight[0])


def _ensure_fit(node: Node) -> None:
    """Raise ``GraphError`` where the bias, or what says which numbers are odd, has another shape than it must."""
    weight = node.param["weight"].shape
    wanted = {"weight_odd": weight, "bias": weight[:1], "bias_odd": weight[:1]}
    for name, shape in wanted.items():
        if name in node.param and node.param[name].shape != shape:
            found = str(list(node.param[name].shape))
            raise GraphError(f"{name} does not fit", found=found, allowed=str(list(shape)))


def _parameters(attributes: Attributes) -> tuple[Parameter, ...]:
    """``weight``, ``bias`` where there is one, and, where some of them are no numbers, which: see ``ODD``."""
    docs = {"weight": "weights, (out, in) or (out, in, height, width)", "bias": "added to each sum, (out,)"}
    names = ("weight", "bias") if attributes["bias"] else ("weight",)
    found = [Parameter(name, docs[name], F32, elementwise=False) for name in names]
    if attributes["odd"]:
        words = "0, or what stands there instead: 1 NaN, 2 infinity, 3 minus infinity"
        found += [Parameter(f"{name}_odd", words, integer(0, 3), elementwise=False) for name in names]
    return tuple(found)


def _conv_shape(node: Node, shapes: Shapes) -> Shape:
    x, weight = shapes["x"], node.param["weight"].shape
    if len(weight) != 4 or len(x) != 3 or x[0] != weight[1]:
        raise GraphError("channels do not fit the weight", found=f"{list(x)}, weight {list(weight)}")
    _ensure_fit(node)
    return (weight[0], *_windows(node, x[1:], weight[2:]))


def _windows(node: Node, sizes: Shape, window: Shape) -> Shape:
    """How many windows fit along each axis, at least one. Raises ``GraphError`` otherwise."""
    given = [node.integers(name) for name in ("stride", "before", "after")]
    if any(len(numbers) != len(sizes) for numbers in given):
        raise GraphError("one number per axis is needed", found=str(given), allowed=f"{len(sizes)} numbers")
    rows = zip(sizes, window, *given, strict=True)
    found = tuple((size + before + after - taps) // step + 1 for size, taps, step, before, after in rows)
    if min(found, default=1) < 1:
        raise GraphError("window is larger than its input", found=str(list(sizes)))
    return found


def _flat_shape(node: Node, shapes: Shapes) -> Shape:
    return (prod(shapes["x"]),)


def _pool_shape(node: Node, shapes: Shapes) -> Shape:
    window = node.integers("kernel")
    if len(window) != len(shapes["x"]):
        raise GraphError("one number per axis is needed", found=str(list(window)))
    return _windows(node, shapes["x"], window)


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


BIAS = Attribute("bias", "whether a bias is added", (False, True))
STRIDE = Attribute("stride", "step of the window, per axis", range=(1, 2**16), many=True)
PLACES = (
    STRIDE,
    Attribute("before", "zeros in front, per axis", range=(0, 2**16), many=True),
    Attribute("after", "zeros behind, per axis", range=(0, 2**16), many=True),
)
CUT = (
    STRIDE,
    Attribute(
        "before", "zeros in front, per axis; below 0 entries cut off there", range=(-(2**16), 2**16), many=True
    ),
    Attribute(
        "after", "zeros behind, per axis; below 0 entries cut off there", range=(-(2**16), 2**16), many=True
    ),
)
ODD = Attribute(
    "odd", "whether some weights or biases are NaN or infinite, which parameters cannot be", (False, True)
)
GROUPS = Attribute("groups", "blocks of channels that do not mix: one", (1,))
OPS = (
    TransformOp(
        "spyx.Dense",
        1,
        "y = weight x + bias over the last axis in f32 as XLA sums it for one sample on a CPU: per output, fma "
        "after fma in the order of the inputs, then the bias; of one input, an fma with it. One that is left "
        "over by vectors of eight (of two the first) rounds the products of its first eight inputs; of a single "
        "output and more than 32 inputs they go in windows of 32 as products, the padding of zeros half in front.",
        _dense_shape,
        _f32,
        f"{KERNELS}:dense",
        (BIAS, ODD),
        _parameters,
        like="core.Dense",
    ),
    TransformOp(
        "spyx.Conv",
        1,
        "Cross-correlation over (channels, height, width) in f32: fma after fma over rows, columns, channels of "
        "the window, then the bias. So XLA sums on a CPU for two filters or more and up to some 250 terms; then "
        "its order hangs on the caches of the machine.",
        _conv_shape,
        _f32,
        f"{KERNELS}:conv",
        (BIAS, ODD, GROUPS, *CUT),
        _parameters,
        like="core.Conv",
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
            Attribute("kernel", "size of the window, per axis", range=(1, 2**16), many=True),
            *PLACES,
        ),
        like="core.AvgPool",
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
