"""samna's own JSON of a Xylo Audio 2 configuration, as far as one public file of 2022 shows it: how a core
becomes it.

``samna_json_reader`` is the other way. The form is that of the C++ library cereal: ``value0`` around everything,
matrices with dimensions, offsets and values, options with ``nullopt``. Fields that describe no network get what
the public file has (``attributes.toml``). **Never loaded by samna here**; cereal as a rule wants exactly the
fields of its own version, so another samna may reject it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from snnhub.api.check import check_target
from snnhub.errors import UnsupportedError
from snnhub.files import replacing
from snnhub.findings import Finding, Severity, error, note, of_severity
from snnhub.ir.graph import TERMINAL_PORT, Graph, Port

from snnhub_xylo.core import Core
from snnhub_xylo.families import A2
from snnhub_xylo.samna.names import Attribute, Names, names_of
from snnhub_xylo.samna.values import uses, wanted
from snnhub_xylo.target import spec_of

PLACE = "samna-a2"
FAMILY = A2.name
EMPTY = {"nullopt": True}
EVIDENCE = "one public file of samna 0.10.32 or later, of 2022"
INDENT = " " * 4


def export_samna_a2(graph: Graph, path: Path) -> Sequence[Finding]:
    """Write ``graph``, one core, as samna's JSON for Xylo Audio 2. Raises ``UnsupportedError`` with every
    reason.
    """
    found = [*check_target(graph, spec_of(A2)).findings, *_form(graph)]
    errors = of_severity(found, Severity.ERROR)
    if errors:
        first = errors[0]
        raise UnsupportedError(
            f"cannot be written as samna's JSON: {first.message}",
            where=first.place,
            found=first.old,
            remedy=first.remedy,
            findings=found,
        )
    core = Core.of(graph.nodes[0])
    with replacing(path) as file:
        file.write(write(core))
    return (*found, *_told(graph, core))


def _form(graph: Graph) -> Iterator[Finding]:
    """The file holds one input, one core, and the spikes of its output neurons."""
    remedy = "Keep the network as .snn."
    if len(graph.nodes) != 1 or len(graph.inputs) != 1 or len(graph.outputs) != 1:
        counts = f"{len(graph.nodes)} nodes, {len(graph.inputs)} inputs, {len(graph.outputs)} outputs"
        yield error("SNN-4101", graph.name or "graph", "the file holds one of each", old=counts, remedy=remedy)
        return
    sources = [edge.src for edge in graph.into[Port(graph.outputs[0].id, TERMINAL_PORT)]]
    if sources != [Port(graph.nodes[0].id, "s_out")]:
        words = "the output is the spikes of the output neurons"
        yield error("SNN-4101", graph.outputs[0].id, words, old=", ".join(map(str, sources)), remedy=remedy)


def _told(graph: Graph, core: Core) -> Iterator[Finding]:
    words = "experimental: its form is that of one public file, and samna has not loaded it"
    remedy = "Other versions of samna may reject it. The way without JSON is snnhub_xylo.samna.loader.apply."
    yield note("SNN-4309", PLACE, words, bound=EVIDENCE, remedy=remedy)
    rest = {"dt": graph.dt, "decoder": graph.decoder, "correspondence": graph.correspondence or None}
    names = [name for name, value in rest.items() if value is not None]
    if core.synapses == 2 and not uses(core)[0]:
        names.append("second synapse without weights")
    if names:
        words = "a configuration has no place for these"
        yield note("SNN-4310", PLACE, words, old=", ".join(names), remedy="Keep the xylo.json beside it.")


def write(core: Core) -> bytes:
    """The file of a core that Xylo Audio 2 holds."""
    return _text(document(core), "").encode()


def document(core: Core) -> dict[str, Any]:
    """The JSON of a core: every field, in the order of the public file."""
    names = names_of(FAMILY)
    values = {item.path: item.value for item in wanted(core, names)}
    # the file holds the second synapse of every neuron, used or not
    for part in ("input", "reservoir"):
        rows = values[f"{part}.weights"]
        values.setdefault(f"{part}.syn2_weights", [[0] * len(row) for row in rows])
    values.setdefault("reservoir.neurons[].i_syn2_decay", [0] * core.hidden)
    return {"value0": _object(names, names.configuration, "", values, None)}


def _object(names: Names, of: str, prefix: str, values: Mapping[str, Any], number: int | None) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, attribute in names.classes[of].items():
        path = prefix + name
        if attribute.kind == "object":
            found[attribute.json] = _object(names, attribute.of, f"{path}.", values, None)
        elif attribute.kind == "list":
            inside = f"{path}[]."
            size = len(values[f"{inside}threshold"])
            found[attribute.json] = [_object(names, attribute.of, inside, values, row) for row in range(size)]
        else:
            value = values.get(path, attribute.default)
            found[attribute.json] = _leaf(attribute, value if number is None else value[number])
    return found


def _leaf(attribute: Attribute, value: Any) -> Any:
    if attribute.kind == "maybe":
        return EMPTY if value is None else {"nullopt": False, "data": value}
    if attribute.kind == "four":
        return {f"value{place}": number for place, number in enumerate(value)}
    if attribute.kind == "matrix":
        rows, columns = len(value), len(value[0])
        return {
            "dimensions": {"value0": rows, "value1": columns},
            "offsets": {"value0": columns, "value1": 1},
            "values": [number for row in value for number in row],
        }
    return value


def _text(value: Any, indent: str) -> str:
    """JSON as cereal writes it, four blanks deeper per level. Lists of numbers are long: they are joined at
    once.
    """
    deeper = indent + INDENT
    if isinstance(value, dict):
        rows = (f"{json.dumps(key)}: {_text(item, deeper)}" for key, item in value.items())
        return "{\n" + ",\n".join(deeper + row for row in rows) + f"\n{indent}}}"
    if isinstance(value, list) and value:
        plain = not isinstance(value[0], dict | list)
        texts = map(str, value) if plain else (_text(item, deeper) for item in value)
        return f"[\n{deeper}" + f",\n{deeper}".join(texts) + f"\n{indent}]"
    return json.dumps(value)
