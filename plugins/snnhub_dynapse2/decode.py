"""What a configured board does, from its file alone: which neuron a spike of which source reaches, and how.

Knows nothing of the mapper, of the neuron map or of what the network was. Follows every destination of every
neuron and input channel to its chip and to every CAM entry there that has its tag.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from snnhub.errors import FormatError
from snnhub_formats.strictjson import finite, parse

from snnhub_dynapse2.board import Board, Place, board_of

MAX_BYTES = 2**27
Address = tuple[int, int, int]
"""Chip, core, neuron."""
Source = Address | int
"""A neuron, or the number of an input channel."""


class Event(NamedTuple):
    """A spike of ``source`` at a synapse of ``target``."""

    source: Source
    target: Address
    dendrite: str
    mask: int
    stp: bool
    precise_delay: bool
    mismatched_delay: bool


class Decoded(NamedTuple):
    """``events``: how often a spike does what; ``monitored``: neurons and the tags with which they leave the
    board.
    """

    events: Counter[Event]
    monitored: Counter[tuple[Address, int]]


def decode(data: bytes) -> Decoded:
    """The meaning of a file that ``reader`` takes. Raises ``FormatError`` if it is no JSON, or a spike leaves the
    board.
    """
    document = parse(data, MAX_BYTES, finite)
    board = board_of(document["board"])
    listeners: dict[tuple[int, int, int], list[tuple[int, Mapping[str, Any]]]] = {}
    for (chip, core, number), neuron in _neurons(document):
        for entry in neuron["cam"]:
            if entry["mask"] != 0:
                listeners.setdefault((chip, core, entry["tag"]), []).append((number, entry))
    found = Decoded(Counter(), Counter())
    for address, neuron in _neurons(document):
        start = board.positions[address[0]]
        for destination in neuron["sram"]:
            hop = (destination["x_hop"], destination["y_hop"])
            if destination["cores"] and hop == board.monitor_hop:
                found.monitored[address, destination["tag"]] += 1
            else:
                found.events.update(_reached(board, start, destination, address, listeners))
    for channel in document["inputs"]:
        for destination in channel["destinations"]:
            if (destination["x_hop"], destination["y_hop"]) == board.monitor_hop:
                raise FormatError("an input leads to the monitor", where=f"input {channel['channel']}")
            found.events.update(_reached(board, board.input, destination, channel["channel"], listeners))
    return found


def _neurons(document: Mapping[str, Any]) -> Iterator[tuple[Address, Mapping[str, Any]]]:
    for chip in document["chips"]:
        for core in chip["cores"]:
            for neuron in core["neurons"]:
                yield (chip["id"], core["id"], neuron["id"]), neuron


def _reached(
    board: Board,
    start: Place,
    destination: Mapping[str, Any],
    source: Source,
    listeners: Mapping[tuple[int, int, int], list[tuple[int, Mapping[str, Any]]]],
) -> Iterator[Event]:
    bits = destination["cores"]
    if not bits:
        return
    chip = board.chip_at(start, (destination["x_hop"], destination["y_hop"]))
    if chip is None:
        hops = f"({destination['x_hop']}, {destination['y_hop']})"
        raise FormatError("a destination leads off the board", where=f"source {source}", found=f"hops {hops}")
    for core in range(bits.bit_length()):
        if bits >> core & 1:
            for neuron, entry in listeners.get((chip, core, destination["tag"]), ()):
                flags = (entry["stp"], entry["precise_delay"], entry["mismatched_delay"])
                yield Event(source, (chip, core, neuron), entry["dendrite"], entry["mask"], *flags)
