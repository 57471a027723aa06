"""slayer's delays where NetX has them: slayer delays what a layer gives, NetX what the next synapse takes.

slayer's ``delay_shift`` is one step behind a layer, Lava's synapse takes one step before it: from layer to layer
they are the same step, and the network's output comes as early as slayer's. An axonal delay per neuron becomes
synapses of their own for every delay.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from snnhub.errors import GraphError
from snnhub.findings import Finding, Severity, error, loss, note, of_severity
from snnhub.ir.analysis import analyse
from snnhub.ir.correspondence import identity
from snnhub.ir.graph import Edge, Graph, Node, Port
from snnhub.ir.rewrite import Rewriter
from snnhub.ir.rung import Rung
from snnhub.ir.tensor import Array, smallest_integer
from snnhub.ir.timing import retiming
from snnhub.ir.topology import topological_order
from snnhub.passes.base import PassContext, PassResult, Promise, unchanged

from snnhub_loihi.admit import SYNAPSES
from snnhub_loihi.ops import CUBA_LIF

DELAY = "slayer.Delay"
FLATTEN = "core.Flatten"


def run_delays(graph: Graph, context: PassContext) -> PassResult:
    """A dense layer behind delays per neuron becomes one synapse for every delay; other layers are refused."""
    delays = [node for node in graph.nodes if node.op == DELAY]
    if not delays:
        return unchanged(graph, context)
    rewriter = Rewriter(graph, context.lookup)
    findings: list[Finding] = []
    for node in delays:
        findings += _split(rewriter.graph(), node, rewriter, context)
    if of_severity(findings, Severity.ERROR):
        return unchanged(graph, context, findings)
    return PassResult(rewriter.graph(), rewriter.correspondence(), tuple(findings))


def _split(graph: Graph, node: Node, rewriter: Rewriter, context: PassContext) -> list[Finding]:
    shape = analyse(graph, context.lookup).shapes[Port(node.id, "y")]
    whole = np.broadcast_to(node.param["delay"].array, shape).astype(np.int64)
    after, late = graph.fed_by(node.id), 0
    if len(after) == 1 and getattr(graph.node.get(after[0].dst.node), "op", "") == FLATTEN:
        late = after[0].delay
        after = graph.fed_by(after[0].dst.node)
    target = graph.node.get(after[0].dst.node) if len(after) == 1 else None
    if target is None or target.op != "core.Dense":
        remedy = "NetX has delays in dense layers only."
        words = "delays per channel or neuron that do not lead to one dense layer"
        return [error("SNN-2135", node.id, words, old=target.kind if target else "the output", remedy=remedy)]
    late += after[0].delay
    rewriter.bypass(node.id)
    edge = next(item for item in rewriter.edges if item.dst == Port(target.id, "x"))
    source = edge.src
    flat = whole.reshape(-1)
    parts = [(int(steps), _columns(target, flat == steps)) for steps in np.unique(flat)]
    parts = [(steps, weight) for steps, weight in parts if weight.any()] or parts[:1]
    for number, (steps, weight) in enumerate(parts):
        name = target.id if number == 0 else f"{target.id}_d{steps}"
        made = replace(target, id=name, params=(("weight", smallest_integer(weight)),))
        into = Edge(source, Port(name, "x"), edge.delay + steps)
        if number == 0:
            rewriter.put(made)
            rewriter.retarget(edge, into)
        else:
            rewriter.insert_before(made, rewriter.out_of(target.id)[0].dst.node)
            rewriter.edges += [into, Edge(Port(name, "y"), rewriter.out_of(target.id)[0].dst)]
    rewriter.drop(Port(target.id, "y"))
    bound = "exact"
    words = "delays of a layer's outputs became delays of the next layer's inputs, a synapse for each"
    found = f"{len(parts)} synapses, {parts[0][0]} .. {parts[-1][0]} steps"
    return [note("SNN-2134", node.id, words, new=found, bound=bound)]


def _columns(synapse: Node, chosen: Array) -> Array:
    return np.where(chosen[None, :], synapse.param["weight"].array.astype(np.int64), 0)


def run_steps(graph: Graph, context: PassContext) -> PassResult:
    """Give every synapse at least one step, and take the steps behind a layer into the next synapse."""
    if not _from_slayer(graph):
        return unchanged(graph, context)
    delays = _delays(graph)
    late = [
        edge for edge in graph.edges if edge.dst.node in {item.id for item in graph.outputs} and edge.delay > 1
    ]
    if late:
        words, remedy = "a delay behind the last layer", "Leave the delay out of the last layer."
        return unchanged(graph, context, [error("SNN-2135", late[0].src.node, words, remedy=remedy)])
    try:
        lags = retiming(graph, delays)
    except GraphError as problem:
        return unchanged(graph, context, [error("SNN-2135", problem.where, str(problem))])
    edges = tuple(replace(edge, delay=delays[edge]) for edge in graph.edges)
    matches = tuple(replace(match, lag=lags[match.new.node]) for match in identity(graph, context.lookup))
    kept = tuple(match for match in matches if match.lag >= 0)
    deepest = max(lags[output.id] for output in graph.outputs)
    words = "steps behind a layer became steps of the next synapse"
    findings: list[Finding] = [
        note("SNN-2134", graph.name, words, bound=f"equal spikes, outputs {deepest} steps later")
    ]
    early = _early(graph, lags)
    promise = Promise(Rung.DISTRIBUTION) if early else None
    return PassResult(replace(graph, edges=edges, correspondence=()), kept, (*findings, *early), promise)


def _from_slayer(graph: Graph) -> bool:
    """Whether a lowered graph came from slayer and its synapses have no steps yet."""
    first = {edge for item in graph.inputs for edge in graph.fed_by(item.id)}
    known = any(stage.name == "loihi slayer" for stage in graph.provenance.stages)
    return (
        known and not any(stage.name == "loihi slayer steps" for stage in graph.provenance.stages) and bool(first)
    )


def _delays(graph: Graph) -> dict[Edge, int]:
    """New delays: steps are taken along through changes of shape to the next synapse, which needs one; none is
    left before the output.
    """
    lags = {item.id: 0 for item in graph.inputs}
    order, known = [*topological_order(graph), *(item.id for item in graph.outputs)], -1
    while len(lags) > known:  # layers behind an edge with a delay come before their source in that order
        known = len(lags)
        for name in order:
            for edge in graph.feeding(name):
                if name not in lags and edge.src.node in lags:
                    lags[name] = lags[edge.src.node] + _wanted(graph, edge) - edge.delay
    return {edge: edge.delay + lags.get(edge.dst.node, 0) - lags.get(edge.src.node, 0) for edge in graph.edges}


def _wanted(graph: Graph, edge: Edge) -> int:
    """The delay that an edge should have."""
    node = graph.node.get(edge.dst.node)
    if node is None or node.op == FLATTEN:
        return 0
    if node.op not in SYNAPSES:
        return edge.delay
    targets = {out.dst.node for out in graph.fed_by(node.id)}
    beside = [
        other.delay
        for other in graph.out_of.get(edge.src, ())
        if targets & {out.dst.node for out in graph.fed_by(other.dst.node)}
    ]
    carried = _carried(graph, edge)
    return edge.delay + carried + max(0, 1 - carried - min(beside))


def _carried(graph: Graph, edge: Edge) -> int:
    """Steps that a change of shape before this synapse gave up."""
    node = graph.node.get(edge.src.node)
    if node is None or node.op != FLATTEN:
        return 0
    before: Sequence[Edge] = graph.feeding(node.id)
    return sum(item.delay for item in before) if before else 0


def _early(graph: Graph, lags: dict[str, int]) -> list[Finding]:
    return [
        loss(
            "SNN-2131",
            node.id,
            f"Lava integrates the bias {lags[node.id]} step{'s' if lags[node.id] > 1 else ''} before the first "
            "input can arrive; slayer does not",
            bound="spikes are not simply later",
            remedy="Reset states as the input arrives (reset_interval=STEPS, reset_offset=1 in Lava's reader).",
        )
        for node in graph.nodes
        if node.op == CUBA_LIF.name and lags[node.id] and node.param["bias"].array.any()
    ]
