"""Names in edges of NIR and ids of nodes: an edge names nodes of its graph, or ``G.B``, node B of subgraph G."""

from __future__ import annotations

from collections.abc import Mapping

Path = tuple[str, ...]
GRAPH = "ct.NIRGraph"


def resolve(scope: Path, name: str, ops: Mapping[Path, str]) -> Path | None:
    """The node that ``name`` means within the graph ``scope``; None if there is none.

    A node of that very name comes first; then the name is split at dots, the first dot first.
    """
    pending, seen = [(scope, name)], set()
    while pending:
        place, rest = pending.pop(0)
        if (place, rest) in seen:
            continue
        seen.add((place, rest))
        if (*place, rest) in ops:
            return (*place, rest)
        dots = [at for at, letter in enumerate(rest) if letter == "."]
        within = [((*place, rest[:at]), rest[at + 1 :]) for at in dots]
        pending += [(graph, inner) for graph, inner in within if ops.get(graph) == GRAPH]
    return None


def common(a: Path, b: Path) -> Path:
    """The innermost graph that holds both nodes."""
    size = 0
    for left, right in zip(a[:-1], b[:-1], strict=False):
        if left != right:
            break
        size += 1
    return a[:size]


def spoken(scope: Path, node: Path) -> str:
    """How an edge of ``scope`` names a node within."""
    return ".".join(node[len(scope) :])
