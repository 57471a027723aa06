"""In which order a framework runs the nodes of a file, and so which edges bring values of the step before.

Three executors were found among the importers: nirtorch's ``GraphExecutor`` (norse, sinabs, Rockpool:
``executor``), the program that nirtorch's ``nir_to_torch`` writes (snnTorch, SpikingJelly: ``program``), and
spyx's single chain. ``ours`` delays the edges into neurons that close a cycle.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from itertools import pairwise

from snnhub.ir.ct_names import node_path

from snnhub_profiles.source import RefusedError, Source

NEURONS = ("I", "IF", "LI", "LIF", "CubaLI", "CubaLIF")


@dataclass(frozen=True)
class Wiring:
    """``order``: names of the nodes that run. ``edges``: (from, to, steps), in the order in which a node adds
    them.
    ``entry``: who gets the network's input. ``output``: whose value is the network's. ``left``: nodes left out.
    ``returned``: where several values are returned, all of them; the first is ``output``.
    Nodes of graphs within have paths of names, joined by ``/``.
    """

    order: tuple[str, ...]
    edges: tuple[tuple[str, str, int], ...]
    entry: str
    output: str
    left: tuple[str, ...] = ()
    returned: tuple[str, ...] = ()


Rule = Callable[[Source, Collection[str]], Wiring]
"""From a file and the names of the nodes that the importer knows. Raises ``RefusedError``."""


def inlined(level: Wiring, inner: Mapping[str, Wiring], path: str) -> Wiring:
    """``level`` with its graphs within laid flat, each of which runs as one node; names become paths."""

    def first(name: str) -> str:
        return inner[name].entry if name in inner else f"{path}{name}"

    def last(name: str) -> str:
        return inner[name].output if name in inner else f"{path}{name}"

    order: list[str] = []
    edges: list[tuple[str, str, int]] = []
    for name in level.order:
        order += inner[name].order if name in inner else [f"{path}{name}"]
        edges += [(last(src), first(dst), steps) for src, dst, steps in level.edges if dst == name]
        edges += inner[name].edges if name in inner else ()
    left = [f"{path}{name}" for name in level.left if name not in inner]
    left += [name for other in level.order if other in inner for name in inner[other].left]
    returned = tuple(last(name) for name in level.returned)
    return Wiring(tuple(order), tuple(edges), first(level.entry), last(level.output), tuple(left), returned)


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
    entries, exits = (
        [item for item in source.of(kind) if len(node_path(item.id)) == 1] for kind in ("Input", "Output")
    )
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
