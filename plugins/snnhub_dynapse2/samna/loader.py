"""Puts a configured board into samna's configuration object for Dynap-SE2, attribute by attribute, and says what
became of each one.

Every neuron of every chip of the object is set: its switches, all 64 synapses and all 4 destinations, empty where
the file lists nothing, so that nothing of an earlier configuration is left. Parameters that the file does not list
stay as they are. Only attribute access is used, and everything is read back. samna itself is not imported: whoever
has a configuration object has it. Not verified on a chip, nor against samna; against a double made from
``attributes.toml``.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from snnhub.peers.samna_report import LoadReport

from snnhub_dynapse2.config import Configuration
from snnhub_dynapse2.dac import Code
from snnhub_dynapse2.limits import CAM, CORES, NEURONS, SRAM
from snnhub_dynapse2.samna.names import DESTINATION, SYNAPSE, latches
from snnhub_dynapse2.samna.slots import Slots, told
from snnhub_dynapse2.samna.tally import CORE, NEURON, Tally
from snnhub_dynapse2.samna.wanted import (
    DESTINATION_NAMES,
    EMPTY_DESTINATION,
    EMPTY_SYNAPSE,
    IDLE,
    SYNAPSE_NAMES,
    Values,
    WantedNeuron,
    wanted,
)

CODES = ("coarse_value", "fine_value")
COUNT = {"synapses": CAM, "destinations": SRAM}
EMPTY: dict[str, Values] = {"synapses": EMPTY_SYNAPSE, "destinations": EMPTY_DESTINATION}


def apply(config: Any, held: Configuration, module: Any) -> LoadReport:
    """Set ``config``, a ``Dynapse2Configuration``, to what a file holds. ``module``: samna.dynapse2, whose classes
    make synapses and destinations.

    What cannot be set is in the report, not an exception: see ``LoadReport.complete``.
    """
    return _Task(config, held, module).run()


class _Task:
    """One configuration being set. Paths are without numbers; the first place where something failed is said."""

    def __init__(self, config: Any, held: Configuration, module: Any) -> None:
        self.config, self.wanted = config, wanted(held)
        self.tally = Tally(self.wanted.codes)
        self.missing, self.refused, self.used = self.tally.missing, self.tally.refused, self.tally.used
        self.slots: dict[str, Slots] = {}
        for name, owner, names in (
            ("synapses", SYNAPSE, SYNAPSE_NAMES),
            ("destinations", DESTINATION, DESTINATION_NAMES),
        ):
            if hasattr(module, owner):
                self.slots[name] = Slots(module, owner, names)
            else:
                self.missing[f"{NEURON}.{name}[]"] = owner

    def run(self) -> LoadReport:
        chips = self._parts(self.config, "chips", "chips[]", None, "the configuration")
        lacking = [chip for chip in self.wanted.chips if chip >= len(chips)]
        if lacking:
            self.refused["chips[]"] = f"the file uses chip {max(lacking)}, and there are {len(chips)}"
        for work in (self._set, self._check):
            for number, chip in enumerate(chips):
                cores = self._parts(chip, "cores", CORE, CORES, f"chip {number}")
                for index, core in enumerate(cores):
                    work(core, number, index)
        for name, slots in self.slots.items():
            for key, words in slots.problems.items():
                self.refused.setdefault(f"{NEURON}.{name}[].{key}", words)
            for key in slots.missing:
                self.missing.setdefault(f"{NEURON}.{name}[].{key}", key)
        return self.tally.report(self.config)

    def _parts(self, owner: Any, name: str, path: str, count: int | None, place: str) -> list[Any]:
        """The objects of a list that are changed where they stand."""
        try:
            found = list(getattr(owner, name))
        except Exception as problem:  # noqa: BLE001  whatever the object raises is told
            self.missing.setdefault(path, told(problem))
            return []
        if count is not None and len(found) != count:
            self.refused.setdefault(path, f"{place} has {len(found)} instead of {count}")
            return []
        return found

    def _neurons(self, core: Any, chip: int, index: int) -> Iterator[tuple[Any, WantedNeuron, str]]:
        neurons = self._parts(core, "neurons", NEURON, NEURONS, f"chip {chip} core {index}")
        for number, neuron in enumerate(neurons):
            place = f"chip {chip} core {index} neuron {number}"
            yield neuron, self.wanted.neurons.get((chip, index, number), IDLE), place

    def _set(self, core: Any, chip: int, index: int) -> None:
        for name, code in self.wanted.codes.get((chip, index), {}).items():
            self._parameter(core, name, code, f"chip {chip} core {index}")
        for neuron, wish, place in self._neurons(core, chip, index):
            for latch in latches():
                path = f"{NEURON}.{latch}"
                self.used[path] += latch in wish.latches
                if not hasattr(neuron, latch):
                    self.missing[path] = latch
                else:
                    self._assign(neuron, latch, latch in wish.latches, path, place)
            for name in EMPTY:
                self._count(name, getattr(wish, name))
                path = f"{NEURON}.{name}[]"
                if not hasattr(neuron, name):
                    self.missing[path] = name
                elif name in self.slots:
                    self._assign(neuron, name, self._objects(name, wish), path, place)

    def _count(self, name: str, rows: tuple[Values, ...]) -> None:
        """How many slots are used, and for each attribute how many hold other than what an empty one does."""
        path = f"{NEURON}.{name}[]"
        empty, names = EMPTY[name], SYNAPSE_NAMES if name == "synapses" else DESTINATION_NAMES
        for row in rows:
            self.used[path] += 1
            for key, value, none in zip(names, row, empty, strict=True):
                self.used[f"{path}.{key}"] += value != none

    def _objects(self, name: str, wish: WantedNeuron) -> list[Any]:
        """All slots of a neuron as objects: those in use first, then empty ones."""
        slots, rows = self.slots[name], getattr(wish, name)
        return [*map(slots.object, rows), *[slots.object(EMPTY[name])] * (COUNT[name] - len(rows))]

    def _parameter(self, core: Any, name: str, code: Code, place: str) -> None:
        path = f"{CORE}.parameters[{name}]"
        self.used[path] += 1
        try:
            parameter = core.parameters[name]
        except Exception as problem:  # noqa: BLE001  whatever the object raises is told
            self.missing.setdefault(path, told(problem))
            return
        for key, value in zip(CODES, (code.coarse, code.fine), strict=True):
            if hasattr(parameter, key):
                self._assign(parameter, key, value, path, place)
            else:
                self.missing[path] = key

    def _assign(self, item: Any, name: str, value: Any, path: str, place: str) -> None:
        try:
            setattr(item, name, value)
        except Exception as problem:  # noqa: BLE001  whatever the object raises is told
            self.refused.setdefault(path, f"{place}: {told(problem)}")

    def _check(self, core: Any, chip: int, index: int) -> None:
        """Read everything back; what reads back as something else was not taken."""
        for name, code in self.wanted.codes.get((chip, index), {}).items():
            path = f"{CORE}.parameters[{name}]"
            if path not in self.missing:
                parameter = core.parameters[name]
                found = tuple(getattr(parameter, key, None) for key in CODES)
                if found != (code.coarse, code.fine):
                    words = f"chip {chip} core {index} reads back as {found} instead of {(code.coarse, code.fine)}"
                    self.refused.setdefault(path, words)
        for neuron, wish, place in self._neurons(core, chip, index):
            for latch in latches():
                path = f"{NEURON}.{latch}"
                if path not in self.missing and getattr(neuron, latch) is not (latch in wish.latches):
                    self.refused.setdefault(path, f"{place} reads back as {getattr(neuron, latch)}")
            for name, slots in self.slots.items():
                path = f"{NEURON}.{name}[]"
                wrong = None if path in self.missing else slots.differing(getattr(neuron, name), _rows(wish, name))
                if wrong is not None:
                    key, words = wrong
                    self.refused.setdefault(f"{path}.{key}" if key else path, f"{place} {words}")


def _rows(wish: WantedNeuron, name: str) -> list[Values]:
    """All slots of a neuron: those in use first, then empty ones."""
    rows = getattr(wish, name)
    return [*rows, *[EMPTY[name]] * (COUNT[name] - len(rows))]
