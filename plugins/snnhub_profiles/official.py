"""What ``nir.read`` makes of a file before any importer sees it: shapes inferred, Input and Output nodes added,
files refused.

Measured on nir 1.0.8 (``NIRGraph.infer_types``, ``check_types``), ``PYTHONHASHSEED`` 0. Of single nodes see
``official_types``.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

import numpy as np
from snnhub.ir.ct_names import node_id
from snnhub.ir.graph import Graph

from snnhub_profiles.hash_order import difference_order
from snnhub_profiles.official_types import POOLS, PROBLEMS, Type, found_from, types_of
from snnhub_profiles.source import Item, RefusedError, Shape, Source, source_of

Edge = tuple[str, str]
UNREAD = "SNN-2621"
Types = dict[str, Type]


@dataclass
class _Node:
    """A node whose shapes are being inferred: by terminal (of a graph one per Input and Output, by its name)."""

    item: Item
    into: Types
    out: Types
    inner: Source | None = None


@dataclass
class _Graph:
    nodes: dict[str, _Node]
    edges: list[Edge]
    path: tuple[str, ...]
    after: dict[str, list[Edge]] = field(default_factory=dict)


def read(graph: Graph) -> Source:
    """The file that a graph in continuous time was read from, as ``nir.read`` gives it. Raises ``RefusedError``
    where it refuses the file, ``UnsupportedError`` for edges from one graph into another.
    """
    for finding in graph.findings:
        if finding.code == UNREAD:
            raise _refuse(finding.message)
    return official(source_of(graph))


def official(source: Source, path: tuple[str, ...] = ()) -> Source:
    """The file as ``nir.read`` gives it: nodes by the alphabet, those that it added last, every one with its
    shapes. ``path``: names of the graphs around it. Raises ``RefusedError`` where it refuses the file.
    """
    nodes = {name: _node(item, (*path, name)) for name, item in source.items.items()}
    graph = _Graph(nodes, list(source.edges), path)
    if nodes:
        _unique(graph.edges)
        _ends(graph, "Input")
        _infer(graph)
        _ends(graph, "Output")
    for edge in graph.edges:
        _check(graph, *edge)
    return Source({name: _told(node) for name, node in graph.nodes.items()}, tuple(graph.edges))


def _refuse(words: str) -> RefusedError:
    return RefusedError(f"nir.read refuses the file: {words}")


def _told(node: _Node) -> Item:
    arriving, leaving = (next(iter(map(_shape, types.values())), None) for types in (node.into, node.out))
    return replace(node.item, arriving=arriving, leaving=leaving, inner=node.inner)


def _shape(sizes: Type) -> Shape | None:
    if sizes is None or not np.all(np.isfinite(sizes)):
        return None
    return tuple(int(size) for size in np.ravel(sizes))


def _node(item: Item, path: tuple[str, ...]) -> _Node:
    """A node with the shapes that it says itself."""
    if "/" in item.name:
        raise _refuse(f"{item.name} has a slash in its name")
    if item.inner is not None:
        inner = official(item.inner, path)
        into, out = ({one.name: one["shape"][()] for one in inner.of(kind)} for kind in ("Input", "Output"))
        return _Node(item, into, out, inner)
    try:
        item, arriving, leaving = types_of(item)
    except (*PROBLEMS, RefusedError) as problem:
        raise _refuse(f"{item.id}: {_words(problem)}") from None
    return _Node(item, {"input": arriving}, {"output": leaving})


def _words(problem: Exception) -> str:
    return str(problem.args[0]) if problem.args else type(problem).__name__


def _unique(edges: Iterable[Edge]) -> None:
    seen = set()
    for edge in edges:
        if edge in seen:
            raise _refuse(f"the edge {edge[0]} -> {edge[1]} is there twice")
        seen.add(edge)


def _ends(graph: _Graph, kind: str) -> None:
    """Put an Input before every node that nothing leads to, an Output behind every node that leads nowhere."""
    first, word = kind == "Input", kind.lower()
    found = difference_order(graph.nodes, {edge[1 if first else 0] for edge in graph.edges})
    if not first and not found:
        raise _refuse("it finds no node that leads nowhere")
    for name in found:
        node = graph.nodes[name]
        if node.item.type == kind:
            continue
        types = node.into if first else node.out
        if types.get(word) is None:
            raise _refuse(f"{name} has no {word} type, and needs an {kind}")
        _add(graph, kind, name, types)


def _add(graph: _Graph, kind: str, name: str, types: Types) -> None:
    """A node that the file has not. One of a graph takes over all its terminals."""
    word = kind.lower()
    made = base = f"{word}_{name}"
    count = 0
    while made in graph.nodes:
        made, count = f"{base}_{count}", count + 1
    item = Item(node_id((*graph.path, made)), made, kind, {"shape": np.asarray(types[word])}, {})
    first = kind == "Input"
    into, out = (dict(types), {"output": types[word]}) if first else ({"input": types[word]}, dict(types))
    graph.nodes[made] = _Node(item, into, out)
    graph.edges.append((made, name) if first else (name, made))


def _infer(graph: _Graph) -> None:
    """From the Inputs on, the last edge found first."""
    ready = [edge for edge in graph.edges if graph.nodes[edge[0]].item.type == "Input"]
    if not ready:
        raise _refuse("it finds no Input to start from")
    for edge in graph.edges:
        graph.after.setdefault(edge[0], []).append(edge)
    seen = {a for a, _ in ready}
    while ready:
        a, b = ready.pop()
        try:
            _step(graph.nodes[a], graph.nodes[b])
        except (*PROBLEMS, RefusedError) as problem:
            raise _refuse(f"{a} -> {b}: {_words(problem)}") from None
        seen.add(b)
        ready += [edge for edge in graph.after.get(b, ()) if edge[1] not in seen]


def _step(before: _Node, after: _Node) -> None:
    if not after.into:
        raise TypeError("it leads to a graph without Input")
    if any(shape is None for shape in after.into.values()):
        after.into = {name.replace("output", "input"): shape for name, shape in before.out.items()}
    elif not _equal(before.out, after.into):
        raise ValueError(f"shapes do not fit: {_listed(before.out)} and {_listed(after.into)}")
    kind = after.item.type
    if kind == "Output":
        after.out = {name.replace("input", "output"): shape for name, shape in after.into.items()}
    if kind in (*POOLS, "Flatten") and after.out.get("output") is None:
        after.out = {"output": found_from(after.item, after.into["input"], before.out.get("output"))}


def _equal(out: Types, into: Types) -> bool:
    return len(out) == len(into) and all(map(np.array_equal, out.values(), into.values()))


def _listed(types: Types) -> str:
    return ", ".join("unknown" if each is None else str(np.asarray(each).tolist()) for each in types.values())


def _check(graph: _Graph, a: str, b: str) -> None:
    """One edge, at the end. Raises ``RefusedError``."""
    if a not in graph.nodes or b not in graph.nodes:
        raise _refuse(f"the edge {a} -> {b} leads to no node")
    out, into = graph.nodes[a].out, graph.nodes[b].into
    if any(shape is None for shape in out.values()):
        raise _refuse(f"{a} has no output type")
    if not into or any(shape is None for shape in into.values()):
        raise _refuse(f"{b} has no input type")
    if len(out) != 1 or len(into) != 1:
        raise _refuse(f"{a} -> {b}: a graph with {len(out)} outputs or {len(into)} inputs")
    if not _equal(out, into):
        raise _refuse(f"shapes of {a} -> {b} do not fit: {_listed(out)} and {_listed(into)}")
