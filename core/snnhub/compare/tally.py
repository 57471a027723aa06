"""Counts of one layer against the same layer of another network, sample by sample: spikes, dead neurons, ends."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from snnhub.compare.align import Pair
from snnhub.compare.verdict import spike_counts
from snnhub.ir.tensor import Array


@dataclass
class Tally:
    """What was counted so far. ``a`` is the network before, ``b`` the one that was made of it.

    ``both`` and ``either``: sums of the smaller and of the larger counts, bin by bin. ``at_limit``: by quantity,
    values at an end of its range. Per neuron: whether it fired at all, and whether it fired in every step.
    """

    steps: int = 0
    bins: int = 0
    a_spikes: int = 0
    b_spikes: int = 0
    both: int = 0
    either: int = 0
    at_limit: dict[str, int] = field(default_factory=dict)
    _fired: list[Array] | None = None
    _always: list[Array] | None = None

    def add(self, pair: Pair) -> None:
        """Count a pair of spike trains (time, samples, features…)."""
        sides = [spike_counts(side).astype(np.int64) for side in (pair.a, pair.b)]
        a, b = sides
        self.steps = max(self.steps, len(a))
        self.bins += a.size
        self.a_spikes += int(a.sum())
        self.b_spikes += int(b.sum())
        self.both += int(np.minimum(a, b).sum())
        self.either += int(np.maximum(a, b).sum())
        fired = [side.any(axis=(0, 1)).ravel() for side in sides]
        always = [side.all(axis=(0, 1)).ravel() for side in sides]
        old_fired, old_always = self._fired or fired, self._always or always
        self._fired = [old | new for old, new in zip(old_fired, fired, strict=True)]
        self._always = [old & new for old, new in zip(old_always, always, strict=True)]

    def limited(self, quantity: str, number: int) -> None:
        """Add values of a quantity that are at an end of its range."""
        self.at_limit[quantity] = self.at_limit.get(quantity, 0) + number

    @property
    def overlap(self) -> float:
        """Jaccard index of the counts; 1 if neither fires at all."""
        return self.both / self.either if self.either else 1.0

    @property
    def mismatch(self) -> float:
        """Spikes too many and too few, of the spikes before."""
        return (self.either - self.both) / max(1, self.a_spikes)

    @property
    def neurons(self) -> int:
        return 0 if self._fired is None else int(self._fired[0].size)

    @property
    def fell_silent(self) -> int:
        """Neurons that fired before and do not any more."""
        return 0 if self._fired is None else int(np.count_nonzero(self._fired[0] & ~self._fired[1]))

    @property
    def stuck(self) -> int:
        """Neurons that fire in every step and did not before; 0 where there is one step."""
        if self._always is None or self.steps < 2:
            return 0
        return int(np.count_nonzero(self._always[1] & ~self._always[0]))

    def to_json(self) -> dict[str, Any]:
        return {
            "neurons": self.neurons,
            "bins": self.bins,
            "spikes_before": self.a_spikes,
            "spikes_after": self.b_spikes,
            "overlap": self.overlap,
            "mismatch": self.mismatch,
            "fell_silent": self.fell_silent,
            "in_every_step": self.stuck,
            "at_limit": dict(self.at_limit),
        }


@dataclass(frozen=True)
class Tallied:
    """What calibration data showed of one network: a tally per layer, and decisions that stay equal.

    ``layers``: by node of the network before. ``decisions``: all and equal ones; None where there are no classes.
    """

    layers: Mapping[str, Tally]
    decisions: tuple[int, int] | None = None
    problems: tuple[str, ...] = ()
