"""spyx 1.0.0, which nodes ``from_nir`` builds: one path from the node ``input`` along the first edge of each node.

Before that, a LIF or CubaLIF and a Linear or Affine that feed each other, and the weight nothing else, become one
recurrent layer, as a graph within the graph does whose four nodes are an Input, an Output, a neuron and a weight.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from snnhub_profiles.source import Item, RefusedError, Source

NEURONS, DENSE = ("IF", "LIF", "CubaLIF"), ("Affine", "Linear")


@dataclass(frozen=True)
class Recurrent:
    """A neuron and the weights through which its spikes come back. ``place``: the id that reasons name."""

    place: str
    nodes: tuple[Item, ...]
    size: tuple[int, ...]
    out: tuple[int, ...]

    def parts(self) -> tuple[Item, Item]:
        """The neuron and the weight. Raises ``RefusedError`` where spyx makes nothing of the graph."""
        if len(self.nodes) != 4:
            raise RefusedError(f"{self.place} has {len(self.nodes)} nodes, and spyx takes graphs of four")
        found = [
            next((item for item in self.nodes if item.type in kinds), None)
            for kinds in (("Input",), ("Output",), NEURONS, DENSE)
        ]
        neuron, weight = found[2], found[3]
        if None in found or neuron is None or weight is None:
            raise RefusedError(f"{self.place} is no graph of an Input, an Output, a neuron and a weight")
        size, sizes = self.size[:1], weight["weight"].shape[:2]
        if not size or size != self.out[:1] or (neuron["v_threshold"].size, *sizes) != size * 3:
            raise RefusedError(f"{self.place}: sizes of its Input, Output, neuron and weight differ")
        if neuron["v_threshold"].ndim != 1 or weight["weight"].ndim != 2:
            raise RefusedError(f"{self.place}: spyx has recurrent layers over one axis")
        return neuron, weight


Module = Item | Recurrent | tuple[Item, Item]
"""What a layer of spyx is made of: a node, a recurrent layer, or LI and its Threshold."""
Nodes = dict[str, Item | Recurrent]
Edge = tuple[str, str]


def path(top: Source) -> tuple[Module, ...]:
    """What spyx builds or passes over, in order. Raises ``RefusedError`` where spyx raises, or never ends."""
    nodes, edges = _with_recurrence(top)
    after: dict[str, str] = {}
    for src, dst in edges:
        after.setdefault(src, dst)
    names = ["input"]
    seen = {"input"}
    while names[-1] != "output" and names[-1] in after:
        following = after[names[-1]]
        if following in seen:
            raise RefusedError(f"the path from input comes back to {following}, and spyx never ends there")
        names.append(following)
        seen.add(following)
    return _built(nodes, names)


def _built(nodes: Nodes, names: list[str]) -> tuple[Module, ...]:
    """Nodes that an edge of the path leads from, but for the first."""
    layers: list[Module] = []
    index = 1
    while index < len(names) - 1:
        item, following = nodes[names[index]], nodes[names[index + 1]]
        if isinstance(item, Item) and item.type == "LI":
            if not isinstance(following, Item) or following.type != "Threshold":
                raise RefusedError(f"{item.id}: spyx takes LI before a Threshold only")
            layers.append((item, following))
            index += 1
        else:
            layers.append(_nested(item, item.inner) if isinstance(item, Item) and item.inner is not None else item)
        index += 1
    return tuple(layers)


def _nested(graph: Item, inner: Source) -> Recurrent:
    shapes = [next((item.arriving or () for item in inner.of(kind)), ()) for kind in ("Input", "Output")]
    return Recurrent(graph.id, tuple(inner.items.values()), shapes[0], shapes[1])


def _with_recurrence(top: Source) -> tuple[Nodes, list[Edge]]:
    """Nodes and edges with every such pair as one node, named by what stands before the neuron's first dot."""
    nodes: Nodes = dict(top.items)
    edges, there = list(top.edges), set(top.edges)
    for neuron, weight in top.edges:
        if neuron == weight or (weight, neuron) not in there or not _is_pair(nodes, edges, neuron, weight):
            continue
        key = neuron.split(".")[0]
        made = _of_pair(nodes, neuron, weight, key)
        kept = [edge for edge in edges if edge not in ((neuron, weight), (weight, neuron))]
        edges = [(key if a == neuron else a, key if b == neuron else b) for a, b in kept]
        there = set(edges)
        nodes = {name: item for name, item in nodes.items() if name not in (neuron, weight)}
        nodes[key] = made
    return nodes, edges


def _is_pair(nodes: Nodes, edges: list[Edge], neuron: str, weight: str) -> bool:
    found = [nodes[name] for name in (neuron, weight)]
    kinds = [item.type if isinstance(item, Item) else "" for item in found]
    alone = sum(src == weight for src, _ in edges) == sum(dst == weight for _, dst in edges) == 1
    return alone and kinds[0] in ("LIF", "CubaLIF") and kinds[1] in DENSE


def _of_pair(nodes: Nodes, neuron: str, weight: str, key: str) -> Recurrent:
    cell, dense = nodes[neuron], nodes[weight]
    assert isinstance(cell, Item) and isinstance(dense, Item)  # noqa: S101, PT018  what a pair is
    ends = (f"{key}.input", f"{key}.output")
    if neuron in ends or weight == ends[1]:
        raise RefusedError(f"{cell.id}: spyx makes a graph with nodes {ends[0]} and {ends[1]} of it, and fails")
    shape = tuple(cell["v_threshold"].shape)
    parts: tuple[Item, ...] = (cell, dense)
    if weight != ends[0]:
        parts = (cell, dense, *(replace(cell, name="", type=kind) for kind in ("Input", "Output")))
    return Recurrent(cell.id, parts, shape, shape)
