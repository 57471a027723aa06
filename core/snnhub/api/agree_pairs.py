"""Profiles beside each other on one file and input: the verdict on two runs, and the groups of equal ones."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from snnhub.api.agree_runs import OUTPUT, ProfileRun
from snnhub.compare.kind import Rules
from snnhub.compare.traces import PairVerdict, compare_pair
from snnhub.ir.rung import Rung


def compared(a: ProfileRun, b: ProfileRun) -> PairVerdict:
    """Spikes of every neuron of both, and the output of one where it is no spike train."""
    keys = frozenset(item.name for item in (*a.trains, *b.trains) if item.name != OUTPUT)
    states = frozenset([OUTPUT]) if not (a.spiking and b.spiking) else frozenset()
    left, right = ({item.name: item for item in run.trains} for run in (a, b))
    return compare_pair((a.profile, b.profile), left, right, Rules(keys, states))


def agrees(pair: PairVerdict) -> bool:
    """Whether every spike (and value) is equal, at no lag, and something happened."""
    return pair.reaches(Rung.SPIKES) and not any(row.different for row in pair.rows)


def pair_json(pair: PairVerdict) -> dict[str, Any]:
    """A pair as data. Spikes are all that is compared, so that no pair claims more than ``spikes``."""
    reached = Rung.SPIKES if pair.reached is Rung.BITS else pair.reached
    told = pair.to_json()
    missed = None if reached is Rung.SPIKES else told["missed"]
    return {**told, "reached": None if reached is None else reached.value, "missed": missed, "agree": agrees(pair)}


def groups_of(runs: Iterable[ProfileRun]) -> tuple[tuple[str, ...], ...]:
    """Profiles with equal spike trains of the same neurons. Equality carries over: each meets one of a group."""
    groups: list[list[ProfileRun]] = []
    for run in runs:
        if run.refused or run.silent:
            continue
        home = next((group for group in groups if _same(group[0], run)), None)
        if home is None:
            groups.append([run])
        else:
            home.append(run)
    return tuple(tuple(run.profile for run in group) for group in sorted(groups, key=len, reverse=True))


def _same(a: ProfileRun, b: ProfileRun) -> bool:
    left, right = ({item.name: item.values for item in run.trains} for run in (a, b))
    return left.keys() == right.keys() and all(np.array_equal(left[key], right[key]) for key in left)
