"""Order of nodes within a step, strongly connected parts, and cycles that have no delay."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Mapping, Sequence

from snnhub.errors import GraphError
from snnhub.ir.graph import Edge, Graph, Node


def successors(graph: Graph, edges: Iterable[Edge]) -> dict[str, list[str]]:
    """Targets of each node along ``edges``, nodes only (no inputs, no outputs)."""
    table: dict[str, list[str]] = {node.id: [] for node in graph.nodes}
    for edge in edges:
        if edge.src.node in table and edge.dst.node in table:
            table[edge.src.node].append(edge.dst.node)
    return table


def topological_order(graph: Graph) -> tuple[str, ...]:
    """Nodes in the order of zero-delay edges, ties by node order. Raises ``GraphError`` naming a cycle."""
    instant = [edge for edge in graph.edges if edge.delay == 0]
    following = successors(graph, instant)
    rank = {node.id: position for position, node in enumerate(graph.nodes)}
    waiting = dict.fromkeys(following, 0)
    for targets in following.values():
        for target in targets:
            waiting[target] += 1
    ready = [rank[name] for name, count in waiting.items() if count == 0]
    heapq.heapify(ready)
    order: list[str] = []
    while ready:
        name = graph.nodes[heapq.heappop(ready)].id
        order.append(name)
        for target in following[name]:
            waiting[target] -= 1
            if waiting[target] == 0:
                heapq.heappush(ready, rank[target])
    if len(order) < len(following):
        cycle = instant_cycle(graph) or ()
        raise GraphError(
            "cycle without a delay",
            found=" -> ".join(cycle),
            allowed="at least one edge of delay 1 in every cycle",
        )
    return tuple(order)


def instant_cycle(graph: Graph) -> tuple[str, ...] | None:
    """One cycle of zero-delay edges, first node repeated at the end; None if there is none."""
    following = successors(graph, (edge for edge in graph.edges if edge.delay == 0))
    for part in strongly_connected(following):
        if len(part) > 1 or part[0] in following[part[0]]:
            return _cycle_within(set(part), following)
    return None


def flow_order(graph: Graph) -> tuple[list[Node], int]:
    """Nodes so that almost every edge points forward, whatever its delay, and how many edges point back.

    Reverse postorder of a depth-first walk: only edges that close a cycle point back.
    """
    following = successors(graph, graph.edges)
    done: dict[str, int] = {}
    seen: set[str] = set()
    fed = [edge.dst.node for edge in graph.edges if edge.src.node in graph.input and edge.dst.node in following]
    for root in (*fed, *following):
        work = [] if root in seen else [(root, iter(following[root]))]
        seen.add(root)
        while work:
            name, targets = work[-1]
            target = next((item for item in targets if item not in seen), None)
            if target is None:
                work.pop()
                done[name] = len(done)
            else:
                seen.add(target)
                work.append((target, iter(following[target])))
    back = sum(done[name] <= done[target] for name, targets in following.items() for target in targets)
    return sorted(graph.nodes, key=lambda node: -done[node.id]), back


def _cycle_within(part: set[str], following: Mapping[str, Sequence[str]]) -> tuple[str, ...]:
    path = [min(part)]
    position = {path[0]: 0}
    while True:
        step = next(target for target in following[path[-1]] if target in part)
        if step in position:
            return (*path[position[step] :], step)
        position[step] = len(path)
        path.append(step)


def strongly_connected(following: Mapping[str, Sequence[str]]) -> list[tuple[str, ...]]:
    """Strongly connected components, sources first (Tarjan's algorithm, iterative)."""
    index: dict[str, int] = {}
    low: dict[str, int] = {}
    on_stack: set[str] = set()
    stack: list[str] = []
    parts: list[tuple[str, ...]] = []
    for root in following:
        if root in index:
            continue
        work = [(root, iter(following[root]))]
        index[root] = low[root] = len(index)
        stack.append(root)
        on_stack.add(root)
        while work:
            name, targets = work[-1]
            target = next(targets, None)
            if target is None:
                work.pop()
                if work:
                    low[work[-1][0]] = min(low[work[-1][0]], low[name])
                if low[name] == index[name]:
                    parts.append(_pop_part(name, stack, on_stack))
            elif target not in index:
                index[target] = low[target] = len(index)
                stack.append(target)
                on_stack.add(target)
                work.append((target, iter(following[target])))
            elif target in on_stack:
                low[name] = min(low[name], index[target])
    return parts[::-1]


def _pop_part(name: str, stack: list[str], on_stack: set[str]) -> tuple[str, ...]:
    part: list[str] = []
    while not part or part[-1] != name:
        part.append(stack.pop())
        on_stack.discard(part[-1])
    return tuple(part[::-1])


def reaching(graph: Graph) -> set[str]:
    """Nodes from which some output can be reached along edges of any delay."""
    sources: dict[str, list[str]] = {}
    for edge in graph.edges:
        sources.setdefault(edge.dst.node, []).append(edge.src.node)
    found: set[str] = set()
    pending = [output.id for output in graph.outputs]
    while pending:
        for source in sources.get(pending.pop(), ()):
            if source not in found:
                found.add(source)
                pending.append(source)
    return found
