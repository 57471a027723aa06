"""The last step of every import: one random input through the framework and through the engine."""

from __future__ import annotations

import numpy as np
from snnhub.engine.reference import prepare
from snnhub.findings import Finding, info, loss
from snnhub.ir.graph import Graph
from snnhub.ir.op import OpLookup

from snnhub_spikingjelly.probe import SEED, Probe


def compare(graph: Graph, probe: Probe, lookup: OpLookup) -> Finding:
    """Compare the spikes of every neuron on the probe's input; what was found, as a finding."""
    paths = {node.origin.path: f"{node.id}/s" for node in graph.nodes if node.program is not None}
    keys = [key for path, key in paths.items() if path in probe.spikes]
    if not keys:
        return info("SNN-3006", graph.name, "no layer of neurons to compare")
    recording, _ = prepare(graph, lookup).run(probe.stimulus, record=keys)
    different, total, places = 0, 0, []
    for path, key in paths.items():
        if path not in probe.spikes:
            continue
        wrong = int(np.count_nonzero(recording[key] != probe.spikes[path]))
        different, total = different + wrong, total + recording[key].size
        if wrong:
            places.append(f"{key} ({wrong})")
    steps, samples = probe.stimulus.shape[:2]
    stimulus = f"{steps} steps, {samples} samples, seed {SEED}"
    words = f"{total - different} of {total} spike bins equal on random input ({stimulus})"
    if different:
        return loss(
            "SNN-3006",
            ", ".join(places[:3]),
            f"engine and framework differ: {words}",
            remedy="Sums may land exactly on the threshold, where the order of summation decides.",
        )
    return info("SNN-3006", graph.name, words)
