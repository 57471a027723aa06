"""A graph in continuous time as a framework's importer sees it: nodes by name, edges in file order."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from snnhub.errors import UnsupportedError
from snnhub.findings import Finding, error
from snnhub.ir.continuous import GRAPH, METADATA
from snnhub.ir.ct_names import ROOT, node_path
from snnhub.ir.graph import Graph, Node
from snnhub.ir.tensor import Array

REFUSED = "SNN-3601"


class RefusedError(Exception):
    """A node, or the network, is nothing that a profile takes; the words say why."""


@dataclass(frozen=True)
class Item:
    """A node: its id in the graph, its name in the file, its type in NIR's words, its fields as they are."""

    id: str
    name: str
    type: str
    fields: Mapping[str, Array]
    words: Mapping[str, str]

    def __getitem__(self, field: str) -> Array:
        """A field. What a file may leave out has NIR's default: v_reset 0, w_in 1. Raises ``RefusedError``."""
        if field in self.fields:
            return self.fields[field]
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
        """The nodes of some types."""
        return [item for item in self.items.values() if item.type in types]


def source_of(graph: Graph) -> Source:
    """The nodes and edges of a flat graph; nodes that lay in graphs within it go by their ids. Raises
    ``UnsupportedError`` for graphs within graphs.
    """
    own = [node for node in graph.nodes if node.id != ROOT]
    words = "found a graph within a graph, which this profile does not cover"
    nested: list[Finding] = [error(REFUSED, node.id, words) for node in own if node.op == GRAPH]
    deep = any(len(node_path(node.id)) > 1 for node in own)
    items: dict[str, Item] = {}
    for node in own:
        name = node.id if deep else node_path(node.id)[0]
        items[name] = _item(node, name)
    if nested:
        remedy = "Lay the graph flat, or choose nir-euler or exponential, which do so."
        raise UnsupportedError("nested graphs", where=nested[0].place, findings=nested, remedy=remedy)
    names = {item.id: name for name, item in items.items()}
    edges = [(names[e.src.node], names[e.dst.node]) for e in graph.edges if {e.src.node, e.dst.node} <= set(names)]
    return Source(dict(sorted(items.items())), tuple(edges))


def _item(node: Node, name: str) -> Item:
    fields = {key: value.array for key, value in node.params if not key.startswith(METADATA)}
    words = {key: str(value) for key, value in node.attributes if "/" not in key}
    return Item(node.id, name, node.op.removeprefix("ct."), fields, words)
