"""Currents that can pass 2^23: found from weights, fan-in and decay, without a run."""

from __future__ import annotations

from snnhub.findings import Finding, info
from snnhub.ir.graph import Graph, Port
from snnhub.passes.arriving import arriving, held

from snnhub_loihi.ops import ALIGN, CUBA_LIF, DECAY_UNITY, STATE_LIMIT


def currents(graph: Graph) -> list[Finding]:
    """A finding for every layer whose current some spikes can drive beyond where Lava on the CPU wraps it."""
    found = []
    for node in graph.nodes:
        sums = arriving(graph, Port(node.id, "a")) if node.op == CUBA_LIF.name else None
        if sums is None:
            continue
        reach = held((sums[0] << ALIGN, sums[1] << ALIGN), node.param["iDecay"].array, DECAY_UNITY)
        if reach is None or reach > STATE_LIMIT:
            found.append(
                info(
                    "SNN-2140",
                    f"{node.id}/u",
                    "the current can pass 2^23, where Lava on the CPU wraps and the chip need not do the same: "
                    "claims hold for Lava on the CPU",
                    old="without bound" if reach is None else str(reach),
                    bound=f"|u| <= {STATE_LIMIT}",
                    remedy="Smaller weights, fewer inputs, or a current that decays faster.",
                )
            )
    return found
