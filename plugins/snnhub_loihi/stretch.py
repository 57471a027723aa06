"""What stands between a source of spikes and a layer of neurons: transforms, linear up to a constant."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from snnhub.engine.reference import prepare
from snnhub.ir.graph import TERMINAL_PORT, Edge, Graph, Input, Node, Output, Port
from snnhub.ir.numtype import SPIKE, NumType
from snnhub.ir.op import OpLookup, StepOp
from snnhub.ir.tensor import Array

OF_LOIHI = ("core.Conv", "core.Dense", "core.Flatten")
FOLDED = ("core.AvgPool", "core.BatchNorm")
"""Have folds of their own, which keep convolutions convolutions."""
AWKWARD = (
    "core.Reshape",
    "core.Pad",
    "core.Upsample",
    "core.AdaptiveAvgPool",
    "core.Scale",
    "core.SumPool",
    "core.ConvTranspose",
    "core.Permute",
    "core.Crop",
)
"""What Loihi has no place for and a matrix can say. Some are ops of plugins or later versions, known by name."""
CHUNK = 128


@dataclass(frozen=True)
class Stretch:
    """``nodes``: the transforms in order. ``edges``: into each of them, and from the last one into the neurons."""

    source: Port
    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]
    neuron: str

    @property
    def delay(self) -> int:
        return sum(edge.delay for edge in self.edges)

    @property
    def awkward(self) -> bool:
        """Whether the folds, and what comes after them, have no way with it."""
        return any(node.op in AWKWARD or _unequal_windows(node) for node in self.nodes)

    @property
    def linear(self) -> bool:
        """Whether it is what a matrix and a constant say: a sum that is shifted afterwards is not."""
        known = (*OF_LOIHI, *FOLDED, *AWKWARD)
        return all(node.op in known and not node.attribute.get("shift", 0) for node in self.nodes)

    def chain(self, shape: tuple[int, ...], type_: NumType) -> Graph:
        """The stretch alone, without delays, from an input of this shape."""
        return chain(self.nodes, shape, type_)


def _unequal_windows(node: Node) -> bool:
    """An average whose windows differ in size: the fold of average pooling has no weights for it."""
    if node.op != "core.AvgPool":
        return False
    padded = any(node.integers("padding")) and not node.attribute["count_include_pad"]
    return bool(node.attribute["ceil_mode"]) or padded


def stretches(graph: Graph, lookup: OpLookup) -> Iterator[Stretch]:
    """All stretches that lead into neurons with one input, in the order of the neurons, without loops."""
    for neuron in graph.nodes:
        if not isinstance(lookup(neuron.op, neuron.version), StepOp):
            continue
        for last in graph.feeding(neuron.id):
            found = _back(graph, last, lookup)
            if found is not None and found.source.node != neuron.id:
                yield found


def _back(graph: Graph, last: Edge, lookup: OpLookup) -> Stretch | None:
    nodes: list[Node] = []
    edges = [last]
    while (node := graph.node.get(edges[0].src.node)) is not None:
        if isinstance(lookup(node.op, node.version), StepOp):
            break
        into = graph.feeding(node.id)
        if len(into) != 1 or len(graph.fed_by(node.id)) != 1:
            return None
        nodes.insert(0, node)
        edges.insert(0, into[0])
    return Stretch(edges[0].src, tuple(nodes), tuple(edges), last.dst.node) if nodes else None


def chain(nodes: tuple[Node, ...], shape: tuple[int, ...], type_: NumType) -> Graph:
    """Transforms one after the other, as a graph of their own."""
    names = ["input", *(node.id for node in nodes), "output"]
    ports = [Port("input", TERMINAL_PORT), *(Port(node.id, "y") for node in nodes)]
    edges = tuple(
        Edge(port, Port(name, "x" if name != "output" else TERMINAL_PORT))
        for port, name in zip(ports, names[1:], strict=True)
    )
    return Graph("stretch", nodes, edges, (Input("input", shape, type_),), (Output("output"),))


def affine(graph: Graph, lookup: OpLookup) -> tuple[Array, Array]:
    """Matrix (out, in) and constant (out,) of a stretch, from what it makes of every unit vector and of zeros."""
    shape = graph.inputs[0].shape
    size = int(np.prod(shape))
    plan = prepare(graph, lookup)
    kind = np.uint8 if graph.inputs[0].type == SPIKE else np.float32

    def output(values: Array) -> Array:
        found: Array = plan.run(values.reshape(1, -1, *shape))[0]["output"]
        return found.reshape(values.shape[0], -1)

    constant = output(np.zeros((1, size), kind))[0]
    parts = []
    for first in range(0, size, CHUNK):
        unit = np.zeros((min(CHUNK, size - first), size), kind)
        unit[np.arange(len(unit)), first + np.arange(len(unit))] = 1
        parts.append(output(unit) - constant)
    return np.concatenate(parts).T, constant
