"""Tags: what the synapses of a core listen to. 2,048 of them on each core, and one entry of a source, with one
tag, reaches any of the four cores of one chip.

Two sources may use a tag on a core if what they reach there is equal, synapse by synapse; the synapses are then
stored once. So a tag is free on a core, or taken by one class of sources.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from snnhub_dynapse2.limits import CORES, TAGS
from snnhub_dynapse2.mapping.place import Placement
from snnhub_dynapse2.mapping.quantised import AMPA, GABA
from snnhub_dynapse2.network import Ints, Synapses

Reached = tuple[tuple[int, str, int], ...]
"""What a source reaches on a core: (slot, dendrite, mask), sorted."""


@dataclass(frozen=True)
class Entry:
    """A destination of a source: cores (bits) of a chip, and the tag there."""

    chip: int
    cores: int
    tag: int


@dataclass(frozen=True)
class Tagged:
    """``entries`` by source; ``heard``: by core and tag, what listens; ``needed``: tags that each core needs;
    ``lost``: sources without a tag, by chip.
    """

    entries: Mapping[int, tuple[Entry, ...]]
    heard: Mapping[int, Mapping[int, Reached]]
    needed: Mapping[int, int]
    lost: Mapping[int, int]


def reached(synapses: Synapses, masks: Ints, placement: Placement) -> dict[int, dict[int, Reached]]:
    """By core and source, what the source reaches there."""
    found: dict[int, dict[int, list[tuple[int, str, int]]]] = {}
    for column in range(masks.shape[1]):
        used = np.flatnonzero(masks[:, column])
        target = synapses.target[used]
        columns = (synapses.source[used], placement.core[target], placement.slot[target], masks[used, column])
        signs = np.where(synapses.weight[used] > 0, AMPA, GABA).tolist()
        for source, core, slot, mask, sign in zip(*(c.tolist() for c in columns), signs, strict=True):
            found.setdefault(core, {}).setdefault(source, []).append((slot, sign, mask))
    return {
        core: {source: tuple(sorted(rows)) for source, rows in sorted(sources.items())}
        for core, sources in sorted(found.items())
    }


def tagged(wanted: Mapping[int, Mapping[int, Reached]], room: Mapping[int, int]) -> Tagged:
    """Tags for all sources. ``wanted``: what they reach, by core and source; ``room``: destinations that a source
    has, none for those without a limit. Chips are served one after the other, sources with most cores first.
    """
    entries: dict[int, list[Entry]] = {}
    heard: dict[int, dict[int, Reached]] = {core: {} for core in wanted}
    needed = {core: len(set(sources.values())) for core, sources in wanted.items()}
    lost: dict[int, int] = {}
    chips = sorted({core // CORES for core in wanted})
    pending = _chips_by_source(wanted)
    for chip in chips:
        cores = [core for core in wanted if core // CORES == chip]
        if any(needed[core] > TAGS for core in cores):
            continue
        table = _Table({core: wanted[core] for core in cores})
        sources = {source for core in cores for source in wanted[core]}
        for source in sorted(sources, key=lambda s: (-sum(s in wanted[core] for core in cores), s)):
            own = [core for core in cores if source in wanted[core]]
            pending[source] -= 1
            left = room[source] - len(entries.get(source, ())) - pending[source] if source in room else CORES
            made = table.entries(source, own, max(left, 1))
            if made is None:
                lost[chip] = lost.get(chip, 0) + 1
                continue
            entries.setdefault(source, []).extend(Entry(chip, bits, tag) for bits, tag in made)
        for core in cores:
            heard[core] = table.heard(core)
    return Tagged({s: tuple(e) for s, e in sorted(entries.items())}, heard, needed, lost)


def _chips_by_source(wanted: Mapping[int, Mapping[int, Reached]]) -> dict[int, int]:
    pairs = {(source, core // CORES) for core, sources in wanted.items() for source in sources}
    found: dict[int, int] = {}
    for source, _ in pairs:
        found[source] = found.get(source, 0) + 1
    return found


class _Table:
    """Who has which tag on the cores of a chip."""

    def __init__(self, wanted: Mapping[int, Mapping[int, Reached]]) -> None:
        self._classes: dict[Reached, int] = {}
        self._wanted = wanted
        self._taken = np.full((CORES, TAGS), -1, np.int64)

    def entries(self, source: int, cores: list[int], most: int) -> list[tuple[int, int]] | None:
        """Entries (bits of cores, tag) for a source, at most so many, as few as there are tags for."""
        left = list(cores)
        found: list[tuple[int, int]] = []
        while left:
            if len(found) == most:
                return None
            made = self._entry(source, left)
            if made is None:
                return None
            chosen, tag = made
            found.append((sum(1 << core % CORES for core in chosen), tag))
            left = [core for core in left if core not in chosen]
        return found

    def heard(self, core: int) -> dict[int, Reached]:
        """By tag, what listens on a core."""
        names = {number: reached for reached, number in self._classes.items()}
        row = self._taken[core % CORES]
        return {tag: names[int(row[tag])] for tag in np.flatnonzero(row >= 0).tolist()}

    def _entry(self, source: int, cores: list[int]) -> tuple[tuple[int, ...], int] | None:
        for chosen in _subsets(cores):
            classes = [self._class(core, source) for core in chosen]
            rows = self._taken[[core % CORES for core in chosen]]
            shared = rows == np.array(classes)[:, None]
            fits = ((rows < 0) | shared).all(axis=0)
            if not fits.any():
                continue
            tag = int(np.where(fits, shared.sum(axis=0), -1).argmax())
            for core, number in zip(chosen, classes, strict=True):
                self._taken[core % CORES, tag] = number
            return chosen, tag
        return None

    def _class(self, core: int, source: int) -> int:
        return self._classes.setdefault(self._wanted[core][source], len(self._classes))


def _subsets(cores: list[int]) -> Iterable[tuple[int, ...]]:
    for size in range(len(cores), 0, -1):
        yield from combinations(cores, size)
