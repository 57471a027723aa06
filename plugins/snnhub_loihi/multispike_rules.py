"""Which neurons with several spikes per step have an approximation on Loihi, and why the others have none."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
from snnhub.findings import Finding, error
from snnhub.ir.graph import Graph, Node

MULTI = "core.MultiSpikeLIF"
OPTION, REQUESTED = "reset", "zero"
REMEDY = "pass --reset zero: an approximation that loses what stays above the threshold; --calibrate measures it."


def problems(graph: Graph, node: Node, options: Mapping[str, str]) -> Iterator[Finding]:
    """Everything that stands between a ``core.MultiSpikeLIF`` and Loihi's neuron; nothing where ``--reset zero``
    was asked for and the neuron has all else that the chip has.
    """
    if options.get(OPTION) != REQUESTED:
        cap = int(str(node.attribute["max_spikes"]))
        also = "" if cap == 1 else " and fires once in a step"
        yield _refused(
            node,
            f"Loihi resets to 0{also}",
            f"{cap} spike{'s' if cap > 1 else ''} per step, each takes the threshold away",
            f"Train with a hard reset and one spike per step. Or {REMEDY}",
        )
    if node.attribute["n_syn"] != 1:
        found = f"{node.attribute['n_syn']} synapses per neuron"
        yield _refused(node, "Loihi has one current per neuron", found, "Train with one synapse per neuron.")
    for name in [name for name in node.param if name == "alpha" or name.startswith("beta")]:
        factor = node.param[name].array
        if not np.all((factor >= 0) & (factor <= 1)):
            yield _refused(node, f"{name} must lie in 0 .. 1", f"{factor.min():g} … {factor.max():g}")
    if not np.all(node.param["threshold"].array > 0):
        yield _refused(node, "threshold must be above 0", f"{node.param['threshold'].array.min():g}")
    if graph.decoder is not None and graph.decoder.quantity in (f"{node.id}/vmem", f"{node.id}/isyn"):
        yield _refused(
            node,
            "the network decides by what does not leave the chip",
            graph.decoder.quantity,
            "Train with output='spikes'.",
        )
    yield from _sources(graph, node)


def _sources(graph: Graph, node: Node) -> Iterator[Finding]:
    """The current's factor goes into the weights before the neuron, which must be its own."""
    for name in dict.fromkeys(edge.src.node for edge in graph.feeding(node.id)):
        source = graph.node.get(name)
        if source is None or source.op != "core.Dense":
            yield _refused(
                node,
                "neurons take their input from a synapse",
                "the graph input" if source is None else source.kind,
                "Put a dense layer before it.",
            )
            continue
        if len(graph.fed_by(source.id)) > 1:
            yield _refused(source, "a synapse leads to one layer of neurons", "several", "Give each its own.")
        if "bias" in source.param and np.any(source.param["bias"].array):
            yield _refused(
                source,
                "Loihi adds a bias to the membrane potential, not to the current that decays",
                f"bias up to {np.abs(source.param['bias'].array).max():g}",
                "Train the layer before the neurons without bias, or give the neurons the bias.",
            )


def _refused(node: Node, message: str, found: str, remedy: str = "") -> Finding:
    return error("SNN-2101", node.id, message, old=found, remedy=remedy)
