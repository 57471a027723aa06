"""Steps on edges: on Loihi every synapse takes one step, which sits on the edge into it."""

from __future__ import annotations

from dataclasses import replace

from snnhub.errors import GraphError
from snnhub.findings import Finding, error, loss, note
from snnhub.ir.correspondence import identity
from snnhub.ir.graph import Edge, Graph
from snnhub.ir.rung import Rung
from snnhub.ir.timing import retiming
from snnhub.passes.base import PassContext, PassResult, Promise, unchanged

from snnhub_loihi.admit import SYNAPSES


def run(graph: Graph, context: PassContext) -> PassResult:
    """Give every edge into a synapse at least one step, as many as make all paths agree.

    Loops keep their delay: a loop must have one already. The lag of every node is computed, not searched.
    """
    already = {edge for edge in graph.edges if edge.delay}
    if all(edge in already for node in graph.nodes if node.op in SYNAPSES for edge in graph.feeding(node.id)):
        return unchanged(graph, context)
    lags = _lags(graph)
    delays = {edge: edge.delay + lags[edge.dst.node] - lags[edge.src.node] for edge in graph.edges}
    short = [
        edge
        for edge, delay in delays.items()
        if delay < int(graph.node[edge.dst.node].op in SYNAPSES if edge.dst.node in graph.node else 0)
    ]
    if short:
        return unchanged(
            graph,
            context,
            [
                error(
                    "SNN-2101",
                    str(short[0]),
                    "no room for the step that the synapse takes",
                    remedy="A loop needs a delay of 1 on the edge into its synapse.",
                )
            ],
        )
    try:
        lags = retiming(graph, delays)
    except GraphError as problem:
        return unchanged(graph, context, [error("SNN-2101", problem.where, str(problem))])
    edges = tuple(Edge(edge.src, edge.dst, delays[edge]) for edge in graph.edges)
    matches = tuple(replace(match, lag=lags[match.new.node]) for match in identity(graph, context.lookup))
    deepest = max(lags[output.id] for output in graph.outputs)
    added = sum(delays[edge] != edge.delay for edge in graph.edges)
    findings: list[Finding] = [
        note(
            "SNN-2110",
            graph.name,
            f"one step on each of {added} edges into synapses",
            bound=f"equal spikes, outputs {deepest} steps later",
        )
    ]
    early = _early_biases(graph, lags)
    promise = Promise(Rung.DISTRIBUTION) if early else None
    return PassResult(replace(graph, edges=edges, correspondence=()), matches, (*findings, *early), promise)


def _lags(graph: Graph) -> dict[str, int]:
    """Longest number of synapses between the input and each node, loops left out."""
    lags = {item.id: 0 for item in graph.inputs}
    for _ in range(len(graph.nodes) + 1):
        changed = False
        for edge in graph.edges:
            if edge.src.node not in lags or edge.delay:
                continue
            step = int(edge.dst.node in graph.node and graph.node[edge.dst.node].op in SYNAPSES)
            lag = lags[edge.src.node] + step
            if lag > lags.get(edge.dst.node, -1):
                lags[edge.dst.node] = lag
                changed = True
        if not changed:
            break
    for edge in graph.edges:
        if edge.dst.node not in lags:  # reached through a loop only: in step with its source
            lags[edge.dst.node] = lags.get(edge.src.node, 0)
    return lags


def _early_biases(graph: Graph, lags: dict[str, int]) -> list[Finding]:
    """A bias acts from step 0 on, before the input arrives ``lag`` steps later: equality up to a lag ends."""
    return [
        loss(
            "SNN-2111",
            node.id,
            f"the bias acts {lags[node.id]} step{'s' if lags[node.id] > 1 else ''} before the first input arrives",
            bound="spikes are not simply later",
            remedy="Reset states as the input arrives (reset_interval=STEPS, reset_offset=1 in Lava's reader).",
        )
        for node in graph.nodes
        if "bias" in node.param and node.op not in SYNAPSES and lags[node.id] and node.param["bias"].array.any()
    ]
