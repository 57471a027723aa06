"""What a configured board wants of samna's attributes: plain values by neuron and core, empty where nothing is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from snnhub_dynapse2.config import Configuration, Destination, Neuron, Synapse
from snnhub_dynapse2.dac import Code
from snnhub_dynapse2.limits import BASES, CORES
from snnhub_dynapse2.samna.names import LATCH, latches

Values = tuple[Any, ...]
"""A slot: values in the order of ``SYNAPSE_NAMES`` or ``DESTINATION_NAMES``."""
SYNAPSE_NAMES = ("tag", "dendrite", "weight", "stp", "precise_delay", "mismatched_delay")
DESTINATION_NAMES = ("core", "x_hop", "y_hop", "tag")
EMPTY_SYNAPSE: Values = (0, "none", (False,) * BASES, False, False, False)
"""No dendrite *and* no weight: the tag of an empty slot is that of somebody else."""
EMPTY_DESTINATION: Values = ((False,) * CORES, 0, 0, 0)
"""To no core: it goes nowhere."""


@dataclass(frozen=True)
class WantedNeuron:
    """``latches``: those that are on, with samna's names. Slots that are used, in order; the others are empty."""

    latches: frozenset[str] = frozenset()
    synapses: tuple[Values, ...] = ()
    destinations: tuple[Values, ...] = ()


IDLE = WantedNeuron()
"""A neuron that the file does not list: no switch is on, it hears nobody and sends to nobody."""


@dataclass(frozen=True)
class Wanted:
    """``neurons`` by chip, core and neuron; ``codes`` by chip, core and parameter; ``chips``: those in use."""

    neurons: dict[tuple[int, int, int], WantedNeuron]
    codes: dict[tuple[int, int], dict[str, Code]]
    chips: tuple[int, ...]


def wanted(held: Configuration) -> Wanted:
    """Everything that a file says of the objects."""
    neurons, codes = {}, {}
    for chip in held.chips:
        for core in chip.cores:
            codes[chip.id, core.id] = dict(core.parameters)
            for neuron in core.neurons:
                neurons[chip.id, core.id, neuron.id] = _neuron(neuron)
    return Wanted(neurons, codes, tuple(chip.id for chip in held.chips))


def _neuron(neuron: Neuron) -> WantedNeuron:
    on = frozenset(LATCH + name for name in neuron.latches) & frozenset(latches())
    return WantedNeuron(on, tuple(map(_synapse, neuron.cam)), tuple(map(destination, neuron.sram)))


def _synapse(entry: Synapse) -> Values:
    flags = (entry.stp, entry.precise_delay, entry.mismatched_delay)
    return (entry.tag, entry.dendrite.lower(), bits(entry.mask, BASES), *flags)


def destination(entry: Destination) -> Values:
    """An SRAM entry or a destination of an input, in the order of ``DESTINATION_NAMES``."""
    return (bits(entry.cores, CORES), entry.x_hop, entry.y_hop, entry.tag)


def bits(mask: int, count: int) -> tuple[bool, ...]:
    """A mask as bools, lowest bit first."""
    return tuple(bool(mask >> bit & 1) for bit in range(count))
