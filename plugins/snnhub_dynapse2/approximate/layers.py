"""Reads a graph as layers of neurons with weights between them: linear stages in a row become one matrix."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import numpy as np
from snnhub.engine.runner import make_runner
from snnhub.findings import Finding, error
from snnhub.ir.analysis import Analysis, analyse, ports_of
from snnhub.ir.graph import TERMINAL_PORT, Edge, Graph, Node, Port
from snnhub.ir.op import OpLookup

from snnhub_dynapse2.approximate.source import FILTERS, NEURONS, Source, problems, read_source
from snnhub_dynapse2.limits import CHIP_NEURONS, CHIPS
from snnhub_dynapse2.network import Floats

DENSE = "core.Dense"
LINEAR = (
    *(DENSE, "core.Conv", "core.ConvTranspose", "core.Flatten", "core.Reshape", "core.Pad", "core.Upsample"),
    *("core.Add", "core.Concat", "core.BatchNorm", "core.AvgPool", "core.AdaptiveAvgPool", "core.Scale"),
)
"""Stages that are a matrix and an offset."""
MOST = CHIPS * CHIP_NEURONS
CODE = "SNN-2540"


@dataclass(frozen=True, eq=False)
class Link:
    """``weight`` (size of source, size of target), f64, from a layer or the input, ``delay`` steps later.

    ``stages``: the nodes that it was made of.
    """

    source: str
    delay: int
    weight: Floats
    stages: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class Layer:
    """Neurons, and what leads to them. ``offset`` (size,): what linear stages add to it in every step,
    which is part of the source's ``bias``. ``filtered``: nodes that were their synaptic current.
    """

    source: Source
    links: tuple[Link, ...]
    offset: Floats
    filtered: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        return self.source.name

    @property
    def stages(self) -> tuple[str, ...]:
        """Nodes that became its weights."""
        return tuple(dict.fromkeys(name for link in self.links for name in link.stages))


@dataclass(frozen=True, eq=False)
class _Term:
    """What arrives at a port from one source; ``factor`` of the current on the way, None without one."""

    source: str
    delay: int
    weight: Floats | None
    stages: tuple[str, ...] = ()
    factor: float | None = None
    filters: tuple[str, ...] = ()


@dataclass
class Reading:
    """Reads one graph. ``found``: everything that has no place, all of it."""

    graph: Graph
    lookup: OpLookup
    found: list[Finding] = field(default_factory=list)

    def layers(self) -> tuple[Layer, ...]:
        """The layers in order of the graph; what could not be read is in ``found`` and left out."""
        self._analysis: Analysis = analyse(self.graph, self.lookup)
        for node in self.graph.nodes:
            self.found += problems(node)
            if node.op not in (*NEURONS, *LINEAR, *FILTERS) and not any(f.place == node.id for f in self.found):
                remedy = "Use linear layers, average pooling and LIF neurons."
                self._refuse(node.id, f"{node.kind} has no analog counterpart", remedy)
        if len(self.graph.inputs) != 1:
            self._refuse(self.graph.name, "the network must have one input", "Join the inputs.")
        self._outputs()
        neurons = [node for node in self.graph.nodes if node.op in NEURONS]
        if not neurons:
            self._refuse(
                self.graph.name, "the network has no spiking neurons", "Convert a network of LIF neurons."
            )
        large = sum(self.size(Port(node.id, "s")) for node in neurons)
        if large > MOST:
            self._refuse(self.graph.name, f"{large} neurons, a board has {MOST}", "Use a smaller network.")
        if self.found:
            return ()
        layers = tuple(self._layer(node) for node in neurons)
        return () if self.found else layers

    def size(self, port: Port) -> int:
        """Entries of what a port carries."""
        return int(np.prod(self._analysis.shapes.get(port, (1,)), dtype=np.int64))

    def _refuse(self, place: str, words: str, remedy: str, old: str = "") -> None:
        self.found.append(error(CODE, place, words, old=old, remedy=remedy))

    def _outputs(self) -> None:
        for output in self.graph.outputs:
            for edge in self.graph.feeding(output.id):
                node = self.graph.node.get(edge.src.node)
                if node is None or node.op not in NEURONS or edge.src.name != "s":
                    remedy = "Let the last layer spike."
                    self._refuse(edge.src.node, "the chip gives spikes of neurons, nothing else", remedy)

    def _layer(self, node: Node) -> Layer:
        source = read_source(node, self.size(Port(node.id, "s")))
        ports = ports_of(node, self.lookup)
        terms: list[_Term] = []
        offset = np.zeros(source.size)
        for name in ports.inputs if ports else ():
            found, more = self._arriving(Port(node.id, name))
            terms += found
            offset = offset + more
        factors = {term.factor for term in terms}
        filtered = tuple(dict.fromkeys(name for term in terms for name in term.filters))
        gain = source.jump / (1 - source.factor)
        if filtered and (len(factors) > 1 or source.factor.any()):
            words = "several currents with different decays lead to one layer"
            self._refuse(node.id, words, "Use one current per layer.", old=", ".join(filtered))
        elif filtered:
            source = _with_current(source, float(next(iter(factors)) or 0.0), self.graph.node[filtered[0]].op)
        source = replace(source, bias=source.bias + offset * gain)
        return Layer(source, self._merged(terms), offset, filtered)

    def _merged(self, terms: list[_Term]) -> tuple[Link, ...]:
        found: dict[tuple[str, int], Link] = {}
        for term in terms:
            weight = np.eye(self._width(term.source)) if term.weight is None else term.weight
            key = (term.source, term.delay)
            if key in found:
                stages = tuple(dict.fromkeys((*found[key].stages, *term.stages)))
                found[key] = replace(found[key], weight=found[key].weight + weight, stages=stages)
            else:
                found[key] = Link(term.source, term.delay, weight, term.stages)
        return tuple(found.values())

    def _width(self, name: str) -> int:
        return self.size(Port(name, TERMINAL_PORT if name in self.graph.input else "s"))

    def _arriving(self, port: Port) -> tuple[list[_Term], Floats]:
        terms: list[_Term] = []
        offset = np.zeros(self.size(port))
        for edge in self.graph.into.get(port, ()):
            found, more = self._from(edge)
            terms += [replace(term, delay=term.delay + edge.delay) for term in found]
            offset = offset + more
        return terms, offset

    def _from(self, edge: Edge) -> tuple[list[_Term], Floats]:
        node = self.graph.node.get(edge.src.node)
        if node is None or (node.op in NEURONS and edge.src.name == "s"):
            return [_Term(edge.src.node, 0, None)], np.zeros(self.size(edge.src))
        if node.op in FILTERS:
            return self._filter(node)
        if node.op not in LINEAR:
            self._refuse(node.id, "weights take spikes, nothing else", "Use the spikes of the neurons.")
            return [], np.zeros(self.size(edge.src))
        return self._linear(node)

    def _filter(self, node: Node) -> tuple[list[_Term], Floats]:
        name, leaks = ("leak", True) if node.op == "core.SynapseFilter" else ("beta", False)
        number = np.unique(node.param[name].array.astype(np.float64))
        terms, offset = self._arriving(Port(node.id, "x"))
        if len(number) > 1 or any(term.filters for term in terms) or np.any(offset):
            remedy = "Use one decay, and no biases before it."
            self._refuse(node.id, "a current is a neuron's own only with one decay for all of it", remedy)
        factor = 1 - float(number[0]) if leaks else float(number[0])
        return [replace(term, factor=factor, filters=(node.id,)) for term in terms], offset

    def _linear(self, node: Node) -> tuple[list[_Term], Floats]:
        ports = ports_of(node, self.lookup)
        names = tuple(ports.inputs) if ports else ()
        terms: list[_Term] = []
        total = self._respond(node, names, "")[0]
        for name in names:
            matrix = self._respond(node, names, name) - self._respond(node, names, "")
            found, offset = self._arriving(Port(node.id, name))
            total = total + offset @ matrix
            for term in found:
                weight = matrix if term.weight is None else term.weight @ matrix
                terms.append(replace(term, weight=weight, stages=(*term.stages, node.id)))
        return terms, total

    def _respond(self, node: Node, names: tuple[str, ...], to: str) -> Floats:
        """What a stage makes of each unit at port ``to`` alone, (entries, outputs); of nothing: ""."""
        if node.op == DENSE and to and node.param["weight"].type.is_float:
            weight = node.param["weight"].array.astype(np.float64).T
            return weight + self._respond(node, names, "")
        shapes = {name: self._analysis.shapes[Port(node.id, name)] for name in names}
        count = int(np.prod(shapes[to])) if to else 1
        given = {}
        for name, shape in shapes.items():
            values = np.eye(count) if name == to else np.zeros((count, int(np.prod(shape))))
            type_ = self._analysis.types[Port(node.id, name)].numpy
            given[name] = values.reshape(1, count, *shape).astype(type_)
        runner = make_runner(node, self.lookup, self._analysis)
        made = next(iter(runner.run(given, {}, frozenset()).values()))
        return np.asarray(made.reshape(count, -1), np.float64)


def _with_current(source: Source, factor: float, op: str) -> Source:
    """The neuron with a synaptic current before it: ExpSyn keeps what arrived in the same step only in part."""
    jump = source.jump * (factor if op == "core.ExpSyn" else 1.0)
    return replace(source, factor=np.full(source.size, factor), jump=jump)


def neurons_of(graph: Graph) -> Iterator[Node]:
    """The nodes that ``analog`` would replace: spiking ones that are not analog."""
    return (node for node in graph.nodes if node.op in (*NEURONS,))
