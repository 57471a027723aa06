"""The lag between two spike trains without graphs: searched for, and claimed only where one lag alone fits best.

Between two graphs the lag is computed from their delays (``ir.timing``) and never searched for.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from snnhub.ir.tensor import Array

MAX_LAG = 16
"""How far either way is looked: deeper networks are later by one step per layer, rarely by more."""
ENOUGH = 2
"""Spikes on both sides, and coincident ones, below which a lag is chance: a single spike fits anywhere."""
ALIGN = 0.5
"""Overlap from which a lag that does not make the trains equal is still used to line them up."""


@dataclass(frozen=True)
class Train:
    """Spikes of one quantity, sparse: ``at`` is step * width + element, ascending; ``values`` are not 0."""

    at: Array
    values: Array
    steps: int
    width: int

    @classmethod
    def of(cls, raster: Array) -> Train:
        """From a raster (time, features…)."""
        flat = np.ascontiguousarray(raster).reshape(-1)
        at = np.flatnonzero(flat)
        return cls(at, flat[at], raster.shape[0], int(np.prod(raster.shape[1:])))

    def until(self, step: int) -> Train:
        """Those before a step."""
        count = int(np.searchsorted(self.at, max(0, step) * self.width))
        return Train(self.at[:count], self.values[:count], min(self.steps, max(0, step)), self.width)


@dataclass(frozen=True)
class Overlap:
    """Two trains, b moved ``lag`` steps earlier. A spike of the first ``lag`` steps of b counts as one that a does
    not have: a was recorded from its beginning. What lies behind the end of either recording is left out.
    """

    lag: int
    both: int
    either: int
    cut: int

    @property
    def jaccard(self) -> float | None:
        """Spikes that both have over spikes that either has; None where there is none."""
        return self.both / self.either if self.either else None


@dataclass(frozen=True)
class LagSearch:
    """``used``: the overlap at the lag that lines the trains up; ``unshifted``: at lag 0. ``ties``: lags that fit
    equally well, so that none is claimed; ``few``: there are too few spikes to tell a lag.
    """

    used: Overlap
    unshifted: Overlap
    best: Overlap
    ties: tuple[int, ...] = ()
    few: bool = False


def window(a: Train, b: Train, lag: int) -> tuple[Train, Train]:
    """The parts of both that are compared at a lag, in their own steps."""
    return a.until(b.steps - lag), b.until(a.steps + lag)


def overlap(a: Train, b: Train, lag: int) -> Overlap:
    """Coincidences at one lag."""
    left, right = window(a, b, lag)
    both = int(np.count_nonzero(_contains(left.at, right.at - lag * a.width)))
    cut = a.at.size - left.at.size + b.at.size - right.at.size
    return Overlap(lag, both, left.at.size + right.at.size - both, cut)


def _contains(sorted_values: Array, wanted: Array) -> Array:
    """Which of ``wanted`` are among ``sorted_values``."""
    if not sorted_values.size or not wanted.size:
        return np.zeros(wanted.size, bool)
    places = np.searchsorted(sorted_values, wanted).clip(max=sorted_values.size - 1)
    return np.asarray(sorted_values[places] == wanted)


def search(a: Train, b: Train, max_lag: int = MAX_LAG) -> LagSearch:
    """The lag at which the trains overlap most, looked for from ``-max_lag`` to ``max_lag``.

    Lag 0 is kept where it makes them equal. Another one is used only if it alone has the largest overlap, with at
    least two spikes on both sides and two coincidences, and that overlap is half or more.
    """
    zero = overlap(a, b, 0)
    if zero.both == zero.either or not max_lag:
        return LagSearch(zero, zero, zero)
    few = min(a.at.size, b.at.size) < ENOUGH
    reach = min(max_lag, max(a.steps, b.steps) - 1)
    tried = [overlap(a, b, lag) for lag in sorted(range(-reach, reach + 1), key=abs)]
    fitting = [item for item in tried if item.both >= ENOUGH or item.lag == 0]
    best = max(fitting, key=lambda item: item.jaccard or 0.0)  # of equals the nearest to 0
    if few or best.lag == 0:
        return LagSearch(zero, zero, best, (), few)
    ties = tuple(sorted(item.lag for item in fitting if item.jaccard == best.jaccard))
    if len(ties) > 1:
        return LagSearch(zero, zero, best, ties)
    used = best if (best.jaccard or 0.0) >= ALIGN else zero
    return LagSearch(used, zero, best)
