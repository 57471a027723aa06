"""Graphs within graphs as one graph, where that is what a profile makes of them."""

from __future__ import annotations

from dataclasses import replace

from snnhub.ir.continuous import GRAPH
from snnhub.ir.ct_flat import INPUT, OUTPUT, flat
from snnhub.ir.ct_names import ROOT, parent_of
from snnhub.ir.graph import Edge, Graph

from snnhub_profiles.rules.rule import Rule
from snnhub_profiles.source import RefusedError
from snnhub_profiles.wiring import ours

MOST_EDGES = 1_000_000
"""Edges that ends of graphs may become: many edges in and many out are as many as their product."""


def flattened(graph: Graph, rule: Rule) -> Graph:
    """The graph without graphs within it, and without their ends, where that is what the rule makes of it: of
    frameworks, where they know every node, and all of them lie on one path, so that there is but one order of
    execution. Any other graph as it is. Raises ``RefusedError`` for too many edges.
    """
    if all(node.op != GRAPH or node.id == ROOT for node in graph.nodes) or not (rule.wire is ours or rule.nests):
        return graph
    whole = _joined(flat(graph))
    known = all(node.id == ROOT or node.op.removeprefix("ct.") in rule.known for node in whole.nodes)
    return whole if rule.wire is ours or (known and _one_path(whole)) else graph


def _joined(graph: Graph) -> Graph:
    """The graph with an edge for each way through an inner Input or Output, which only passes on."""
    inner = [node.id for node in graph.nodes if node.op in (INPUT, OUTPUT) and parent_of(node.id)]
    edges = list(graph.edges)
    for name in inner:
        ways = [edge.dst for edge in edges if edge.src.node == name]
        made: list[Edge] = []
        for edge in edges:
            if edge.dst.node == name:
                made += [Edge(edge.src, dst) for dst in ways if dst.node != name]
            elif edge.src.node != name:
                made.append(edge)
            if len(made) > MOST_EDGES:
                raise RefusedError(f"more than {MOST_EDGES:,} edges through the ends of graphs within graphs")
        edges = made
    kept = tuple(node for node in graph.nodes if node.id not in set(inner))
    return replace(graph, nodes=kept, edges=tuple(edges))


def _one_path(graph: Graph) -> bool:
    """Whether every node is passed on the way from the input, along edges that have no others beside them."""
    following = {edge.src.node: edge.dst.node for edge in graph.edges}
    passed, here = 0, graph.inputs[0].id
    while here in following and passed <= len(graph.edges):
        here, passed = following[here], passed + 1
    nodes = sum(node.id != ROOT for node in graph.nodes)
    return len(graph.inputs) == 1 and passed == len(graph.edges) == nodes + 1
