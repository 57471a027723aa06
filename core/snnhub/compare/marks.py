"""Spikes of one train, or of two over each other: what both have, what only one has, what differs in number."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from snnhub.compare.lag import Train, window
from snnhub.ir.tensor import Array

SPIKES, BOTH, ONLY_A, ONLY_B, COUNTS = "spikes", "both", "only A", "only B", "other count"


@dataclass(frozen=True, eq=False)
class Marks:
    """Bins with a spike on either side, ascending: ``steps`` (of a; below 0 where b began earlier), ``elements``,
    and the spikes ``a`` and ``b`` in each. ``b`` is None where there is one train.
    """

    steps: Array
    elements: Array
    a: Array
    b: Array | None = None

    @classmethod
    def single(cls, train: Train) -> Marks:
        """The spikes of one train."""
        return cls(train.at // train.width, train.at % train.width, train.values)

    @classmethod
    def of(cls, a: Train, b: Train, lag: int = 0) -> Marks:
        """Two trains in the steps that are compared at a lag; ``b`` moved ``lag`` steps earlier."""
        left, right = window(a, b, lag)
        shifted = right.at - lag * left.width
        places = np.union1d(left.at, shifted)
        values = np.zeros((2, places.size), np.result_type(left.values, right.values, np.uint8))
        values[0, np.searchsorted(places, left.at)] = left.values
        values[1, np.searchsorted(places, shifted)] = right.values
        return cls(places // left.width, places % left.width, values[0], values[1])

    @property
    def size(self) -> int:
        return int(self.steps.size)

    @property
    def different(self) -> int:
        """Bins in which the two trains differ; 0 for one train."""
        return 0 if self.b is None else int(np.count_nonzero(self.a != self.b))

    def kinds(self) -> Mapping[str, Array]:
        """Which marks are of which kind: every mark is of one."""
        if self.b is None:
            return {SPIKES: np.ones(self.size, bool)}
        left, right = self.a != 0, self.b != 0
        equal = self.a == self.b
        return {
            BOTH: left & right & equal,
            ONLY_A: left & ~right,
            ONLY_B: right & ~left,
            COUNTS: left & right & ~equal,
        }

    def take(self, chosen: Array) -> Marks:
        """Some of the marks, by mask or by number."""
        b = None if self.b is None else self.b[chosen]
        return replace(self, steps=self.steps[chosen], elements=self.elements[chosen], a=self.a[chosen], b=b)
