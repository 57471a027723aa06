"""Neurons that reach four chips and have a monitor too need a fifth destination: swaps that spare them one."""

from __future__ import annotations

import numpy as np

from snnhub_dynapse2.limits import SRAM
from snnhub_dynapse2.network import Ints, Network

PASSES = 4
MOVED = 8
"""Targets on one chip that are moved, to free the destination that leads there."""
TRIES = 200
"""Neurons that are tried as the other half of a swap."""


def freed(source: Ints, target: Ints, chip: Ints, groups: Ints, network: Network) -> Ints:
    """(n,) chips, where fewer neurons need too many destinations. ``source``, ``target``: synapses between
    neurons; only neurons of one group change places, and no other neuron comes to need too many.
    """
    reach = _Reach(source, target, chip, network)
    for _ in range(PASSES):
        wanting = np.flatnonzero(reach.over(np.arange(network.n))).tolist()
        if not wanting:
            break
        for neuron in wanting:
            own = np.unique(target[source == neuron])
            few = np.flatnonzero(reach.counts[neuron] <= MOVED)
            for old in few[np.argsort(reach.counts[neuron][few], kind="stable")].tolist():
                for one in own[reach.chip[own] == old].tolist():
                    near = (reach.chip != old) & (reach.counts[neuron][reach.chip] > 0)
                    others = np.setdiff1d(np.flatnonzero((groups == groups[one]) & near), own)
                    reach.swap(one, others)
                if not reach.over(np.array([neuron])).any():
                    break
    return reach.chip


class _Reach:
    """``chip`` of each neuron, and ``counts`` (n, chips) of its targets on each chip, as neurons change places."""

    def __init__(self, source: Ints, target: Ints, chip: Ints, network: Network) -> None:
        n, chips = chip.size, int(chip.max()) + 1
        self.chip = chip.copy()
        self.counts = np.bincount(source * chips + chip[target], minlength=n * chips).reshape(n, chips)
        self._monitored = np.zeros(n, np.int64)
        self._monitored[list(network.monitored)] = 1
        order = np.argsort(target, kind="stable")
        self._into = np.split(source[order], np.searchsorted(target[order], np.arange(1, n)))
        watched = np.bincount(target, self._monitored[source], minlength=n)
        self._rank = np.argsort(np.argsort(watched, kind="stable"))

    def over(self, neurons: Ints) -> Ints:
        """Destinations that neurons need and do not have."""
        return np.asarray(np.maximum((self.counts[neurons] > 0).sum(1) + self._monitored[neurons] - SRAM, 0))

    def swap(self, one: int, others: Ints) -> None:
        """Swap a neuron with the first of others (those that few monitored neurons reach come first) for which no
        source of either comes to need more.
        """
        for other in others[np.argsort(self._rank[others])][:TRIES].tolist():
            old, new = int(self.chip[one]), int(self.chip[other])
            touched = np.unique(np.concatenate([self._into[one], self._into[other]]))
            before = self.over(touched)
            self._move(one, old, new)
            self._move(other, new, old)
            if (self.over(touched) <= before).all():
                return
            self._move(other, old, new)
            self._move(one, new, old)

    def _move(self, neuron: int, old: int, new: int) -> None:
        np.subtract.at(self.counts[:, old], self._into[neuron], 1)
        np.add.at(self.counts[:, new], self._into[neuron], 1)
        self.chip[neuron] = new
