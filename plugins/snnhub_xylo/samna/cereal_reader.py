"""samna's own JSON of a Xylo Audio 2 configuration to a graph. Strict: exact fields, every number in the range
of its register, sizes that fit each other, the family's limits.

What the file holds and the network does not is told: every field that would be written back as something else.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import snnhub
from snnhub.api.check import check_target
from snnhub.api.options import ImportOptions
from snnhub.errors import FormatError, UsageError
from snnhub.findings import Finding, Severity, loss, note, of_severity
from snnhub.ir.graph import Graph, Origin, Provenance, Stage
from snnhub_formats.strictjson import finite, items, located, parse, record, table, truth, whole

from snnhub_xylo.core import Core
from snnhub_xylo.document import graph_of
from snnhub_xylo.families import A2
from snnhub_xylo.reader import MOST
from snnhub_xylo.samna.cereal import EVIDENCE, FAMILY, PLACE, document
from snnhub_xylo.samna.names import WHOLE, Attribute, Names, names_of
from snnhub_xylo.samna.values import core_of
from snnhub_xylo.target import spec_of

MAX_BYTES = 2**27
"""The largest network, in cereal's wide layout, takes half of it."""
OFF = {
    "syn2_weights": "synapse2Enable",
    "v_mem_bias": "biasEnable",
    "alias_target": "aliasing",
}
"""Numbers that a flag switches off."""
SHOWN = 6


@dataclass(frozen=True)
class Difference:
    """A field that writing the network again gives another value: ``path`` as in ``Names.leaves``."""

    path: str
    old: str
    new: str


def import_samna_a2(path: Path, options: ImportOptions) -> Graph:
    """The network of a file. Raises ``FormatError`` naming the place, with every limit that is exceeded,
    ``UsageError`` for a file that cannot be read.
    """
    try:
        data = path.read_bytes() if path.stat().st_size <= MAX_BYTES else b""
    except OSError as problem:
        raise UsageError("cannot be read", where=str(path), found=problem.strerror or str(problem)) from None
    if not data:
        raise FormatError("file is empty or too large", where=str(path), allowed=f"1 .. {MAX_BYTES} bytes")
    graph = located(str(path), read, data)
    stage = Stage("import samna-a2", snnhub.__version__)
    digest = hashlib.sha256(data).hexdigest()
    return replace(graph, name=path.stem, provenance=Provenance((stage,), path.name, digest))


def read(data: bytes) -> Graph:
    """The network of a file's bytes, with findings for what it leaves behind. Raises ``FormatError``."""
    (whole_file,) = record(parse(data, MAX_BYTES, finite), ("value0",), "file")
    names = names_of(FAMILY)
    values = dict(_object(whole_file, names, names.configuration, ""))
    _sizes(values)
    core = core_of(values.__getitem__, names)
    graph = graph_of(core)
    beyond = of_severity(check_target(graph, spec_of(A2)).findings, Severity.ERROR)
    if beyond:
        first = beyond[0]
        more = f" (and {len(beyond) - 1} more)" if len(beyond) > 1 else ""
        raise FormatError(
            f"{first.message}{more}", where=first.place, found=first.old, allowed=first.bound, findings=beyond
        )
    found = note("SNN-4309", PLACE, "experimental: its form is known from one public file", bound=EVIDENCE)
    nodes = tuple(replace(node, origin=Origin("samna", "", "value0")) for node in graph.nodes)
    return replace(graph, nodes=nodes, findings=(found, *_told(core, values, names)))


def _object(value: Any, names: Names, of: str, prefix: str) -> Iterator[tuple[str, Any]]:
    """Every field by path; fields of neurons as lists."""
    known = names.classes[of]
    place = prefix.removesuffix(".") or "value0"
    fields = record(value, [attribute.json for attribute in known.values()], place)
    for (name, attribute), item in zip(known.items(), fields, strict=True):
        path = prefix + name
        if attribute.kind == "object":
            yield from _object(item, names, attribute.of, f"{path}.")
        elif attribute.kind == "list":
            yield from _neurons(items(item, path), names, attribute.of, path)
        else:
            yield path, _leaf(item, attribute, path)


def _neurons(rows: list[Any], names: Names, of: str, path: str) -> Iterator[tuple[str, Any]]:
    if not 1 <= len(rows) <= MOST["hidden"]:
        raise FormatError("number of neurons is out of range", where=path, found=str(len(rows)))
    known = names.classes[of]
    keys = [attribute.json for attribute in known.values()]
    table = [record(row, keys, f"{path}[{number}]") for number, row in enumerate(rows)]
    for column, (name, attribute) in enumerate(known.items()):
        inside = f"{path}[].{name}"
        yield inside, [_leaf(row[column], attribute, f"{path}[{n}].{name}") for n, row in enumerate(table)]


def _leaf(value: Any, attribute: Attribute, place: str) -> Any:
    if attribute.kind in WHOLE:
        return whole(value, place, *WHOLE[attribute.kind])
    if attribute.kind == "bool":
        return truth(value, place)
    if attribute.kind == "enum":
        return whole(value, place, *WHOLE["u8"])
    if attribute.kind == "four":
        return [
            whole(part, place, *WHOLE["u32"]) for part in record(value, [f"value{n}" for n in range(4)], place)
        ]
    if attribute.kind == "maybe":
        return _option(value, attribute, place)
    return _matrix(value, place)


def _option(value: Any, attribute: Attribute, place: str) -> Any:
    """None, or what is set. Only the form of an empty one is known from a real file; the other is cereal's."""
    if isinstance(value, dict) and value.get("nullopt") is False:
        data = record(value, ("nullopt", "data"), place)[1]
        if attribute.of in WHOLE:
            return whole(data, place, *WHOLE[attribute.of])
        return table(data, place)  # a range of neurons: its own fields are not known
    (empty,) = record(value, ("nullopt",), place)
    if empty is not True:
        raise FormatError("nullopt is neither true nor followed by data", where=place, found=repr(empty)[:40])
    return None


def _matrix(value: Any, place: str) -> Any:
    """Rows and columns as an array of int64."""
    sizes, offsets, numbers = record(value, ("dimensions", "offsets", "values"), place)
    pair = ("value0", "value1")
    rows, columns = (whole(n, f"{place} dimensions", 0, MOST["hidden"]) for n in record(sizes, pair, place))
    if record(offsets, pair, place) != [columns, 1]:
        raise FormatError("not row after row", where=place, found=str(offsets)[:60], allowed=f"{columns}, 1")
    flat = items(numbers, f"{place} values", rows * columns)
    if not all(type(number) is int for number in flat):
        raise FormatError("weights are not whole numbers", where=place)
    array = np.array(flat, np.int64).reshape(rows, columns)
    if array.size and not -128 <= array.min() <= array.max() <= 127:
        raise FormatError("weight is out of range", where=place, found=f"{array.min()} .. {array.max()}")
    return array


def _sizes(values: dict[str, Any]) -> None:
    """Every matrix must fit the neurons: all that do not are named at once."""
    hidden, outputs = (len(values[f"{part}.neurons[].threshold"]) for part in ("reservoir", "readout"))
    inputs = len(values["input.weights"])
    wanted = {
        "input.weights": (inputs, hidden),
        "reservoir.weights": (hidden, hidden),
        "readout.weights": (hidden, outputs),
        "input.syn2_weights": (inputs, hidden),
        "reservoir.syn2_weights": (hidden, hidden),
    }
    wrong = []
    for path, shape in wanted.items():
        unused = path.endswith("syn2_weights") and not values["synapse2_enable"]
        if values[path].shape != shape and not (unused and values[path].size == 0):
            wrong.append(f"{path} {list(values[path].shape)} for {list(shape)}")
    if not 1 <= inputs <= MOST["inputs"] or outputs > MOST["outputs"]:
        wrong.append(f"{inputs} inputs, {outputs} outputs")
    far = [n for n in values["reservoir.neurons[].alias_target"] if n is not None and n >= hidden]
    if far:
        wrong.append(f"alias to neuron {max(far)} of {hidden}")
    if wrong:
        raise FormatError("sizes do not fit each other", found="; ".join(wrong))


def _told(core: Core, values: dict[str, Any], names: Names) -> Iterator[Finding]:
    """What writing the network again gives another value: numbers that a flag switches off, and all the rest."""
    rest = []
    for item in differences(core, values, names):
        flag = OFF.get(item.path.rpartition(".")[2])
        if flag is None or item.old.partition(" of ")[0] == "empty":
            rest.append(item)
            continue
        words = f"not imported: {flag} is off, so that the chip is taken not to use them"
        yield loss("SNN-4311", item.path, words, old=item.old, new=item.new)
    if rest:
        words = f"{len(rest)} fields say nothing about the network; writing it gives them other values"
        more = f", and {len(rest) - SHOWN} more" if len(rest) > SHOWN else ""
        old, new = (
            ", ".join(f"{item.path} {getattr(item, which)}" for item in rest[:SHOWN]) + more
            for which in ("old", "new")
        )
        yield note("SNN-4310", PLACE, words, old=old, new=new, remedy="Set them in samna where they matter.")


def differences(core: Core, values: dict[str, Any], names: Names) -> Iterator[Difference]:
    """Fields that ``document(core)`` has with another value than the file that ``values`` were read from."""
    again = dict(_object(document(core)["value0"], names, names.configuration, ""))
    for path, old in values.items():
        new = again[path]
        if isinstance(old, np.ndarray):
            if old.shape != new.shape or (old != new).any():
                nonzero = f"{np.count_nonzero(old)} weights" if old.size else "empty"
                yield Difference(path, nonzero, f"{np.count_nonzero(new)} weights")
        elif isinstance(old, list) and "[]" in path:
            changed = [n for n, (a, b) in enumerate(zip(old, new, strict=True)) if a != b]
            if changed:
                first = changed[0]
                where = f"{len(changed)} neurons, first {first}: "
                yield Difference(path, f"{where}{old[first]}", str(new[first]))
        elif old != new or type(old) is not type(new):
            yield Difference(path, str(old)[:60], str(new)[:60])
