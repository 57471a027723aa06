"""Counts of one layer against the same layer of another network, sample by sample: spikes, dead neurons, ends."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from snnhub.compare.align import Pair
from snnhub.compare.verdict import DecisionCount, spike_counts
from snnhub.ir.tensor import Array

QUIET = 200
"""The overlap of a layer with fewer spikes says little."""
RARELY = 0.5
"""A neuron is stuck if it fires in every step, and before in less than this part of them."""


@dataclass(frozen=True)
class Ends:
    """Values of a quantity at the lower and at the upper end of its range, of all that were looked at."""

    low: int
    high: int
    of: int

    @property
    def share(self) -> float:
        return (self.low + self.high) / max(1, self.of)

    def __add__(self, other: Ends) -> Ends:
        return Ends(self.low + other.low, self.high + other.high, self.of + other.of)

    def to_json(self) -> dict[str, Any]:
        return {"low": self.low, "high": self.high, "of": self.of}


@dataclass
class Tally:
    """What was counted so far. ``a`` is the network before, ``b`` the one that was made of it.

    ``both`` and ``either``: sums of the smaller and of the larger counts, bin by bin. ``at_limit``: by quantity.
    Per neuron: the steps in which it fired.
    """

    steps: int = 0
    bins: int = 0
    a_spikes: int = 0
    b_spikes: int = 0
    both: int = 0
    either: int = 0
    at_limit: dict[str, Ends] = field(default_factory=dict)
    _active: Array | None = field(default=None, compare=False)
    """(2, neurons): steps of any sample in which it fired, before and after."""

    def add(self, pair: Pair) -> None:
        """Count a pair of spike trains (time, samples, features…)."""
        sides = a, b = [spike_counts(side).astype(np.int64) for side in (pair.a, pair.b)]
        self.steps = max(self.steps, len(a))
        self.bins += a.size
        self.a_spikes += int(a.sum())
        self.b_spikes += int(b.sum())
        self.both += int(np.minimum(a, b).sum())
        self.either += int(np.maximum(a, b).sum())
        active = np.stack([(side > 0).sum(axis=(0, 1)).ravel() for side in sides])
        self._active = active if self._active is None else self._active + active

    def limited(self, quantity: str, ends: Ends) -> None:
        """Add values of a quantity that are at an end of its range."""
        self.at_limit[quantity] = self.at_limit.get(quantity, Ends(0, 0, 0)) + ends

    @property
    def overlap(self) -> float:
        """Jaccard index of the counts; 1 if neither fires at all."""
        return self.both / self.either if self.either else 1.0

    @property
    def mismatch(self) -> float:
        """Spikes too many and too few, of the spikes before."""
        return (self.either - self.both) / max(1, self.a_spikes)

    @property
    def quiet(self) -> bool:
        """Whether there were too few spikes to tell."""
        return self.a_spikes < QUIET

    @property
    def neurons(self) -> int:
        return 0 if self._active is None else int(self._active.shape[1])

    @property
    def fell_silent(self) -> int:
        """Neurons that fired before and do not any more."""
        return 0 if self._active is None else int(np.count_nonzero((self._active[0] > 0) & (self._active[1] == 0)))

    @property
    def stuck(self) -> int:
        """Neurons that fire in every step and before in less than half of them; 0 where there is one step."""
        if self._active is None or self.steps < 2:
            return 0
        steps = self.bins // self.neurons
        before, after = self._active
        return int(np.count_nonzero((after == steps) & (before < RARELY * steps)))

    def to_json(self) -> dict[str, Any]:
        return {
            "neurons": self.neurons,
            "bins": self.bins,
            "spikes_before": self.a_spikes,
            "spikes_after": self.b_spikes,
            "overlap": self.overlap,
            "mismatch": self.mismatch,
            "quiet": self.quiet,
            "fell_silent": self.fell_silent,
            "in_every_step": self.stuck,
            "at_limit": {name: ends.to_json() for name, ends in self.at_limit.items()},
        }


@dataclass(frozen=True)
class Tallied:
    """What calibration data showed of one network: a tally per layer, and decisions that stay equal.

    ``layers``: by node of the network before. ``decisions``: None where there are no classes.
    """

    layers: Mapping[str, Tally]
    decisions: DecisionCount | None = None
    problems: tuple[str, ...] = ()
