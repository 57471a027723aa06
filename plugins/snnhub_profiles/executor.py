"""Nirtorch 2.6, ``GraphExecutor`` (norse, sinabs, Rockpool): depth first from the input, edges in file order.

A node that runs before one of its sources gets what that gave in the step before; the last node that runs gives
the output. A graph within the graph is an executor of its own, and runs as one node.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable

from snnhub_profiles.source import ChanceError, RefusedError, Source
from snnhub_profiles.torch_names import MODULE
from snnhub_profiles.wiring import Wiring, inlined

OWN = frozenset({"graph", "stateful_modules", "return_state"})


def executor(source: Source, known: Collection[str], path: str = "") -> Wiring:
    """The wiring, with paths of names. Raises ``RefusedError``; ``ChanceError`` for several starting points."""
    inner = {item.name: executor(_within(item.inner), known, f"{path}{item.name}/") for item in source.nested}
    last = {_plain(name): name for name in source.items}  # of two names that become one, the later node stays
    for name in last:
        if name in MODULE or name in OWN:
            raise RefusedError(f"a module of torch cannot be named {name}")
    there = {name for name in last.values() if name in inner or f"{path}{name}" in known}
    edges = list(dict.fromkeys((last[_plain(a)], last[_plain(b)]) for a, b in source.edges))
    unknown = [name for name in last.values() if name not in there]
    if any(name in edge for edge in edges for name in unknown[:-1]):
        raise RefusedError(f"more than one node that the importer does not know: {', '.join(unknown)}")
    level = _level([edge for edge in edges if set(edge) <= there])
    left = (*(name for name in source.items if name not in level.order), *level.left)
    return inlined(Wiring(level.order, level.edges, level.entry, level.output, left), inner, path)


def _within(source: Source | None) -> Source:
    assert source is not None  # noqa: S101  ``nested`` lists those that have one
    return source


def _plain(name: str) -> str:
    return name.replace(".", "_")


def _level(edges: list[tuple[str, str]]) -> Wiring:
    nodes = list(dict.fromkeys(name for edge in edges for name in edge))
    if not nodes:
        raise RefusedError("no edge is left between nodes that the importer knows")
    roots = [name for name in nodes if not any(dst == name for _, dst in edges)]
    if len(nodes) == 1:
        roots = nodes
    if not roots:
        raise RefusedError("the importer starts at the one node that nothing leads to; found none")
    if len(roots) > 1:
        raise ChanceError(
            f"the importer starts at one of {', '.join(roots)}, which nothing leads to: addresses in memory decide"
        )
    order = _depth_first(roots[0], edges)
    place = {name: index for index, name in enumerate(order)}
    kept = [
        (src, dst, int(place[src] >= place[dst]))
        for dst in order
        for src in nodes
        if (src, dst) in edges and src in place
    ]
    return Wiring(tuple(order), tuple(kept), roots[0], order[-1])


def _depth_first(root: str, edges: Iterable[tuple[str, str]]) -> list[str]:
    """Preorder; the children of a node in the order of its edges."""
    children: dict[str, list[str]] = {}
    for src, dst in edges:
        children.setdefault(src, []).append(dst)
    order: dict[str, None] = {}
    waiting = [root]
    while waiting:
        name = waiting.pop()
        if name not in order:
            order[name] = None
            waiting += reversed(children.get(name, []))
    return list(order)
