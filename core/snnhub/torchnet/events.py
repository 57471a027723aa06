"""What a network did while it was watched: calls of leaf modules and of torch's functions, in order."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from torch import nn

INPUT = -1
"""The maker of what the network was given."""


class Ref(NamedTuple):
    """One value of one tensor: a tensor that is overwritten becomes another."""

    value: int


@dataclass
class Fact:
    """What is known of a value. ``maker``: index of the event that made it, ``INPUT``, or None for a constant.

    ``call``: number of the network's call that it is the input of. ``number``: a constant of one element.
    ``all``: what every element of a constant is (0 if it has none), if they are the same. ``name``: of a parameter
    or buffer of the network.
    ``stale``: the tensor was overwritten where nobody saw it, through another name.
    """

    shape: tuple[int, ...]
    maker: int | None = None
    call: int = 0
    number: float | None = None
    all: float | None = None
    name: str = ""
    stale: bool = False


@dataclass
class Event:
    """A call. Tensors in ``args``, ``kwargs`` and ``result`` are ``Ref``.

    ``module``: the leaf that was called, None for a function. ``name``: of the function; of a module, its path.
    ``outer``: path of the module whose forward called. ``call``: number of the network's call. ``site``: the lines
    of code that lead here, the same in every turn of a loop. ``named``: what a neuron's call gave, by name.
    ``made``: values that are new.
    """

    index: int
    name: str
    module: nn.Module | None
    args: tuple[Any, ...]
    kwargs: Mapping[str, Any]
    result: Any
    outer: str
    call: int
    site: tuple[tuple[int, int], ...]
    named: Mapping[str, Ref] = field(default_factory=dict)
    made: tuple[Ref, ...] = ()

    @property
    def inputs(self) -> Iterator[Ref]:
        """Every tensor among the arguments, in order."""
        return leaves((*self.args, *self.kwargs.values()), Ref)

    @property
    def place(self) -> str:
        """Module path, or the function in the module whose forward calls it, with slashes."""
        inside = self.outer.replace(".", "/")
        if self.module is not None:
            return self.name.replace(".", "/")
        return f"{inside}/{self.name}" if inside else self.name


def mapped(value: Any, kind: type | tuple[type, ...], change: Callable[[Any], Any]) -> Any:
    """``value`` with everything of ``kind`` inside tuples, lists and mappings changed; these become plain."""
    if isinstance(value, kind):
        return change(value)
    if isinstance(value, tuple):
        return tuple(mapped(item, kind, change) for item in value)
    if isinstance(value, list):
        return [mapped(item, kind, change) for item in value]
    if isinstance(value, dict):
        return {key: mapped(item, kind, change) for key, item in value.items()}
    return value


def leaves(value: Any, kind: type | tuple[type, ...]) -> Iterator[Any]:
    """Everything of ``kind`` inside tuples, lists and mappings, in order."""
    if isinstance(value, kind):
        yield value
    elif isinstance(value, tuple | list):
        for item in value:
            yield from leaves(item, kind)
    elif isinstance(value, dict):
        for item in value.values():
            yield from leaves(item, kind)
