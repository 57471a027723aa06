"""What runs when: parts in order, cyclic ones step by step, the others a block of steps at a time."""

from __future__ import annotations

from dataclasses import dataclass

from snnhub.ir.graph import Graph
from snnhub.ir.topology import strongly_connected, successors, topological_order


@dataclass(frozen=True, slots=True)
class Part:
    """Nodes in the order of one step. ``cyclic``: connected in a cycle, so they advance step by step."""

    nodes: tuple[str, ...]
    cyclic: bool


def schedule(graph: Graph) -> tuple[Part, ...]:
    """Strongly connected components over all edges, delayed ones too, sources first.

    Raises ``GraphError`` for a cycle without a delay.
    """
    following = successors(graph, graph.edges)
    rank = {name: position for position, name in enumerate(topological_order(graph))}
    parts = []
    for members in strongly_connected(following):
        cyclic = len(members) > 1 or members[0] in following[members[0]]
        parts.append(Part(tuple(sorted(members, key=rank.__getitem__)), cyclic))
    return tuple(parts)
