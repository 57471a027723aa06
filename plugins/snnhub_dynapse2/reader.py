"""``dynapse2.json`` to a configured board. Strict: exact keys, sorted lists, every number in the range of the
chip, no slot too many, currents that agree with the bias model, and parts of the file that agree with each other.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any, TypeVar

from snnhub.errors import FormatError
from snnhub.findings import Finding, Severity
from snnhub_formats.strictjson import finite, items, located, parse, record, table, text, truth, whole

from snnhub_dynapse2.agreement import check_whole
from snnhub_dynapse2.board import board_of
from snnhub_dynapse2.config import (
    DENDRITES,
    LATCHES,
    ChipConfig,
    Configuration,
    CoreConfig,
    Destination,
    Monitor,
    Neuron,
    Placed,
    Synapse,
)
from snnhub_dynapse2.dac import SCALES, Code, amps
from snnhub_dynapse2.document import (
    BIAS_TABLE,
    CAM,
    CHIP,
    CORE,
    FINDING,
    FORMAT,
    GRAPH,
    INPUT,
    KEYS,
    MODEL,
    MONITOR,
    NEURON,
    PARAMETER,
    PLACED,
    PROVENANCE,
    REACH,
    REPORT,
    SRAM,
    VERSION,
)
from snnhub_dynapse2.limits import CAM as MOST_CAM
from snnhub_dynapse2.limits import CHIPS, CORES, HOP, MASKS, NEURONS, TAGS
from snnhub_dynapse2.limits import SRAM as MOST_SRAM
from snnhub_dynapse2.lowered.shape import Shape, shape_of

MAX_BYTES = 2**26
MOST_INPUTS = 2**16
SAME = 1e-6
"""Relative difference up to which a stored current agrees with its code."""
MAX_DT = 3600.0
T = TypeVar("T")


def read_file(path: Path) -> Configuration:
    """The board of a file. Raises ``FormatError`` naming the place."""
    size = path.stat().st_size
    if not 0 < size <= MAX_BYTES:
        raise FormatError("file is empty or too large", where=str(path), allowed=f"1 .. {MAX_BYTES} bytes")
    return located(str(path), read, path.read_bytes())


def read(data: bytes) -> Configuration:
    """The board of a file's bytes. Raises ``FormatError``."""
    values = dict(zip(KEYS, record(parse(data, MAX_BYTES, finite), KEYS, "file"), strict=True))
    for name, wanted in (("format", FORMAT), ("version", VERSION)):
        if values[name] != wanted or type(values[name]) is not type(wanted):
            raise FormatError(f"{name} is not known", found=repr(values[name])[:40], allowed=repr(wanted))
    dt, layout, shape = _model(values["model"], len(items(values["inputs"], "inputs")))
    configuration = Configuration(
        board=located("board", board_of, values["board"]),
        chips=_ascending(_list(values["chips"], "chips", _chip, CHIPS), lambda chip: chip.id, "chips"),
        inputs=tuple(
            located(f"input {number}", _input, row, number)
            for number, row in enumerate(_bounded(values["inputs"], "inputs", MOST_INPUTS))
        ),
        monitors=_ascending(_list(values["monitors"], "monitors", _monitor, TAGS), lambda row: row, "monitors"),
        map=_list(values["map"], "map", _placed, CHIPS * CORES * NEURONS),
        dt=dt,
        layout=layout,
        report=_report(values["report"]),
        findings=_list(values["findings"], "findings", _finding, 10**4),
        provenance=_provenance(values["provenance"]),
        shape=shape,
    )
    check_whole(configuration)
    return configuration


def _bounded(value: Any, noun: str, most: int) -> list[Any]:
    rows = items(value, noun)
    if len(rows) > most:
        raise FormatError(f"{noun} are too many", found=str(len(rows)), allowed=f"at most {most}")
    return rows


def _list(value: Any, noun: str, read: Callable[[Any], T], most: int) -> tuple[T, ...]:
    return tuple(located(f"{noun} {n}", read, row) for n, row in enumerate(_bounded(value, noun, most)))


def _ascending(rows: tuple[T, ...], key: Callable[[T], Any], noun: str, strict: bool = True) -> tuple[T, ...]:
    keys = [key(row) for row in rows]
    for before, after in pairwise(keys):
        if after < before or (strict and after == before):
            raise FormatError(f"{noun} are not in order, or one is there twice", found=str(after)[:80])
    return rows


def _chip(value: Any) -> ChipConfig:
    number, cores = record(value, CHIP, "chip")
    made = _ascending(_list(cores, "core", _core, CORES), lambda core: core.id, "cores")
    return ChipConfig(whole(number, "id of a chip", 0, CHIPS - 1), made)


def _core(value: Any) -> CoreConfig:
    number, iscale, parameters, neurons = record(value, CORE, "core")
    codes = {
        name: located(name, _code, name, row) for name, row in sorted(table(parameters, "parameters").items())
    }
    made = _ascending(_list(neurons, "neuron", _neuron, NEURONS), lambda neuron: neuron.id, "neurons")
    return CoreConfig(whole(number, "id of a core", 0, CORES - 1), _positive(iscale, "iscale_A", 1.0), codes, made)


def _code(name: str, value: Any) -> Code:
    if name not in SCALES:
        raise FormatError("parameter is not known", found=name[:40], allowed=", ".join(SCALES))
    coarse, fine, current = record(value, PARAMETER, "parameter")
    code = Code(whole(coarse, "coarse code", 0, 5), whole(fine, "fine code", 0, 255))
    model = amps(name, code)
    if not isinstance(current, float) or abs(current / model - 1) > SAME:
        raise FormatError("amps do not agree with the code", found=repr(current)[:40], allowed=repr(model))
    return code


def _neuron(value: Any) -> Neuron:
    number, latches, cam, sram = record(value, NEURON, "neuron")
    for name, state in table(latches, "latches").items():
        if name not in LATCHES or state is not True:
            raise FormatError("latch is not known, or not set", found=name[:40], allowed=", ".join(LATCHES))
    synapses = _ascending(_list(cam, "cam", _synapse, MOST_CAM), lambda s: s, "CAM entries", strict=False)
    reach = _ascending(_list(sram, "sram", _sram, MOST_SRAM), lambda d: d, "SRAM entries")
    return Neuron(whole(number, "id of a neuron", 0, NEURONS - 1), tuple(sorted(latches)), synapses, reach)


def _synapse(value: Any) -> Synapse:
    tag, dendrite, mask, stp, precise, mismatched = record(value, CAM, "synapse")
    if dendrite not in DENDRITES:
        raise FormatError("dendrite is not known", found=repr(dendrite)[:40], allowed=", ".join(DENDRITES))
    flags = (truth(stp, "stp"), truth(precise, "precise_delay"), truth(mismatched, "mismatched_delay"))
    return Synapse(whole(tag, "tag", 0, TAGS - 1), dendrite, whole(mask, "mask", 1, MASKS - 1), *flags)


def _sram(value: Any) -> Destination:
    cores, x, y, tag = record(value, SRAM, "destination")
    return _destination(x, y, cores, tag)


def _reach(value: Any) -> Destination:
    x, y, cores, tag = record(value, REACH, "destination")
    return _destination(x, y, cores, tag)


def _destination(x: Any, y: Any, cores: Any, tag: Any) -> Destination:
    hops = (whole(x, "x_hop", -HOP, HOP), whole(y, "y_hop", -HOP, HOP))
    return Destination(*hops, whole(cores, "cores", 1, 2**CORES - 1), whole(tag, "tag", 0, TAGS - 1))


def _input(value: Any, number: int) -> tuple[Destination, ...]:
    channel, destinations = record(value, INPUT, "input")
    whole(channel, "channel", number, number)
    return _ascending(_list(destinations, "destination", _reach, TAGS), lambda d: d, "destinations")


def _monitor(value: Any) -> Monitor:
    chip, core, neuron, tag = record(value, MONITOR, "monitor")
    return Monitor(*_address(chip, core, neuron), whole(tag, "tag", 0, TAGS - 1))


def _placed(value: Any) -> Placed:
    node, index, chip, core, neuron = record(value, PLACED, "row of the map")
    most = CHIPS * CORES * NEURONS - 1
    return Placed(text(node, "node"), whole(index, "index", 0, most), *_address(chip, core, neuron))


def _address(chip: Any, core: Any, neuron: Any) -> tuple[int, int, int]:
    return (
        whole(chip, "chip", 0, CHIPS - 1),
        whole(core, "core", 0, CORES - 1),
        whole(neuron, "neuron", 0, NEURONS - 1),
    )


def _positive(value: Any, noun: str, most: float) -> float:
    if not isinstance(value, float) or not 0 < value <= most:
        raise FormatError(f"{noun} is out of range", found=repr(value)[:40], allowed=f"above 0, at most {most:g}")
    return value


def _model(value: Any, n_in: int) -> tuple[float, dict[str, float], Shape | None]:
    parts = dict(table(value, "model"))
    graph = parts.pop(GRAPH, None)
    dt, layout, biases = record(parts, MODEL, "model")
    if biases != BIAS_TABLE:
        raise FormatError("bias model is not known", found=repr(biases)[:40], allowed=BIAS_TABLE)
    constants = {name: _positive(item, name, 1e3) for name, item in sorted(table(layout, "layout").items())}
    shape = None if graph is None else located("graph", shape_of, graph, n_in)
    return _positive(dt, "dt_s", MAX_DT), constants, shape


def _report(value: Any) -> dict[str, dict[str, int]]:
    parts = zip(REPORT, record(value, REPORT, "report"), strict=True)
    return {name: {key: whole(n, name, 0, TAGS) for key, n in table(part, name).items()} for name, part in parts}


def _finding(value: Any) -> Finding:
    for part in record(value, FINDING, "finding"):
        text(part, "finding")
    try:
        return Finding(**{**value, "severity": Severity(value["severity"])})
    except KeyError as problem:
        raise FormatError("unknown finding", found=str(problem)[:80]) from None


def _provenance(value: Any) -> dict[str, str]:
    parts: Sequence[Any] = record(value, PROVENANCE, "provenance")
    return {name: text(part, name) for name, part in zip(PROVENANCE, parts, strict=True)}
