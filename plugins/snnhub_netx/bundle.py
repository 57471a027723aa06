"""The synapses between one source and one layer of neurons, whose delays must fit what a NetX layer can hold."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from snnhub.ir.graph import Edge, Graph, Port

from snnhub_netx.chain import SYNAPSES
from snnhub_netx.delays import MAX_DELAY

LONGEST = MAX_DELAY + 1
"""Steps that a dense layer can take in all."""


@dataclass(frozen=True)
class Bundle:
    """All synapses between one source and one layer of neurons, with the edges into them. ``limit``: of a delay.
    ``spatial``: they are convolutions.
    """

    source: Port
    edges: tuple[Edge, ...]
    neuron: str
    limit: int
    spatial: bool

    @property
    def too_long(self) -> bool:
        """Whether relays are needed. A synapse without its own step is refused elsewhere."""
        delays = [edge.delay for edge in self.edges]
        return max(delays) > self.limit and min(delays) > 0

    @property
    def layers(self) -> int:
        """Layers of relays that the longest delay needs."""
        longest = max(edge.delay for edge in self.edges)
        if self.spatial:
            return longest - 1
        layers = 1
        while layers * LONGEST + self.limit < longest + self._late(layers):
            layers += 1
        return layers

    @property
    def late(self) -> int:
        """Steps that everything behind is later: a short delay beside a long one passes the same layers."""
        return self._late(self.layers)

    def _late(self, layers: int) -> int:
        return max(0, layers + 1 - min(edge.delay for edge in self.edges))


def bundles(graph: Graph) -> Iterator[Bundle]:
    """Sources in node order. A loop back into the neurons that it comes from is no delay of the chain."""
    sources = dict.fromkeys(edge.src for edge in graph.edges)
    for source in sources:
        targets: dict[str, list[Edge]] = {}
        for edge in graph.out_of[source]:
            node = graph.node.get(edge.dst.node)
            fed = {out.dst.node for out in graph.fed_by(node.id)} if node is not None else set()
            if node is not None and node.op in SYNAPSES and len(fed) == 1 and fed != {source.node}:
                targets.setdefault(fed.pop(), []).append(edge)
        for neuron, edges in targets.items():
            spatial = any(graph.node[edge.dst.node].op == "core.Conv" for edge in edges)
            looped = any(_is_loop(graph, edge.src.node, neuron) for edge in graph.feeding(neuron))
            yield Bundle(source, tuple(edges), neuron, 1 if spatial or looped else LONGEST, spatial)


def _is_loop(graph: Graph, synapse: str, neuron: str) -> bool:
    return any(edge.src.node == neuron for edge in graph.feeding(synapse))
