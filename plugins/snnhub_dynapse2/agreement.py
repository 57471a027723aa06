"""Parts of a ``dynapse2.json`` that say the same thing twice, or point at each other: they must agree."""

from __future__ import annotations

from collections import Counter
from typing import NoReturn

from snnhub.errors import FormatError

from snnhub_dynapse2.board import Place
from snnhub_dynapse2.config import Configuration, Destination, Monitor
from snnhub_dynapse2.dac import BASES

Address = tuple[int, int, int]


def check_whole(held: Configuration) -> None:
    """Chips are on the board, destinations lead to chips, monitors and map name neurons that are there, once,
    weights have bases, the report counts what there is. Raises ``FormatError``.
    """
    present: set[Address] = set()
    monitors: list[Monitor] = []
    for chip in held.chips:
        if chip.id >= len(held.board.positions):
            _refuse("chip is not on the board", f"chip {chip.id}", str(chip.id))
        start = held.board.positions[chip.id]
        for core in chip.cores:
            used = 0
            for neuron in core.neurons:
                address = (chip.id, core.id, neuron.id)
                present.add(address)
                for synapse in neuron.cam:
                    used |= synapse.mask
                for destination in neuron.sram:
                    if (destination.x_hop, destination.y_hop) == held.board.monitor_hop:
                        monitors.append(Monitor(*address, destination.tag))
                    else:
                        _lands(held, start, destination, f"neuron {address}")
            missing = [name for bit, name in enumerate(BASES) if used >> bit & 1 and name not in core.parameters]
            if missing:
                _refuse("a base weight is used and not set", f"chip {chip.id} core {core.id}", missing[0])
    for channel, destinations in enumerate(held.inputs):
        for destination in destinations:
            _lands(held, held.board.input, destination, f"input {channel}")
    if tuple(sorted(monitors)) != held.monitors:
        _refuse("monitors are not the neurons that send to the monitor", "monitors", f"{len(held.monitors)} rows")
    if len({monitor.tag for monitor in held.monitors}) != len(held.monitors):
        _refuse("monitored neurons share a tag", "monitors", "tag")
    _map(held, present)
    _report(held)


def _refuse(message: str, where: str, found: str) -> NoReturn:
    raise FormatError(message, where=where, found=found)


def _lands(held: Configuration, start: Place, destination: Destination, where: str) -> None:
    hop = (destination.x_hop, destination.y_hop)
    if held.board.chip_at(start, hop) is None:
        _refuse("a destination leads off the board", where, f"hops {hop}")


def _map(held: Configuration, present: set[Address]) -> None:
    places = [(row.chip, row.core, row.neuron) for row in held.map]
    names = [(row.node, row.index) for row in held.map]
    if len(set(places)) != len(places) or names != sorted(set(names)):
        _refuse("the map is not in order, or names something twice", "map", f"{len(held.map)} rows")
    if absent := set(places) ^ present:
        _refuse("the map does not name the neurons that there are", "map", str(min(absent)))


def _report(held: Configuration) -> None:
    for kind, counted in counts(held).items():
        if dict(held.report[kind]) != counted:
            _refuse("the report does not count what there is", f"report {kind}", str(dict(held.report[kind]))[:80])


def counts(held: Configuration) -> dict[str, dict[str, int]]:
    """By core: the most CAM entries and destinations of a neuron, and how many tags the core listens to."""
    found: dict[str, dict[str, int]] = {"cam": {}, "sram": {}, "tags": {}}
    for chip in held.chips:
        for core in chip.cores:
            name = f"chip {chip.id} core {core.id}"
            found["cam"][name] = max((len(neuron.cam) for neuron in core.neurons), default=0)
            found["sram"][name] = max((len(neuron.sram) for neuron in core.neurons), default=0)
            heard = Counter(synapse.tag for neuron in core.neurons for synapse in neuron.cam)
            found["tags"][name] = len(heard)
    return found
