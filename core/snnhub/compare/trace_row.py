"""One quantity of two recordings compared: lag, overlap, what differs first, and how states are related."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from snnhub.compare.kind import INPUT, SPIKES, pair_place
from snnhub.compare.lag import ENOUGH, LagSearch, Train, search, window
from snnhub.compare.marks import Marks
from snnhub.compare.quantity import Quantity
from snnhub.compare.relation import Relation, relate
from snnhub.compare.verdict import differing
from snnhub.findings import Finding, info, loss, note
from snnhub.ir.tensor import Array


@dataclass(frozen=True)
class Place:
    """The first value that differs. ``step`` counts in the first recording, ``index`` along ``axes``."""

    key: str
    step: int
    axes: tuple[str, ...]
    index: tuple[int, ...]
    a: float | int
    b: float | int

    def __str__(self) -> str:
        where = ", ".join(f"{axis} {i}" for axis, i in zip(self.axes, self.index, strict=True))
        return f"step {self.step}, {self.key}{f' ({where})' if where else ''}: A {self.a:g}, B {self.b:g}"

    def to_json(self) -> dict[str, Any]:
        names = {"key": self.key, "step": self.step, "axes": list(self.axes), "index": list(self.index)}
        return {**names, "a": self.a, "b": self.b}


@dataclass(frozen=True)
class TraceRow:
    """One quantity of a pair. ``lag``: b is this many steps later. ``unshifted``: overlap at lag 0."""

    key: str
    kind: str
    lag: int
    compared: int
    different: int
    a_spikes: int | None = None
    b_spikes: int | None = None
    overlap: float | None = None
    unshifted: float | None = None
    best_lag: int | None = None
    best_overlap: float | None = None
    first: Place | None = None
    relation: Relation | None = None
    moved: bool = True

    @property
    def silent(self) -> bool:
        """A spike train without a spike on either side: nothing is shown by it."""
        return self.kind == SPIKES and not self.a_spikes and not self.b_spikes

    def to_json(self) -> dict[str, Any]:
        return {
            "key": self.key,
            "kind": self.kind,
            "lag": self.lag,
            "compared": self.compared,
            "different": self.different,
            "a_spikes": self.a_spikes,
            "b_spikes": self.b_spikes,
            "overlap": self.overlap,
            "overlap_unshifted": self.unshifted,
            "best_lag": self.best_lag,
            "best_overlap": self.best_overlap,
            "silent": self.silent,
            "first_divergence": None if self.first is None else self.first.to_json(),
            "relation": None if self.relation is None else self.relation.to_json(),
        }


def spike_row(a: Quantity, b: Quantity, files: tuple[str, str], max_lag: int) -> tuple[TraceRow, list[Finding]]:
    left, right = Train.of(a.values), Train.of(b.values)
    found = search(left, right, max_lag)
    lag = found.used.lag
    compared, different, first = _difference(a, left, right, lag)
    row = TraceRow(
        a.name,
        SPIKES,
        lag,
        compared,
        different,
        int(left.at.size),
        int(right.at.size),
        found.used.jaccard,
        found.unshifted.jaccard,
        found.best.lag,
        found.best.jaccard,
        first,
    )
    return row, _lag_findings(row, found, files, max_lag)


def _difference(a: Quantity, left: Train, right: Train, lag: int) -> tuple[int, int, Place | None]:
    """Bins compared, bins that differ, and the first of them, at a lag."""
    marks = Marks.of(left, right, lag)
    steps = window(left, right, lag)[0].steps + max(0, lag)
    wrong = np.flatnonzero(marks.a != marks.b)
    if not wrong.size or marks.b is None:
        return steps * left.width, 0, None
    at = wrong[0]
    step, element = int(marks.steps[at]), int(marks.elements[at])
    index = tuple(int(i) for i in np.unravel_index(element, a.values.shape[1:])) if a.values.ndim > 1 else ()
    pair = marks.a[at].item(), marks.b[at].item()
    return steps * left.width, int(wrong.size), Place(a.name, step, a.axes[1:], index, *pair)


def _lag_findings(row: TraceRow, found: LagSearch, files: tuple[str, str], max_lag: int) -> list[Finding]:
    place = pair_place(files, row.key)
    if row.silent:
        message = "no spike in either recording: nothing is shown, and nothing is called equal"
        return [loss("SNN-5109", place, message, remedy="Record an input that makes the network fire.")]
    if found.few and found.unshifted.both != found.unshifted.either:
        message = f"{row.a_spikes} and {row.b_spikes} spikes: a lag needs {ENOUGH} on both sides, none was claimed"
        return [note("SNN-5108", place, message)]
    if found.ties:
        lags = ", ".join(f"{lag:+d}" for lag in found.ties)
        share = found.best.jaccard or 0.0
        message = f"several lags fit equally well (overlap {share:.4f}): {lags}; none was claimed"
        return [
            note("SNN-5108", place, message, remedy="Compare a longer recording, or one with an irregular input.")
        ]
    if not row.lag:
        return []
    cut = f"; {found.used.cut} spikes at the ends have no counterpart in time" if found.used.cut else ""
    where = f"{abs(row.lag)} steps {'behind' if row.lag > 0 else 'ahead of'} {files[0]}"
    message = f"{files[1]} is {where}: searched for within ±{max_lag}, not predicted{cut}"
    return [info("SNN-5107", place, message, remedy="With both graphs, verify A B predicts the lag.")]


def value_row(
    a: Quantity, b: Quantity, kind: str, files: tuple[str, str], lags: Mapping[str, int]
) -> tuple[TraceRow, list[Finding]]:
    """A state, at the lag of its neurons' spikes; or the input, which has no lag."""
    candidates = [0] if kind == INPUT else _candidates(a.name, lags)
    tried = [_Tried.of(a.values, b.values, lag) for lag in candidates]
    best = min(tried, key=lambda item: (item.different > 0, item.rest, abs(item.lag)))
    different, lag, pair, relation = best.different, best.lag, best.pair, best.relation
    first = _first_value(a, pair, max(0, -lag)) if different else None
    row = TraceRow(
        a.name,
        kind,
        lag,
        int(pair[0].size),
        different,
        first=first,
        relation=relation,
        moved=any(map(np.any, pair)),
    )
    place = pair_place(files, a.name)
    if kind == INPUT and different:
        words = str(relation) if relation is not None else "differs"
        message = f"the input {words}: if the runs were not shown the same, nothing else can be expected to agree"
        return row, [note("SNN-5106", place, message)]
    if relation is not None and relation.other_unit:
        return row, [info("SNN-5110", place, f"{relation}: related, not equal")]
    return row, []


def _candidates(name: str, lags: Mapping[str, int]) -> list[int]:
    """Lags of the spikes of the same node, else of all spikes; without spikes 0."""
    node = name.rpartition("/")[0]
    own = {lag for key, lag in lags.items() if key.rpartition("/")[0] == node}
    return sorted(own or set(lags.values()) or {0}, key=abs)


def _window_values(a: Array, b: Array, lag: int) -> tuple[Array, Array]:
    """The common steps at a lag, in which both were recorded."""
    start = max(0, -lag)
    count = max(0, min(a.shape[0], b.shape[0] - lag) - start)
    return a[start : start + count], b[start + lag : start + lag + count]


@dataclass(frozen=True)
class _Tried:
    """A state at one lag: how many values differ, and how the two are related if any do."""

    lag: int
    pair: tuple[Array, Array]
    different: int
    relation: Relation | None

    @classmethod
    def of(cls, a: Array, b: Array, lag: int) -> _Tried:
        pair = _window_values(a, b, lag)
        different = int(np.count_nonzero(differing(*pair)))
        return cls(lag, pair, different, relate(*pair) if different else None)

    @property
    def rest(self) -> float:
        """What no factor explains, as a share: the lag at which least remains is that of the state."""
        if not self.different:
            return 0.0
        return 1.0 if self.relation is None or self.relation.rest is None else self.relation.rest


def _first_value(a: Quantity, pair: tuple[Array, Array], start: int) -> Place:
    wrong = differing(*pair)
    where = tuple(int(i) for i in np.unravel_index(int(np.argmax(wrong)), wrong.shape))
    return Place(a.name, where[0] + start, a.axes[1:], where[1:], pair[0][where].item(), pair[1][where].item())
