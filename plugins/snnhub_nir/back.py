"""A network of steps as one in continuous time: the profiles of frameworks, the other way.

NIR says less than a network of steps does. What its fields do not say is a loss, by name and with its place, and
is refused unless ``lossy``. Where nothing was lost, the plain file is read by the profile whose step the neurons
are, and has to come back as the same network: else that is a loss, too.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from snnhub.errors import UnsupportedError
from snnhub.findings import Finding, Severity, error, loss, note
from snnhub.ir.analysis import analyse
from snnhub.ir.continuous import GRAPH, VERSION
from snnhub.ir.ct_names import ROOT, node_id
from snnhub.ir.graph import TERMINAL_PORT, Edge, Graph, Node, Port
from snnhub.ir.numtype import F32
from snnhub.ir.tensor import tensor
from snnhub.ops.registry import REGISTRY

from snnhub_nir.back_layers import INTEGERS, Place, UnsayableError, Written
from snnhub_nir.back_neurons import MAKES, NEURONS
from snnhub_nir.back_proof import read_back
from snnhub_nir.back_sinabs import sum_pool, sums
from snnhub_nir.back_snntorch import NEURONS as SEVERAL

UNSAYABLE, TIME, UNTIMED, OPEN, PROVED, LEFT = (
    "SNN-4501",
    "SNN-4507",
    "SNN-4509",
    "SNN-4512",
    "SNN-4511",
    "SNN-4514",
)
REMEDY = "Pass --lossy to write it all the same: snnhub reads it back whole, others read the plain part."
NIR_VERSION = "1.0.8"


@dataclass(frozen=True)
class Plain:
    """``graph`` in continuous time, without metadata; ``names``: its nodes by nodes of the network of steps.
    ``profile``: the one that reads it as that very network, if any does.
    """

    graph: Graph
    names: Mapping[str, str]
    findings: tuple[Finding, ...] = ()
    profile: str = ""


def continuous(graph: Graph, lossy: bool) -> Plain:
    """``graph`` (of steps) in NIR's words. Times are seconds of its dt, or numbers of steps where it has none.

    Raises ``UnsupportedError``, with every reason, for ops that NIR has nothing for, and, unless ``lossy``, for
    everything that NIR does not say.
    """
    writer = _Writer(graph, 1.0 if graph.dt is None else graph.dt)
    made = writer.plain()
    if any(item.severity is Severity.ERROR for item in writer.found):
        raise _refused([item for item in writer.found if not lossy or item.severity is Severity.ERROR])
    proved = _read_by_a_profile(graph, made, writer)
    writer.found += proved.findings
    losses = [item for item in writer.found if item.severity is Severity.LOSS]
    if losses and not lossy:
        raise _refused(writer.found)
    return replace(made, findings=tuple(writer.found), profile=proved.profile)


def _refused(found: Sequence[Finding]) -> UnsupportedError:
    reasons = [item for item in found if item.severity in (Severity.ERROR, Severity.LOSS)]
    reasons = [item if item.severity is Severity.ERROR else _as_error(item) for item in reasons]
    count, first = len(reasons), reasons[0]
    words = f"NIR does not say {count} thing{'s' if count > 1 else ''} of this network: {first.message}"
    return UnsupportedError(words, where=first.place, remedy=first.remedy, findings=reasons)


def _as_error(item: Finding) -> Finding:
    return error(item.code, item.place, item.message, old=item.old, new=item.new, remedy=item.remedy or REMEDY)


def _read_by_a_profile(graph: Graph, made: Plain, writer: _Writer) -> Plain:
    """What is left of the network for a reader of the plain fields, tried with the profile that is nearest."""
    place = graph.name or "network"
    # a profile makes a mean and a factor of a SumPool2d again, and names the mean so
    means = {mean.id: f"{made.names[name]}/0" for name, mean in writer.sums.items()}
    reading = read_back(graph, made.graph, {**made.names, **means}, writer.sources, writer.dt)
    words = "NIR does not say where in a loop the step lies, nor how many there are"
    loops = [loss(TIME, str(edge), words) for edge in writer.loops if reading.wiring]
    if loops or any(item.severity is Severity.LOSS for item in writer.found):
        return replace(made, findings=tuple(loops))
    if reading.words:
        told = f"no profile reads the plain fields as this network: {reading.words}"
        return replace(made, findings=(loss(OPEN, place, told),))
    told = f"read by {reading.profile} with dt = {writer.dt:g} s, the plain fields are this very network"
    return replace(made, findings=(note(PROVED, place, told),), profile=reading.profile)


@dataclass
class _Writer:
    """Builds the graph: a NIR node for each node. Sums of two disappear into edges, means into sums of windows."""

    steps: Graph
    dt: float
    found: list[Finding] = field(default_factory=list)
    loops: list[Edge] = field(default_factory=list)
    sources: dict[str, tuple[Edge, ...]] = field(default_factory=dict)
    sums: Mapping[str, Node] = field(init=False)

    def __post_init__(self) -> None:
        self.sums = sums(self.steps)
        self._summed = {mean.id for mean in self.sums.values()}

    def plain(self) -> Plain:
        graph = self.steps
        names = _names(graph)
        nodes = [Node(ROOT, GRAPH, 1, ((VERSION, NIR_VERSION),))]
        edges: list[Edge] = []
        shapes = analyse(graph, REGISTRY).shapes
        for item in graph.inputs:
            shape = tensor(np.array(item.shape))
            nodes.append(Node(names[item.id], "ct.Input", 1, (), (("shape", shape),)))
            edges.append(Edge(Port(item.id, TERMINAL_PORT), Port(names[item.id], "x")))
            self._terminal(item.id)
        written = [node for node in graph.nodes if not self._passes(node)]
        nodes += [self._node(node, names[node.id], shapes) for node in written]
        for output in graph.outputs:
            shape = tensor(np.array(shapes.get(Port(output.id, TERMINAL_PORT), ())))
            nodes.append(Node(names[output.id], "ct.Output", 1, (), (("shape", shape),)))
            edges.append(Edge(Port(names[output.id], "y"), Port(output.id, TERMINAL_PORT)))
        if graph.decoder is not None:
            words = "how the output becomes a decision is in snnhub's metadata only"
            self.found.append(note(LEFT, graph.name or "network", words, old=graph.decoder.reduce))
        for target in (*(node.id for node in written), *(output.id for output in graph.outputs)):
            self._connect(target, names, nodes, edges)
        inputs = tuple(replace(item, type=F32, hold=0) for item in graph.inputs)
        made = Graph(graph.name, tuple(nodes), tuple(edges), inputs, graph.outputs, provenance=graph.provenance)
        return Plain(made, {node.id: names[node.id] for node in written})

    def _terminal(self, name: str) -> None:
        item = self.steps.input[name]
        if item.hold:
            self.found.append(loss(TIME, name, "the network holds each frame itself", old=f"{item.hold} steps"))
        if item.type.is_int:
            self.found.append(loss(INTEGERS, name, "integers arrive here; NIR has no types", old=str(item.type)))

    def _node(self, node: Node, name: str, shapes: Mapping[Port, tuple[int, ...]]) -> Node:
        """The NIR node, or a stand-in where that is refused."""
        make = MAKES.get(f"{node.op}") if node.version == 1 else None
        schema = REGISTRY(node.op, node.version)
        if make is None or schema is None:
            words = f"{node.kind} has no NIR node that could stand for it"
            self.found.append(error(UNSAYABLE, node.id, words, remedy="Keep the network as .snn."))
            return Node(name, "ct.Scale", 1)
        entry, out = Port(node.id, "x"), Port(node.id, schema.ports.outputs[0])
        taken = frozenset(edge.src.name for edge in self.steps.fed_by(node.id))
        place = Place(node, self.dt, shapes.get(entry, ()), shapes.get(out, ()), taken)
        try:
            made = self._sum(place, shapes) if node.id in self.sums else make(place)
        except UnsayableError as problem:
            self.found.append(error(UNSAYABLE, node.id, str(problem), remedy="Keep the network as .snn."))
            return Node(name, "ct.Scale", 1)
        self.found += made.losses
        if self.steps.dt is None and node.op in NEURONS and made.type != "Threshold":
            words = "nothing says how long a step is: times are written as numbers of steps"
            remedy = "Pass --dt SECONDS."
            self.found.append(loss(UNTIMED, node.id, words, old="no dt", new="dt = 1 s", remedy=remedy))
        return Node(name, f"ct.{made.type}", 1, (), tuple(made.fields.items()), None, node.origin)

    def _sum(self, place: Place, shapes: Mapping[Port, tuple[int, ...]]) -> Written:
        mean = self.sums[place.node.id]
        return sum_pool(mean, place.dt, shapes.get(Port(mean.id, "x"), ()), place.leaving)

    def _passes(self, node: Node) -> bool:
        return node.id in self._summed or _only_passes(node)

    def _connect(self, target: str, names: Mapping[str, str], nodes: list[Node], edges: list[Edge]) -> None:
        """Edges into a node or output, each from the nearest node that is written."""
        direct = self.steps.feeding(target)
        found = tuple(edge for given in direct for edge in self._through(given))
        self.sources[target] = found
        if target in self.sums:
            self.sources |= {target: direct, self.sums[target].id: found}
        for edge in found:
            src, dst = Port(names[edge.src.node], "y"), Port(names[target], "x")
            if edge.delay and edge.src.node in self._behind(target):
                self.loops.append(edge)
            elif edge.delay:
                src = self._delay(edge, src, nodes, edges)
            self._first_port(edge)
            edges.append(Edge(src, dst))

    def _first_port(self, edge: Edge) -> None:
        """NIR nodes have one output."""
        node = self.steps.node.get(edge.src.node)
        schema = None if node is None else REGISTRY(node.op, node.version)
        if node is not None and node.op in SEVERAL:
            return  # which of its outputs is taken decided what was written, or refused
        if schema is not None and edge.src.name != schema.ports.outputs[0]:
            words = f"NIR nodes have one output, and this edge takes another: {edge.src.name}"
            self.found.append(error(UNSAYABLE, str(edge), words))

    def _delay(self, edge: Edge, src: Port, nodes: list[Node], edges: list[Edge]) -> Port:
        """A Delay node for an edge that is late and in no loop."""
        count = sum(node.op == "ct.Delay" for node in nodes)
        name = node_id((f"delay_{count}_of_{src.node.rstrip('~')}",))
        shape = analyse(self.steps, REGISTRY).shapes.get(edge.src, ())
        nodes.append(Node(name, "ct.Delay", 1, (), (("delay", tensor(np.full(shape, edge.delay * self.dt))),)))
        edges.append(Edge(src, Port(name, "x")))
        words = "a delay of whole steps; NIR has one in seconds, which few readers know"
        self.found.append(
            loss(TIME, str(edge), words, old=f"{edge.delay} steps", new=f"{edge.delay * self.dt:g} s")
        )
        return Port(name, "y")

    def _through(self, edge: Edge) -> Iterator[Edge]:
        """An edge from where its values come from, behind nodes that only pass on."""
        pending = [edge]
        while pending:
            item = pending.pop(0)
            node = self.steps.node.get(item.src.node)
            if node is None or not self._passes(node):
                yield item
                continue
            before = self.steps.feeding(node.id)
            pending = [Edge(one.src, edge.dst, one.delay + item.delay) for one in before] + pending

    def _behind(self, start: str) -> set[str]:
        """Every node that values of ``start`` reach."""
        found: set[str] = set()
        pending = [start]
        while pending:
            for edge in self.steps.fed_by(pending.pop()):
                if edge.dst.node not in found:
                    found.add(edge.dst.node)
                    pending.append(edge.dst.node)
        return found


def _only_passes(node: Node) -> bool:
    """Sums of two, which are what several edges mean, and flattening of one axis."""
    return node.op == "core.Add" or (
        node.op == "core.Flatten" and node.attribute["start"] == node.attribute["end"]
    )


def _names(graph: Graph) -> dict[str, str]:
    """NIR names by ids: letters, digits and underscores, as every importer takes them."""
    table: dict[str, str] = {}
    taken: set[str] = set()
    inputs, outputs = [item.id for item in graph.inputs], [item.id for item in graph.outputs]
    for ends, name in ((inputs, "input"), (outputs, "output")):
        if len(ends) == 1:
            table[ends[0]] = node_id((name,))
        taken.add(name)
    for identifier in (*inputs, *outputs, *(node.id for node in graph.nodes)):
        if identifier in table:
            continue
        plain = re.sub(r"\W", "_", identifier, flags=re.ASCII)
        plain = plain if plain[:1].isalpha() else f"n{plain}"
        free, number = plain, 1
        while free in taken:
            number += 1
            free = f"{plain}_{number}"
        taken.add(free)
        table[identifier] = node_id((free,))
    return table
