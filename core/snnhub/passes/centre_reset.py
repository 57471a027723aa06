"""Moves the membrane potential so that rest and reset are 0, which is all that many chips know."""

from __future__ import annotations

import numpy as np

from snnhub.findings import Finding, error, note
from snnhub.ir.graph import Graph, Node, Port
from snnhub.ir.rewrite import Rewriter
from snnhub.ir.rung import Rung
from snnhub.ir.tensor import tensor
from snnhub.passes.base import ALMOST, Pass, PassContext, PassResult, Promise

NEURONS = ("core.IF", "core.LIF")


def run(graph: Graph, context: PassContext) -> PassResult:
    """V - v_reset for v, v_threshold - v_reset for the threshold: the same spikes, up to one f32 rounding."""
    rewriter = Rewriter(graph, context.lookup)
    findings = [_centre(node, rewriter) for node in graph.nodes if _off_centre(node)]
    return PassResult(rewriter.graph(), rewriter.correspondence(), tuple(findings))


def _off_centre(node: Node) -> bool:
    return node.op in NEURONS and node.attribute["reset"] == "value" and bool(np.any(node.param["v_reset"].array))


def _centre(node: Node, rewriter: Rewriter) -> Finding:
    threshold, rest = (node.param[name].array.astype(np.float64) for name in ("v_threshold", "v_reset"))
    exact = threshold - rest
    if np.any(exact <= 0):
        return error(
            "SNN-2005",
            node.id,
            "threshold is not above the reset value: the neuron fires for ever",
            old=f"v_threshold {float(threshold.min()):g}, v_reset {float(rest.max()):g}",
        )
    moved = exact.astype(np.float32)
    rewriter.put(
        node.with_params(
            v_threshold=tensor(moved).described("v_threshold - v_reset, rounded to f32"),
            v_reset=tensor(np.zeros((), np.float32)),
        )
    )
    rewriter.match(Port(node.id, "v"), Port(node.id, "v"), scale=None)
    error_size = float(np.abs(moved - exact).max())
    return note(
        "SNN-2006",
        node.id,
        "membrane potential moved so that reset is 0",
        old=f"v_reset {float(rest.flat[0]):g}",
        new=f"v_threshold {float(moved.flat[0]):g}",
        bound=f"threshold off by {error_size:.2g}",
    )


CENTRE_RESET = Pass(
    "centre reset",
    1,
    Promise(Rung.BOUNDED, ALMOST),
    "v_reset becomes 0, thresholds move along",
    run,
    tolerant=True,
)
