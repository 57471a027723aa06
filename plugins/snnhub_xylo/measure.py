"""How much of a chip a core uses, and what a family does not have."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from snnhub.api.target import Measured
from snnhub.findings import Finding, error, note
from snnhub.ir.graph import Graph, Node

from snnhub_xylo.core import CAP_HIDDEN, NO_ALIAS, Core, Ints
from snnhub_xylo.families import OP, Family
from snnhub_xylo.ops import CORE

REMEDIES = {
    "input channels": "Merge channels, or use fewer.",
    "hidden neurons": "Train with smaller layers.",
    "output neurons": "Use fewer outputs, or read hidden neurons.",
    "synapses per neuron": "Train with one synaptic time constant per neuron.",
    "recurrent fan-out": "Set the smallest weights to 0, or train with sparse weights between hidden neurons.",
    "recurrent weights": "Train with sparse recurrent weights.",
}
"""What to do where there is too much of something."""


def first_last(core: Core) -> tuple[int, int]:
    """Neurons from the first to the last that inputs feed, and from the first that feeds outputs to the last."""
    fed = np.flatnonzero((core.weights_in != 0).any(axis=(0, 2)))
    feeding = np.flatnonzero((core.weights_out != 0).any(axis=1))
    return (int(fed[-1]) + 1 if fed.size else 0), (core.hidden - int(feeding[0]) if feeding.size else 0)


def measures(graph: Graph, family: Family) -> Iterator[Measured]:
    """Every count that a family limits, for every core of a graph that can be read."""
    cores = [node for node in graph.nodes if node.op == OP and node.version == CORE.version]
    yield Measured(graph.name or "graph", "cores", len(cores), "Split the network over several chips by hand.")
    for node in cores:
        yield from _core(node, Core.of(node), family)


def _core(node: Node, core: Core, family: Family) -> Iterator[Measured]:
    place = node.id
    counts = {"input channels": core.inputs, "hidden neurons": core.hidden, "output neurons": core.outputs}
    for name, value in {**counts, "synapses per neuron": core.synapses}.items():
        yield Measured(place, name, value, REMEDIES[name])
    first, last = first_last(core)
    reach = (first, last) if family.split else _counts(core)
    words = ("inputs", "first"), ("outputs", "last")
    for (what, where), used, number in zip(words, reach, _counts(core), strict=True):
        name = f"neurons fed by {what}" if what == "inputs" else f"neurons feeding {what}"
        remedy = "Make the layer smaller."
        if number < used:
            remedy = f"{number} neurons are concerned: number them so that they stand {where}, or use fewer."
        yield Measured(place, name, used, remedy)
    fan_out = fan_outs(core)
    worst = int(fan_out.argmax())
    remedy = f"Neuron {worst} has most: set its smallest weights to 0, or train with sparse recurrent weights."
    yield Measured(place, "recurrent fan-out", int(fan_out[worst]), remedy)
    yield Measured(place, "recurrent weights", int(fan_out.sum()), REMEDIES["recurrent weights"])


def _counts(core: Core) -> tuple[int, int]:
    fed, feeding = (core.weights_in != 0).any(axis=(0, 2)), (core.weights_out != 0).any(axis=1)
    return int(fed.sum()), int(feeding.sum())


def fan_outs(core: Core) -> Ints:
    """Recurrent weights of each neuron: pairs of target and synapse that are not 0."""
    return np.asarray(np.count_nonzero(core.weights_rec, axis=(1, 2)))


def rules(graph: Graph, family: Family) -> Iterator[Finding]:
    """What no number limits: version, aliases, thresholds of 0, fan-outs at the edge, delays around the core."""
    for edge in graph.edges:
        if edge.delay and OP in (getattr(graph.node.get(port.node), "op", "") for port in (edge.src, edge.dst)):
            yield error("SNN-2404", str(edge), f"{family.name} has no delay line", old=f"delay {edge.delay}")
    for node in graph.nodes:
        if node.op == OP and node.version == CORE.version:
            yield from _rules(node, Core.of(node), family)


def _rules(node: Node, core: Core, family: Family) -> Iterator[Finding]:
    if core.version != "v2":
        words = f"{family.name} ({family.device}) has version 2 of the core"
        yield error("SNN-2401", node.id, words, old=core.version, remedy="Map the network for version 2.")
    sources = np.arange(core.hidden)
    backward = np.flatnonzero((core.alias != NO_ALIAS) & (core.alias <= sources))
    if backward.size:
        first = int(backward[0])
        yield error(
            "SNN-2402",
            f"{node.id}/alias",
            f"{backward.size} aliases lead to a neuron with no higher number, first of neuron {first}",
            old=f"{first} -> {int(core.alias[first])}",
            remedy="Number the neurons so that every alias leads to a later one.",
        )
    for name, threshold in (("threshold", core.threshold), ("threshold_out", core.threshold_out)):
        if zero := int((threshold == 0).sum()):
            words = f"{zero} neurons with threshold 0 fire in every step in which the potential is not below 0"
            bound = f"up to {CAP_HIDDEN} spikes" if name == "threshold" else "one spike"
            yield note("SNN-2403", f"{node.id}/{name}", words, bound=bound)
    most, source = family.limits["recurrent fan-out"]
    if (at_limit := int((fan_outs(core) == most).sum())) and "63" in source:
        words = f"{at_limit} neurons have exactly {most} recurrent weights: sources differ by one"
        yield note("SNN-2405", f"{node.id}/weights_rec", words, bound=source)
