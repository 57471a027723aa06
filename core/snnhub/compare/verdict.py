"""The verdict: the highest rung reached, the first one missed, each layer's overlap, the first divergence."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from snnhub.compare.align import Pair
from snnhub.compare.decide import decide
from snnhub.ir.graph import Decoder
from snnhub.ir.rung import Rung
from snnhub.ir.tensor import Array


@dataclass(frozen=True)
class Row:
    """One quantity compared. ``overlap`` (Jaccard at the predicted lag, of counts: the sum of the smaller over the
    sum of the larger ones) is set for spikes. ``alone``: the overlap
    when this layer by itself is fed with what the reference fed it; None if that was not asked for or fails.
    """

    a_key: str
    b_key: str
    lag: int
    spikes: bool
    compared: int
    different: int
    a_spikes: int | None = None
    b_spikes: int | None = None
    overlap: float | None = None
    alone: float | None = None

    def falls_below(self, bound: float) -> bool:
        """Whether the overlap is below ``bound`` by more than chance: four standard deviations of a share that
        was counted over so many bins.
        """
        if self.overlap is None or self.a_spikes is None or self.b_spikes is None:
            return False
        bins = max(1.0, (self.a_spikes + self.b_spikes) / (1 + self.overlap))
        return self.overlap + 4 * math.sqrt(bound * (1 - bound) / bins) < bound

    def to_json(self) -> dict[str, Any]:
        return {
            "a": self.a_key,
            "b": self.b_key,
            "lag": self.lag,
            "spikes": self.spikes,
            "compared": self.compared,
            "different": self.different,
            "a_spikes": self.a_spikes,
            "b_spikes": self.b_spikes,
            "overlap": self.overlap,
            "alone": self.alone,
        }


@dataclass(frozen=True)
class Divergence:
    """The first value that differs: ``step`` counts in the first recording. ``alone``: whether the node still
    differs when it is fed what the reference fed it; None if that was not tried.
    """

    step: int
    sample: int
    key: str
    index: tuple[int, ...]
    a: float | int
    b: float | int
    alone: bool | None = None

    def to_json(self) -> dict[str, Any]:
        return {
            "step": self.step,
            "sample": self.sample,
            "key": self.key,
            "index": list(self.index),
            "a": self.a,
            "b": self.b,
            "alone": self.alone,
        }


@dataclass(frozen=True)
class Verdict:
    """``reached`` and ``missed``: rungs. ``silent``: nothing happened in either run, so nothing was shown.
    ``first``: the first value that differs; ``first_spike``: the first spike that does.
    """

    reached: Rung
    missed: Rung | None
    rows: tuple[Row, ...]
    first: Divergence | None
    decisions: int | None = None
    decisions_equal: int | None = None
    ties: tuple[int, int] | None = None
    lag: int = 0
    overlap_bound: float | None = None
    silent: bool = False
    problems: tuple[str, ...] = ()
    notes: tuple[str, ...] = field(default=())
    first_spike: Divergence | None = None

    @property
    def worst_overlap(self) -> float | None:
        """Smallest spike overlap of any layer; None if no spikes were compared."""
        return min((row.overlap for row in self.rows if row.overlap is not None), default=None)

    def to_json(self) -> dict[str, Any]:
        return {
            "reached": self.reached.value,
            "missed": self.missed.value if self.missed else None,
            "lag": self.lag,
            "silent": self.silent,
            "overlap_bound": self.overlap_bound,
            "worst_overlap": self.worst_overlap,
            "decisions": self.decisions,
            "decisions_equal": self.decisions_equal,
            "ties": None if self.ties is None else list(self.ties),
            "first_divergence": self.first.to_json() if self.first else None,
            "first_spike_divergence": self.first_spike.to_json() if self.first_spike else None,
            "rows": [row.to_json() for row in self.rows],
            "problems": list(self.problems),
            "notes": list(self.notes),
        }


def differing(a: Array, b: Array) -> Array:
    """Where two arrays differ, as bits after mapping -0 to +0; integers by value, whatever their width."""
    if a.dtype.kind == "f" and b.dtype.kind == "f":
        if a.dtype != b.dtype:
            a, b = a.astype(np.float64), b.astype(np.float64)
        both_nan = np.isnan(a) & np.isnan(b)
        return np.asarray((a != b) & ~both_nan)
    return np.asarray(a != b)


OUTPUT = "output"


def spike_counts(values: Array) -> Array:
    """Spikes per step: numbers from 0 on as they are, anything else as whether there is one."""
    counts = values.dtype.kind in "bu" or (values.dtype.kind == "i" and not bool((values < 0).any()))
    return values if counts else values.astype(bool)


def row(pair: Pair) -> Row:
    """Counts for one pair."""
    different = int(np.count_nonzero(differing(pair.a, pair.b)))
    if not pair.spikes:
        return Row(pair.a_key, pair.b_key, pair.lag, False, int(pair.a.size), different)
    left, right = spike_counts(pair.a), spike_counts(pair.b)
    either = int(np.maximum(left, right).sum())
    both = int(np.minimum(left, right).sum())
    return Row(
        pair.a_key,
        pair.b_key,
        pair.lag,
        True,
        int(pair.a.size),
        different,
        int(left.sum()),
        int(right.sum()),
        both / either if either else 1.0,
    )


def first_divergence(pairs: Sequence[Pair]) -> Divergence | None:
    """The earliest step at which any pair differs; within a step, the pair that comes first in order."""
    best: tuple[int, int] | None = None
    for number, pair in enumerate(pairs):
        wrong = differing(pair.a, pair.b)
        steps = wrong.reshape(wrong.shape[0], -1).any(axis=1)
        if steps.any():
            candidate = (int(np.argmax(steps)), number)
            best = candidate if best is None or candidate < best else best
    if best is None:
        return None
    step, pair = best[0], pairs[best[1]]
    sample, *index = (int(i) for i in np.argwhere(differing(pair.a[step], pair.b[step]))[0])
    place = (step, sample, *index)
    return Divergence(step, sample, pair.a_key, tuple(index), pair.a[place].item(), pair.b[place].item())


@dataclass(frozen=True)
class DecisionCount:
    """How many decisions there are, how many are equal, and ties on both sides."""

    total: int
    equal: int
    ties: tuple[int, int]


def count_decisions(pairs: Sequence[Pair], decoder: Decoder | None) -> DecisionCount | None:
    """Decisions on the graph output, or on the quantity that the decoder reads; None if it is not among the pairs
    or has no classes.
    """
    read = None if decoder is None or decoder.quantity == OUTPUT else decoder.quantity
    output = next((pair for pair in pairs if pair.a_key == read or (read is None and "/" not in pair.a_key)), None)
    left, right = (None, None) if output is None else (decide(output.a, decoder), decide(output.b, decoder))
    if left is None or right is None:
        return None
    equal = int(np.count_nonzero(left.winners == right.winners))
    return DecisionCount(len(left.winners), equal, (left.ties, right.ties))


def applicable_rungs(
    rows: Sequence[Row], lag: int, decisions: DecisionCount | None, comparable_states: bool, bound: float | None
) -> dict[Rung, bool]:
    """The rungs that make sense for this comparison, highest first, and whether each holds."""
    spikes = [item for item in rows if item.spikes]
    same_spikes = bool(spikes) and not any(item.different for item in spikes)
    found: dict[Rung, bool] = {}
    if comparable_states and not lag:
        found[Rung.BITS] = bool(rows) and not any(item.different for item in rows)
    found[Rung.SPIKES_LAG if lag else Rung.SPIKES] = same_spikes
    if bound is not None:
        found[Rung.BOUNDED] = bool(spikes) and not any(item.falls_below(bound) for item in spikes)
    if decisions is not None:
        found[Rung.DECISION] = decisions.equal == decisions.total
    return found


def judge(
    pairs: Sequence[Pair],
    *,
    decoder: Decoder | None = None,
    overlap_bound: float | None = None,
    comparable_states: bool = True,
    problems: Sequence[str] = (),
) -> Verdict:
    """The verdict over aligned pairs.

    ``comparable_states``: states have the same meaning on both sides, so ``bits`` can be claimed.
    ``overlap_bound``: smallest spike overlap per layer that still counts as ``bounded``.
    """
    rows = tuple(row(pair) for pair in pairs)
    lag = max((pair.lag for pair in pairs), default=0)
    decisions = count_decisions(pairs, decoder)
    holds = applicable_rungs(rows, lag, decisions, comparable_states, overlap_bound)
    if problems:
        holds = {rung: rung is Rung.DECISION and held for rung, held in holds.items()}
    reached = next((rung for rung, held in holds.items() if held), Rung.DIVERGED)
    missed = [rung for rung in holds if rung.height > reached.height]
    return Verdict(
        reached,
        missed[-1] if missed else None,
        rows,
        first_divergence([pair for pair in pairs if pair.spikes or comparable_states]),
        None if decisions is None else decisions.total,
        None if decisions is None else decisions.equal,
        None if decisions is None else decisions.ties,
        lag,
        overlap_bound,
        not any(pair.a.any() or pair.b.any() for pair in pairs),
        tuple(problems),
        first_spike=first_divergence([pair for pair in pairs if pair.spikes]) if _spikes_differ(rows) else None,
    )


def _spikes_differ(rows: Sequence[Row]) -> bool:
    return any(item.spikes and item.different for item in rows)
