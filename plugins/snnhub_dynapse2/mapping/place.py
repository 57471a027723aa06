"""Which neuron is on which core: groups to cores, cores to chips, neurons to both."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from snnhub_dynapse2.limits import CORES, NEURONS, TAGS
from snnhub_dynapse2.mapping.destinations import freed
from snnhub_dynapse2.mapping.parameters import cores_of, grouped
from snnhub_dynapse2.mapping.partition import contiguous, cut, refined, spectral
from snnhub_dynapse2.network import Ints, Network, Synapses


@dataclass(frozen=True, eq=False)
class Placement:
    """(n,) each: ``core`` counted over all chips (chip = core // 4), ``slot``: the neuron's number on its core."""

    core: Ints
    slot: Ints

    @property
    def chip(self) -> Ints:
        """(n,) chips."""
        return self.core // CORES


def place(network: Network, synapses: Synapses, cores: int) -> Placement:
    """A placement that uses ``cores`` cores, the first ones of the board. There must be room."""
    groups = grouped(network, cores)
    owner = _owners(groups, cores)
    quota = _quota(groups, owner)
    internal = synapses.source >= network.n_in
    source, target = synapses.source[internal] - network.n_in, synapses.target[internal]
    chips = -(-owner.size // CORES)
    by_chip = np.stack([quota[:, CORES * h : CORES * (h + 1)].sum(1) for h in range(chips)], axis=1)
    chip = contiguous(groups, by_chip)
    if chips > 1 and source.size:
        tries = [
            refined(source, target, start, groups) for start in (chip, spectral(source, target, groups, by_chip))
        ]
        chip = min(tries, key=lambda parts: cut(source, target, parts))
        chip = freed(source, target, chip, groups, network)
    within = groups * chips + chip
    spread = np.zeros((len(quota) * chips, owner.size), np.int64)
    for h in range(chips):
        spread[h::chips, CORES * h : CORES * (h + 1)] = quota[:, CORES * h : CORES * (h + 1)]
    core = contiguous(within, spread)
    if owner.size > 1 and _most_sources(synapses, core) > TAGS:
        core = min((core, refined(source, target, core, within)), key=lambda parts: _most_sources(synapses, parts))
    return Placement(core, _slots(core))


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
