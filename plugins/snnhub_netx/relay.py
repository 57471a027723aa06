"""Delays that Lava's reader cannot hold become layers of relays: neurons that hand every spike on.

A NetX dense layer delays by at most 62 steps beyond its own one, a convolution and a recurrent layer by none. A
relay has one synapse of weight 2, keeps neither current nor potential, and fires whenever its source did: so it is
exact, and its layer takes at least one step, which comes out of the delay that it replaces. Only where another
synapse between the same layers has no step to spare, everything behind is one step later.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from snnhub.findings import Finding, error, note
from snnhub.ir.analysis import Analysis, analyse
from snnhub.ir.correspondence import Table
from snnhub.ir.graph import AttributeValue, Edge, Graph, Match, Node, Port
from snnhub.ir.numtype import NumType
from snnhub.ir.op import OpLookup, StepOp
from snnhub.ir.rewrite import Rewriter
from snnhub.ir.rung import Rung
from snnhub.ir.tensor import Array, smallest_integer
from snnhub.passes.base import PassContext, PassResult, Promise, unchanged

from snnhub_netx.bundle import LONGEST, Bundle, bundles
from snnhub_netx.chain import CUBA
from snnhub_netx.numeric_check import InexactError, cut, prove

MOST_LAYERS = 32
"""Relay layers that one delay may become; longer ones are refused."""
WEIGHT, THRESHOLD, UNITY = 2, 1, 4096
PASS, REFUSED = "SNN-4130", "SNN-4131"


@dataclass(frozen=True)
class Part:
    """Weights (out, in) of one synapse, the steps that are left to it, and the edges that it stands for."""

    delay: int
    weight: Array
    edges: tuple[Edge, ...]


def run(graph: Graph, context: PassContext) -> PassResult:
    """Put relays wherever a delay is too long; layer by layer, until every delay fits."""
    findings: list[Finding] = []
    now, table, late = graph, Rewriter(graph, context.lookup).correspondence(), 0
    for bundle in [item for item in bundles(graph) if item.too_long]:
        problem = _refusal(bundle, now, context.lookup)
        if problem:
            findings.append(problem)
            continue
        made = _Relays(now, bundle, context.lookup)
        try:
            after = made.build()
            # Its own proof: the bundle alone, old against new, every u, v and spike.
            prove(cut(now, bundle.source, bundle.neuron, context.lookup),
                  cut(after, bundle.source, bundle.neuron, context.lookup),
                  bundle.neuron, bundle.late, max(e.delay for e in bundle.edges), context.lookup)  # fmt: skip
        except InexactError as problem_found:
            findings.append(_refuse(bundle, str(problem_found)))
            continue
        findings.append(made.told())
        table = _later(table, after, bundle, made.dropped)
        now, late = after, late + bundle.late
    if now is graph:
        return unchanged(graph, context, findings)
    return PassResult(now, table, tuple(findings), Promise(Rung.SPIKES_LAG) if late else None)


def _refuse(bundle: Bundle, reason: str) -> Finding:
    return error(
        REFUSED,
        str(bundle.edges[0]),
        f"a delay that NetX cannot hold, and no relay can take: {reason}",
        old=f"delay {max(edge.delay for edge in bundle.edges)}",
        new=f"at most {bundle.limit}",
        remedy="Shorten the delay.",
    )


def _refusal(bundle: Bundle, graph: Graph, lookup: OpLookup) -> Finding | None:
    analysis = analyse(graph, lookup)
    if not _binary(analysis.types[bundle.source]):
        return _refuse(bundle, f"relays hand on spikes, found {analysis.types[bundle.source]}")
    if graph.node[bundle.neuron].op != CUBA:
        return _refuse(bundle, f"{bundle.neuron} is no Loihi neuron: lower the network first")
    if bundle.layers > MOST_LAYERS:
        return _refuse(bundle, f"it would take {bundle.layers} layers of relays, of {MOST_LAYERS} at most")
    if bundle.spatial and len(bundle.edges) > 1:
        return _refuse(bundle, "several convolutions stand between the same layers")
    awake = [name for name in _behind(graph, bundle.neuron) if _acts_alone(graph.node[name])]
    if bundle.late and awake:
        return _refuse(bundle, f"{awake[0]} has a bias or a reset of its own and would not simply be later")
    return None


def _binary(type_: NumType) -> bool:
    return type_.is_bool or (type_.is_int and type_.range[0] >= 0 and type_.range[1] <= 1)


def _behind(graph: Graph, neuron: str) -> list[str]:
    """The nodes that what reaches ``neuron`` reaches, itself among them."""
    found, pending = {neuron}, [neuron]
    while pending:
        for edge in graph.fed_by(pending.pop()):
            if edge.dst.node in graph.node and edge.dst.node not in found:
                found.add(edge.dst.node)
                pending.append(edge.dst.node)
    return [node.id for node in graph.nodes if node.id in found]


def _acts_alone(node: Node) -> bool:
    if node.op != CUBA:
        return False
    return bool(node.param["bias"].array.any()) or bool(node.attribute["reset_interval"])


def _later(table: Table, after: Graph, bundle: Bundle, dropped: set[str]) -> Table:
    """The table with everything behind the bundle ``late`` steps later, and without synapses that were merged."""
    synapses = {edge.dst.node for edge in bundle.edges}
    behind = {*_behind(after, bundle.neuron), *synapses, *(item.id for item in after.outputs)}
    kept: list[Match] = [match for match in table if match.new.node not in dropped]
    return tuple(replace(m, lag=m.lag + bundle.late) if m.new.node in behind else m for m in kept)


class _Relays:
    """Puts relays between a source and one layer of neurons, and counts what that costs."""

    def __init__(self, graph: Graph, bundle: Bundle, lookup: OpLookup) -> None:
        self.bundle, self.lookup = bundle, lookup
        self.analysis: Analysis = analyse(graph, lookup)
        self.rewriter = Rewriter(graph, lookup)
        self.graph = graph
        self.dropped: set[str] = set()
        self.layers = self.neurons = self.synapses = 0

    def build(self) -> Graph:
        """The graph with relays."""
        if self.bundle.spatial:
            self._in_a_row(self.bundle.edges[0])
        else:
            self._side_by_side()
        return self.rewriter.graph()

    def told(self) -> Finding:
        """What was put there and what it costs."""
        late = f", {self.bundle.late} steps of lag"
        delays = sorted({edge.delay for edge in self.bundle.edges})
        return note(
            PASS,
            str(self.bundle.edges[0].dst.node),
            f"delays of {', '.join(map(str, delays))} steps go through {self.layers} layers of relays",
            old=f"at most {self.bundle.limit}",
            new=f"{self.neurons} more neurons, {self.synapses} more synapses{late}",
            bound="exact: compared on random spikes",
        )

    def _in_a_row(self, edge: Edge) -> None:
        """Before a convolution: one channel-wise relay layer per step, since convolutions take no delay."""
        shape = self.analysis.shapes[edge.src]
        source = edge.src
        for _ in range(edge.delay - 1):
            weight = np.full((shape[0], 1, *[1] * (len(shape) - 1)), WEIGHT, np.int64)
            source = self._layer(source, [(1, _depthwise(weight))], shape, edge.dst.node)
        self.rewriter.retarget(edge, Edge(source, edge.dst, 1))

    def _side_by_side(self) -> None:
        """Before dense synapses: one relay per source neuron and delay that it takes over."""
        parts = [Part(edge.delay + self.bundle.late, self._weight(edge), (edge,)) for edge in self.bundle.edges]
        source = self.bundle.source
        for behind in reversed(range(self.bundle.layers)):  # each layer behind needs a step, the synapse one too
            taken = [min(LONGEST, part.delay - behind - 1) for part in parts]
            size = parts[0].weight.shape[1]
            rows = {steps: index * size for index, steps in enumerate(sorted(set(taken)))}
            width = size * len(rows)
            synapses = [(steps, _identity(size, row, width)) for steps, row in rows.items()]
            source = self._layer(source, synapses, (width,), self.bundle.edges[0].dst.node)
            parts = _moved(parts, taken, rows, width)
        for part in parts:
            self._connect(source, part)

    def _weight(self, edge: Edge) -> Array:
        return self.rewriter.nodes[edge.dst.node].param["weight"].array.astype(np.int64)

    def _connect(self, source: Port, part: Part) -> None:
        """The last relays to a synapse that is left. Synapses that became one have the name of the first."""
        first, *others = part.edges
        old = self.rewriter.nodes[first.dst.node]
        wider = replace(smallest_integer(part.weight), quantisation=old.param["weight"].quantisation)
        self.rewriter.put(old.with_params(weight=wider))
        self.rewriter.retarget(first, Edge(source, first.dst, part.delay))
        for edge in others:
            self.dropped |= {first.dst.node, edge.dst.node}
            del self.rewriter.nodes[edge.dst.node]
            self.rewriter.edges = [e for e in self.rewriter.edges if edge.dst.node not in (e.src.node, e.dst.node)]

    def _layer(self, source: Port, synapses: list[tuple[int, Node]], shape: tuple[int, ...], before: str) -> Port:
        """Add a layer of relays in front of the node ``before``."""
        name = self._name(f"{self.bundle.neuron}/relay{self.layers}")
        for index, (delay, synapse) in enumerate(synapses):
            node = replace(synapse, id=self._name(f"{name}/synapse{index}"))
            self.rewriter.insert_before(node, before)
            self.rewriter.edges += [
                Edge(source, Port(node.id, "x"), delay),
                Edge(Port(node.id, "y"), Port(name, "a")),
            ]
        self.rewriter.insert_before(_relay(name, self.lookup), before)
        count = int(np.prod(shape))
        self.layers, self.neurons, self.synapses = self.layers + 1, self.neurons + count, self.synapses + count
        return Port(name, "s")

    def _name(self, wanted: str) -> str:
        while wanted in self.rewriter.nodes:
            wanted += "_"
        return wanted


def _moved(parts: list[Part], taken: list[int], rows: dict[int, int], width: int) -> list[Part]:
    """Weights at the relays that they hang on now; those with the same delay left are one synapse from now on."""
    left: dict[int, Part] = {}
    for part, steps in zip(parts, taken, strict=True):
        wide = np.zeros((part.weight.shape[0], width), np.int64)
        wide[:, rows[steps] : rows[steps] + part.weight.shape[1]] = part.weight
        delay = part.delay - steps
        other = left.get(delay, Part(delay, np.zeros_like(wide), ()))
        left[delay] = Part(delay, other.weight + wide, (*other.edges, *part.edges))
    return list(left.values())


def _identity(size: int, row: int, rows: int) -> Node:
    weight = np.zeros((rows, size), np.int64)
    weight[row : row + size] = WEIGHT * np.eye(size, dtype=np.int64)
    attributes = (("accumulate", "exact"), ("bias", False), ("shift", 0))
    return Node("", "core.Dense", 1, attributes, (("weight", smallest_integer(weight)),))


def _depthwise(weight: Array) -> Node:
    axes = weight.ndim - 2
    attributes: dict[str, AttributeValue] = {"bias": False, "accumulate": "wrap24", "groups": int(weight.shape[0])}
    sizes: dict[str, AttributeValue] = {"stride": (1,) * axes, "padding": (0,) * axes, "dilation": (1,) * axes}
    return Node(
        "", "core.Conv", 1, tuple({**attributes, **sizes}.items()), (("weight", smallest_integer(weight)),)
    )


def _relay(name: str, lookup: OpLookup) -> Node:
    schema = lookup(CUBA, 1)
    if not isinstance(schema, StepOp):
        raise TypeError(f"{CUBA}/1 is not registered")
    attributes = {"reset_interval": 0, "reset_offset": 0}
    values = {"iDecay": UNITY, "vDecay": UNITY, "vThMant": THRESHOLD, "bias": 0}
    params = tuple((key, smallest_integer(np.asarray(value, np.int64))) for key, value in values.items())
    return Node(name, CUBA, 1, tuple(attributes.items()), params, schema.program(attributes))
