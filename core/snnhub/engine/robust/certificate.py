"""The certificate of a run: whether every order of summation gives the same spikes, and how narrowly."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from snnhub.engine.reference import Block
from snnhub.ir.tensor import Array

INTEGERS = "integers: no rounding"
EXACT = "every sum is exact in every order"
MOST = 2**22
"""Ties whose places are kept; more are counted."""


@dataclass(frozen=True)
class Comparison:
    """A comparison at one neuron: ``margin`` is how far both sides are apart, ``bound`` how far another order may
    move them. In doubt where the margin is not above the bound. Both are NaN where no comparison of numbers
    decides.
    """

    step: int
    sample: int
    key: str
    index: tuple[int, ...]
    margin: float
    bound: float

    @property
    def ratio(self) -> float:
        """Margin over bound; infinity where the bound is 0."""
        return self.margin / self.bound if self.bound else float("inf")

    def __str__(self) -> str:
        place = f"step {self.step}, sample {self.sample}, {self.key}{list(self.index)}"
        return f"{place}: margin {self.margin:.3g}, bound {self.bound:.3g}"

    def to_json(self) -> dict[str, Any]:
        numbers = {name: _plain(getattr(self, name)) for name in ("margin", "bound", "ratio")}
        return {"step": self.step, "sample": self.sample, "key": self.key, "index": list(self.index), **numbers}


@dataclass(frozen=True)
class Robustness:
    """``decided``: comparisons of neurons with their thresholds, one per neuron and step. ``ties``: how many of
    them another order may decide otherwise. ``first``: the earliest. ``closest``: the smallest margin over bound;
    None if no bound is above 0. ``reason``: why nothing was in question. ``places``: of ties, (n, 2 + features):
    step, sample, index, by record key.
    """

    decided: int
    ties: int
    first: Comparison | None
    closest: Comparison | None
    reason: str = ""
    places: Mapping[str, Array] = field(default_factory=dict, repr=False, compare=False)

    @property
    def robust(self) -> bool:
        """Whether every order of summation gives the same spikes in the whole run."""
        return self.ties == 0

    @property
    def complete(self) -> bool:
        """Whether the place of every tie is known: of millions, the last ones are counted only."""
        return sum(len(found) for found in self.places.values()) == self.ties

    def flagged(self, key: str, step: int, sample: int, index: tuple[int, ...]) -> bool:
        """Whether this bin is a tie: the engine said that another order may decide it otherwise."""
        places = self.places.get(key)
        return places is not None and bool((places == np.array([step, sample, *index])).all(axis=1).any())

    def __str__(self) -> str:
        if self.robust:
            words = "yes"
            if self.reason:
                return f"{words} ({self.reason})"
            if self.closest is None:
                return words
            return f"{words}, smallest margin {self.closest.ratio:.3g} bounds at {self.closest}"
        share = "tie" if self.ties == 1 else "ties"
        return f"no, {self.ties} {share} in {self.decided} decisions, first at {self.first}"

    def to_json(self) -> dict[str, Any]:
        return {
            "robust": self.robust,
            "reason": self.reason or None,
            "decided": self.decided,
            "ties": self.ties,
            "first_tie": None if self.first is None else self.first.to_json(),
            "smallest_margin": None if self.closest is None else self.closest.to_json(),
        }


class Ledger:
    """Collects what blocks left in doubt. ``rank``: the order of nodes within a step. ``moved``: whether another
    order may move any value at all.
    """

    def __init__(self, rank: Mapping[str, int]) -> None:
        self._rank = rank
        self.moved = False
        self._decided = 0
        self._ties = 0
        self._places: dict[str, list[Array]] = {}
        self._first: tuple[tuple[int, int, int], Comparison] | None = None
        self._closest: Comparison | None = None

    def add(self, node: str, name: str, block: Block, doubt: Array, closest: Array) -> None:
        """One discrete output over one block: doubt (time, samples, features…), closest (time, samples, 4)."""
        key, start = f"{node}/{name}", (block.first_step, block.samples.start)
        self._decided += doubt.size
        step, sample = (int(i) for i in np.unravel_index(int(np.argmin(closest[..., 0])), closest.shape[:2]))
        if closest[step, sample, 0] < np.inf:
            found = _comparison(key, start, (step, sample), doubt, closest[step, sample])
            if self._closest is None or found.ratio < self._closest.ratio:
                self._closest = found
        places = np.argwhere(doubt)
        if len(places):
            self._doubtful(node, key, start, doubt, closest, places)

    def _doubtful(
        self, node: str, key: str, start: tuple[int, int], doubt: Array, closest: Array, places: Array
    ) -> None:
        self._ties += len(places)
        if sum(len(found) for known in self._places.values() for found in known) < MOST:
            self._places.setdefault(key, []).append(places + np.array([*start, *[0] * (doubt.ndim - 2)]))
        step, sample = int(places[0][0]), int(places[0][1])
        order = (step + start[0], self._rank[node], sample + start[1])
        if self._first is not None and self._first[0] <= order:
            return
        row = closest[step, sample]
        if not np.isfinite(row[0]) or not doubt[step, sample].reshape(-1)[int(row[1])]:
            row = np.array([0, np.flatnonzero(doubt[step, sample])[0], np.nan, np.nan])
        self._first = (order, _comparison(key, start, (step, sample), doubt, row))

    def certificate(self) -> Robustness:
        """What was collected."""
        first = None if self._first is None else self._first[1]
        places = {key: np.concatenate(found) for key, found in self._places.items()}
        reason = EXACT if self._closest is None and not self._ties and not self.moved else ""
        return Robustness(self._decided, self._ties, first, self._closest, reason, places)


def _comparison(key: str, start: tuple[int, int], at: tuple[int, int], doubt: Array, row: Array) -> Comparison:
    features = doubt.shape[2:]
    index = tuple(int(i) for i in np.unravel_index(int(row[1]), features)) if features else ()
    return Comparison(start[0] + at[0], start[1] + at[1], key, index, float(row[2]), float(row[3]))


def _plain(value: float) -> float | None:
    """A number that JSON has, or None."""
    return value if np.isfinite(value) else None


def integers(decided: int) -> Robustness:
    """The certificate of a network without floats."""
    return Robustness(decided, 0, None, None, INTEGERS)
