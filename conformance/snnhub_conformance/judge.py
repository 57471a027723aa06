"""Compares what was recorded with what a case expects."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from snnhub.compare.align import Pair
from snnhub.compare.decide import decide
from snnhub.compare.verdict import differing, first_divergence
from snnhub.ir.rung import Rung
from snnhub.ir.tensor import Array

from snnhub_conformance.case import Case
from snnhub_conformance.outcome import First, Outcome, Status

FLOORS = {
    "R4": Rung.BITS,
    "R3": Rung.SPIKES_LAG,
    "R2": Rung.BOUNDED,
    "R1": Rung.DECISION,
}
"""The rung that each level of runners asks for. R4 includes R3; R2 and R1 stand beside it."""


def passing_rung(case: Case, level: str) -> Rung:
    """What the case asks for at a level: never more than the case itself promises."""
    floor = FLOORS[level]
    return floor if case.rung.reaches(floor) else case.rung


def keys_at(case: Case, level: str, spikes: frozenset[str]) -> tuple[str, ...]:
    """The records that count at a level: everything at R4 and R2, spikes and outputs below."""
    keys = tuple(case.expect.records)
    if level in ("R4", "R2"):
        return keys
    kept = tuple(key for key in keys if key in spikes or "/" not in key)
    return kept or keys


def judge(
    case: Case, found: Mapping[str, Array], keys: tuple[str, ...], level: str, spikes: frozenset[str]
) -> Outcome:
    """The outcome of a case that was answered."""
    expected = {key: array for key, array in case.records().items() if key in keys}
    if problem := _shapes(case, expected, found):
        return Outcome(case.id, case.family, Status.FAIL, level, "", problem, None, case.flags)
    pairs = [_pair(case, key, expected[key], np.asarray(found[key]), key in spikes) for key in keys]
    reached = _reached(case, pairs)
    passed = reached.reaches(passing_rung(case, level))
    first = None if passed else _first(pairs)
    words = "" if first is None else str(first)
    return Outcome(
        case.id,
        case.family,
        Status.PASS if passed else Status.FAIL,
        level,
        reached.value,
        words,
        first,
        case.flags,
    )


def _shapes(case: Case, expected: Mapping[str, Array], found: Mapping[str, Array]) -> str:
    for key, array in expected.items():
        if key not in found:
            return f"{key} was not recorded"
        if np.asarray(found[key]).shape != array.shape:
            return f"{key}: expected shape {list(array.shape)}, got {list(np.asarray(found[key]).shape)}"
    return ""


def _pair(case: Case, key: str, expected: Array, found: Array, spikes: bool) -> Pair:
    lag = case.expect.lag
    if not case.batched:
        expected, found = expected[:, None], found[:, None]
    return Pair(key, key, expected[: len(expected) - lag], found[lag:], spikes, lag)


def _reached(case: Case, pairs: list[Pair]) -> Rung:
    wrong = {pair.a_key: bool(differing(pair.a, pair.b).any()) for pair in pairs}
    if not any(wrong.values()):
        return Rung.SPIKES_LAG if case.expect.lag else Rung.BITS
    trains = [pair for pair in pairs if pair.spikes]
    if trains and not any(wrong[pair.a_key] for pair in trains):
        return Rung.SPIKES_LAG if case.expect.lag else Rung.SPIKES
    if case.expect.bound is not None and all(_within(pair, case.expect.bound) for pair in pairs):
        return Rung.BOUNDED
    output = next((pair for pair in pairs if "/" not in pair.a_key), None)
    if output is not None:
        ours, theirs = decide(output.a, None), decide(output.b, None)
        if ours is not None and theirs is not None and (ours.winners == theirs.winners).all():
            return Rung.DECISION
    return Rung.DIVERGED


def _within(pair: Pair, bound: float) -> bool:
    return bool((np.abs(pair.a.astype(np.float64) - pair.b.astype(np.float64)) <= bound).all())


def _first(pairs: list[Pair]) -> First | None:
    found = first_divergence(pairs)
    if found is None:
        return None
    node, _, state = found.key.rpartition("/")
    return First(
        found.step, found.sample, node or found.key, found.index, state if node else "x", found.a, found.b
    )
