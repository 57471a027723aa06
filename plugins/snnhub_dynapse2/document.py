"""``dynapse2.json``: a configured board as canonical JSON, the same bytes for the same board. ``reader`` is the
other way. Slots that are not listed are empty.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from snnhub_dynapse2.config import Configuration, CoreConfig, Destination, Neuron, Synapse
from snnhub_dynapse2.dac import amps

FORMAT, VERSION, BIAS_TABLE = "snnhub-dynapse2", 1, "dac-v1"
KEYS = (
    "format",
    "version",
    "board",
    "chips",
    "inputs",
    "monitors",
    "map",
    "model",
    "report",
    "findings",
    "provenance",
)
CHIP = ("id", "cores")
CORE = ("id", "iscale_A", "parameters", "neurons")
PARAMETER = ("coarse", "fine", "amps")
NEURON = ("id", "latches", "cam", "sram")
CAM = ("tag", "dendrite", "mask", "stp", "precise_delay", "mismatched_delay")
SRAM = ("cores", "x_hop", "y_hop", "tag")
INPUT = ("channel", "destinations")
REACH = ("x_hop", "y_hop", "cores", "tag")
MONITOR = ("chip", "core", "neuron", "tag")
PLACED = ("node", "index", "chip", "core", "neuron")
MODEL = ("dt_s", "layout", "bias_table")
GRAPH = "graph"
"""Key of a model: the layers of the graph that was mapped. A file need not have it."""
REPORT = ("cam", "sram", "tags")
FINDING = ("code", "severity", "place", "message", "old", "new", "bound", "remedy")
PROVENANCE = ("tool", "source")


def write(configuration: Configuration) -> bytes:
    """The file."""
    return "".join(_lines(configuration)).encode()


def _lines(held: Configuration) -> Iterator[str]:
    """Line by line: a neuron, an input channel, a row of the map each have one."""
    yield (
        "{" + f'"format":{_text(FORMAT)},\n"version":{VERSION},\n"board":{_text(held.board.to_json())},\n"chips":['
    )
    for number, chip in enumerate(held.chips):
        yield f'{"," if number else ""}\n{{"id":{chip.id},"cores":['
        for place, core in enumerate(chip.cores):
            yield ("," if place else "") + "\n" + _core(core)
        yield "]}"
    yield "],\n"
    inputs = [_row(INPUT, channel, [_reach(d) for d in reach]) for channel, reach in enumerate(held.inputs)]
    yield _listed("inputs", inputs)
    yield _listed("monitors", [_row(MONITOR, m.chip, m.core, m.neuron, m.tag) for m in held.monitors])
    yield _listed("map", [_row(PLACED, p.node, p.index, p.chip, p.core, p.neuron) for p in held.map])
    model = _row(MODEL, held.dt, dict(held.layout), BIAS_TABLE)
    yield f'"model":{_text(model if held.shape is None else {**model, GRAPH: held.shape.to_json()})},\n'
    yield f'"report":{_text({name: dict(held.report[name]) for name in REPORT})},\n'
    rows = [item.to_json() for item in held.findings]
    yield _listed("findings", [{key: row[key] for key in FINDING} for row in rows])
    yield f'"provenance":{_text({key: held.provenance.get(key, "") for key in PROVENANCE})}}}\n'


def _core(core: CoreConfig) -> str:
    parameters = {
        name: _row(PARAMETER, code.coarse, code.fine, amps(name, code))
        for name, code in sorted(core.parameters.items())
    }
    head = f'{{"id":{core.id},"iscale_A":{_text(core.iscale)},"parameters":{_text(parameters)},"neurons":['
    return head + ",".join("\n" + _text(_neuron(neuron)) for neuron in core.neurons) + "]}"


def _neuron(neuron: Neuron) -> dict[str, Any]:
    latches = dict.fromkeys(neuron.latches, True)
    cam = [_synapse(synapse) for synapse in neuron.cam]
    sram = [_row(SRAM, d.cores, d.x_hop, d.y_hop, d.tag) for d in neuron.sram]
    return _row(NEURON, neuron.id, latches, cam, sram)


def _synapse(synapse: Synapse) -> dict[str, Any]:
    s = synapse
    return _row(CAM, s.tag, s.dendrite, s.mask, s.stp, s.precise_delay, s.mismatched_delay)


def _reach(destination: Destination) -> dict[str, Any]:
    return _row(REACH, destination.x_hop, destination.y_hop, destination.cores, destination.tag)


def _row(keys: tuple[str, ...], *values: Any) -> dict[str, Any]:
    return dict(zip(keys, values, strict=True))


def _listed(name: str, rows: list[dict[str, Any]]) -> str:
    return f'"{name}":[' + ",".join("\n" + _text(row) for row in rows) + "],\n"


def _text(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"), allow_nan=False, ensure_ascii=False)
