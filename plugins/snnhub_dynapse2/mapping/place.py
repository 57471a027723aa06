"""Which neuron is on which core: groups to cores, cores to chips, neurons to both."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from snnhub_dynapse2.limits import CORES, NEURONS, TAGS
from snnhub_dynapse2.mapping.destinations import freed
from snnhub_dynapse2.mapping.parameters import cores_of, grouped
from snnhub_dynapse2.mapping.partition import CUT, Goal, contiguous, cut, listening, refined, spectral
from snnhub_dynapse2.network import Ints, Network, Synapses

HOPE = 1.25
"""Neurons change cores of a chip where a core hears up to so many times more sources than there are tags."""


@dataclass(frozen=True, eq=False)
class Placement:
    """(n,) each: ``core`` counted over all chips (chip = core // 4), ``slot``: the neuron's number on its core."""

    core: Ints
    slot: Ints

    @property
    def chip(self) -> Ints:
        """(n,) chips."""
        return self.core // CORES


def place(network: Network, synapses: Synapses, cores: int, goal: Goal = CUT) -> Placement:
    """A placement that uses ``cores`` cores, the first ones of the board. There must be room. ``goal``: what it
    avoids, synapses from chip to chip or sources that reach many chips.
    """
    groups = grouped(network, cores)
    owner = _owners(groups, cores)
    quota = _quota(groups, owner)
    chips = -(-owner.size // CORES)
    by_chip = np.stack([quota[:, CORES * h : CORES * (h + 1)].sum(1) for h in range(chips)], axis=1)
    chip = _chips(network, synapses, groups, by_chip, goal)
    within = groups * chips + chip
    spread = np.zeros((len(quota) * chips, owner.size), np.int64)
    for h in range(chips):
        spread[h::chips, CORES * h : CORES * (h + 1)] = quota[:, CORES * h : CORES * (h + 1)]
    core = contiguous(within, spread)
    if owner.size > 1 and TAGS < _most_sources(synapses, core) < HOPE * TAGS:
        source, target = _between(network, synapses) if goal is CUT else (synapses.source, synapses.target)
        starts = [core] if goal is CUT else [core, listening(source, target, within, spread)]
        tried = [core, *(refined(source, target, start, within, goal) for start in starts)]
        core = min(tried, key=lambda parts: _most_sources(synapses, parts))
    return Placement(core, _slots(core))


def _chips(network: Network, synapses: Synapses, groups: Ints, by_chip: Ints, goal: Goal) -> Ints:
    """(n,) chips: the best of a refined order of the numbering and a refined spectral start."""
    chip = contiguous(groups, by_chip)
    source, target = _between(network, synapses)
    if by_chip.shape[1] == 1 or not source.size:
        return chip
    if goal is CUT:
        starts = (chip, spectral(source, target, groups, by_chip))
        tried = [refined(source, target, start, groups) for start in starts]
        chip = min(tried, key=lambda parts: cut(source, target, parts))
    else:
        every = synapses.source, synapses.target
        chip = refined(*every, listening(*every, groups, by_chip), groups, goal)
    return freed(source, target, chip, groups, network)


def _between(network: Network, synapses: Synapses) -> tuple[Ints, Ints]:
    """Sources and targets of the synapses between neurons, both numbered as neurons."""
    internal = synapses.source >= network.n_in
    return synapses.source[internal] - network.n_in, synapses.target[internal]


def _owners(groups: Ints, cores: int) -> Ints:
    """The group of each core: the fewest that hold a group, further ones to the fullest."""
    sizes = np.bincount(groups)
    held = -(-sizes // NEURONS)
    for _ in range(cores - cores_of(groups)):
        fullest = int(np.argmax(sizes / held))
        if sizes[fullest] <= held[fullest]:
            break
        held[fullest] += 1
    return np.repeat(np.arange(sizes.size), held)


def _quota(groups: Ints, owner: Ints) -> Ints:
    """(groups, cores): the neurons of a group evenly over its cores."""
    quota = np.zeros((int(owner.max()) + 1, owner.size), np.int64)
    for group, size in enumerate(np.bincount(groups)):
        cores = np.flatnonzero(owner == group)
        quota[group, cores] = [len(part) for part in np.array_split(np.arange(size), cores.size)]
    return quota


def _slots(core: Ints) -> Ints:
    order = np.argsort(core, kind="stable")
    ends = core[order]
    slot = np.empty(core.size, np.int64)
    slot[order] = np.arange(core.size) - np.searchsorted(ends, ends)
    return slot


def sources_by_core(synapses: Synapses, core: Ints) -> Ints:
    """(cores,) different sources that reach each core."""
    pairs = np.unique(synapses.source * (int(core.max(initial=0)) + 1) + core[synapses.target])
    return np.bincount(pairs % (int(core.max(initial=0)) + 1), minlength=1)


def _most_sources(synapses: Synapses, core: Ints) -> int:
    return int(sources_by_core(synapses, core).max(initial=0))
