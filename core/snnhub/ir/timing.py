"""Lag as a retiming: how many steps later each node of one graph does what its match did.

A number p per node, 0 at the inputs, such that delay_B - delay_A = p(target) - p(source) on every edge. It
is computed from the delays, never searched for. If none exists, the graphs are not equal up to a lag.
"""

from __future__ import annotations

from collections.abc import Mapping

from snnhub.errors import GraphError
from snnhub.ir.graph import Edge, Graph, Port
from snnhub.ir.op import KernelOp, OpLookup


def retiming(graph: Graph, new_delays: Mapping[Edge, int]) -> dict[str, int]:
    """The lag of every node, input and output when the edges of ``graph`` get ``new_delays``.

    Raises ``GraphError`` naming the first edge for which no lag fits.
    """
    lags = {item.id: 0 for item in graph.inputs}
    pending = list(lags)
    while pending:
        name = pending.pop()
        for edge in graph.edges:
            gap = new_delays.get(edge, edge.delay) - edge.delay
            if edge.src.node == name:
                other, lag = edge.dst.node, lags[name] + gap
            elif edge.dst.node == name:
                other, lag = edge.src.node, lags[name] - gap
            else:
                continue
            if other not in lags:
                lags[other] = lag
                pending.append(other)
            elif lags[other] != lag:
                raise GraphError(
                    "no lag makes the graphs equal: paths that meet here were delayed differently",
                    where=str(edge),
                    found=f"{lag} steps along this edge",
                    allowed=f"{lags[other]} steps along another path",
                )
    return lags


def latencies(graph: Graph, lookup: OpLookup) -> dict[Port, int]:
    """Steps that kernel ops take themselves, by output port; everything else answers within the step."""
    return {
        Port(node.id, name): steps
        for node in graph.nodes
        if isinstance(schema := lookup(node.op, node.version), KernelOp)
        for name, steps in schema.latency_rule(node).items()
    }


def depth_to_outputs(graph: Graph, within: Mapping[Port, int] | None = None) -> dict[str, tuple[int, int]]:
    """Fewest and most steps between an input and each node or output, along paths without repetition.

    Edges that close a cycle are left out, so that the most is finite. ``within``: what ``latencies`` found.
    """
    within = within or {}
    fewest = {item.id: 0 for item in graph.inputs}
    most = dict(fewest)
    for _ in range(len(graph.nodes) + 2):
        changed = False
        for edge in graph.edges:
            if edge.src.node not in fewest:
                continue
            near = fewest[edge.src.node] + edge.delay + within.get(edge.src, 0)
            if near < fewest.get(edge.dst.node, near + 1):
                fewest[edge.dst.node] = near
                changed = True
        if not changed:
            break
    for edge in _forward(graph):
        if edge.src.node in most:
            far = most[edge.src.node] + edge.delay + within.get(edge.src, 0)
            most[edge.dst.node] = max(most.get(edge.dst.node, far), far)
    return {name: (near, most.get(name, near)) for name, near in fewest.items()}


def lag_to_output(graph: Graph, lookup: OpLookup) -> int:
    """Steps that the input needs to the last output along the shortest path; 0 in most float networks."""
    depths = depth_to_outputs(graph, latencies(graph, lookup))
    return max((depths[output.id][0] for output in graph.outputs if output.id in depths), default=0)


def _forward(graph: Graph) -> list[Edge]:
    """Edges that do not point backwards in a depth-first walk from the inputs, sources first."""
    order: dict[str, int] = {}
    state: dict[str, bool] = {}
    for item in graph.inputs:
        stack = [(item.id, iter(graph.fed_by(item.id)))]
        state[item.id] = True
        while stack:
            name, edges = stack[-1]
            edge = next(edges, None)
            if edge is None:
                stack.pop()
                state[name] = False
                order[name] = len(order)
            elif edge.dst.node not in state:
                state[edge.dst.node] = True
                stack.append((edge.dst.node, iter(graph.fed_by(edge.dst.node))))
    forward = [e for e in graph.edges if order.get(e.src.node, -1) > order.get(e.dst.node, -1)]
    return sorted(forward, key=lambda edge: -order[edge.src.node])
