"""From HDF5 to nodes and edges: the tree of a NIR file walked without recursion, every problem collected.

Layout (NIR 0.1.0 to 1.0.8): ``/version``; ``/node`` with ``type`` and, for a graph, ``edges`` (n, 2) and
``nodes``, a group by name for each node with ``type``, its fields, and ``metadata``. A name with a slash is a
group within a group.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import h5py
from snnhub.errors import FormatError
from snnhub.findings import Finding, error
from snnhub.ir.continuous import Field
from snnhub.ir.ct_names import node_id
from snnhub.ir.graph import Edge, Node, Origin, Port
from snnhub.ops.continuous import CONTINUOUS
from snnhub_formats import hdf5_arrays

from snnhub_nir import metadata
from snnhub_nir.metadata import Value
from snnhub_nir.names import Path, common, resolve

TYPES = {op.name.removeprefix("ct."): op for op in CONTINUOUS}
MAX_EDGES = 2**20
SHOWN = 20
"""Edges that lead nowhere, listed one by one; of more than these only the number."""


@dataclass
class Found:
    """What a file holds. ``moved``: edges that the file has in an outer graph than both of their ends."""

    where: str
    nodes: dict[Path, Node] = field(default_factory=dict)
    edges: list[Edge] = field(default_factory=list)
    problems: list[Finding] = field(default_factory=list)
    moved: list[str] = field(default_factory=list)
    dotted: list[str] = field(default_factory=list)
    version: str | None = None
    legacy: bool = False
    converted: list[str] = field(default_factory=list)

    def refuse(self, code: str, place: str, words: str, remedy: str = "") -> None:
        self.problems.append(error(code, place, words, remedy=remedy))


def walk(file: h5py.File, where: str) -> Found:
    """Everything below ``/node``. Raises ``FormatError`` if that is no group."""
    found = Found(where)
    top = file.get("node")
    if not isinstance(top, h5py.Group):
        raise FormatError("not a NIR file: nothing is at /node", where=where)
    scopes: list[tuple[Path, list[tuple[str, str]]]] = []
    pending: deque[tuple[Path, h5py.Group]] = deque([((), top)])
    while pending:
        path, group = pending.popleft()
        kind = type_of(group, found, node_id(path))
        if kind is None:
            continue
        found.nodes[path] = _node(found, path, group, kind)
        if kind == "NIRGraph":
            scopes.append((path, _edges(found, path, group)))
            inside = group.get("nodes")
            if isinstance(inside, h5py.Group):
                pending += [((*path, name), item) for name, item in _members(found, path, inside)]
            else:
                found.refuse("SNN-3503", node_id(path), "graph has no group nodes")
    connect(found, scopes)
    return found


def type_of(group: h5py.Group, found: Found, place: str) -> str | None:
    """The node type that a group says it is; None, with a problem, if it is none of NIR's."""
    item = group.get("type")
    if not isinstance(item, h5py.Dataset) or item.size != 1 or not hdf5_arrays.is_text(item):
        found.refuse("SNN-3502", place, "node does not say its type")
        return None
    kind = hdf5_arrays.strings(item, f"{found.where}:{place}")[0]
    if kind not in TYPES:
        found.refuse(
            "SNN-3502",
            place,
            f"found type {kind[:40]!r}, allowed {', '.join(sorted(TYPES))}",
            "Replace the node before it is written, or read the file with a newer snnhub.",
        )
        return None
    return kind


def _members(found: Found, path: Path, group: h5py.Group) -> Iterator[tuple[str, h5py.Group]]:
    """Nodes of a graph by name. A group without a type is the first part of names with a slash."""
    pending = deque((name, group[name]) for name in group)
    while pending:
        name, item = pending.popleft()
        place = node_id((*path, name))
        try:
            name.encode()
        except UnicodeEncodeError:
            found.refuse("SNN-3503", place.encode(errors="replace").decode(), "name is not UTF-8")
            continue
        if not isinstance(item, h5py.Group):
            found.refuse("SNN-3503", place, "found numbers or text where a node belongs")
            continue
        inner = [key for key in item if isinstance(item[key], h5py.Group)]
        if "type" in item:
            yield name, item
            if _is_graph(item):
                continue
            inner = [key for key in inner if key != "metadata"]
        elif not inner or len(inner) < len(item):
            found.refuse("SNN-3502", place, "node does not say its type")
            continue
        pending += [(f"{name}/{key}", item[key]) for key in inner]


def _is_graph(group: h5py.Group) -> bool:
    return isinstance(group.get("nodes"), h5py.Group) and isinstance(group.get("edges"), h5py.Dataset)


def _node(found: Found, path: Path, group: h5py.Group, kind: str) -> Node:
    values: list[tuple[str, Value]] = []
    op, place = TYPES[kind], node_id(path)
    known = {item.name: item for item in op.fields}
    for name in group:
        item = group[name]
        where = f"{found.where}:{place}/{name}"
        if name == "metadata" and isinstance(item, h5py.Group):
            values += metadata.read(item, where)
        elif isinstance(item, h5py.Group):
            if kind == "NIRGraph" and name != "nodes":
                found.refuse("SNN-3503", place, f"graph has a group {name!r}; allowed nodes, metadata")
        elif name != "type" and not (kind == "NIRGraph" and name == "edges"):
            values += read_field(found, place, name, item, known)
    return made_node(path, op.name, values)


def made_node(path: Path, op: str, values: list[tuple[str, Value]]) -> Node:
    """A node of what was read: numbers are parameters, text is attributes."""
    attributes = tuple((name, value) for name, value in values if isinstance(value, str))
    params = tuple((name, value) for name, value in values if not isinstance(value, str))
    return Node(node_id(path), op, 1, attributes, params, None, Origin("nir", "", "/".join(path)))


def read_field(
    found: Found, place: str, name: str, item: h5py.Dataset, known: dict[str, Field]
) -> Iterator[tuple[str, Value]]:
    """A field as the file has it; nothing, with a problem, where the type has no such field."""
    where = f"{found.where}:{place}/{name}"
    if name not in known:
        listed = ", ".join(known) or "none"
        remedy = "A field that is not known may change what the node computes: read it with a newer snnhub."
        found.refuse("SNN-3503", place, f"unknown field {name!r}; allowed {listed}", remedy)
    elif not hdf5_arrays.is_text(item):
        yield from metadata.held(name, hdf5_arrays.numbers(item, where))
    elif known[name].words and item.shape == ():
        yield name, hdf5_arrays.strings(item, where)[0]
    else:
        found.refuse("SNN-3503", place, f"field {name} is text and needs numbers")


def _edges(found: Found, path: Path, group: h5py.Group) -> list[tuple[str, str]]:
    item, place = group.get("edges"), node_id(path)
    if not isinstance(item, h5py.Dataset):
        found.refuse("SNN-3503", place, "graph has no edges; a graph without any has an empty array")
        return []
    if item.size == 0:
        return []
    if not hdf5_arrays.is_text(item) or item.ndim != 2 or item.shape[1] != 2 or item.shape[0] > MAX_EDGES:
        words = f"found edges {item.dtype} {list(item.shape)}, allowed text (n, 2), n up to {MAX_EDGES}"
        found.refuse("SNN-3503", place, words)
        return []
    flat = hdf5_arrays.strings(item, f"{found.where}:{place}/edges")
    return list(zip(flat[::2], flat[1::2], strict=True))


def connect(found: Found, scopes: list[tuple[Path, list[tuple[str, str]]]]) -> None:
    """Edges of ids from edges of names, graph by graph, in their order."""
    ops = {path: node.op for path, node in found.nodes.items() if path}
    lost = 0
    seek: Callable[[Path, str], Path | None] = _remembering(ops)
    for scope, pairs in scopes:
        for pair in pairs:
            ends = [seek(scope, name) for name in pair]
            if ends[0] is None or ends[1] is None:
                lost += 1
                _dangling(found, scope, pair, ends, lost)
                continue
            a, b = ends[0], ends[1]
            found.edges.append(Edge(Port(node_id(a), "y"), Port(node_id(b), "x")))
            words = f"{pair[0]} -> {pair[1]}"
            if len(a) > len(scope) + 1 or len(b) > len(scope) + 1:
                found.dotted.append(words)
            if common(a, b) != scope:
                found.moved.append(words)
    if lost > SHOWN:
        found.refuse("SNN-3504", found.where, f"{lost - SHOWN} more edges lead to nodes that do not exist")


def _remembering(ops: dict[Path, str]) -> Callable[[Path, str], Path | None]:
    known: dict[tuple[Path, str], Path | None] = {}

    def seek(scope: Path, name: str) -> Path | None:
        if (scope, name) not in known:
            known[scope, name] = resolve(scope, name, ops)
        return known[scope, name]

    return seek


def _dangling(found: Found, scope: Path, pair: tuple[str, str], ends: list[Path | None], count: int) -> None:
    if count <= SHOWN:
        missing = [repr(name[:80]) for name, end in zip(pair, ends, strict=True) if end is None]
        words = f"edge {pair[0][:80]!r} -> {pair[1][:80]!r}: there is no node {' and no node '.join(missing)}"
        found.refuse("SNN-3504", node_id(scope), words, "The official reader refuses such edges, too.")
