"""Concat: two values side by side along one axis."""

from __future__ import annotations

from snnhub.errors import GraphError
from snnhub.ir.graph import Node
from snnhub.ir.numtype import NumType, integer
from snnhub.ir.op import Attribute, Ports, Shape, Shapes, TransformOp, Types
from snnhub.ops.rules import float_result


def _joined_shape(node: Node, shapes: Shapes) -> Shape:
    axis, sizes = node.integer("axis"), node.integers("sizes")
    if len(sizes) != 2:
        raise GraphError("attribute sizes needs 2 entries", found=str(sizes))
    for size, name in zip(sizes, ("a", "b"), strict=True):
        if name in shapes and (axis >= len(shapes[name]) or shapes[name][axis] != size):
            raise GraphError(
                f"{name} does not fit", found=str(list(shapes[name])), allowed=f"{size} along axis {axis}"
            )
    rest = {(*shape[:axis], sum(sizes), *shape[axis + 1 :]) for shape in shapes.values()}
    if len(rest) > 1:
        found = ", ".join(str(list(shape)) for shape in shapes.values())
        raise GraphError(f"shapes differ beside axis {axis}", found=found)
    return rest.pop()


def _joined_type(node: Node, types: Types) -> NumType:
    if len(types) == 1:  # in a cycle, before the other is known
        return float_result(*types.values())
    a, b = types["a"], types["b"]
    if a.is_int and b.is_int:
        return integer(min(a.range[0], b.range[0]), max(a.range[1], b.range[1]))
    return float_result(a, b) if a.is_float else float_result(b, a)


CONCAT = TransformOp(
    "core.Concat",
    1,
    "a, then b, along one axis (counted without time and batch). Spikes beside floats become 0 and 1.",
    _joined_shape,
    _joined_type,
    "snnhub.engine.kernels.joining:concat",
    (
        Attribute("axis", "axis along which b follows a", range=(0, 31)),
        Attribute("sizes", "length of a and of b along it", range=(1, 2**31), many=True),
    ),
    ports=Ports(("a", "b"), ("y",)),
    early=True,
)
