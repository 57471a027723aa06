"""``maps`` of a ``xylo.json``: which quantity of the network before the mapping is which of the core."""

from __future__ import annotations

from typing import Any

from snnhub.errors import FormatError
from snnhub.ir.graph import TERMINAL_PORT, Match, Port
from snnhub_formats.strictjson import items, record, text, whole

from snnhub_xylo.core import Core
from snnhub_xylo.document import CORE, IN, kind_of

MAX_LAG = 2**20


def read_maps(value: Any, core: Core) -> tuple[Match, ...]:
    """The correspondence. Raises ``FormatError``."""
    inputs, hidden, outputs = record(value, ("inputs", "hidden", "outputs"), "maps")
    neurons: list[Match] = []
    for row in items(hidden, "hidden"):
        neurons.append(_hidden(row, core, {match.old for match in neurons}))
    return (*_inputs(inputs, core), *neurons, *_outputs(outputs, core))


def _inputs(value: Any, core: Core) -> list[Match]:
    """Every channel in order, or none."""
    rows = [record(row, ("channel", "port", "index"), "input") for row in items(value, "inputs")]
    if not rows:
        return []
    name = text(rows[0][1], "port")
    if rows != [[channel, name, channel] for channel in range(core.inputs)]:
        allowed = f"{core.inputs} channels"
        raise FormatError("inputs are not the channels in order", found=str(rows[:3]), allowed=allowed)
    return [Match(Port(name, TERMINAL_PORT), Port(IN, TERMINAL_PORT))]


def _hidden(row: Any, core: Core, before: set[Port]) -> Match:
    ids, node, port, kind, lag, scale = record(row, ("ids", "node", "port", "kind", "lag", "scale"), "hidden")
    first, last = (whole(number, "ids", 0, core.hidden) for number in items(ids, "ids", 2))
    if first >= last:
        raise FormatError("ids hold no neuron", found=f"{first} .. {last}")
    old = Port(text(node, "node"), text(port, "port"))
    wanted = kind_of(old.name, old in before or old.name == TERMINAL_PORT)
    if kind != wanted:
        raise FormatError("kind does not fit the port", found=repr(kind)[:40], allowed=wanted)
    scales = items(scale, "scale")
    factor = None
    if scales:
        factor = _real(scales[0])
        if len(scales) != last - first or any(_real(value) != factor for value in scales):
            raise FormatError("scale holds one number for all neurons, once for each", found=str(scales[:4]))
    select = None if (first, last) == (0, core.hidden) else (first, last)
    return Match(old, Port(CORE, "s"), whole(lag, "lag", -MAX_LAG, MAX_LAG), factor, select)


def _outputs(value: Any, core: Core) -> list[Match]:
    """Rows of one node whose channels and indices follow each other are one quantity."""
    names = ("channel", "node", "index", "lag", "scale")
    groups: list[tuple[str, int, float, list[int]]] = []
    for row in items(value, "outputs"):
        channel, node, index, lag, scale = record(row, names, "output")
        whole(channel, "channel", 0, core.outputs - 1)
        head = (text(node, "node"), whole(lag, "lag", -MAX_LAG, MAX_LAG), _real(scale))
        if whole(index, "index", 0, core.outputs - 1) == 0:
            groups.append((*head, [channel]))
        elif (
            groups and groups[-1][:3] == head and index == len(groups[-1][3]) and channel == groups[-1][3][-1] + 1
        ):
            groups[-1][3].append(channel)
        else:
            raise FormatError("outputs do not follow each other", found=f"channel {channel}, index {index}")
    matches = []
    for name, lag, scale, channels in groups:
        select = None if len(channels) == core.outputs else (channels[0], channels[-1] + 1)
        matches.append(Match(Port(name, "s"), Port(CORE, "s_out"), lag, scale, select))
    return matches


def _real(value: Any) -> float:
    if not isinstance(value, float):
        raise FormatError("scale is not a real number", found=repr(value)[:40])
    return value
