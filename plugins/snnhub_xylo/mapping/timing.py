"""When layers act: every connection to neurons of the core takes one step, longer ones take relay neurons."""

from __future__ import annotations

from dataclasses import dataclass, replace

from snnhub.findings import Finding, error, loss, note
from snnhub.ir.correspondence import identity
from snnhub.ir.graph import Edge, Graph
from snnhub.ir.rung import Rung
from snnhub.passes.base import PassContext, PassResult, Promise, unchanged

from snnhub_xylo.families import Family
from snnhub_xylo.mapping.layers import Network, read_network
from snnhub_xylo.mapping.relays import relays_of

RESIDUALS = ("relay", "skew", "refuse")
REMEDY = "A loop over several layers needs a delay of 1 per layer."


@dataclass(frozen=True)
class Timing:
    """``lags``: steps that each layer acts later than before. ``skewed``: blocks whose skip comes too early, and
    by how many steps.
    """

    lags: dict[str, int]
    skew: bool
    skewed: dict[str, int]


def timing_of(network: Network, residual: str) -> Timing | None:
    """The earliest steps at which every layer can act; None where a loop has no room."""
    lags = dict.fromkeys((network.input, *(layer.id for layer in network.ends)), 0)
    rows = [(link.source, link.target, int(link.source != network.input) - link.delay) for link in network.links]
    if residual != "skew":
        rows += [(skip.source, skip.target, -skip.delay) for skip in network.skips]
    for _ in range(len(lags) + 1):
        changed = False
        for source, target, gap in rows:
            if source in lags and target in lags and lags[source] + gap > lags[target]:
                lags[target] = lags[source] + gap
                changed = True
        if not changed:
            late = {skip.node: lags[skip.target] - lags[skip.source] + skip.delay for skip in network.skips}
            skew = residual == "skew"
            return Timing(lags, skew, {name: steps for name, steps in late.items() if steps and skew})
    return None


def run(graph: Graph, context: PassContext, family: Family) -> PassResult:
    """Put a step on every edge that leaves spikes for neurons. Skips of residual blocks wait for their block,
    where ``--residual`` is ``relay``.
    """
    network, _ = read_network(graph, context.lookup)
    residual = context.options.get("residual", "relay")
    found: list[Finding] = []
    if residual == "relay" and network.skips:
        residual, found = _affordable(network, family)
    timing = timing_of(network, residual)
    if timing is None:
        words = "no room for the step that every connection takes"
        return unchanged(graph, context, [error("SNN-2407", graph.name or "graph", words, remedy=REMEDY)])
    if context.options.get("residual") == "refuse":
        found += _refused(network, timing)
    if not any(timing.lags.values()):
        return unchanged(graph, context, found)
    lags = _node_lags(graph, network, timing)
    blocks = set(timing.skewed)
    edges = tuple(_moved(edge, lags, blocks) for edge in graph.edges)
    matches = tuple(replace(match, lag=lags.get(match.new.node, 0)) for match in identity(graph, context.lookup))
    moved = sum(a.delay != b.delay for a, b in zip(graph.edges, edges, strict=True))
    last = lags[graph.outputs[0].id]
    words = f"one step on each of {moved} connections"
    found.append(note("SNN-2407", graph.name or "graph", words, bound=f"equal spikes, outputs {last} steps later"))
    unequal = [*_skews(network, timing), *_early_biases(network, timing)]
    promise = Promise(Rung.DISTRIBUTION) if unequal else None
    result = replace(graph, edges=edges, correspondence=())
    return PassResult(result, matches, (*found, *unequal, *relay_notes(network, timing)), promise)


def _affordable(network: Network, family: Family) -> tuple[str, list[Finding]]:
    """``relay``, or ``skew`` where the family has no room for the relays, or for the weights that lead to them."""
    timing = timing_of(network, "relay")
    if timing is None:
        return "relay", []
    depths = relays_of(network.moved(timing.lags, skew=False))
    relays = sum(network.sizes[source] * depth for source, depth in depths.items())
    hidden = sum(network.sizes[layer.id] for layer in network.layers)
    most, fan = family.limits["hidden neurons"][0], family.limits["recurrent fan-out"][0]
    if hidden + relays > most:
        words, bound = f"{relays} relay neurons are too many beside {hidden}", f"{most} hidden neurons"
    elif full := [
        name for name, fans in network.fan_outs().items() if name in depths and fans.max(initial=0) >= fan
    ]:
        words, bound = (
            f"neurons of {full[0]} have no weight left for a relay",
            f"{fan} recurrent weights per neuron",
        )
    else:
        return "relay", []
    return "skew", [loss("SNN-2408", network.skips[0].node, f"{words}: the skip is not delayed", bound=bound)]


def relay_notes(network: Network, timing: Timing) -> list[Finding]:
    """Neurons that only wait, by what they repeat."""
    return [
        note(
            "SNN-2408",
            source,
            f"{network.sizes[source] * depth} relay neurons repeat its spikes",
            new=f"{depth} steps" if depth > 1 else "1 step",
            bound="exact up to 31 spikes per step",
        )
        for source, depth in relays_of(network.moved(timing.lags, skew=timing.skew)).items()
    ]


def _refused(network: Network, timing: Timing) -> list[Finding]:
    return [
        error(
            "SNN-2408",
            skip.node,
            "a residual block takes more steps than its skip, which --residual refuse does not allow",
            old=f"{late} steps",
            remedy="Choose --residual relay (exact) or skew.",
        )
        for skip in network.skips
        if (late := timing.lags[skip.target] - timing.lags[skip.source] + skip.delay)
    ]


def _node_lags(graph: Graph, network: Network, timing: Timing) -> dict[str, int]:
    """The lag of every node: sums that are blocks act with their layer, linear nodes with the first that they
    feed.
    """
    lags = dict(timing.lags)
    for name, block in network.sums.items():
        lags[name] = lags[block]
    pending = [node.id for node in graph.nodes if node.id not in lags]
    for _ in range(len(pending) + 1):
        for name in pending:
            known = [lags[e.dst.node] + e.delay for e in graph.fed_by(name) if e.dst.node in lags]
            if known:
                lags[name] = min(known)
    for output in graph.outputs:
        lags[output.id] = max((lags[edge.src.node] for edge in graph.feeding(output.id)), default=0)
    return lags


def _moved(edge: Edge, lags: dict[str, int], skewed: set[str]) -> Edge:
    """An edge with the delay that the lags of its ends ask for; skewed skips stay as they were."""
    if edge.dst.node in skewed or edge.src.node not in lags or edge.dst.node not in lags:
        return edge
    return replace(edge, delay=edge.delay + lags[edge.dst.node] - lags[edge.src.node])


def _skews(network: Network, timing: Timing) -> list[Finding]:
    return [
        loss(
            "SNN-2408",
            name,
            f"the skip arrives {steps} step{'s' if steps > 1 else ''} before the block's spikes",
            bound="no equality up to a lag, here and in layers behind",
            remedy="--residual relay delays it by relay neurons, exactly.",
        )
        for name, steps in timing.skewed.items()
    ]


def _early_biases(network: Network, timing: Timing) -> list[Finding]:
    """A bias acts from step 0 on, before the input arrives ``lag`` steps later."""
    own = {layer.id for layer in network.ends if layer.param["bias"].array.any()}
    own |= {name for (name, _), bias in network.biases.items() if bias.any()}
    return [
        loss(
            "SNN-2409",
            layer.id,
            f"the bias acts {lag} step{'s' if lag > 1 else ''} before the first input arrives",
            bound="spikes are not simply later",
        )
        for layer in network.ends
        if (lag := timing.lags[layer.id]) and layer.id in own
    ]
