"""A value within one time step, with how it depends on what came into the step.

Two runs of a step program start from inputs and states (*roots*) that differ by at most their radii e_k. Every
value then differs by a sum of slopes c_k times the differences of the roots, the same differences wherever a root
is used, and a rest of at most ``slack``. So ``v - v / tau`` has the slope 1 - 1 / tau, not 1 + 1 / tau: this keeps
the radius of a leaky neuron bounded. Without the slopes it would grow in every step.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from snnhub.engine.exact import F64
from snnhub.engine.robust.rounding import PAD, SLACK, endpoints, known, overflow, smallest, two_roundings
from snnhub.ir.tensor import Array

Slopes = Mapping[int, F64]


@dataclass(frozen=True)
class Form:
    """``radius`` None: the same for every order, and no more is said. Else it bounds the difference: for numbers a
    f64 array, for bools an array of bools that says where the value is in doubt. ``range``: of an integer type.
    """

    value: Array
    radius: Array | None = None
    slopes: Slopes = field(default_factory=dict)
    slack: Array = field(default_factory=lambda: np.zeros(()))
    range: tuple[int, int] | None = None

    @property
    def ends(self) -> tuple[Array, Array]:
        """The smallest and the largest that the value may be, or beyond; integers in their ``range``."""
        low, high = endpoints(self.value, self.doubt)
        return (
            (low, high)
            if self.range is None
            else (np.maximum(low, self.range[0]), np.minimum(high, self.range[1]))
        )

    @property
    def exact(self) -> bool:
        return self.radius is None

    @property
    def doubt(self) -> Array:
        """Radius, or whether in doubt: 0 or False where the value is the same for every order."""
        if self.radius is not None:
            return self.radius
        return np.zeros((), bool) if self.value.dtype == np.bool_ else np.zeros(())

    @property
    def wide(self) -> F64:
        """The value in f64."""
        return self.value.astype(np.float64)


def flat(value: Array, radius: Array) -> Form:
    """A form that depends on no root in a known way. Exact if the radius is 0 everywhere."""
    radius = np.broadcast_to(radius, np.broadcast_shapes(np.shape(radius), value.shape))
    return Form(value, radius, {}, radius) if radius.any() else Form(value)


def linear(
    value: Array, slopes: Slopes, slack: Array, roots: Mapping[int, F64], *, rounded: bool, scaled: bool = False
) -> Form:
    """A form from its slopes and its rest. ``rounded``: the result is rounded on both sides, beyond what ``slack``
    says. ``scaled``: it was multiplied by a power of two, which rounds only where numbers are subnormal.
    """
    before = slack + distance(slopes, roots)
    if rounded:
        if scaled:
            added = np.where(before == 0, 0.0, smallest(value.dtype)) + overflow(value, before)
        else:
            added = two_roundings(value, before, value.dtype)
        before, slack = before + added, slack + added
    radius = known(before * PAD)
    return Form(value, radius, slopes, known(slack + radius * SLACK))


def distance(slopes: Slopes, roots: Mapping[int, F64]) -> F64:
    """How far the roots can move a value with these slopes."""
    total: F64 = np.zeros(())
    for root, slope in slopes.items():
        total = total + np.abs(slope) * roots[root]
    return total


def combined(a: Slopes, b: Slopes, times_a: Array | float = 1.0, times_b: Array | float = 1.0) -> Slopes:
    """``times_a * a + times_b * b``."""
    result = {root: np.asarray(times_a * slope) for root, slope in a.items()}
    for root, slope in b.items():
        result[root] = np.asarray(result[root] + times_b * slope if root in result else times_b * slope)
    return result
