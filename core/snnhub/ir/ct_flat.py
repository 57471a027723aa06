"""Nested graphs in continuous time laid flat, as everything that computes steps needs them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from snnhub.errors import GraphError
from snnhub.findings import Finding, error
from snnhub.ir.continuous import GRAPH
from snnhub.ir.ct_names import parent_of
from snnhub.ir.graph import Edge, Graph, Node, Port

INPUT, OUTPUT = "ct.Input", "ct.Output"


def flat(graph: Graph) -> Graph:
    """The same graph without ``ct.NIRGraph`` nodes: an edge to a subgraph goes to its input, one from it comes
    from its output. Inputs and outputs of subgraphs stay, as nodes that pass on what arrives. Ids and the order
    of edges stay.

    Raises ``GraphError``, with every place, where a subgraph that an edge leads to or from does not have exactly
    one input or output of its own.
    """
    inner = _ends(graph.nodes)
    subgraphs = {node.id for node in graph.nodes if node.op == GRAPH}
    found: list[Finding] = []
    edges = [
        Edge(_end(edge.src, OUTPUT, subgraphs, inner, found), _end(edge.dst, INPUT, subgraphs, inner, found))
        for edge in graph.edges
    ]
    if found:
        raise GraphError(found[0].message, where=found[0].place, findings=list(dict.fromkeys(found)))
    nodes = tuple(node for node in graph.nodes if node.op != GRAPH)
    return replace(graph, nodes=nodes, edges=tuple(edges))


def _ends(nodes: Iterable[Node]) -> dict[tuple[str, str], list[str]]:
    """Inputs and outputs by the graph that they lie in."""
    found: dict[tuple[str, str], list[str]] = {}
    for node in nodes:
        if node.op in (INPUT, OUTPUT):
            found.setdefault((parent_of(node.id), node.op), []).append(node.id)
    return found


def _end(
    port: Port, op: str, subgraphs: set[str], inner: dict[tuple[str, str], list[str]], found: list[Finding]
) -> Port:
    if port.node not in subgraphs:
        return port
    inside = inner.get((port.node, op), [])
    if len(inside) != 1:
        what = "input" if op == INPUT else "output"
        words = f"found {len(inside)} {what}s in a subgraph that an edge leads {'to' if op == INPUT else 'from'}"
        found.append(error("SNN-1002", port.node, f"{words}, allowed 1"))
        return port
    return Port(inside[0], port.name)
