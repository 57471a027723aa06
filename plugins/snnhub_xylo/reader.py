"""``xylo.json`` to graph. Strict: exact keys, sorted entries, every number in the range of its register, the
family's limits, and the digest of the network that the file says it holds.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import snnhub
from snnhub.api.check import check_target
from snnhub.api.options import ImportOptions
from snnhub.errors import FormatError
from snnhub.findings import Severity, of_severity
from snnhub.ir.digest import network_digest
from snnhub.ir.graph import Decoder, Graph, Provenance, Stage
from snnhub.ir.rung import Rung
from snnhub_formats.strictjson import finite, items, located, parse, record, table, text, whole

from snnhub_xylo.core import HIGH, LOW, Core, Ints
from snnhub_xylo.document import (
    CAPS,
    COUNTED,
    DECODERS,
    FINDING,
    FORMAT,
    HIDDEN,
    KEYS,
    MAX_DT,
    MODES,
    OUTPUT,
    SHAPE,
    VERSION,
    extents,
    finding_of,
    graph_of,
)
from snnhub_xylo.families import FAMILIES, Family
from snnhub_xylo.limits import core_spec
from snnhub_xylo.matches import read_maps

MAX_BYTES = 2**26
MOST = {"inputs": 64, "hidden": 1024, "outputs": 64, "synapses": 2, "ien": 1024, "oen": 1024}
"""Sizes that are read at all: beyond every family, so that too many can be said beside what else is wrong."""
RUNGS = tuple(rung.value for rung in Rung)
SHARE = re.compile(r"0\.\d{4}|1\.0000")
RANGES = {
    "threshold": (LOW, HIGH),
    "bias": (LOW, HIGH),
    "dash_mem": (0, 15),
    "dash_syn": (0, 15),
}


def import_xylo(path: Path, options: ImportOptions) -> Graph:
    """The network of a file. Raises ``FormatError`` naming the place, with every limit that is exceeded."""
    data = path.read_bytes() if path.stat().st_size <= MAX_BYTES else b""
    if not data:
        raise FormatError("file is empty or too large", where=str(path), allowed=f"1 .. {MAX_BYTES} bytes")
    graph = located(str(path), read, data)
    stage = Stage("import xylo", snnhub.__version__)
    digest = hashlib.sha256(data).hexdigest()
    stages = (*graph.provenance.stages, stage)
    return replace(graph, name=path.stem, provenance=Provenance(stages, path.name, digest))


def read(data: bytes) -> Graph:
    """The network of a file's bytes. Raises ``FormatError``."""
    values = dict(zip(KEYS, record(parse(data, MAX_BYTES, finite), KEYS, "file"), strict=True))
    family = _head(values)
    core = _core(values)
    _extents(values["shape"], core, family)
    graph = graph_of(core, _dt(values["dt_s"]), _decoder(values["decoder"], values["output_mode"]))
    claimed, stages = _provenance(values["provenance"])
    if network_digest(graph) != claimed:
        raise FormatError("does not hold the network that it says", found=network_digest(graph), allowed=claimed)
    rows = enumerate(items(values["findings"], "findings"))
    findings = tuple(located(f"finding {number}", _finding, row) for number, row in rows)
    matches = located("maps", read_maps, values["maps"], core)
    graph = replace(graph, correspondence=matches, findings=findings, provenance=Provenance(stages))
    beyond = of_severity(check_target(graph, core_spec(family)).findings, Severity.ERROR)
    if beyond:
        first = beyond[0]
        more = f" (and {len(beyond) - 1} more)" if len(beyond) > 1 else ""
        raise FormatError(
            f"{first.message}{more}", where=first.place, found=first.old, allowed=first.bound, findings=beyond
        )
    return graph


def _is(value: Any, allowed: Sequence[Any], noun: str) -> Any:
    if not any(value == choice and type(value) is type(choice) for choice in allowed):
        words = f"{noun} is not one of those that there are"
        raise FormatError(words, found=repr(value)[:60], allowed=str(allowed))
    return value


def _head(values: dict[str, Any]) -> Family:
    _is(values["format"], [FORMAT], "format")
    _is(values["version"], [VERSION], "version")
    _is(values["core"], ["v2"], "core")
    caps = record(values["caps"], tuple(CAPS), "caps")
    for name, value in zip(CAPS, caps, strict=True):
        _is(value, [CAPS[name]], f"caps {name}")
    return FAMILIES[_is(values["target"], list(FAMILIES), "target")]


def _core(values: dict[str, Any]) -> Core:
    sizes = dict(zip(SHAPE, record(values["shape"], SHAPE, "shape"), strict=True))
    for name, value in sizes.items():
        whole(value, f"shape {name}", 0 if name in ("ien", "oen") else 1, MOST[name])
    inputs, hidden, outputs, synapses = (sizes[name] for name in SHAPE[:4])
    shapes = {
        "weights_in": (inputs, hidden, synapses),
        "weights_rec": (hidden, hidden, synapses),
        "weights_out": (hidden, outputs),
    }
    arrays: dict[str, Ints] = {
        name: located(name, _weights, values[name], shape) for name, shape in shapes.items()
    }
    shifts = record(values["weight_shift"], ("in", "rec", "out"), "weight_shift")
    for name, value in zip(("in", "rec", "out"), shifts, strict=True):
        arrays[f"shift_{name}"] = np.asarray(whole(value, f"weight_shift {name}", 0, 15), np.int64)
    for name, value in zip(HIDDEN, record(values["hidden"], HIDDEN, "hidden"), strict=True):
        low, high = (-1, hidden - 1) if name == "alias" else RANGES[name]
        columns = synapses if name == "dash_syn" else None
        arrays[name] = _numbers(value, f"hidden {name}", hidden, low, high, columns)
    for name, value in zip(OUTPUT, record(values["output"], OUTPUT, "output"), strict=True):
        arrays[f"{name}_out"] = _numbers(value, f"output {name}", outputs, *RANGES[name])
    return Core.made("v2", arrays)


def _weights(value: Any, shape: tuple[int, ...]) -> Ints:
    """Weights from their list, which is in order, without zeros and without anything twice."""
    said, entries = record(value, ("shape", "coo"), "weights")
    _is(tuple(items(said, "shape")), [shape], "shape")
    array = np.zeros(shape, np.int64)
    before: tuple[int, ...] = ()
    for entry in items(entries, "coo"):
        *place, weight = items(entry, "entry", len(shape) + 1)
        for number, size in zip(place, shape, strict=True):
            whole(number, "place of an entry", 0, size - 1)
        if before and tuple(place) <= before:
            words = "entries are not in order, or one is there twice"
            raise FormatError(words, found=str(place), allowed=f"> {before}")
        if whole(weight, "weight", -128, 127) == 0:
            raise FormatError("entry of weight 0", where=str(place))
        before = tuple(place)
        array[before] = weight
    return array


def _numbers(value: Any, noun: str, length: int, low: int, high: int, columns: int | None = None) -> Ints:
    rows = items(value, noun, length)
    if columns is None:
        return np.array([whole(number, noun, low, high) for number in rows], np.int64)
    return np.array([[whole(n, noun, low, high) for n in items(row, noun, columns)] for row in rows], np.int64)


def _extents(shape: dict[str, Any], core: Core, family: Family) -> None:
    for name, value, wanted in zip(
        ("ien", "oen"), (shape["ien"], shape["oen"]), extents(core, family), strict=True
    ):
        if value != wanted:
            raise FormatError(f"shape {name} does not fit the weights", found=str(value), allowed=str(wanted))


def _dt(value: Any) -> float | None:
    if value is None:
        return None
    if not isinstance(value, float) or not 0 < value <= MAX_DT:
        allowed = f"above 0, at most {MAX_DT:g}, or null"
        raise FormatError("dt_s is out of range", found=repr(value)[:40], allowed=allowed)
    return value


def _decoder(value: Any, mode: Any) -> Decoder | None:
    decoder = None
    if value is not None:
        (kind,) = record(value, ("kind",), "decoder")
        decoder = DECODERS[_is(kind, list(DECODERS), "decoder kind")]
    _is(mode, [MODES[decoder or COUNTED]], "output_mode")
    return decoder


def _finding(row: Any) -> Any:
    for value in record(row, FINDING, "finding"):
        text(value, "finding")
    try:
        return finding_of(row)
    except KeyError as problem:
        raise FormatError("unknown finding", found=str(problem)) from None


def _provenance(value: Any) -> tuple[str, tuple[Stage, ...]]:
    """The digest that the file claims, and the conversion as a stage with what it promised, if it did."""
    tool, digest, source, promise = record(value, ("tool", "graph_digest", "source", "quantiser"), "provenance")
    for part in (tool, source):
        text(part, "provenance")
    options = {name: text(item, "quantiser") for name, item in table(promise, "quantiser").items()}
    if options and (set(options) - {"contract", "overlap"} or options.get("contract") not in RUNGS):
        raise FormatError("promise of the conversion cannot be read", found=str(options)[:80])
    if "overlap" in options and not SHARE.fullmatch(options["overlap"]):
        raise FormatError("overlap is no share", found=options["overlap"][:20], allowed="0.0000 .. 1.0000")
    stages = (Stage("xylo", tool, tuple(sorted(options.items()))),) if options else ()
    return text(digest, "graph_digest"), stages
