"""graph-json/1: a network as one JSON text, for workers in any language. ``spec/graph-json.md`` specifies it.

It holds what computes (``Graph.network()``) and the name; origins, recipes, findings, correspondence and
provenance stay in the ``.snn`` file of the same graph, to which the digest is the link.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from snnhub.errors import FormatError, UsageError
from snnhub.files import replacing
from snnhub.ir.digest import network_digest
from snnhub.ir.graph import AttributeValue, Edge, Graph, Input, Node
from snnhub.ir.op import OpLookup

from snnhub_formats.graph_json_numbers import write_int, write_tensor, write_type
from snnhub_formats.graph_json_program import write_program
from snnhub_formats.graph_json_read import LIMIT, SCHEMA, read_graph
from snnhub_formats.serde import Table

HEAD = re.compile(rb'\s*\{\s*"schema"\s*:\s*"graph-json/')


def to_graph_json(graph: Graph) -> bytes:
    """The network as UTF-8 text. Same network and name, same bytes. Raises ``FormatError`` beyond 64 MiB."""
    data = _layout(_document(graph)).encode()
    if len(data) > LIMIT:
        raise FormatError(
            "graph is too large for JSON",
            found=f"{len(data)} bytes",
            allowed=f"{LIMIT} bytes",
            remedy="Keep it as a .snn file.",
        )
    return data


def from_graph_json(data: bytes, lookup: OpLookup | None = None) -> Graph:
    """The graph. Programs are proved and the digest is checked; with ``lookup`` the graph is verified as well,
    which without it happens before the first run.

    Raises ``FormatError`` for anything that is not a well-formed network, and nothing else.
    """
    return read_graph(data, lookup)


def save(graph: Graph, path: Path) -> None:
    """Write a file. The old file, if any, stays until the new one is complete."""
    data = to_graph_json(graph)
    with replacing(path) as file:
        file.write(data)


def load(path: Path, lookup: OpLookup | None = None) -> Graph:
    """Read a file. Raises ``UsageError`` if there is none, ``FormatError`` like ``from_graph_json``."""
    try:
        with path.open("rb") as file:
            data = file.read(LIMIT + 1)
    except OSError as problem:
        raise UsageError("cannot be read", where=str(path), found=problem.strerror or str(problem)) from None
    try:
        return from_graph_json(data, lookup)
    except FormatError as problem:
        where = f"{path}: {problem.where}".removesuffix(": ")
        raise FormatError(
            problem.message, where=where, found=problem.found, allowed=problem.allowed, findings=problem.findings
        ) from None


def is_graph_json(head: bytes) -> bool:
    """Whether a file that begins with ``head`` is meant to be graph-json."""
    return HEAD.match(head) is not None


def _document(graph: Graph) -> dict[str, Any]:
    bare = graph.network()
    types, tensors, programs = Table(), Table(), Table()
    names: dict[int, str] = {}
    nodes = []
    for node in bare.nodes:
        numbers = {name: tensors(tensor) for name, tensor in node.params}
        for name, number in numbers.items():
            if number not in names:
                names[number] = _free(f"{node.id}/{name}", set(names.values()))
        program = None if node.program is None else programs(node.program)
        nodes.append(_node(node, {name: names[number] for name, number in numbers.items()}, program))
    written = [write_program(program, types) for program in programs.items]
    inputs = [_input(item, types(item.type)) for item in bare.inputs]
    return {
        "schema": SCHEMA,
        "digest": network_digest(bare),
        "name": graph.name,
        "dt": None if bare.dt is None else bare.dt.hex(),
        "types": [write_type(type_) for type_ in types.items],
        "programs": written,
        "tensors": {names[number]: write_tensor(tensor) for number, tensor in enumerate(tensors.items)},
        "nodes": nodes,
        "edges": [_edge(edge) for edge in bare.edges],
        "inputs": inputs,
        "outputs": [output.id for output in bare.outputs],
        "decoder": None
        if bare.decoder is None
        else {
            "reduce": bare.decoder.reduce,
            "argmax": bare.decoder.argmax,
            "quantity": bare.decoder.quantity,
        },
    }


def _free(name: str, taken: set[str]) -> str:
    """``name``, with dashes at its end where two nodes and parameters give the same text."""
    while name in taken:
        name += "-"
    return name


def _node(node: Node, params: dict[str, str], program: int | None) -> dict[str, Any]:
    return {
        "id": node.id,
        "op": node.op,
        "version": node.version,
        "attributes": {name: _attribute(value) for name, value in node.attributes},
        "params": params,
        "program": program,
    }


def _attribute(value: AttributeValue) -> Any:
    if isinstance(value, tuple):
        return [write_int(number) for number in value]
    if isinstance(value, str | bool):
        return value
    number = write_int(value)
    return {"int": number} if isinstance(number, str) else number


def _edge(edge: Edge) -> dict[str, Any]:
    return {"from": list(edge.src), "to": list(edge.dst), "delay": edge.delay}


def _input(item: Input, type_: int) -> dict[str, Any]:
    return {"id": item.id, "shape": list(item.shape), "type": type_, "hold": item.hold}


def _layout(document: dict[str, Any]) -> str:
    """One line per entry of a table and per instruction, so that people and ``diff`` can read it."""
    lines = [f'"{key}":{_table(key, value)}' for key, value in document.items()]
    return "{" + ",\n".join(lines) + "}\n"


def _table(key: str, value: Any) -> str:
    if key == "programs":
        return _listed([_program(program) for program in value])
    if key in ("types", "nodes", "edges", "inputs"):
        return _listed([_text(entry) for entry in value])
    if key == "tensors":
        return "{\n" + ",\n".join(f"{_text(name)}:{_text(entry)}" for name, entry in value.items()) + "}"
    return _text(value)


def _program(program: dict[str, Any]) -> str:
    parts = [
        f'"{key}":{_listed([_text(instr) for instr in value]) if key == "code" else _text(value)}'
        for key, value in program.items()
    ]
    return "{" + ",\n".join(parts) + "}"


def _listed(entries: list[str]) -> str:
    return "[" + ",".join(f"\n{entry}" for entry in entries) + "]"


def _text(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"))
