"""Spikes per step: 31 of a hidden neuron and 1 of an output neuron are the most. What is over stays in the
potential.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from snnhub.engine.reference import prepare
from snnhub.findings import Finding, info, loss, note
from snnhub.ir.graph import Graph, Node
from snnhub.ir.op import StepOp
from snnhub.ir.rewrite import Rewriter
from snnhub.passes.base import PassContext, PassResult, unchanged

from snnhub_xylo.core import CAP_HIDDEN, CAP_INPUT, CAP_OUTPUT
from snnhub_xylo.mapping.layers import Network, read_network
from snnhub_xylo.mapping.promise import measured


def run(graph: Graph, context: PassContext) -> PassResult:
    """Lower the caps of all layers to the chip's, and count on calibration data what they hold back."""
    network, _ = read_network(graph, context.lookup)
    if not network.ends:  # a core already
        return unchanged(graph, context)
    rewriter = Rewriter(graph, context.lookup)
    counts = _largest(graph, network, context)
    found = [*_inputs(network, context), *_sums(graph, network, context)]
    for layer in network.ends:
        cap = CAP_OUTPUT if layer is network.output else CAP_HIDDEN
        before = int(str(layer.attribute["max_spikes"]))
        if before == cap:
            continue
        if before < cap:
            found.append(_raised(layer, before, cap, counts.get(layer.id)))
        else:
            found.append(_lowered(layer, before, cap, counts.get(layer.id)))
        attributes = {**layer.attribute, "max_spikes": cap}
        schema = context.lookup(layer.op, layer.version)
        program = schema.program(attributes) if isinstance(schema, StepOp) else layer.program
        rewriter.put(replace(layer, attributes=tuple(attributes.items()), program=program))
    after = rewriter.graph()
    return PassResult(after, rewriter.correspondence(), tuple(found), measured(graph, after, context))


def _largest(graph: Graph, network: Network, context: PassContext) -> dict[str, tuple[int, int]]:
    """For every layer: bins above the chip's cap, and the largest count, on calibration data."""
    if context.calibration is None or context.calibration.size == 0:
        return {}
    keys = [f"{layer.id}/s" for layer in network.ends]
    recording, _ = prepare(graph, context.lookup).run(context.calibration, record=keys)
    found = {}
    for layer, key in zip(network.ends, keys, strict=True):
        cap = CAP_OUTPUT if layer is network.output else CAP_HIDDEN
        counts = recording[key]
        found[layer.id] = int(np.count_nonzero(counts > cap)), int(counts.max(initial=0))
    return found


def _sums(graph: Graph, network: Network, context: PassContext) -> list[Finding]:
    """Sums of residual blocks: on the chip a neuron has 31 spikes with those that it was lent."""
    if context.calibration is None or not network.sums:
        return []
    keys = [f"{name}/y" for name in network.sums]
    recording, _ = prepare(graph, context.lookup).run(context.calibration, record=keys)
    found = []
    for name, key in zip(network.sums, keys, strict=True):
        if over := int(np.count_nonzero(recording[key] > CAP_HIDDEN)):
            words = f"the spikes of a block and its skip together are {CAP_HIDDEN} at most; more are lost"
            most = f"{over} bins of the calibration data have more, up to {recording[key].max():g}"
            found.append(loss("SNN-2413", name, words, bound=most))
    return found


def _lowered(layer: Node, before: int, cap: int, seen: tuple[int, int] | None) -> Finding:
    words = f"at most {cap} spikes per step and neuron; what is over stays in the membrane potential"
    old, new = f"max_spikes {before}", f"max_spikes {cap}"
    if seen is None:
        return info(
            "SNN-2413", layer.id, words, old=old, new=new, remedy="Pass --calibrate to count what is held back."
        )
    bins, most = seen
    if not bins:
        return note("SNN-2413", layer.id, words, old=old, new=new, bound=f"at most {most} on the calibration data")
    bound = f"{bins} bins of the calibration data are over it, the largest has {most}"
    return loss("SNN-2413", layer.id, words, old=old, new=new, bound=bound)


def _raised(layer: Node, before: int, cap: int, seen: tuple[int, int] | None) -> Finding:
    words = f"the chip does not stop a neuron at {before} spikes per step"
    bound = "not measured" if seen is None else f"{seen[1]} in a step on the calibration data"
    return loss("SNN-2413", layer.id, words, old=f"max_spikes {before}", new=f"max_spikes {cap}", bound=bound)


def _inputs(network: Network, context: PassContext) -> list[Finding]:
    words = f"a step takes {CAP_INPUT} events per channel; more are lost"
    if context.calibration is None:
        return [info("SNN-2413", network.input, words)]
    over = int(np.count_nonzero(context.calibration > CAP_INPUT))
    if not over:
        return []
    most = f"{over} bins of the calibration data have more, up to {context.calibration.max():g}"
    return [loss("SNN-2413", network.input, words, bound=most)]
