"""A last layer of slayer that does not fire, as Loihi neurons that never do: it is read from their states.

slayer's Affine block gives sums of weights, or a membrane potential without a threshold. Lava has neurons behind
every synapse. With all current lost in each step u is 4096 times the sum; without a threshold within reach v is
4096 times slayer's potential.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from snnhub.findings import Finding, note
from snnhub.ir.graph import AttributeValue, Edge, Graph, Match, Node, Port
from snnhub.ir.op import OpLookup, StepOp
from snnhub.ir.rewrite import Rewriter
from snnhub.ir.rung import Rung
from snnhub.ir.tensor import Tensor, tensor
from snnhub.passes.base import PassContext, PassResult, Promise, unchanged

from snnhub_loihi.ops import ALIGN, DECAY_UNITY
from snnhub_loihi.slayer import CUBA

INTEGRATOR = "slayer.Integrator"
HIGHEST = ((2**17 - 1) << ALIGN) + 1
"""The first potential that fires at the highest threshold there is."""
STATES = 4096.0
"""Integers per unit of a slayer network."""


def run(graph: Graph, context: PassContext) -> PassResult:
    """Put neurons that never fire where a slayer network ends without; the decoder reads their state."""
    last = _last(graph)
    if last is None:
        return unchanged(graph, context)
    rewriter = Rewriter(graph, context.lookup)
    edge = next(edge for edge in graph.edges if edge.dst.node == graph.outputs[0].id)
    if last.op == INTEGRATOR:
        name, state = last.id, "v"
        params = {**last.param, "threshold": tensor(float(HIGHEST), "float32")}
        rewriter.put(_silent(name, str(last.attribute["norm"]), last, params, context.lookup))
        rewriter.match(Port(name, "y"), Port(name, "v"), STATES)
    else:
        name, state = _free(graph, last.id), "u"
        lost = tensor(DECAY_UNITY, "int16")
        params = {"current_decay": lost, "voltage_decay": lost, "threshold": tensor(float(HIGHEST), "float32")}
        rewriter.put(_silent(name, "none", last, params, context.lookup))
        rewriter.edges.insert(rewriter.edges.index(edge), Edge(Port(last.id, "y"), Port(name, "x")))
    rewriter.retarget(edge, Edge(Port(name, "s"), edge.dst, edge.delay))
    rewriter.drop(edge.dst)
    decoder = graph.decoder
    if decoder is not None:
        decoder = replace(decoder, quantity=f"{name}/{state}")
    table: list[Match] = list(rewriter.correspondence())
    made = replace(rewriter.graph(), decoder=decoder)
    return PassResult(made, tuple(table), (_finding(name, state),), Promise(Rung.DECISION))


def _finding(name: str, state: str) -> Finding:
    words = f"the last layer does not fire: neurons that never do stand behind it, and {state} is what it gives"
    bound = f"{state} is 4096 times the output, as long as it stays below 2^23"
    return note("SNN-2136", name, words, bound=bound)


def _last(graph: Graph) -> Node | None:
    """The node that a slayer network ends with, if it does not fire and nothing else hears it."""
    if not any(node.op == CUBA for node in graph.nodes) or len(graph.outputs) != 1:
        return None
    edges = graph.feeding(graph.outputs[0].id)
    node = graph.node.get(edges[0].src.node) if len(edges) == 1 else None
    if node is None or len(graph.fed_by(node.id)) != 1 or node.op not in (INTEGRATOR, "core.Dense"):
        return None
    floats = "weight" not in node.param or node.param["weight"].type.is_float
    return node if floats else None


def _free(graph: Graph, synapse: str) -> str:
    name = synapse.rpartition("/")[0] or "readout"
    while name in graph.node:
        name += "_"
    return name


def _silent(name: str, norm: str, at: Node, params: Mapping[str, Tensor], lookup: OpLookup) -> Node:
    schema = lookup(CUBA, 1)
    if not isinstance(schema, StepOp):
        raise TypeError(f"{CUBA}/1 is not registered")
    attributes: dict[str, AttributeValue] = {"graded": False, "norm": norm, "stepwise": False}
    known = {parameter.name for parameter in schema.parameters(attributes)}
    kept = tuple((key, value) for key, value in params.items() if key in known)
    return Node(name, CUBA, 1, tuple(attributes.items()), kept, schema.program(attributes), at.origin)
