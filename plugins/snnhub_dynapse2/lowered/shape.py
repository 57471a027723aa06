"""How a graph of analog neurons is laid out: its nodes in order, who feeds whom, and where the output is read.

The board knows neurons and synapses only. This is the rest, so that the graph that a file is read as has the nodes
that were mapped.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from snnhub.errors import FormatError
from snnhub.ir.graph import REDUCTIONS, Decoder
from snnhub_formats.strictjson import items, located, record, text, truth, whole

SHAPE = ("input", "output", "reads", "decoder", "nodes")
DECODER = ("reduce", "argmax", "quantity")
NEURONS = ("id", "neurons")
WEIGHTS = ("id", "from", "to", "delay")
MOST_NODES = 4096
MOST_NEURONS = 4096


@dataclass(frozen=True)
class Layer:
    """A node of analog neurons, and how many they are."""

    id: str
    size: int


@dataclass(frozen=True)
class Link:
    """A node of weights from ``source`` (a layer, or the input) to the layer ``target``; ``delay``: 0, or 1 where
    the spikes arrive a step later.
    """

    id: str
    source: str
    target: str
    delay: int


@dataclass(frozen=True)
class Shape:
    """``nodes`` in the order of the graph. ``input``, ``output``: ids of the ends; ``reads``: the layer that the
    output is read from. ``n_in``: input channels.
    """

    input: str
    output: str
    reads: str
    n_in: int
    nodes: tuple[Layer | Link, ...]
    decoder: Decoder | None = None

    @property
    def layers(self) -> tuple[Layer, ...]:
        """Nodes of neurons."""
        return tuple(node for node in self.nodes if isinstance(node, Layer))

    @property
    def links(self) -> tuple[Link, ...]:
        """Nodes of weights."""
        return tuple(node for node in self.nodes if isinstance(node, Link))

    @property
    def first(self) -> dict[str, int]:
        """The number of a layer's first neuron, where all layers are counted in one row."""
        found, total = {}, 0
        for layer in self.layers:
            found[layer.id] = total
            total += layer.size
        return found

    @property
    def labels(self) -> tuple[tuple[str, int], ...]:
        """Layer and index of every neuron in that row."""
        return tuple((layer.id, index) for layer in self.layers for index in range(layer.size))

    def rows(self, link: Link) -> slice:
        """Sources of a link: channels of the input, or neurons in that row."""
        if link.source == self.input:
            return slice(0, self.n_in)
        return self.columns(link.source)

    def columns(self, layer: str) -> slice:
        """The neurons of a layer in that row."""
        first = self.first[layer]
        return slice(first, first + next(item.size for item in self.layers if item.id == layer))

    def to_json(self) -> dict[str, Any]:
        """As the file has it."""
        decoder = None if self.decoder is None else {key: getattr(self.decoder, key) for key in DECODER}
        nodes: list[dict[str, Any]] = []
        for node in self.nodes:
            if isinstance(node, Layer):
                nodes.append(dict(zip(NEURONS, (node.id, node.size), strict=True)))
            else:
                ends = (node.id, node.source, node.target, node.delay)
                nodes.append(dict(zip(WEIGHTS, ends, strict=True)))
        return dict(zip(SHAPE, (self.input, self.output, self.reads, decoder, nodes), strict=True))


def shape_of(value: Any, n_in: int) -> Shape:
    """A shape from its JSON. Raises ``FormatError``."""
    start, end, reads, decoder, nodes = record(value, SHAPE, "graph")
    rows = items(nodes, "nodes")
    if len(rows) > MOST_NODES:
        raise FormatError("nodes are too many", found=str(len(rows)), allowed=f"at most {MOST_NODES}")
    made = tuple(located(f"node {number}", _node, row) for number, row in enumerate(rows))
    names = (text(start, "input"), text(end, "output"), text(reads, "reads"))
    shape = Shape(*names, n_in, made, None if decoder is None else located("decoder", _decoder, decoder))
    for words in _problems(shape):
        raise FormatError(words, where="graph")
    return shape


def _node(value: Any) -> Layer | Link:
    if isinstance(value, dict) and "neurons" in value:
        name, size = record(value, NEURONS, "node")
        return Layer(_id(name), whole(size, "neurons", 1, MOST_NEURONS))
    name, source, target, delay = record(value, WEIGHTS, "node")
    return Link(_id(name), text(source, "from"), text(target, "to"), whole(delay, "delay", 0, 1))


def _id(value: Any) -> str:
    if not text(value, "id"):
        raise FormatError("id is empty")
    return str(value)


def _decoder(value: Any) -> Decoder:
    reduce, argmax, quantity = record(value, DECODER, "decoder")
    if reduce not in REDUCTIONS:
        raise FormatError("decoder is not known", found=repr(reduce)[:40], allowed=", ".join(REDUCTIONS))
    return Decoder(reduce, truth(argmax, "argmax"), text(quantity, "quantity"))


def _problems(shape: Shape) -> Iterator[str]:
    """What no graph could be made of."""
    names = [shape.input, shape.output, *(node.id for node in shape.nodes)]
    layers = {layer.id for layer in shape.layers}
    if len(set(names)) != len(names) or "" in names:
        yield "ids are not all different"
    if shape.reads not in layers:
        yield f"the output is read from {shape.reads!r}, which is no layer"
    pairs = [(link.source, link.target) for link in shape.links]
    if len(set(pairs)) != len(pairs):
        yield "two nodes of weights lead from one layer to one layer"
    for link in shape.links:
        if link.source not in layers | {shape.input} or link.target not in layers:
            yield f"weights {link.id!r} do not lead from a layer or the input to a layer"


def plain(names: Sequence[tuple[str, int]], pairs: set[tuple[str | None, str]], n_in: int) -> Shape:
    """The shape of a board that does not say: ``names`` of layers with their sizes, ``pairs`` of layers (None: the
    input) that synapses connect. What comes from neurons comes a step later.
    """
    taken = {name for name, _ in names}
    start, end = (_free(name, taken) for name in ("input", "output"))
    nodes: list[Layer | Link] = []
    for name, size in names:
        nodes.append(Link(f"{name}/w_in", start, name, 0))
        nodes.append(Layer(name, size))
    for source, _ in names:
        for target, _ in names:
            if (source, target) in pairs:
                own = f"{target}/w_rec" if source == target else f"{target}/w_from/{source}"
                nodes.append(Link(own, source, target, 1))
    return Shape(start, end, names[-1][0] if names else "", n_in, tuple(nodes), Decoder("sum"))


def _free(name: str, taken: set[str]) -> str:
    while name in taken:
        name += "_"
    return name
