"""What is known of shapes in continuous time, and whole-number fields read as the numbers that they are.

These rules are for those who look at a graph and for discretisation; a file whose shapes do not fit is still held.
"""

from __future__ import annotations

import numpy as np

from snnhub.errors import GraphError
from snnhub.ir.graph import Node
from snnhub.ir.op import Shape
from snnhub.ops.rules import window_size

MAX_NUMBER = 2**31 - 1


def numbers(node: Node, name: str) -> tuple[int, ...] | None:
    """A field of whole numbers, one or several; None if it is absent. Raises ``GraphError`` for other numbers."""
    if name not in node.param:
        return None
    array = node.param[name].array.reshape(-1)
    if array.size > 16:
        raise GraphError(f"{name} has too many numbers", found=str(array.size), allowed="up to 16")
    if not np.isfinite(array).all() or not (np.abs(array) <= MAX_NUMBER).all():
        raise GraphError(f"{name} is no size", found=str(array.tolist()), allowed=f"numbers up to {MAX_NUMBER}")
    if (array != np.rint(array)).any():
        raise GraphError(f"{name} has a fraction", found=str(array.tolist()), allowed="whole numbers")
    return tuple(int(number) for number in array)


def per_axis(node: Node, name: str, axes: int, least: int) -> tuple[int, ...]:
    """A field of one number, or one per spatial axis, as one per axis. Raises ``GraphError`` otherwise."""
    found = numbers(node, name)
    if found is None:
        raise GraphError(f"{name} is missing")
    if len(found) not in (1, axes) or min(found, default=least - 1) < least:
        raise GraphError(
            f"{name} does not fit", found=str(list(found)), allowed=f"1 or {axes} numbers, at least {least}"
        )
    return found * axes if len(found) == 1 else found


def padding(node: Node, kernel: tuple[int, ...]) -> tuple[tuple[int, int], ...]:
    """Zeros before and after, per spatial axis. ``same`` is what torch makes of it: one more behind where the
    number is odd, and a stride of 1. Raises ``GraphError`` if the field does not fit.
    """
    words = node.attribute.get("padding")
    if words == "same":
        if set(per_axis(node, "stride", len(kernel), 1)) != {1}:
            raise GraphError("padding same needs a stride of 1", found=str(numbers(node, "stride")))
        dilation = per_axis(node, "dilation", len(kernel), 1)
        totals = [tap * (size - 1) for tap, size in zip(dilation, kernel, strict=True)]
        return tuple((total // 2, total - total // 2) for total in totals)
    if words == "valid":
        return ((0, 0),) * len(kernel)
    return tuple((size, size) for size in per_axis(node, "padding", len(kernel), 0))


def terminal_shape(node: Node, arriving: Shape | None) -> Shape | None:
    """``shape`` as the file says. Raises ``GraphError`` if something else arrives."""
    shape = numbers(node, "shape")
    if shape is not None and arriving not in (None, shape):
        raise GraphError(
            "not the shape of what arrives", found=str(list(shape)), allowed=str(list(arriving or ()))
        )
    return shape


def dense_shape(node: Node, arriving: Shape | None) -> Shape:
    """(…, in) to (…, out). Raises ``GraphError`` if the weight does not fit."""
    weight = node.param["weight"].shape
    if len(weight) < 2:
        raise GraphError("weight needs two axes (out, in)", found=str(list(weight)))
    out = (*weight[:-2], weight[-2])
    if "bias" in node.param and node.param["bias"].shape != out:
        raise GraphError("bias does not fit", found=str(list(node.param["bias"].shape)), allowed=str(list(out)))
    if arriving is None:
        return out
    if arriving[-1:] != weight[-1:] or (len(weight) > 2 and arriving[:-1] != weight[:-2]):
        wanted = str([*weight[:-2], weight[-1]])
        raise GraphError("weight does not fit what arrives", found=wanted, allowed=str(list(arriving)))
    return out if len(weight) > 2 else (*arriving[:-1], weight[0])


def conv_shape(node: Node, arriving: Shape | None) -> Shape | None:
    """(in, *spatial) to (out, *spatial); the spatial axes come from what arrives, else from ``input_shape``.

    Raises ``GraphError`` if weight, groups, bias or ``input_shape`` do not fit.
    """
    weight = node.param["weight"].shape
    axes = 1 if node.op == "ct.Conv1d" else 2
    if len(weight) != axes + 2:
        raise GraphError("weight needs axes (out, in, *kernel)", found=str(list(weight)))
    (groups,) = per_axis(node, "groups", 1, 1)
    if "bias" in node.param and node.param["bias"].shape != weight[:1]:
        raise GraphError("bias does not fit", found=str(list(node.param["bias"].shape)), allowed=str([weight[0]]))
    said = numbers(node, "input_shape")
    if arriving is not None:
        if arriving[:1] != (weight[1] * groups,) or len(arriving) != axes + 1:
            wanted = f"({weight[1] * groups}, {axes} spatial axes)"
            raise GraphError("weight does not fit what arrives", found=wanted, allowed=str(list(arriving)))
        if said is not None and said != arriving[1:]:
            raise GraphError("input_shape is not what arrives", found=str(list(said)), allowed=str(list(arriving)))
    space = arriving[1:] if arriving is not None else said
    if space is None:
        return None
    if len(space) != axes:
        raise GraphError("input_shape does not fit", found=str(list(space)), allowed=f"{axes} numbers")
    return (weight[0], *_windows(node, space, weight[2:]))


def _windows(node: Node, space: Shape, kernel: Shape) -> Shape:
    stride = per_axis(node, "stride", len(kernel), 1)
    dilation = per_axis(node, "dilation", len(kernel), 1)
    around = padding(node, kernel)
    rows = zip(space, kernel, stride, around, dilation, strict=True)
    return tuple(window_size(size + sum(pad), k, step, 0, tap) for size, k, step, pad, tap in rows)


def pool_shape(node: Node, arriving: Shape | None) -> Shape | None:
    """(channels, height, width) to the same, smaller. Raises ``GraphError`` if the window does not fit."""
    kernel, stride = per_axis(node, "kernel_size", 2, 1), per_axis(node, "stride", 2, 1)
    pads = per_axis(node, "padding", 2, 0)
    if arriving is None:
        return None
    if len(arriving) != 3:
        raise GraphError("needs (channels, height, width)", found=str(list(arriving)))
    rows = zip(arriving[1:], kernel, stride, pads, strict=True)
    return (arriving[0], *(window_size(size, k, step, pad, 1) for size, k, step, pad in rows))


def flatten_axes(node: Node, rank: int) -> tuple[int, int]:
    """First and last axis that are merged, both from 0. Raises ``GraphError`` if they do not fit."""
    said = [(numbers(node, name), default) for name, default in (("start_dim", 1), ("end_dim", -1))]
    found = [(default,) if item is None else item for item, default in said]
    if any(len(item) != 1 for item in found):
        raise GraphError("start_dim and end_dim need one number each")
    start, end = (item[0] + rank if item[0] < 0 else item[0] for item in found)
    if not 0 <= start <= end < rank:
        raise GraphError("axes do not fit", found=f"{found[0]} .. {found[1]}", allowed=f"{rank} axes")
    return start, end


def flatten_shape(node: Node, arriving: Shape | None) -> Shape | None:
    """Axes merged. Raises ``GraphError`` if ``input_type`` is not what arrives, or the axes do not fit."""
    said = numbers(node, "input_type")
    if None not in (said, arriving) and said != arriving:
        raise GraphError("input_type is not what arrives", found=str(said), allowed=str(arriving))
    shape = arriving if arriving is not None else said
    if shape is None:
        return None
    start, end = flatten_axes(node, len(shape))
    merged = 1
    for size in shape[start : end + 1]:
        merged *= size
    return (*shape[:start], merged, *shape[end + 1 :])
