"""Two recordings without graphs compared: kinds of quantities, lags, the rung reached, the first divergence."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from snnhub.compare.kind import SPIKES, STATE, Rules, pair_place, told_kind
from snnhub.compare.quantity import Quantity, same_axes
from snnhub.compare.trace_row import Place, TraceRow, spike_row, value_row
from snnhub.findings import Finding, note
from snnhub.ir.rung import Rung


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
        left, right, kind, noticed = told_kind(left, right, files, rules)
        findings += noticed
        couples.append((left, right, kind))
    rows: list[TraceRow] = []
    for left, right, kind in couples:
        if kind == SPIKES:
            row, noticed = spike_row(left, right, files, rules.max_lag)
            rows.append(row)
            findings += noticed
    lags = {row.key: row.lag for row in rows if not row.silent}
    for left, right, kind in couples:
        if kind != SPIKES:
            row, noticed = value_row(left, right, kind, files, lags)
            rows.append(row)
            findings += noticed
    order = [left.name for left, _, _ in couples]
    rows.sort(key=lambda row: order.index(row.key))
    findings += _lengths([(left, right) for left, right, _ in couples], files)
    return _judged(files, rows, problems, findings)


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
