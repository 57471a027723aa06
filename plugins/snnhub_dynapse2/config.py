"""A configured board as plain data: what ``dynapse2.json`` holds, one object for each of its parts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from snnhub.findings import Finding

from snnhub_dynapse2.board import Board
from snnhub_dynapse2.dac import PARAMETERS, SUB_PICO, Code, amps, nearest
from snnhub_dynapse2.lowered.shape import Shape

DENDRITES = ("AMPA", "GABA", "NMDA", "SHUNT")
LATCHES = (
    "coho_ca_mem",
    "de_conductance",
    "de_mux",
    "deam_alpha",
    "deam_ampa",
    "denm_alpha",
    "denm_nmda",
    "ho_active",
    "ho_enable",
    "ho_so_de",
    "so_adaptation",
    "so_dc",
    "soif_kill",
    "soif_type",
)
"""Switches of a neuron, without samna's ``latch_`` before them."""
LATCHED = {"Idc": "so_dc", "Iw_ahp": "so_adaptation"}
"""Currents that a switch cuts off."""


def flowing(name: str, current: float, latches: tuple[str, ...]) -> float:
    """What comes of a current (A) that a switch may cut off: nothing of Idc, the least that there is of Iw_ahp.

    An adaptation of less than 1 pA does nothing either way, and stays as it is.
    """
    if LATCHED[name] in latches or (name == "Iw_ahp" and current < SUB_PICO):
        return current
    return 0.0 if name == "Idc" else amps(PARAMETERS[name][0], nearest(PARAMETERS[name][0], 0.0))


@dataclass(frozen=True, order=True)
class Synapse:
    """A CAM entry: spikes with ``tag`` add the bases in ``mask`` to the ``dendrite``."""

    tag: int
    dendrite: str
    mask: int
    stp: bool = False
    precise_delay: bool = False
    mismatched_delay: bool = False


@dataclass(frozen=True, order=True)
class Destination:
    """An SRAM entry, or one of an input channel: the hops to a chip, its cores (bits), the tag."""

    x_hop: int
    y_hop: int
    cores: int
    tag: int


@dataclass(frozen=True)
class Neuron:
    """``id`` on its core; ``latches`` that are set; sorted entries."""

    id: int
    latches: tuple[str, ...] = ()
    cam: tuple[Synapse, ...] = ()
    sram: tuple[Destination, ...] = ()


@dataclass(frozen=True)
class CoreConfig:
    """``iscale`` (A): current per unit of weight, to read weights by. ``parameters`` by name; others are left
    at the device's default.
    """

    id: int
    iscale: float
    parameters: Mapping[str, Code]
    neurons: tuple[Neuron, ...]


@dataclass(frozen=True)
class ChipConfig:
    """``id`` on the board, and its cores in order."""

    id: int
    cores: tuple[CoreConfig, ...]


@dataclass(frozen=True, order=True)
class Placed:
    """Neuron ``index`` of ``node`` in the network is neuron ``neuron`` of a core."""

    node: str
    index: int
    chip: int
    core: int
    neuron: int


@dataclass(frozen=True, order=True)
class Monitor:
    """A neuron whose spikes leave the board with ``tag``."""

    chip: int
    core: int
    neuron: int
    tag: int


@dataclass(frozen=True)
class Configuration:
    """Everything on a board. ``inputs``: the destinations of each channel. ``map``: where the network's neurons
    are; ``dt`` (s) and ``layout`` of the model that it stands for; ``shape``: the layers of its graph, where the
    file says so.
    """

    board: Board
    chips: tuple[ChipConfig, ...]
    inputs: tuple[tuple[Destination, ...], ...]
    monitors: tuple[Monitor, ...]
    map: tuple[Placed, ...]
    dt: float
    layout: Mapping[str, float]
    report: Mapping[str, Mapping[str, int]]
    findings: tuple[Finding, ...] = ()
    provenance: Mapping[str, Any] = field(default_factory=dict)
    shape: Shape | None = None

    @property
    def index_of(self) -> dict[tuple[int, int, int], tuple[str, int]]:
        """Node and index in the network by (chip, core, neuron)."""
        return {(row.chip, row.core, row.neuron): (row.node, row.index) for row in self.map}

    @property
    def address_of(self) -> dict[tuple[str, int], tuple[int, int, int]]:
        """(chip, core, neuron) by node and index in the network."""
        return {(row.node, row.index): (row.chip, row.core, row.neuron) for row in self.map}
