"""Potentials, spikes and aliases of many neurons at once."""

from __future__ import annotations

import numpy as np
from snnhub.ir.tensor import Array

from snnhub_xylo.core import CAP_HIDDEN, NO_ALIAS, Ints, leak, saturated, wrap16


class Potential:
    """The membrane potential before spikes: leak, current and bias, in the order of the core's version."""

    def __init__(self, version: str, dash: Ints, bias: Ints) -> None:
        self._first = version == "v1"
        self._dash = dash
        self._bias = bias if bias.any() else None

    def moved(self, v: Ints, current: Ints) -> Ints:
        """``v`` and ``current`` (samples, neurons), the current after its leak."""
        lost = leak(v, self._dash)
        if self._first:
            return saturated(v - lost + current)
        change = saturated(wrap16(-lost) + current)
        if self._bias is not None:
            change = saturated(change + self._bias)
        return saturated(v + change)


class Firing:
    """Spikes of neurons that count up to ``cap``, and the potential that they leave."""

    def __init__(self, threshold: Ints, cap: int) -> None:
        self._threshold = threshold
        self._cap = cap
        self._divisor = np.maximum(threshold, 1)
        self._odd = np.nonzero(threshold <= 0)[0]

    def fire(self, v: Ints, before: Ints | int = 0) -> tuple[Ints, Ints]:
        """Counts, ``before`` (spikes that a neuron has already) included, and potentials, both (samples,
        neurons).
        """
        count = np.minimum(np.maximum(v // self._divisor, 0), self._cap - before)
        left = v - count * self._threshold
        if self._odd.size:
            have = np.broadcast_to(before, v.shape)[:, self._odd]
            count[:, self._odd], left[:, self._odd] = _one_by_one(
                v[:, self._odd], self._threshold[self._odd], have, self._cap
            )
        return count + before, left


def _one_by_one(v: Ints, threshold: Ints, before: Ints, cap: int) -> tuple[Ints, Ints]:
    """A threshold that is not above 0 raises the potential, which may wrap."""
    count, v = np.zeros_like(v), v.copy()
    for _ in range(cap):
        fires = (v >= threshold) & (count + before < cap)
        count += fires
        v = np.where(fires, wrap16(v - threshold), v)
    return count, v


class Aliased:
    """Hidden neurons that lend their spikes to others within the step.

    A neuron fires after those before it in the order that lend to it, so neurons go in groups: those without a
    lender before them, then those that wait for these, and so on.
    """

    def __init__(self, threshold: Ints, alias: Ints) -> None:
        lenders = np.nonzero(alias != NO_ALIAS)[0]
        self._all = Firing(threshold, CAP_HIDDEN)
        self._forward = [(int(s), int(alias[s])) for s in lenders if alias[s] > s]
        late = lenders[alias[lenders] <= lenders]
        self._late = late, alias[late]
        self._groups = [
            (members, Firing(threshold[members], CAP_HIDDEN), *_lending(members, alias))
            for members in self._levels(len(alias))
        ]

    def _levels(self, size: int) -> list[Array]:
        level = np.zeros(size, np.int64)
        for source, target in self._forward:
            level[target] = max(level[target], level[source] + 1)
        return [np.nonzero(level == number)[0] for number in range(int(level.max(initial=0)) + 1)]

    def fire(self, v: Ints) -> tuple[Ints, Ints]:
        """As ``Firing.fire``: counts with what was lent, and potentials."""
        if len(self._groups) == 1:
            own, left = self._all.fire(v)
        else:
            own, left = np.zeros_like(v), v.copy()
            for members, firing, lenders, targets in self._groups:
                before = np.minimum(own[:, members], CAP_HIDDEN)
                own[:, members], left[:, members] = firing.fire(v[:, members], before)
                if lenders.size:
                    np.add.at(own.T, targets, own[:, lenders].T)
        late, targets = self._late
        if not late.size:
            return own, left
        counts = own.copy()
        np.add.at(counts.T, targets, own[:, late].T)
        return np.minimum(counts, CAP_HIDDEN), left


def _lending(members: Array, alias: Ints) -> tuple[Array, Array]:
    """Those of ``members`` that lend to a neuron behind them, and to whom."""
    lenders = members[alias[members] > members]
    return lenders, alias[lenders]
