"""Reads graph-json: every table, index, number and name is checked, then programs, graph and digest."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from snnhub.errors import FormatError
from snnhub.ir.digest import network_digest
from snnhub.ir.graph import AttributeValue, Decoder, Edge, Graph, Input, Node, Output, Port
from snnhub.ir.numtype import NumType
from snnhub.ir.op import OpLookup
from snnhub.ir.program import Program
from snnhub.ir.tensor import Tensor
from snnhub.ir.verify import MAX_DELAY, MAX_HOLD, ensure

from snnhub_formats.graph_json_numbers import read_float, read_int, read_shape, read_tensor, read_type
from snnhub_formats.graph_json_program import CODE_LIMIT, pick, read_program
from snnhub_formats.strictjson import items, located, parse, record, table, text, truth, whole

T = TypeVar("T")
SCHEMA = "graph-json/1"
LIMIT = 2**26
"""Bytes of a file. Parsing takes about twenty times as much memory; larger networks are for ``.snn`` files."""
ALL_CODE_LIMIT = 2 * CODE_LIMIT
"""Instructions of all programs together: proving one takes time."""
VERSION_MAX = 2**32 - 1
KEYS = (
    "schema",
    "digest",
    "name",
    "dt",
    "types",
    "programs",
    "tensors",
    "nodes",
    "edges",
    "inputs",
    "outputs",
    "decoder",
)
NODE = ("id", "op", "version", "attributes", "params", "program")
EDGE = ("from", "to", "delay")
INPUT = ("id", "shape", "type", "hold")
DECODER = ("reduce", "argmax", "quantity")


def read_graph(data: bytes, lookup: OpLookup | None) -> Graph:
    """The graph of a file. Raises ``FormatError``; see ``graph_json.from_graph_json``."""
    document = parse(data, LIMIT)
    if not isinstance(document, dict) or document.get("schema") != SCHEMA:
        found = document.get("schema") if isinstance(document, dict) else type(document).__name__
        raise FormatError("not a network as JSON", found=repr(found)[:40], allowed=SCHEMA)
    values = dict(zip(KEYS, record(document, KEYS, "file"), strict=True))
    graph = _graph(values)
    if located("network", network_digest, graph) != values["digest"]:
        raise FormatError(
            "network does not have the digest that the file states", found=repr(values["digest"])[:80]
        )
    if lookup is not None:
        located("network", ensure, graph, lookup)
    return graph


def _graph(values: dict[str, Any]) -> Graph:
    types = _entries(values, "types", read_type)
    programs = _programs(values, types)
    tensors = {
        name: located(f"tensor {name[:80]}", read_tensor, item)
        for name, item in table(values["tensors"], "tensors").items()
    }
    return Graph(
        text(values["name"], "name"),
        _entries(values, "nodes", _node, programs, tensors),
        _entries(values, "edges", _edge),
        _entries(values, "inputs", _input, types),
        tuple(Output(text(name, "output")) for name in items(values["outputs"], "outputs")),
        None if values["dt"] is None else read_float(values["dt"], "dt"),
        None if values["decoder"] is None else located("decoder", _decoder, values["decoder"]),
    )


def _entries(values: dict[str, Any], key: str, read: Callable[..., T], *tables: Any) -> tuple[T, ...]:
    noun = key.removesuffix("s")
    listed = enumerate(items(values[key], key))
    return tuple(located(f"{noun} {number}", read, item, *tables) for number, item in listed)


def _programs(values: dict[str, Any], types: Sequence[NumType]) -> tuple[Program, ...]:
    listed = items(values["programs"], "programs")
    instructions = sum(
        len(item["code"]) for item in listed if isinstance(item, dict) and isinstance(item.get("code"), list)
    )
    if instructions > ALL_CODE_LIMIT:
        raise FormatError(
            "programs are too long", found=f"{instructions} instructions", allowed=str(ALL_CODE_LIMIT)
        )
    return _entries(values, "programs", read_program, types)


def _node(item: Any, programs: Sequence[Program], tensors: dict[str, Tensor]) -> Node:
    name, op, version, attributes, params, program = record(item, NODE, "node")

    def tensor_of(key: Any) -> Tensor:
        if text(key, "parameter") not in tensors:
            raise FormatError("no such tensor", found=key[:80])
        return tensors[key]

    return Node(
        text(name, "id"),
        text(op, "op"),
        whole(version, "version", 0, VERSION_MAX),
        tuple((key, _attribute(choice)) for key, choice in table(attributes, "attributes").items()),
        tuple((key, tensor_of(number)) for key, number in table(params, "params").items()),
        None if program is None else pick(programs, program, "program"),
    )


def _attribute(value: Any) -> AttributeValue:
    if isinstance(value, str):
        return text(value, "attribute")
    if isinstance(value, bool):
        return value
    if isinstance(value, list):
        return tuple(read_int(number, "attribute") for number in value)
    if isinstance(value, dict):
        (number,) = record(value, ["int"], "attribute")
        return read_int(text(number, "attribute"), "attribute")
    return read_int(value, "attribute")


def _edge(item: Any) -> Edge:
    source, target, delay = record(item, EDGE, "edge")
    return Edge(_port(source), _port(target), whole(delay, "delay", 0, MAX_DELAY))


def _port(value: Any) -> Port:
    node, name = items(value, "port", 2)
    return Port(text(node, "node"), text(name, "port"))


def _input(item: Any, types: Sequence[NumType]) -> Input:
    name, shape, type_, hold = record(item, INPUT, "input")
    return Input(text(name, "id"), read_shape(shape), pick(types, type_, "type"), whole(hold, "hold", 0, MAX_HOLD))


def _decoder(item: Any) -> Decoder:
    reduce, argmax, quantity = record(item, DECODER, "decoder")
    return Decoder(text(reduce, "reduce"), truth(argmax, "argmax"), text(quantity, "quantity"))
