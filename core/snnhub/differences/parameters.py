"""Parameters of nodes that belong together: presence, type, shape, and the numbers themselves."""

from __future__ import annotations

from collections.abc import Iterator

from snnhub.differences.difference import Difference, Section
from snnhub.differences.numbers import compare_numbers
from snnhub.ir.graph import Node
from snnhub.ir.tensor import Tensor


def parameters(a: Node, b: Node) -> Iterator[Difference]:
    """One difference per tensor that is not equal in type, shape and bytes."""
    for name in dict.fromkeys((*a.param, *b.param)):
        ours, theirs = a.param.get(name), b.param.get(name)
        here, there = f"{a.id}/{name}", f"{b.id}/{name}"
        if ours is None and theirs is not None:
            yield Difference(Section.PARAMETERS, f"parameter {name} added", "", there, "", told(theirs))
        elif theirs is None and ours is not None:
            yield Difference(Section.PARAMETERS, f"parameter {name} removed", here, "", told(ours), "")
        elif ours is not None and theirs is not None and _facts(ours) != _facts(theirs):
            yield _changed(here, there, ours, theirs)


def _facts(tensor: Tensor) -> tuple[str, tuple[int, ...], str]:
    return tensor.dtype.name, tensor.shape, tensor.sha256


def _changed(here: str, there: str, a: Tensor, b: Tensor) -> Difference:
    numbers = compare_numbers(a, b)
    what = [word for word, x, y in (("type", a.dtype, b.dtype), ("shape", a.shape, b.shape)) if x != y]
    if numbers.differing or not numbers.compared:
        what.append("numbers" if numbers.compared else "")
    old, new = _short(a, b)
    words = str(numbers)
    if numbers.compared and not numbers.differing:
        words = "equal numbers"
    elif not numbers.compared and a.shape != b.shape:
        words = "shapes keep the numbers apart"
    return Difference(
        Section.PARAMETERS, " and ".join(word for word in what if word), here, there, old, new, words, numbers
    )


def _short(a: Tensor, b: Tensor) -> tuple[str, str]:
    """Type and shape where they differ, and the number itself where there is one."""
    if a.size == b.size == 1 and (a.dtype, a.shape) == (b.dtype, b.shape):
        return repr(a.array.item()), repr(b.array.item())
    return told(a), told(b)


def told(tensor: Tensor) -> str:
    """A tensor in few words."""
    shape = list(tensor.shape)
    number = f" {tensor.array.item()!r}" if tensor.size == 1 else ""
    return f"{tensor.dtype.name}{shape if shape else ''}{number}"
