"""Transforms without sums over many terms: Flatten, Reshape, Pad, Upsample, Add, BatchNorm."""

from __future__ import annotations

from math import prod

from snnhub.errors import GraphError
from snnhub.ir.graph import Node
from snnhub.ir.numtype import NumType, integer
from snnhub.ir.op import Attribute, Attributes, Parameter, Ports, Shape, Shapes, TransformOp, Types
from snnhub.ops.rules import float_result, rank_at_least, spatial


def _flatten_shape(node: Node, shapes: Shapes) -> Shape:
    x = shapes["x"]
    start, end = node.integer("start"), node.integer("end")
    if not 0 <= start <= end < max(len(x), 1):
        raise GraphError("axes do not exist", found=f"{start} .. {end}", allowed=f"0 .. {len(x) - 1}")
    return (*x[:start], prod(x[start : end + 1]), *x[end + 1 :])


def _reshape_shape(node: Node, shapes: Shapes) -> Shape:
    x, shape = shapes["x"], node.integers("shape")
    if prod(x) != prod(shape):
        raise GraphError("shapes differ in size", found=f"{list(x)} into {list(shape)}")
    return shape


def _pad_shape(node: Node, shapes: Shapes) -> Shape:
    x = shapes["x"]
    spatial(node, ("before", "after"), len(x))
    return tuple(
        size + before + after
        for size, before, after in zip(x, node.integers("before"), node.integers("after"), strict=True)
    )


def _pad_type(node: Node, types: Types) -> NumType:
    x = types["x"]
    return integer(min(x.range[0], 0), max(x.range[1], 0)) if x.is_int else x


def _upsample_shape(node: Node, shapes: Shapes) -> Shape:
    x = shapes["x"]
    rank_at_least(x, 2)
    spatial(node, ("factor",), len(x) - 1)
    return (x[0], *(size * factor for size, factor in zip(x[1:], node.integers("factor"), strict=True)))


def _same_type(node: Node, types: Types) -> NumType:
    return types["x"]


def _add_shape(node: Node, shapes: Shapes) -> Shape:
    known = [shapes[name] for name in ("a", "b") if name in shapes]
    if known[0] != known[-1]:
        raise GraphError("summands differ in shape", found=f"{list(shapes['a'])}, {list(shapes['b'])}")
    return known[0]


def _add_type(node: Node, types: Types) -> NumType:
    if len(types) == 1:  # in a cycle, before the other is known
        return float_result(*types.values())
    a, b = types["a"], types["b"]
    if a.is_int and b.is_int:
        return integer(a.range[0] + b.range[0], a.range[1] + b.range[1])
    return float_result(a, b) if a.is_float else float_result(b, a)


def _norm_shape(node: Node, shapes: Shapes) -> Shape:
    return shapes["x"]


def _norm_type(node: Node, types: Types) -> NumType:
    scale, shift = node.param["scale"].type, node.param["shift"].type
    if scale != shift or not scale.is_float:
        raise GraphError("scale and shift are floats of one width", found=f"{scale}, {shift}")
    return float_result(scale, types["x"])


def _norm_parameters(_: Attributes) -> tuple[Parameter, ...]:
    return (
        Parameter("scale", "factor per channel; its recipe says how it came from the statistics", None),
        Parameter("shift", "offset per channel; its recipe says how it came from the statistics", None),
    )


FLATTEN = TransformOp(
    "core.Flatten",
    1,
    "Merges the axes start .. end (both included, counted without time and batch) in C order.",
    _flatten_shape,
    _same_type,
    "snnhub.engine.kernels.shaping:flatten",
    (
        Attribute("start", "first axis to merge", range=(0, 31)),
        Attribute("end", "last axis to merge", range=(0, 31)),
    ),
)

RESHAPE = TransformOp(
    "core.Reshape",
    1,
    "The same numbers in C order in another shape.",
    _reshape_shape,
    _same_type,
    "snnhub.engine.kernels.shaping:flatten",
    (Attribute("shape", "the new shape, without time and batch", range=(1, 2**31 - 1), many=True),),
)

PAD = TransformOp(
    "core.Pad",
    1,
    "Zeros around the features.",
    _pad_shape,
    _pad_type,
    "snnhub.engine.kernels.shaping:pad",
    (
        Attribute("before", "zeros in front, per axis", range=(0, 2**16), many=True),
        Attribute("after", "zeros behind, per axis", range=(0, 2**16), many=True),
    ),
)

UPSAMPLE = TransformOp(
    "core.Upsample",
    1,
    "Nearest neighbour over (channels, *spatial): y[c, i, …] = x[c, i // factor, …].",
    _upsample_shape,
    _same_type,
    "snnhub.engine.kernels.shaping:upsample",
    (Attribute("factor", "how often each entry is repeated, per spatial axis", range=(1, 2**16), many=True),),
)

ADD = TransformOp(
    "core.Add",
    1,
    "y = a + b, elementwise: exact for integers, one rounding for floats.",
    _add_shape,
    _add_type,
    "snnhub.engine.kernels.shaping:add",
    ports=Ports(("a", "b"), ("y",)),
    early=True,
)

BATCH_NORM = TransformOp(
    "core.BatchNorm",
    1,
    "y = x * scale + shift, rounded once, as torch computes batch normalisation in evaluation mode.",
    _norm_shape,
    _norm_type,
    "snnhub.engine.kernels.shaping:batch_norm",
    parameter_rule=_norm_parameters,
)
