"""A graph in continuous time as a framework's importer sees it: nodes by name, edges in file order."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from snnhub.errors import UnsupportedError
from snnhub.findings import Finding, error
from snnhub.ir.continuous import DTYPE, GRAPH, METADATA
from snnhub.ir.ct_names import ROOT, node_path
from snnhub.ir.graph import Graph, Node
from snnhub.ir.tensor import Array

REFUSED = "SNN-3601"
CHANCE = "SNN-2616"
ALONE = "SNN-2620"
Shape = tuple[int, ...]
AXES = {"start_dim": 1, "end_dim": -1}


class RefusedError(Exception):
    """A node, or the network, is nothing that a profile takes; the words say why."""


class ChanceError(RefusedError):
    """What the framework makes of the network hangs on addresses in memory: it is not determined."""


class AloneError(RefusedError):
    """The framework runs the file, and no network here can hold what it runs."""


@dataclass(frozen=True)
class Item:
    """A node: its id in the graph, its name in the file, its type in NIR's words, its fields as they are.

    ``inner``: the nodes of a graph within the graph. ``arriving`` and ``leaving``: shapes as ``nir.read`` has them
    (``official``), None where it has not been asked.
    """

    id: str
    name: str
    type: str
    fields: Mapping[str, Array]
    words: Mapping[str, str]
    inner: Source | None = None
    arriving: Shape | None = None
    leaving: Shape | None = None

    def __getitem__(self, field: str) -> Array:
        """A field. What a file may leave out has NIR's default: v_reset 0, w_in 1, axes 1 to the last.
        Raises ``RefusedError``.
        """
        if field in self.fields:
            return self.fields[field]
        if field in AXES and self.type == "Flatten":
            return np.array(AXES[field])
        if field == "v_reset":
            return np.zeros_like(self["v_threshold"])
        if field == "w_in":
            return np.ones_like(self["tau_syn"])
        raise RefusedError(f"{self.type} has no numbers in {field}")

    def integers(self, field: str, count: int) -> tuple[int, ...]:
        """A field of integers, one per axis; a single one goes for all axes."""
        values = [int(value) for value in np.ravel(self[field])]
        return tuple(values * count if len(values) == 1 else values)


@dataclass(frozen=True)
class Source:
    """``items`` by name, in alphabetical order as ``nir.read`` gives them; ``edges`` by name, in file order."""

    items: Mapping[str, Item]
    edges: tuple[tuple[str, str], ...]

    def of(self, *types: str) -> list[Item]:
        """The nodes of some types, those of graphs within left out."""
        return [item for item in self.items.values() if item.type in types]

    def everything(self, path: str = "") -> Iterator[tuple[str, Item]]:
        """Every node with its path of names, also those of graphs within, which themselves are left out."""
        for name, item in self.items.items():
            if item.inner is None:
                yield f"{path}{name}", item
            else:
                yield from item.inner.everything(f"{path}{name}/")

    @property
    def nested(self) -> list[Item]:
        """Graphs within this one."""
        return [item for item in self.items.values() if item.inner is not None]


def source_of(graph: Graph) -> Source:
    """The nodes and edges of a graph. Raises ``UnsupportedError`` for edges from one graph into another."""
    scopes: dict[tuple[str, ...], dict[str, Node]] = {(): {}}
    for node in graph.nodes:
        path = node_path(node.id)
        if path:
            scopes.setdefault(path[:-1], {})[path[-1]] = node
        if node.op == GRAPH and path:
            scopes.setdefault(path, {})
    edges: dict[tuple[str, ...], list[tuple[str, str]]] = {path: [] for path in scopes}
    lost: list[Finding] = []
    ids = {node.id for node in graph.nodes}
    for edge in graph.edges:
        if {edge.src.node, edge.dst.node} <= ids:
            a, b = node_path(edge.src.node), node_path(edge.dst.node)
            if a[:-1] == b[:-1]:
                edges[a[:-1]].append((a[-1], b[-1]))
            else:
                lost.append(error(REFUSED, str(edge), "an edge leads into another graph, which nir.read refuses"))
    if lost:
        raise UnsupportedError("edges between graphs", where=lost[0].place, findings=lost)
    return _source((), scopes, edges)


def flat_source(graph: Graph) -> Source:
    """The nodes and edges of a graph that was laid flat, by their ids."""
    items = {node.id: _item(node, node.id, None) for node in graph.nodes if node.id != ROOT}
    edges = tuple((e.src.node, e.dst.node) for e in graph.edges if {e.src.node, e.dst.node} <= set(items))
    return Source(dict(sorted(items.items())), edges)


def _source(
    path: tuple[str, ...],
    scopes: Mapping[tuple[str, ...], Mapping[str, Node]],
    edges: Mapping[tuple[str, ...], list[tuple[str, str]]],
) -> Source:
    items: dict[str, Item] = {}
    for name, node in sorted(scopes[path].items()):
        inner = _source((*path, name), scopes, edges) if node.op == GRAPH else None
        items[name] = _item(node, name, inner)
    return Source(items, tuple(edges[path]))


def _item(node: Node, name: str, inner: Source | None) -> Item:
    said = {key.removeprefix(DTYPE): value for key, value in node.attributes if key.startswith(DTYPE)}
    fields = {
        key: value.array.astype(bool) if said.get(key) == "bool" else value.array
        for key, value in node.params
        if not key.startswith(METADATA)
    }
    words = {key: str(value) for key, value in node.attributes if "/" not in key}
    return Item(node.id, name, node.op.removeprefix("ct."), fields, words, inner)
