"""In which order a framework runs the nodes of a file, and so which edges bring values of the step before.

Three executors were found among the importers: nirtorch's ``GraphExecutor`` (norse, sinabs, Rockpool), the program
that nirtorch's ``nir_to_torch`` writes (snnTorch, SpikingJelly), and spyx's single chain. ``ours`` delays the
edges into neurons that close a cycle.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from itertools import pairwise

from snnhub_profiles.source import RefusedError, Source

NEURONS = ("I", "IF", "LI", "LIF", "CubaLI", "CubaLIF")


@dataclass(frozen=True)
class Wiring:
    """``order``: names of the nodes that run. ``edges``: (from, to, steps), in the order in which a node adds
    them.
    ``entry``: who gets the network's input. ``output``: whose value is the network's. ``left``: nodes left out.
    """

    order: tuple[str, ...]
    edges: tuple[tuple[str, str, int], ...]
    entry: str
    output: str
    left: tuple[str, ...] = ()


Rule = Callable[[Source, Collection[str]], Wiring]
"""From a file and the names of the nodes that the importer knows. Raises ``RefusedError``."""


def executor(source: Source, known: Collection[str]) -> Wiring:
    """Nirtorch 2.6, ``GraphExecutor``: depth first from the input along the edges in file order. A node that runs
    before one of its sources gets what that gave in the step before; the last node that runs gives the output.
    """
    unknown = [name for name in source.items if name not in known]
    if len(unknown) > 1 and any(name in edge for edge in source.edges for name in unknown[:-1]):
        raise RefusedError(f"more than one node that the importer does not know: {', '.join(unknown)}")
    edges = list(dict.fromkeys(edge for edge in source.edges if edge[0] in known and edge[1] in known))
    nodes = list(dict.fromkeys(name for edge in edges for name in edge))
    if not nodes:
        raise RefusedError("no edge is left between nodes that the importer knows")
    roots = [name for name in nodes if not any(dst == name for _, dst in edges)]
    if len(roots) != 1:
        found = ", ".join(roots) or "none"
        raise RefusedError(f"the importer starts at the one node that nothing leads to; found {found}")
    order = _depth_first(roots[0], edges)
    place = {name: index for index, name in enumerate(order)}
    kept = [
        (src, dst, int(place[src] >= place[dst]))
        for dst in order
        for src in nodes
        if (src, dst) in edges and src in place
    ]
    left = tuple(name for name in source.items if name not in place)
    return Wiring(tuple(order), tuple(kept), roots[0], order[-1], left)


def _depth_first(root: str, edges: Iterable[tuple[str, str]]) -> list[str]:
    """Preorder; the children of a node in the order of its edges."""
    children: dict[str, list[str]] = {}
    for src, dst in edges:
        children.setdefault(src, []).append(dst)
    order: list[str] = []
    waiting = [root]
    while waiting:
        name = waiting.pop()
        if name not in order:
            order.append(name)
            waiting += reversed(children.get(name, []))
    return order


def program(source: Source, known: Collection[str]) -> Wiring:
    """Nirtorch 2.6, ``nir_to_torch``: nodes in alphabetical order, each as soon as its sources have run. A node of
    several sources does not wait for those that it can reach itself: it gets what they gave in the step before.
    """
    entries = [item.name for item in source.of("Input")]
    exits = [item.name for item in source.of("Output")]
    if len(entries) != 1 or len(exits) != 1:
        raise RefusedError(f"needs one Input and one Output; found {len(entries)} and {len(exits)}")
    final = [src for src, dst in source.edges if dst == exits[0]]
    if len(final) != 1:
        raise RefusedError(f"which of the {len(final)} edges into {exits[0]} is returned is left to chance")
    done = [entries[0]]
    waiting = [name for name in source.items if name not in (entries[0], exits[0])]
    kept: list[tuple[str, str, int]] = []
    idle = 0
    while waiting and idle < len(waiting):
        name = waiting.pop(0)
        found = _arrivals(source, name, done)
        if found is None:
            waiting.append(name)
            idle += 1
            continue
        kept += found
        done.append(name)
        idle = 0
    if waiting:
        raise RefusedError(f"the importer waits for ever for the sources of {', '.join(waiting)}")
    kept.append((final[0], exits[0], 0))
    return Wiring((*done, exits[0]), tuple(kept), entries[0], exits[0])


def _arrivals(source: Source, name: str, done: list[str]) -> list[tuple[str, str, int]] | None:
    """The edges into a node with their steps; None while it has to wait."""
    sources = list(dict.fromkeys(src for src, dst in source.edges if dst == name))
    reached = _reachable(source, name)
    edges = []
    for src in sources:
        if src in done:
            edges.append((src, name, 0))
        elif src in reached and len(sources) > 1:
            edges.append((src, name, 1))
        else:
            return None
    if len(edges) > 2:
        raise RefusedError(f"{name} adds {len(edges)} sources in an order that is left to chance")
    return edges or None


def _reachable(source: Source, start: str) -> set[str]:
    found: set[str] = set()
    waiting = [start]
    while waiting:
        name = waiting.pop()
        for src, dst in source.edges:
            if src == name and dst not in found:
                found.add(dst)
                waiting.append(dst)
    return found


def chain(source: Source, known: Collection[str]) -> Wiring:
    """Spyx 1.0.0: from the node ``input`` along the first edge of each node, to ``output`` or where no edge
    leads on. What lies beside this path, and nodes that spyx does not know, are left out without a word.
    """
    path = ["input"]
    while path[-1] != "output":
        after = next((dst for src, dst in source.edges if src == path[-1]), None)
        if after is None:
            break
        if after in path:
            raise RefusedError(f"the path from input comes back to {after}, and spyx never ends there")
        path.append(after)
    last = path[-1]
    ran = [name for name in path if name in known or name in ("input", "output")]
    if last not in ("output", "input"):
        ran = [name for name in ran if name != last]  # spyx builds the nodes that an edge of its path leads from
    if "input" not in source.items:
        ran = ["input"]
    edges = tuple((a, b, 0) for a, b in pairwise(ran))
    return Wiring(tuple(ran), edges, ran[0], ran[-1], tuple(name for name in source.items if name not in ran))


def ours(source: Source, known: Collection[str]) -> Wiring:
    """Every edge at once, but for those into a neuron that lies on a cycle with their source: these bring the
    value of the step before. So a recurrent weight and its bias act one step later, and not before the first step.
    """
    entries, exits = source.of("Input"), source.of("Output")
    if len(entries) != 1 or len(exits) != 1:
        raise RefusedError(f"needs one Input and one Output; found {len(entries)} and {len(exits)}")
    edges = []
    for src, dst in source.edges:
        loop = source.items[dst].type in NEURONS and (src in _reachable(source, dst))
        edges.append((src, dst, int(loop)))
    order = _sorted(list(source.items), [edge for edge in edges if not edge[2]])
    return Wiring(tuple(order), tuple(edges), entries[0].name, exits[0].name)


def _sorted(names: list[str], edges: list[tuple[str, str, int]]) -> list[str]:
    order: list[str] = []
    waiting = names
    while waiting:
        ready = [name for name in waiting if all(src in order for src, dst, _ in edges if dst == name)]
        if not ready:
            raise RefusedError(f"a cycle without a neuron: {', '.join(waiting)}")
        order += ready
        waiting = [name for name in waiting if name not in ready]
    return order
