"""What NIR 1.0.8's own reader, ``nir.read``, makes of a file before an importer sees it, and what it refuses.

It asks for one shape per neuron, adds an Input before every node that nothing leads to and an Output behind every
node that leads nowhere, works out the types of pools and of Flatten from the Input nodes on, and compares the
types at both ends of every edge. Rules measured on ``nir`` 1.0.8.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np
from snnhub.ir.continuous import GRAPH, METADATA
from snnhub.ir.ct_names import ROOT, node_path
from snnhub.ir.graph import Graph, Node
from snnhub.ir.tensor import Array

from snnhub_profiles.reading_types import Type, pooled, types_of
from snnhub_profiles.source import Item, RefusedError

Edge = tuple[str, str]
WORDS = "nir.read, through which the importer goes, refuses this file"


@dataclass
class Official:
    """A graph as the reader holds it. ``nodes`` by name in alphabetical order, those that it added last; ``edges``
    in file order. ``into`` and ``out``: types by node name; of a graph one per Input and Output, by its name.
    """

    id: str
    nodes: dict[str, Item | Official]
    edges: list[Edge]
    into: dict[str, dict[str, Type]] = field(default_factory=dict)
    out: dict[str, dict[str, Type]] = field(default_factory=dict)

    def of(self, kind: str) -> dict[str, Item]:
        """The nodes of a type."""
        return {name: item for name, item in self.nodes.items() if isinstance(item, Item) and item.type == kind}


def read(graph: Graph) -> Official:
    """The graph as ``nir.read`` gives it. Raises ``RefusedError`` with the reason where it raises."""
    paths = {node.id: node_path(node.id) for node in graph.nodes if node.id != ROOT}
    slashed = [name for path in paths.values() for name in path if "/" in name]
    if slashed:
        raise RefusedError(f"{WORDS}: the name {slashed[0]!r} has a slash")
    top = Official(graph.name or "network", {}, [])
    scopes: dict[tuple[str, ...], Official] = {(): top}
    for node in sorted((node for node in graph.nodes if node.id != ROOT), key=lambda node: paths[node.id]):
        path = paths[node.id]
        made = Official(node.id, {}, []) if node.op == GRAPH else item_of(node, path[-1])
        scopes[path[:-1]].nodes[path[-1]] = made
        if isinstance(made, Official):
            scopes[path] = made
    for edge in graph.edges:
        if edge.src.node in paths and edge.dst.node in paths:
            a, b = paths[edge.src.node], paths[edge.dst.node]
            if a[:-1] != b[:-1]:
                raise RefusedError(f"{WORDS}: the edge {'.'.join(a)} -> {'.'.join(b)} leads into a graph")
            scopes[a[:-1]].edges.append((a[-1], b[-1]))
    _settle(top)
    return top


def item_of(node: Node, name: str) -> Item:
    """A node with its fields."""
    fields = {key: value.array for key, value in node.params if not key.startswith(METADATA)}
    words = {key: str(value) for key, value in node.attributes if "/" not in key}
    return Item(node.id, name, node.op.removeprefix("ct."), fields, words)


def _settle(scope: Official) -> None:
    for item in scope.nodes.values():
        if isinstance(item, Official):
            _settle(item)
    for name, item in scope.nodes.items():
        _set_types(scope, name, item)
    if not scope.nodes:
        return
    twice = [edge for edge, count in Counter(scope.edges).items() if count > 1]
    if twice:
        raise RefusedError(f"{WORDS}: the edge {' -> '.join(twice[0])} is there twice")
    _ends(scope, "Input")
    _infer(scope)
    _ends(scope, "Output")
    _compare(scope)


def _set_types(scope: Official, name: str, item: Item | Official) -> None:
    if isinstance(item, Item):
        into, out = types_of(item)
        scope.into[name], scope.out[name] = {"input": into}, {"output": out}
        return
    scope.into[name] = {each: item.into[each]["input"] for each in item.of("Input")}
    scope.out[name] = {each: item.out[each]["output"] for each in item.of("Output")}


def _ends(scope: Official, kind: str) -> None:
    """An Input before each node that nothing leads to, or an Output behind each that leads nowhere."""
    first = kind == "Input"
    joined = {edge[1] if first else edge[0] for edge in scope.edges}
    loose = [name for name in scope.nodes if name not in joined]
    if not first and not loose:
        raise RefusedError(f"{WORDS}: there is no Output, and every node of {scope.id} leads on")
    for name in loose:
        item, word = scope.nodes[name], kind.lower()
        if isinstance(item, Item) and item.type == kind:
            continue
        types = (scope.into if first else scope.out)[name]
        if set(types) != {word} or types[word] is None:
            raise RefusedError(f"{WORDS}: it adds an {kind} at {name}, whose type it does not know")
        added = f"{word}_{name}"
        while added in scope.nodes:
            added += "_0"
        shape = np.asarray(types[word])
        scope.nodes[added] = Item(item.id, added, kind, {"shape": shape}, {})
        scope.into[added], scope.out[added] = {"input": shape}, {"output": shape}
        scope.edges.append((added, name) if first else (name, added))


def _infer(scope: Official) -> None:
    """Types of pools and of Flatten, along the edges from the Input nodes on."""
    inputs, after = scope.of("Input"), _leaving(scope.edges)
    ready = [edge for edge in scope.edges if edge[0] in inputs]
    if not ready:
        raise RefusedError(f"{WORDS}: no edge leads on from an Input of {scope.id}")
    seen = {edge[0] for edge in ready}
    while ready:
        src, dst = ready.pop()
        item = scope.nodes[dst]
        arriving = _one(scope.out[src], f"{src} gives")
        if scope.into[dst].get("input", 0) is None and isinstance(item, Item):
            if set(scope.out[src]) != {"output"}:
                raise RefusedError(f"{WORDS}: {dst} follows a graph whose Output is not called output")
            scope.into[dst], scope.out[dst] = {"input": arriving}, {"output": pooled(item, np.asarray(arriving))}
        elif not np.array_equal(np.asarray(arriving), np.asarray(_one(scope.into[dst], f"{dst} takes"))):
            raise RefusedError(_unequal(scope, src, dst))
        seen.add(dst)
        ready += [edge for edge in after.get(dst, []) if edge[1] not in seen]


def _leaving(edges: Iterable[Edge]) -> dict[str, list[Edge]]:
    found: dict[str, list[Edge]] = {}
    for edge in edges:
        found.setdefault(edge[0], []).append(edge)
    return found


def _compare(scope: Official) -> None:
    for src, dst in scope.edges:
        left, right = _one(scope.out[src], f"{src} gives"), _one(scope.into[dst], f"{dst} takes")
        if left is None or right is None:
            raise RefusedError(f"{WORDS}: no Input leads to {src if left is None else dst}, so it has no type")
        if not np.array_equal(left, right):
            raise RefusedError(_unequal(scope, src, dst))


def _unequal(scope: Official, src: str, dst: str) -> str:
    gives, takes = (_listed(types.values()) for types in (scope.out[src], scope.into[dst]))
    return f"{WORDS}: {src} gives {gives}, and {dst} takes {takes}"


def _one(types: Mapping[str, Type], words: str) -> Type:
    if len(types) != 1:
        raise RefusedError(f"{WORDS}: {words} {len(types)} values; it compares one")
    return next(iter(types.values()))


def _listed(types: Iterable[Type]) -> str:
    return ", ".join("nothing" if each is None else str(_plain(each)) for each in types)


def _plain(array: Array) -> object:
    return np.asarray(array).tolist()
