"""Whether a profile reads a NIR network as the very network of steps that it was written from."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace

from snnhub.api.discretise import discretise
from snnhub.errors import SnnhubError
from snnhub.ir.graph import Edge, Graph, Node
from snnhub.ir.tensor import Array

from snnhub_nir.back_neurons import PROFILES

ORDERED = 2
"""Up to so many values add up to the same in any order."""


@dataclass(frozen=True, slots=True)
class Reading:
    """``nodes`` and ``wiring``: the first difference of each kind between what ``profile`` reads and the network
    that was written; empty where there is none. A profile that refuses the file differs in both.
    """

    profile: str
    nodes: str = ""
    wiring: str = ""

    @property
    def words(self) -> str:
        """The first difference of any kind."""
        return self.nodes or self.wiring


def read_back(
    graph: Graph, plain: Graph, names: Mapping[str, str], sources: Mapping[str, tuple[Edge, ...]], dt: float
) -> Reading:
    """How the profile whose step the neurons of ``graph`` are reads ``plain``.

    ``names``: nodes of ``plain`` by nodes of ``graph``; ``sources``: edges of ``graph`` into each node and output,
    from where values come from.
    """
    wanted = list(dict.fromkeys(PROFILES[node.op] for node in graph.nodes if node.op in PROFILES))
    if len(wanted) > 1:
        words = f"its neurons are those of {' and '.join(wanted)}"
        return Reading("", words, words)
    profile = wanted[0] if wanted else "nir-euler"
    try:
        made = discretise(plain, dt, profile)
    except SnnhubError as problem:
        words = f"{profile}: {problem.message} ({problem.where})"
        return Reading(profile, words, words)
    return Reading(profile, _other_nodes(graph, made, names), _other_wiring(made, names, sources))


def _other_nodes(graph: Graph, made: Graph, names: Mapping[str, str]) -> str:
    if {names[node.id] for node in graph.nodes if node.id in names} != set(made.node):
        return "it has other nodes there"
    kept = [node for node in graph.nodes if node.id in names]
    other = next((node.id for node in kept if not _same(node, made.node[names[node.id]])), None)
    return "" if other is None else f"{other} becomes another neuron or sum"


def _other_wiring(made: Graph, names: Mapping[str, str], sources: Mapping[str, tuple[Edge, ...]]) -> str:
    for target, edges in sources.items():
        found = [(edge.src.node, edge.delay) for edge in made.feeding(names.get(target, target))]
        wanted = [(names.get(edge.src.node, edge.src.node), edge.delay) for edge in edges]
        if (found != wanted) if len(wanted) > ORDERED else (Counter(found) != Counter(wanted)):
            return f"other values arrive at {target}, or in another step or order"
    return ""


def _same(a: Node, b: Node) -> bool:
    """Whether two nodes compute the same; a single number goes for all elements, one per channel for its own."""
    a, b = _without_idle_bias(a), _without_idle_bias(b)
    if (a.kind, a.attributes, sorted(a.param)) != (b.kind, b.attributes, sorted(b.param)):
        return False
    for name, item in a.params:
        x, y = item.array, b.param[name].array
        repeated = a.program is not None and x.ndim == y.ndim and all(1 in pair for pair in _unequal(x, y))
        if x.dtype != y.dtype or not (x.shape == y.shape or () in (x.shape, y.shape) or repeated):
            return False
        if not bool((x == y).all()):
            return False
    return True


def _unequal(x: Array, y: Array) -> list[tuple[int, int]]:
    """Lengths of the axes in which two arrays of one rank differ."""
    return [pair for pair in zip(x.shape, y.shape, strict=True) if pair[0] != pair[1]]


def _without_idle_bias(node: Node) -> Node:
    """A convolution without its bias of zeros, which NIR has in every one."""
    if node.op != "core.Conv" or "bias" not in node.param or node.param["bias"].array.any():
        return node
    attributes = tuple((name, False if name == "bias" else value) for name, value in node.attributes)
    return replace(node, attributes=attributes, params=(("weight", node.param["weight"]),))
