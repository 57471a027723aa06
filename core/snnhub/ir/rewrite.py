"""Rewrites of graphs for passes: replace and remove nodes, and keep the correspondence while doing so."""

from __future__ import annotations

from dataclasses import replace

from snnhub.ir.correspondence import Table, identity
from snnhub.ir.graph import Edge, Graph, Match, Node, Port
from snnhub.ir.op import OpLookup


class Rewriter:
    """Collects changes to a graph. ``graph()`` and ``correspondence()`` give the result.

    Every quantity of a node that stays is matched with itself unless ``match`` or ``drop`` says otherwise;
    those of removed nodes are dropped.
    """

    def __init__(self, graph: Graph, lookup: OpLookup) -> None:
        self.original = graph
        self.nodes: dict[str, Node] = dict(graph.node)
        self.edges: list[Edge] = list(graph.edges)
        self._matches: dict[Port, Match | None] = {match.old: match for match in identity(graph, lookup)}

    def put(self, node: Node) -> None:
        """Replace the node of that id, or add it at the end."""
        self.nodes[node.id] = node

    def insert_before(self, node: Node, other: str) -> None:
        """Add a node in front of another one in node order."""
        items = list(self.nodes.items())
        position = [name for name, _ in items].index(other)
        items.insert(position, (node.id, node))
        self.nodes = dict(items)

    def bypass(self, name: str, port_in: str = "x", port_out: str = "y") -> None:
        """Remove a node and connect what fed it with what it fed; delays add up."""
        before = [edge for edge in self.edges if edge.dst == Port(name, port_in)]
        after = [edge for edge in self.edges if edge.src == Port(name, port_out)]
        position = min(self.edges.index(edge) for edge in after) if after else len(self.edges)
        joined = [Edge(a.src, b.dst, a.delay + b.delay) for b in after for a in before]
        self.edges[position:position] = joined
        self.edges = [edge for edge in self.edges if edge.src.node != name and edge.dst.node != name]
        del self.nodes[name]

    def retarget(self, old: Edge, new: Edge) -> None:
        """Replace an edge where it stands."""
        self.edges[self.edges.index(old)] = new

    def match(self, old: Port, new: Port, scale: float | None = 1.0) -> None:
        """Say that ``old`` is now ``new`` times ``scale`` (None: its values are not comparable)."""
        self._matches[old] = Match(old, new, 0, scale)

    def drop(self, old: Port) -> None:
        """Say that nothing in the new graph corresponds to ``old``."""
        self._matches[old] = None

    def into(self, name: str) -> list[Edge]:
        """Edges into any port of a node, as they are now."""
        return [edge for edge in self.edges if edge.dst.node == name]

    def out_of(self, name: str) -> list[Edge]:
        """Edges out of any port of a node, as they are now."""
        return [edge for edge in self.edges if edge.src.node == name]

    def graph(self) -> Graph:
        """The graph with all changes. Findings, decoder and provenance are those of the original."""
        return replace(self.original, nodes=tuple(self.nodes.values()), edges=tuple(self.edges), correspondence=())

    def correspondence(self) -> Table:
        """Matches of everything whose new end still exists."""
        ends = {*self.nodes, *(i.id for i in self.original.inputs), *(o.id for o in self.original.outputs)}
        return tuple(match for match in self._matches.values() if match is not None and match.new.node in ends)
