"""Two recordings without graphs compared: kinds of quantities, lags, the rung reached, the first divergence."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from snnhub.compare.lag import ENOUGH, MAX_LAG, LagSearch, Train, search, window
from snnhub.compare.quantity import Quantity, same_axes
from snnhub.compare.relation import Relation, relate
from snnhub.compare.verdict import differing
from snnhub.findings import Finding, info, loss, note
from snnhub.ir.rung import Rung
from snnhub.ir.tensor import Array

SPIKES, STATE, INPUT = "spikes", "state", "input"
SPIKE_NAMES = frozenset({"s", "z", "spk", "spike", "spikes"})
STATE_NAMES = frozenset({"v", "u", "i", "v_mem", "vmem", "i_syn", "isyn", "mem", "membrane", "voltage", "current"})
INPUT_NAMES = frozenset({"input", "inputs", "stimulus"})
MAX_COUNT = 31
"""Most spikes per step of a neuron that anything here knows (Xylo's hidden neurons)."""


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


@dataclass(frozen=True)
class PairVerdict:
    """``reached`` is None where nothing can be claimed: ``silent``, or ``problems`` says why."""

    a: str
    b: str
    reached: Rung | None
    missed: Rung | None
    lag: int
    rows: tuple[TraceRow, ...]
    first: Place | None
    silent: bool = False
    problems: tuple[str, ...] = ()
    findings: tuple[Finding, ...] = field(default=())

    def reaches(self, wanted: Rung) -> bool:
        """Whether at least ``wanted`` was shown."""
        return self.reached is not None and self.reached.reaches(wanted)

    @property
    def worst_overlap(self) -> float | None:
        """Smallest overlap of a spike train at its lag."""
        found = [row.overlap for row in self.rows if row.kind == SPIKES and row.overlap is not None]
        return min(found, default=None)

    def to_json(self) -> dict[str, Any]:
        return {
            "a": self.a,
            "b": self.b,
            "reached": None if self.reached is None else self.reached.value,
            "missed": None if self.missed is None else self.missed.value,
            "lag": self.lag,
            "silent": self.silent,
            "worst_overlap": self.worst_overlap,
            "first_divergence": None if self.first is None else self.first.to_json(),
            "rows": [row.to_json() for row in self.rows],
            "problems": list(self.problems),
            "findings": [finding.to_json() for finding in self.findings],
        }


@dataclass(frozen=True)
class Rules:
    """What the user said: names of spike trains and states, and how far to look for a lag."""

    spikes: frozenset[str] = frozenset()
    states: frozenset[str] = frozenset()
    max_lag: int = MAX_LAG


def compare_pair(
    files: tuple[str, str], a: Mapping[str, Quantity], b: Mapping[str, Quantity], rules: Rules
) -> PairVerdict:
    """The verdict on two recordings, quantity by quantity."""
    keys, problems, findings = _shared(files, a, b)
    couples: list[tuple[Quantity, Quantity, str]] = []
    for left_key, right_key in keys:
        left, right, noticed, problem = same_axes(a[left_key], b[right_key], files)
        findings += noticed
        if problem:
            problems.append(problem)
            continue
        left, right, kind, noticed = _kind(left, right, files, rules)
        findings += noticed
        couples.append((left, right, kind))
    rows: list[TraceRow] = []
    for left, right, kind in couples:
        if kind == SPIKES:
            row, noticed = _spike_row(left, right, files, rules.max_lag)
            rows.append(row)
            findings += noticed
    lags = {row.key: row.lag for row in rows if not row.silent}
    for left, right, kind in couples:
        if kind != SPIKES:
            row, noticed = _value_row(left, right, kind, files, lags)
            rows.append(row)
            findings += noticed
    order = [left.name for left, _, _ in couples]
    rows.sort(key=lambda row: order.index(row.key))
    findings += _lengths([(left, right) for left, right, _ in couples], files)
    return _judged(files, rows, problems, findings)


def pair_place(files: tuple[str, str], key: str) -> str:
    """Place of a finding about one quantity of two recordings."""
    return f"{files[0]} and {files[1]}: {key}"


def _shared(
    files: tuple[str, str], a: Mapping[str, Quantity], b: Mapping[str, Quantity]
) -> tuple[list[tuple[str, str]], list[str], list[Finding]]:
    """Pairs of names, problems, and what has no counterpart. Two single quantities belong together anyway."""
    if len(a) == len(b) == 1:
        return [(next(iter(a)), next(iter(b)))], [], []
    shared = [(key, key) for key in a if key in b]
    findings = []
    for file, only in zip(files, ([k for k in a if k not in b], [k for k in b if k not in a]), strict=True):
        if only:
            more = f" and {len(only) - 8} more" if len(only) > 8 else ""
            words = f"not in the other recording, not compared: {', '.join(only[:8])}{more}"
            findings.append(note("SNN-5105", file, words, remedy="--rename NAME=OTHER gives them one name."))
    if shared:
        return shared, [], findings
    return [], [f"no quantity of one name: {_some(a)} and {_some(b)}"], findings


def _some(quantities: Mapping[str, Quantity]) -> str:
    return ", ".join(list(quantities)[:6]) or "none"


def _kind(
    a: Quantity, b: Quantity, files: tuple[str, str], rules: Rules
) -> tuple[Quantity, Quantity, str, list[Finding]]:
    """Spikes or state: as the user says, else by name, else by the values of both."""
    last = a.name.rpartition("/")[2].lower()
    if a.name in rules.spikes:
        kind = SPIKES
    elif a.name in rules.states:
        kind = STATE
    elif last in INPUT_NAMES:
        kind = INPUT
    elif last in SPIKE_NAMES or last in STATE_NAMES:
        kind = SPIKES if last in SPIKE_NAMES else STATE
    else:
        counts = all(_are_counts(quantity.values) for quantity in (a, b))
        kind = SPIKES if counts else STATE
        values = (
            f"whole numbers from 0 to {MAX_COUNT} in both" if counts else "not whole numbers of spikes in both"
        )
        other = f"--states {a.name}" if counts else f"--spikes {a.name}"
        where = info("SNN-5103", a.name, f"taken as {kind}: {values}", remedy=f"If that is wrong: {other}")
        return a, b, kind, [where]
    return _one_amplitude(a, b, files) if kind == SPIKES else (a, b, kind, [])


def _are_counts(values: Array) -> bool:
    if values.dtype.kind == "b" or not values.size:
        return True
    low, high = values.min(), values.max()
    return bool(low >= 0 and high <= MAX_COUNT and (values.dtype.kind != "f" or (values == np.rint(values)).all()))


def _amplitude(values: Array) -> float | None:
    """The one value of all spikes; None if there are several or none."""
    heights = np.unique(values[values != 0])
    return float(heights[0]) if heights.size == 1 else None


def _one_amplitude(
    a: Quantity, b: Quantity, files: tuple[str, str]
) -> tuple[Quantity, Quantity, str, list[Finding]]:
    """Spikes of another height on each side (1 here, 1/dt there) become 1, and a finding says so."""
    heights = _amplitude(a.values), _amplitude(b.values)
    if None in heights or heights[0] == heights[1]:
        return a, b, SPIKES, []
    message = "a spike has another height in each recording: times are compared, heights are not"
    place = pair_place(files, a.name)
    finding = note("SNN-5110", place, message, old=f"{heights[0]:g}", new=f"{heights[1]:g}")
    return replace(a, values=a.values != 0), replace(b, values=b.values != 0), SPIKES, [finding]


def _spike_row(a: Quantity, b: Quantity, files: tuple[str, str], max_lag: int) -> tuple[TraceRow, list[Finding]]:
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
    left, right = window(left, right, lag)
    width = left.width
    shifted = right.at - lag * width
    places = np.union1d(left.at, shifted)
    values = np.zeros((2, places.size), np.result_type(left.values, right.values, np.uint8))
    values[0, np.searchsorted(places, left.at)] = left.values
    values[1, np.searchsorted(places, shifted)] = right.values
    wrong = np.flatnonzero(values[0] != values[1])
    steps = left.steps + max(0, lag)
    if not wrong.size:
        return steps * width, 0, None
    at = int(places[wrong[0]])
    step, element = at // width, at % width
    index = tuple(int(i) for i in np.unravel_index(element, a.values.shape[1:])) if a.values.ndim > 1 else ()
    pair = values[0, wrong[0]].item(), values[1, wrong[0]].item()
    return steps * width, int(wrong.size), Place(a.name, step, a.axes[1:], index, *pair)


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


def _value_row(
    a: Quantity, b: Quantity, kind: str, files: tuple[str, str], lags: Mapping[str, int]
) -> tuple[TraceRow, list[Finding]]:
    """A state, at the lag of its neurons' spikes; or the input, which has no lag."""
    candidates = [0] if kind == INPUT else _candidates(a.name, lags)
    tried = [(_window_values(a.values, b.values, lag), lag) for lag in candidates]
    scored = [(int(np.count_nonzero(differing(*pair))), _rest(pair), lag, pair) for pair, lag in tried]
    different, _, lag, pair = min(scored, key=lambda item: (item[0] > 0, item[1], abs(item[2])))
    relation = relate(*pair) if different else None
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


def _rest(pair: tuple[Array, Array]) -> float:
    relation = relate(*pair)
    if relation is None:
        return np.inf
    return relation.rest if relation.rest is not None else 1.0


def _first_value(a: Quantity, pair: tuple[Array, Array], start: int) -> Place:
    where = tuple(int(i) for i in np.argwhere(differing(*pair))[0])
    return Place(a.name, where[0] + start, a.axes[1:], where[1:], pair[0][where].item(), pair[1][where].item())


def _lengths(couples: Sequence[tuple[Quantity, Quantity]], files: tuple[str, str]) -> list[Finding]:
    """Recordings of other lengths are compared as far as both go."""
    found: dict[tuple[int, int], list[str]] = {}
    for a, b in couples:
        if a.values.shape[0] != b.values.shape[0]:
            found.setdefault((a.values.shape[0], b.values.shape[0]), []).append(a.name)
    return [
        note(
            "SNN-5105",
            pair_place(files, names[0]),
            f"recorded for another number of steps; compared as far as both go ({len(names)} quantities)",
            old=f"{steps[0]} steps",
            new=f"{steps[1]} steps",
        )
        for steps, names in found.items()
    ]


def _judged(
    files: tuple[str, str], rows: Sequence[TraceRow], problems: Sequence[str], findings: Sequence[Finding]
) -> PairVerdict:
    trains = [row for row in rows if row.kind == SPIKES]
    active = [row for row in trains if not row.silent]
    states = [row for row in rows if row.kind == STATE]
    lag = max((row.lag for row in active), key=abs, default=0)
    reached = None if problems else _rung(rows, active, states, lag)
    silent = reached is None and not problems
    above = {Rung.SPIKES: Rung.BITS, Rung.SPIKES_LAG: Rung.SPIKES}
    missed = above.get(reached) if reached is not None else None
    if reached is Rung.DIVERGED:
        missed = Rung.SPIKES_LAG if active else Rung.BITS
    places = [row.first for row in (active or states) if row.first is not None]
    first = min(places, key=lambda place: place.step, default=None)
    return PairVerdict(*files, reached, missed, lag, tuple(rows), first, silent, tuple(problems), tuple(findings))


def _rung(
    rows: Sequence[TraceRow], active: Sequence[TraceRow], states: Sequence[TraceRow], lag: int
) -> Rung | None:
    """The highest rung; None if no spike and no state moved, or if only states moved and they differ."""
    if not active and not any(row.moved for row in states):
        return None
    if not lag and not any(row.different for row in rows):
        return Rung.BITS
    if not active:
        return Rung.DIVERGED if all(row.kind != SPIKES for row in rows) else None
    if any(row.different for row in active):
        return Rung.DIVERGED
    return Rung.SPIKES_LAG if lag else Rung.SPIKES
