"""Elementwise transforms of one or two signals, and numbers: Mul, Scale, ReLU."""

from __future__ import annotations

from snnhub.errors import GraphError
from snnhub.ir.graph import Node
from snnhub.ir.numtype import NumType, integer
from snnhub.ir.op import Attributes, Parameter, Ports, Shape, Shapes, TransformOp, Types
from snnhub.ops.rules import float_result


def _same_shape(node: Node, shapes: Shapes) -> Shape:
    known = [shapes[name] for name in ("a", "b") if name in shapes]
    if known[0] != known[-1]:
        raise GraphError("factors differ in shape", found=f"{list(shapes['a'])}, {list(shapes['b'])}")
    return known[0]


def product_type(a: NumType, b: NumType) -> NumType:
    """Type of a product: an integer with the range of all products, or the float type of a factor.

    Raises ``GraphError`` if one factor does not pass into the other's float type unchanged.
    """
    if a.is_int and b.is_int:
        corners = [x * y for x in a.range for y in b.range]
        return integer(min(corners), max(corners))
    return float_result(a, b) if a.is_float else float_result(b, a)


def _product(node: Node, types: Types) -> NumType:
    if len(types) == 1:  # in a cycle, before the other is known
        return float_result(*types.values())
    return product_type(types["a"], types["b"])


def _unchanged(node: Node, shapes: Shapes) -> Shape:
    return shapes["x"]


def _scaled(node: Node, types: Types) -> NumType:
    scale, shift = node.param["scale"].type, node.param["shift"].type
    if scale.is_float or shift.is_float:
        if scale != shift:
            raise GraphError("scale and shift differ in type", found=f"{scale}, {shift}")
        return float_result(scale, types["x"])
    if not types["x"].is_int:
        raise GraphError("integer factors need integer input", found=str(types["x"]), allowed="int[lo..hi]")
    result = product_type(types["x"], scale)
    return integer(result.range[0] + shift.range[0], result.range[1] + shift.range[1])


def _rectified(node: Node, types: Types) -> NumType:
    x = types["x"]
    return integer(max(x.range[0], 0), max(x.range[1], 0)) if x.is_int else x


def _factor_and_offset(_: Attributes) -> tuple[Parameter, ...]:
    return (
        Parameter("scale", "factor, 0-d or broadcast onto the features", None),
        Parameter("shift", "offset, 0-d or broadcast onto the features", None),
    )


MUL = TransformOp(
    "core.Mul",
    1,
    "y = a * b, elementwise: exact for integers, one rounding for floats.",
    _same_shape,
    _product,
    "snnhub.engine.kernels.elementwise:multiply",
    ports=Ports(("a", "b"), ("y",)),
    early=True,
)

SCALE = TransformOp(
    "core.Scale",
    1,
    "y = x * scale + shift by numbers, elementwise: exact for integers, rounded once for floats.",
    _unchanged,
    _scaled,
    "snnhub.engine.kernels.elementwise:scale",
    parameter_rule=_factor_and_offset,
)

RELU = TransformOp(
    "core.ReLU",
    1,
    "y = where(x < 0, 0, x): max(x, 0), except that a NaN stays one, as in torch.",
    _unchanged,
    _rectified,
    "snnhub.engine.kernels.elementwise:relu",
)
