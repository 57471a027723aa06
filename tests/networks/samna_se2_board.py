"""The part of the double that runs: a board that routes events by what was put into its objects, and computes what
its neurons do by DynapSim in our engine.

Routing is written here once more, from the objects, and takes nothing from the decoder or the loader. Its clock is
virtual: it stands still between requests.
"""

from __future__ import annotations

from collections import Counter
from functools import cached_property
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
from snnhub.engine.reference import prepare
from snnhub.hub.catalogue import register_ops
from snnhub.ir.graph import Graph, Provenance
from snnhub.ops.registry import REGISTRY
from snnhub_dynapse2.board import Board as Places
from snnhub_dynapse2.build import Build
from snnhub_dynapse2.chain import Layer, Linear, Neurons
from snnhub_dynapse2.dac import BASES, PARAMETERS, Code, amps
from snnhub_dynapse2.derive import DEFAULTS, RAW, derived
from snnhub_dynapse2.network import CURRENTS, Network

from tests.networks.samna_se2_double import members, restored

Line = tuple[int, int, int]
"""Chip, core, tag: what a synapse listens to."""


def graph_of(network: Network) -> Graph:
    """A network of numbers as a graph of DynapSim, its node called as the network is."""
    register_ops()  # a worker has loaded no network yet
    constants = {name: np.full(network.n, value) for name, value in DEFAULTS.items() if name not in network.layout}
    constants |= {name: np.full(network.n, value) for name, value in network.layout.items()}
    raw = {name: {**network.currents, **constants}[name] for name in RAW}
    values = derived(raw, network.iscale, network.dt)
    w_rec = network.w_rec.astype(np.float32)
    layers: list[Layer] = [
        Linear("w_in", network.w_in.astype(np.float32)),
        Neurons(network.name, network.n, values, {}, w_rec if w_rec.any() else None, "exp in f64"),
    ]
    return Build("board", ("samna", ""), REGISTRY, []).run(layers, Provenance())


def add_board(samna: ModuleType, **given: Any) -> None:
    """``samna.device`` with one board. ``samna.boards``: names of what is connected; ``samna.opened``: boards.

    ``given``: ``places`` (where its chips are), ``dt`` (s, of its neurons), ``iscale`` (A), ``noise`` (relative,
    of all weights, drawn anew for every configuration), ``seed``, ``silent``, ``deaf`` (to what is sent in a run),
    ``accepts`` (configurations), ``now`` (us), ``stray`` (tag of an event that is
    nobody's), ``late`` (us by which its spikes come later).
    """
    samna.boards = ["Dynap-SE2 Stack"]  # type: ignore[attr-defined]
    samna.opened = []  # type: ignore[attr-defined]
    settings = SimpleNamespace(
        **{
            **{"places": Places(), "dt": 1e-3, "iscale": 1e-8, "noise": 0.0, "seed": 0},
            **{"silent": False, "deaf": False, "stray": None, "late": 0},
            **{"accepts": True, "now": 5_000_000, **given},
        }
    )
    random = np.random.default_rng(settings.seed)

    def open_device(device: Any) -> Stack:
        samna.opened.append(Stack(samna.dynapse2, settings, random))
        return samna.opened[-1]  # type: ignore[no-any-return]

    def close_device(board: Stack) -> None:
        board.open = False

    samna.device = SimpleNamespace(  # type: ignore[attr-defined]
        get_all_devices=lambda: [SimpleNamespace(device_type_name=name) for name in samna.boards],
        open_device=open_device,
        close_device=close_device,
    )


class Stack:
    """A board. ``configured``: what its model was given, one after the other."""

    def __init__(self, module: Any, settings: Any, random: np.random.Generator) -> None:
        self.module, self.settings, self.random = module, settings, random
        self.open, self.bitfile, self.now = True, "", settings.now
        self.configured: list[Any] = []
        self.waiting: list[tuple[int, int]] = []
        self.chip: Chip | None = None
        self.written: list[tuple[int, tuple[Any, ...]]] = []

    def configure_opal_kelly(self, path: str) -> bool:
        self.bitfile = path
        return path.endswith(".bit")

    def get_model(self) -> Stack:
        return self

    def clear_error_queue(self) -> None:
        pass

    def apply_configuration(self, config: Any) -> bool:
        if type(config) is not self.module.Dynapse2Configuration:
            raise TypeError("incompatible function arguments")
        self.configured.append(config)
        self.chip = Chip(self.module, config, self.settings, self.random)
        return bool(self.settings.accepts)

    def input_interface_write_events(self, port: int, events: list[Any]) -> None:
        assert port == 0
        for item in events:
            self.waiting.append((item.event.tag, self.now))
            self.now += 7000

    def grid_bus_write_events(self, events: list[Any]) -> None:
        """What leaves by the monitor's hops comes straight back at its time; the rest goes to the chips."""
        hop = self.settings.places.monitor_hop
        rows = [(item.timestamp, tuple(item.event._held)) for item in events]
        assert rows == sorted(rows, key=lambda row: row[0])
        back = [(row[3], at) for at, row in rows if row[1:3] == hop]
        self.written = [(at, row) for at, row in rows if row[1:3] != hop]
        assert self.chip is not None
        end = max(at for _, at in back)
        spikes = self.chip.run(self.written, self.now // 1000 * 1000, end)
        if self.settings.stray is not None:
            spikes.append((self.settings.stray, end - 1))
        if self.settings.deaf:
            return
        self.waiting += sorted([*spikes, *back], key=lambda row: row[1])
        self.now = end

    def read_events(self) -> list[Any]:
        """A few at a time."""
        if self.settings.silent:
            return []
        taken, self.waiting = self.waiting[:50], self.waiting[50:]
        return [self._event(tag, at) for tag, at in taken]

    def _event(self, tag: int, at: int) -> Any:
        event = self.module.NormalGridEvent()
        event.event = restored(self.module.Dynapse2Destination, ((True,) * 4, -6, -7, tag))
        event.timestamp = at
        return event


class Chip:
    """All chips of a board with one configuration: which lines there are, who hears them, who sends where."""

    def __init__(self, module: Any, config: Any, settings: Any, random: np.random.Generator) -> None:
        self.module, self.settings = module, settings
        self.neurons: dict[tuple[int, int, int], Any] = {}
        self.cores: dict[tuple[int, int], Any] = {}
        for h, chip in enumerate(config.chips):
            for c, core in enumerate(chip.cores):
                self.cores[h, c] = core
                for n, neuron in enumerate(core.neurons):
                    if self.cam(neuron) or self.sram(neuron):
                        self.neurons[h, c, n] = neuron
        self.order = {where: place for place, where in enumerate(self.neurons)}
        self.heard: dict[Line, list[tuple[tuple[int, int, int], str, tuple[bool, ...]]]] = {}
        for where, neuron in self.neurons.items():
            for tag, dendrite, weight, *_ in self.cam(neuron):
                self.heard.setdefault((where[0], where[1], tag), []).append((where, dendrite, weight))
        self.lines = {line: place for place, line in enumerate(sorted(self.heard))}
        self.random = random

    @cached_property
    def graph(self) -> Graph | None:
        """What it computes; None if no neuron hears anything."""
        return graph_of(self.network(self.random)) if self.lines else None

    def cam(self, neuron: Any) -> list[tuple[Any, ...]]:
        """Synapses that do something, with the name of their dendrite."""
        names = {value: name for name, value in members(self.module, "Dendrite").items()}
        rows = (entry._held for entry in neuron.synapses)
        return [(row[0], names[row[1]], *row[2:]) for row in rows if any(row[2]) and names[row[1]] != "none"]

    def sram(self, neuron: Any) -> list[tuple[Any, ...]]:
        """Destinations that lead somewhere."""
        return [tuple(entry._held) for entry in neuron.destinations if any(entry.core)]

    def reached(self, start: tuple[int, int], destination: tuple[Any, ...]) -> list[Line]:
        """The lines that an event of a destination wakes."""
        cores, x, y, tag = destination
        chip = self.settings.places.positions.index((start[0] + x, start[1] + y))
        return [(chip, core, tag) for core, on in enumerate(cores) if on]

    def links(self) -> Counter[tuple[Any, Any, str, tuple[bool, ...]]]:
        """Source, target, dendrite and weights of everything that a spike of a neuron does."""
        found: Counter[tuple[Any, Any, str, tuple[bool, ...]]] = Counter()
        for where, neuron in self.neurons.items():
            for row in self.sram(neuron):
                if tuple(row[1:3]) != self.settings.places.monitor_hop:
                    found.update(self.hears(self.reached(self.settings.places.positions[where[0]], row), where))
        return found

    def hears(self, lines: list[Line], source: Any) -> list[tuple[Any, Any, str, tuple[bool, ...]]]:
        """What lines do, as ``links`` has it."""
        return [
            (source, target, dendrite, weight)
            for line in lines
            for target, dendrite, weight in self.heard.get(line, ())
        ]

    def monitored(self) -> dict[tuple[int, int, int], list[int]]:
        """Tags that neurons send to the monitor."""
        hop = self.settings.places.monitor_hop
        return {
            where: [row[3] for row in self.sram(neuron) if tuple(row[1:3]) == hop]
            for where, neuron in self.neurons.items()
        }

    def amps(self, where: tuple[int, ...], name: str) -> float:
        parameter = self.cores[where[0], where[1]].parameters[name]
        return amps(name, Code(parameter.coarse_value, parameter.fine_value))

    def network(self, random: np.random.Generator) -> Network:
        """What the objects say, as numbers: a row per line, and neurons by what they send."""
        n = len(self.order)
        weights = np.zeros((len(self.lines), n))
        for line, entries in self.heard.items():
            for target, dendrite, weight in entries:
                total = sum(self.amps(target, name) for name, on in zip(BASES, weight, strict=True) if on)
                sign = {"ampa": 1.0, "gaba": -1.0}[dendrite]
                weights[self.lines[line], self.order[target]] += sign * total / self.settings.iscale
        weights *= 1 + self.settings.noise * random.normal(size=weights.shape)
        w_rec = np.zeros((n, n))
        for where, neuron in self.neurons.items():
            for row in self.sram(neuron):
                if tuple(row[1:3]) != self.settings.places.monitor_hop:
                    for line in self.reached(self.settings.places.positions[where[0]], row):
                        if line in self.lines:
                            w_rec[self.order[where]] += weights[self.lines[line]]
        found = {
            name: np.array([self.amps(where, PARAMETERS[name][0]) for where in self.order]) for name in CURRENTS
        }
        for name, latch in (("Idc", "latch_so_dc"), ("Iw_ahp", "latch_so_adaptation")):
            found[name] = found[name] * [getattr(self.neurons[where], latch) for where in self.order]
        return Network(weights, w_rec, found, self.settings.iscale, self.settings.dt)

    def run(self, written: list[tuple[int, tuple[Any, ...]]], begin: int, end: int) -> list[tuple[int, int]]:
        """Monitor tag and time of every spike from ``begin`` to ``end``, the steps counted from ``begin`` on."""
        if self.graph is None:
            return []
        step = round(self.settings.dt * 1e6)
        raster = np.zeros(((end - begin) // step, len(self.lines)), np.float32)
        for at, row in written:
            for line in self.reached(self.settings.places.input, row):
                if line in self.lines:
                    raster[(at - begin) // step, self.lines[line]] += 1
        spikes, _ = prepare(self.graph, REGISTRY).run(raster[:, None], record=("output",))
        counts = spikes["output"][:, 0]
        found = []
        for where, tags in self.monitored().items():
            for tag in tags:
                for number in np.flatnonzero(counts[:, self.order[where]]).tolist():
                    count = int(counts[number, self.order[where]])
                    at = begin + number * step + step // 2 + self.settings.late
                    found += [(tag, at + spike) for spike in range(count)]
        return found
