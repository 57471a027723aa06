"""What weights that are NaN or infinite add to a sum: ops beside ``core.Dense`` and ``core.Conv``, which have the
finite ones.

Torch adds products as IEEE 754 says. A product with NaN is NaN; one with an infinity is infinite, or NaN where the
input is 0; infinities of both signs give NaN. In which order they are added plays no part.
"""

from __future__ import annotations

from math import prod

import numpy as np
from snnhub.engine.kernels import Context, Kernel
from snnhub.engine.kernels.synapse import window_view
from snnhub.errors import GraphError
from snnhub.ir.graph import Node
from snnhub.ir.numtype import F32, NumType, integer
from snnhub.ir.op import Attribute, Attributes, Parameter, Shape, Shapes, TransformOp, Types
from snnhub.ir.tensor import Array
from snnhub.ops.rules import float_result, rank_at_least, spatial, window_size

HERE = "snnhub_profiles.ops.nirtorch"
NAN, UP, DOWN = 1, 2, 3
"""What stands in the place of a weight; 0 for a finite one."""
WINDOW = ("stride", "padding", "dilation")


def codes(values: Array) -> Array:
    """0 where a number is finite, else which it is: ``NAN``, ``UP`` (infinity), ``DOWN`` (minus infinity)."""
    found = np.isnan(values) * NAN + np.isposinf(values) * UP + np.isneginf(values) * DOWN
    return np.asarray(found.astype(np.int8))


def kept(values: Array) -> Array:
    """The finite numbers, 0 for NaN, and 1 with the sign of an infinity, which sends infinite inputs its way."""
    return np.asarray(np.nan_to_num(values, nan=0.0, posinf=1.0, neginf=-1.0).astype(values.dtype))


def _parameters(attributes: Attributes) -> tuple[Parameter, ...]:
    words = "0, or which number stands there: 1 NaN, 2 infinity, 3 minus infinity"
    names = ("weight", "bias") if attributes["bias"] else ("weight",)
    return tuple(Parameter(f"{name}_odd", words, integer(0, 3), elementwise=False) for name in names)


def _ensure_bias(node: Node) -> Shape:
    """Shape of the weights. Raises ``GraphError`` where the bias has another length."""
    weight = node.param["weight_odd"].shape
    if "bias_odd" in node.param and node.param["bias_odd"].shape != weight[:1]:
        found = str(list(node.param["bias_odd"].shape))
        raise GraphError("bias does not fit", found=found, allowed=str(list(weight[:1])))
    return weight


def _dense_shape(node: Node, shapes: Shapes) -> Shape:
    x, weight = shapes["x"], _ensure_bias(node)
    rank_at_least(x, 1)
    if len(weight) != 2 or x[-1] != weight[1]:
        raise GraphError("input features do not fit the weight", found=f"{list(x)}, weight {list(weight)}")
    return (*x[:-1], weight[0])


def _conv_shape(node: Node, shapes: Shapes) -> Shape:
    x, weight = shapes["x"], _ensure_bias(node)
    axes, groups = len(weight) - 2, node.integer("groups")
    if axes < 1 or len(x) != axes + 1 or x[0] != weight[1] * groups or weight[0] % groups:
        raise GraphError("channels do not fit the weight", found=f"{list(x)}, weight {list(weight)}")
    spatial(node, WINDOW, axes)
    sizes = zip(x[1:], weight[2:], *(node.integers(name) for name in WINDOW), strict=True)
    return (weight[0], *(window_size(*size) for size in sizes))


def _f32(node: Node, types: Types) -> NumType:
    return float_result(F32, types["x"])


class _Sums:
    """What rows (out, terms) of codes add for inputs (samples, terms)."""

    def __init__(self, rows: Array, bias: Array | None) -> None:
        own = np.zeros(len(rows), np.int8) if bias is None else bias
        self.nan = np.any(rows == NAN, axis=1) | (own == NAN)
        self.up, self.down = ((rows == code).T.astype(np.float32) for code in (UP, DOWN))
        self.own_up, self.own_down = own == UP, own == DOWN

    def __call__(self, x: Array) -> Array:
        above, below = (x > 0).astype(np.float32), (x < 0).astype(np.float32)
        void = (1 - above - below) @ (self.up + self.down) > 0  # 0 and NaN times infinity
        up = (above @ self.up + below @ self.down > 0) | self.own_up
        down = (above @ self.down + below @ self.up > 0) | self.own_down
        signed = np.where(up, np.float32(np.inf), np.where(down, np.float32(-np.inf), np.float32(0)))
        return np.where(self.nan | void | (up & down), np.float32(np.nan), signed)


def _bias(node: Node) -> Array | None:
    return node.param["bias_odd"].array if "bias_odd" in node.param else None


def dense(context: Context) -> Kernel:
    """X (samples, …, in) to (samples, …, out)."""
    rows = context.node.param["weight_odd"].array
    sums = _Sums(rows, _bias(context.node))

    def run(x: Array) -> Array:
        return sums(x.reshape(-1, rows.shape[1])).reshape(*x.shape[:-1], len(rows))

    return lambda inputs: run(inputs["x"])


def conv(context: Context) -> Kernel:
    """X (samples, channels, *spatial) to (samples, filters, *spatial); the zeros around count as inputs."""
    node, weight = context.node, context.node.param["weight_odd"].array
    groups, filters = node.integer("groups"), len(weight)
    stride, padding, dilation = (node.integers(name) for name in WINDOW)
    bias, terms = _bias(node), prod(weight.shape[1:])
    each = [slice(index * filters // groups, (index + 1) * filters // groups) for index in range(groups)]
    sums = [_Sums(weight[one].reshape(-1, terms), None if bias is None else bias[one]) for one in each]

    def run(x: Array) -> Array:
        padded = np.pad(x, [(0, 0), (0, 0), *((pad, pad) for pad in padding)])
        parts = []
        for own, block in zip(sums, np.split(padded, groups, axis=1), strict=True):
            windows = np.moveaxis(window_view(block, weight.shape[2:], stride, dilation), 1, weight.ndim - 1)
            place = windows.shape[: weight.ndim - 1]
            parts.append(np.moveaxis(own(windows.reshape(-1, terms)).reshape(*place, -1), -1, 1))
        return np.concatenate(parts, axis=1)

    return lambda inputs: run(inputs["x"])


BIAS = Attribute("bias", "whether some biases may be NaN or infinite", (False, True))
OPS = (
    TransformOp(
        "nirtorch.OddDense",
        1,
        "What the weights and biases of a dense layer that are NaN or infinite add to each sum: 0 where there are "
        "none; NaN for NaN, for an infinity times 0 or NaN, and for infinities of both signs; else an infinity.",
        _dense_shape,
        _f32,
        f"{HERE}:dense",
        (BIAS,),
        _parameters,
    ),
    TransformOp(
        "nirtorch.OddConv",
        1,
        "The same of a convolution over (channels, *spatial), whose padding is zeros that count as inputs.",
        _conv_shape,
        _f32,
        f"{HERE}:conv",
        (
            BIAS,
            Attribute("stride", "step of the window, per spatial axis", range=(1, 2**16), many=True),
            Attribute("padding", "zeros on both sides, per spatial axis", range=(0, 2**16), many=True),
            Attribute("dilation", "distance of kernel taps, per spatial axis", range=(1, 2**16), many=True),
            Attribute("groups", "blocks of channels that do not mix", range=(1, 2**16)),
        ),
        _parameters,
    ),
)
