"""Reads a graph as Xylo's core could hold it: layers of neurons, weights between them, and residual blocks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

import numpy as np
from snnhub.findings import Finding, error
from snnhub.ir.analysis import analyse
from snnhub.ir.graph import TERMINAL_PORT, Edge, Graph, Node, Port
from snnhub.ir.op import OpLookup
from snnhub.ir.tensor import Array
from snnhub.ops.multispike import unrolled

NEURONS, DENSE, ADD = "core.MultiSpikeLIF", "core.Dense", "core.Add"
TAKEN = (NEURONS, DENSE, ADD)
CODE = "SNN-2406"
REMEDIES = {
    "core.ExpSyn": "Xylo's currents belong to neurons: leave the synapse layer out, or use neurons.",
    "core.Conv": "Xylo takes dense weights: train with linear layers.",
    "core.Flatten": "Xylo takes one axis of features: train on flat input.",
    "core.MaxPool": "Xylo has no maximum: use linear layers.",
}


@dataclass(frozen=True, eq=False)
class Link:
    """Weights (size of source, size of target), in f64, from an input or a layer to one synapse of a layer.

    ``delay``: steps that the edges between them take, all together. ``linear``: the nodes that made the weights.
    """

    source: str
    target: str
    synapse: int
    delay: int
    weight: Array
    linear: tuple[str, ...] = ()


@dataclass(frozen=True)
class Skip:
    """A residual sum ``node``: spikes of ``source``, ``delay`` steps later, count as spikes of ``target`` too."""

    node: str
    source: str
    target: str
    delay: int


@dataclass(frozen=True)
class Network:
    """``layers``: hidden ones in graph order. ``sums``: residual sums, and the layer that stands for each, inner
    ones first. ``biases``: what linear layers add to a synapse of a layer in every step.
    """

    input: str
    layers: tuple[Node, ...]
    output: Node | None
    links: tuple[Link, ...]
    skips: tuple[Skip, ...]
    biases: Mapping[tuple[str, int], Array]
    sums: Mapping[str, str]
    sizes: Mapping[str, int]

    @property
    def ends(self) -> tuple[Node, ...]:
        """Hidden layers, then the output layer."""
        return (*self.layers, *((self.output,) if self.output is not None else ()))

    @property
    def connections(self) -> tuple[Link | Skip, ...]:
        """Links, then skips."""
        return (*self.links, *self.skips)

    def fan_outs(self) -> dict[str, Array]:
        """For every hidden layer: weights other than 0 from each of its neurons to hidden ones."""
        found = {layer.id: np.zeros(self.sizes[layer.id], np.int64) for layer in self.layers}
        output = None if self.output is None else self.output.id
        for link in self.links:
            if link.source in found and link.target != output and len(link.weight) == len(found[link.source]):
                found[link.source] += np.count_nonzero(link.weight, axis=1)
        return found

    def moved(self, lags: Mapping[str, int], skew: bool) -> Network:
        """The network with the delays that lags of its layers ask for; ``skew``: skips keep theirs."""
        links = [
            replace(link, delay=link.delay + lags[link.target] - lags[link.source])
            for link in self.links
            if link.source in lags and link.target in lags
        ]
        skips = [
            skip if skew else replace(skip, delay=skip.delay + lags[skip.target] - lags[skip.source])
            for skip in self.skips
        ]
        return replace(self, links=tuple(links), skips=tuple(skips))


@dataclass(frozen=True, eq=False)
class _Term:
    """What arrives somewhere, as weights over spikes of one source. ``weight``: (in, out), None for the spikes."""

    source: str
    delay: int
    weight: Array | None = None
    linear: tuple[str, ...] = ()


@dataclass
class Reading:
    """Reads one graph. ``found``: everything that has no place on a core, all of it."""

    graph: Graph
    lookup: OpLookup
    sizes: dict[str, int] = field(default_factory=dict)
    found: list[Finding] = field(default_factory=list)
    spikes_of: dict[str, str] = field(default_factory=dict)
    """Sums of spikes, by id: the layer that stands for each."""
    skips: list[Skip] = field(default_factory=list)

    def network(self) -> Network:
        """The network, as far as it could be read."""
        self._nodes()
        neurons = [node for node in self.graph.nodes if node.op == NEURONS]
        self.sizes = {item.id: int(np.prod(item.shape)) for item in self.graph.inputs}
        shapes = analyse(self.graph, self.lookup).shapes
        self.sizes |= {node.id: int(np.prod(shapes.get(Port(node.id, "s"), (1,)))) for node in neurons}
        output = self._output()
        for node in self.graph.nodes:
            if node.op == ADD:
                self._block(node)
        links, biases = self._links(neurons)
        self._consumers(neurons, output)
        hidden = tuple(node for node in neurons if node is not output)
        if output is not None:
            self._at_the_end(output, links)
            if not hidden:
                self._refuse(output.id, "a network of one layer has no hidden neurons", "Put a layer before it.")
        first = self.graph.inputs[0].id if self.graph.inputs else ""
        return Network(first, hidden, output, tuple(links), tuple(self.skips), biases, self.spikes_of, self.sizes)

    def _refuse(self, place: str, words: str, remedy: str = "", old: str = "") -> None:
        self.found.append(error(CODE, place, words, old=old, remedy=remedy))

    def _nodes(self) -> None:
        for node in self.graph.nodes:
            if node.op not in TAKEN:
                words = f"{node.kind} has no place on Xylo's core"
                self._refuse(node.id, words, REMEDIES.get(node.op, "Use linear layers and LIF neurons."))
        if len(self.graph.inputs) != 1 or len(self.graph.outputs) != 1:
            counts = f"{len(self.graph.inputs)} inputs, {len(self.graph.outputs)} outputs"
            self._refuse(self.graph.name or "graph", "a core has one input and one output", old=counts)
        for item in self.graph.inputs:
            if len(item.shape) != 1:
                words = "input channels lie on one axis"
                self._refuse(item.id, words, "Flatten the input.", old=str(list(item.shape)))

    def _output(self) -> Node | None:
        """The layer whose spikes are the network's output."""
        ends = [
            edge for item in self.graph.outputs for edge in self.graph.into.get(Port(item.id, TERMINAL_PORT), ())
        ]
        node = self.graph.node.get(ends[0].src.node) if len(ends) == 1 else None
        if node is not None and node.op == NEURONS and not ends[0].delay:
            return node
        for end in ends:
            if (source := self.graph.node.get(end.src.node)) is None or source.op in TAKEN:
                words = "the output is not the spikes of one layer of neurons"
                self._refuse(str(end), words, "End with a linear layer and neurons of their own.")
        return None

    def terms(self, port: Port, delay: int = 0) -> list[_Term]:
        """What a port carries, back to inputs and spikes. Nodes that are refused carry nothing."""
        node = self.graph.node.get(port.node)
        if node is None:
            return [_Term(port.node, delay)]
        if node.op == NEURONS:
            return [_Term(node.id, delay)]
        if node.id in self.spikes_of:
            return [_Term(self.spikes_of[node.id], delay)]
        if node.op not in (DENSE, ADD):
            return []
        arrived = [
            term for edge in self.graph.feeding(node.id) for term in self.terms(edge.src, delay + edge.delay)
        ]
        if node.op == ADD:
            return arrived
        weight = node.param["weight"].array.astype(np.float64).T
        return [
            _Term(t.source, t.delay, weight if t.weight is None else t.weight @ weight, (*t.linear, node.id))
            for t in arrived
        ]

    def _block(self, node: Node) -> None:
        """A sum of the spikes of two layers is a residual block; every other sum is one of currents."""
        sides = [self.terms(edge.src, edge.delay) for edge in self.graph.feeding(node.id)]
        if len(sides) != 2 or any(len(side) != 1 or side[0].weight is not None for side in sides):
            return
        first, second = sides[0][0], sides[1][0]
        order = [other.id for other in self.graph.nodes if other.op == NEURONS]
        place = {name: number for number, name in enumerate(order)}
        late, early = (
            (first, second) if place.get(first.source, -1) > place.get(second.source, -1) else (second, first)
        )
        if late.delay or late.source not in place:
            words = "a residual sum needs neurons of its own on one side, without a delay"
            self._refuse(node.id, words, "End the block with neurons.")
            return
        self.spikes_of[node.id] = late.source
        self.skips.append(Skip(node.id, early.source, late.source, early.delay))

    def _links(self, neurons: list[Node]) -> tuple[list[Link], dict[tuple[str, int], Array]]:
        links: list[Link] = []
        biases: dict[tuple[str, int], Array] = {}
        for node in neurons:
            for synapse, edge in _synapse_edges(self.graph, node):
                size = self.sizes[node.id]
                for term in self.terms(edge.src, edge.delay):
                    weight = np.eye(size) if term.weight is None else term.weight
                    links.append(Link(term.source, node.id, synapse, term.delay, weight, term.linear))
                offset = self._bias(edge.src)
                if offset is not None:
                    key = node.id, synapse
                    biases[key] = biases.get(key, np.zeros(size)) + offset
        return links, biases

    def _bias(self, port: Port) -> Array | None:
        """What linear layers add to a port in every step, or None."""
        node = self.graph.node.get(port.node)
        if node is None or node.op not in (DENSE, ADD) or node.id in self.spikes_of:
            return None
        before = [self._bias(edge.src) for edge in self.graph.feeding(node.id)]
        known = [offset for offset in before if offset is not None]
        total = sum(known[1:], known[0]) if known else None
        if node.op == ADD:
            return total
        weight = node.param["weight"].array.astype(np.float64)
        own = node.param["bias"].array.astype(np.float64) * np.ones(len(weight)) if "bias" in node.param else None
        if total is None:
            return own
        through = weight @ total
        return through if own is None else through + own

    def _consumers(self, neurons: list[Node], output: Node | None) -> None:
        """Spikes of a layer in a block cannot be had without the others; a residual around recurrence neither."""
        for node in neurons:
            blocks = [name for name, layer in self.spikes_of.items() if layer == node.id]
            if not blocks:
                continue
            if node is output:
                self._refuse(node.id, "output neurons have no aliases", "End with neurons outside the block.")
            others = [edge for edge in self.graph.fed_by(node.id) if edge.dst.node not in blocks]
            recurrent = [edge for edge in others if self._returns(edge, node.id)]
            if recurrent:
                words = (
                    "a residual block around recurrent neurons: on the chip they would hear the skipped spikes too"
                )
                remedy = "Give the skip weights of its own, or leave the recurrence out."
                self._refuse(node.id, words, remedy)
            elif others:
                words = f"{others[0].dst.node} hears the neurons of a residual block without what is added to them"
                self._refuse(str(others[0]), words, "Take the sum's output, or end the block with other neurons.")

    def _returns(self, edge: Edge, layer: str) -> bool:
        """Whether an edge leads back to a layer through linear nodes."""
        seen, pending = set(), [edge.dst.node]
        while pending:
            name = pending.pop()
            if name == layer:
                return True
            node = self.graph.node.get(name)
            if node is not None and node.op == DENSE and name not in seen:
                seen.add(name)
                pending += [after.dst.node for after in self.graph.fed_by(name)]
        return False

    def _at_the_end(self, output: Node, links: list[Link]) -> None:
        if int(str(output.attribute["n_syn"])) > 1:
            self._refuse(output.id, "output neurons have one synapse", "Train with one synapse there.")
        if any(link.source == output.id for link in links):
            self._refuse(output.id, "output neurons cannot feed neurons", "Leave out their recurrent weights.")
        if any(link.target == output.id and link.source in self.graph.input for link in links):
            self._refuse(output.id, "output neurons hear hidden neurons only", "Put a layer of neurons between.")


def _synapse_edges(graph: Graph, node: Node) -> Iterator[tuple[int, Edge]]:
    """Edges into a layer, each with the number of its synapse."""
    for start in ("x", "r"):
        for number, name in enumerate(_names(start, node)):
            for edge in graph.into.get(Port(node.id, name), ()):
                yield number, edge


def _names(start: str, node: Node) -> tuple[str, ...]:
    return unrolled(start, node.attribute) if start == "x" or node.attribute["recurrent"] else ()


def read_network(graph: Graph, lookup: OpLookup) -> tuple[Network, tuple[Finding, ...]]:
    """The layers of a graph and everything in it that has no place on a core."""
    reading = Reading(graph, lookup)
    network = reading.network()
    return network, tuple(reading.found)
