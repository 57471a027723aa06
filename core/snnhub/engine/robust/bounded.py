"""A value with the radius that any other order of summation could move it by."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from snnhub.engine.exact import F64
from snnhub.engine.wires import Wire
from snnhub.ir.tensor import Array


class Bounded:
    """``value`` is what the engine computes; ``radius`` (f64, its shape) is None where no order changes it.

    It can be indexed and assigned to like the array that it stands for. An assignment into one without a radius is
    not possible where a radius comes in: make room with ``room`` or ``kept`` first.
    """

    __slots__ = ("radius", "value")

    def __init__(self, value: Array, radius: F64 | None = None) -> None:
        self.value = value
        self.radius = radius

    def __getitem__(self, key: Any) -> Bounded:
        return Bounded(self.value[key], None if self.radius is None else self.radius[key])

    def __setitem__(self, key: Any, other: Bounded) -> None:
        self.value[key] = other.value
        if self.radius is not None:
            self.radius[key] = 0.0 if other.radius is None else other.radius
        elif other.radius is not None:
            raise AssertionError("no room for a radius")

    @property
    def shape(self) -> tuple[int, ...]:
        return self.value.shape

    @property
    def dtype(self) -> np.dtype[np.generic]:
        return self.value.dtype

    def radii(self) -> F64:
        """The radius as an array, zeros where nothing changes."""
        return np.zeros(self.shape) if self.radius is None else self.radius

    def settled(self) -> Bounded:
        """The same, without a radius if it is 0 everywhere."""
        return Bounded(self.value) if self.radius is not None and not self.radius.any() else self

    def kept(self) -> Bounded:
        """A copy with room for a radius if it holds floats or integers that may be moved."""
        return Bounded(self.value.copy(), self.radii().copy())

    copy = kept

    def reshape(self, *shape: int) -> Bounded:
        radius = None if self.radius is None else self.radius.reshape(*shape)
        return Bounded(self.value.reshape(*shape), radius)


def room(steps: int, one: Any) -> Any:
    """An array, or a bounded one, for so many steps of what ``one`` is a step of."""
    if isinstance(one, Bounded):
        shape = (steps, *one.shape[1:])
        return Bounded(np.empty(shape, one.dtype), np.zeros(shape))
    return np.empty((steps, *one.shape[1:]), one.dtype)


def joined(first: Bounded, second: Bounded) -> Bounded:
    """One after the other in time."""
    value = np.concatenate([first.value, second.value])
    if first.radius is None and second.radius is None:
        return Bounded(value)
    return Bounded(value, np.concatenate([first.radii(), second.radii()]))


def delayed(wire: Wire, values: Bounded, lines: Mapping[int, Any]) -> Bounded:
    """A whole block as the target sees it: ``delay`` old values first."""
    if wire.edge.delay == 0:
        return values
    return joined(lines[wire.number], values)[: values.shape[0]].settled()


def delayed_at(wire: Wire, values: Bounded | None, lines: Mapping[int, Any], step: int) -> Bounded:
    """One step of a block that is still being computed; ``values`` is None before its source has run."""
    source = step - wire.edge.delay
    found: Bounded = lines[wire.number][step] if source < 0 or values is None else values[source]
    return found


def move_on(line: Bounded, values: Bounded) -> None:
    """Advance a delay line over a block, in place: it keeps the last values."""
    line[:] = joined(line, values)[values.shape[0] :]
