"""The last step of every import: one random input through the framework and through the engine."""

from __future__ import annotations

import numpy as np
from snnhub.engine.reference import prepare
from snnhub.findings import Finding, info, loss
from snnhub.ir.graph import Graph
from snnhub.ir.op import OpLookup

from snnhub_spikingjelly.probe import SEED, Probe

MANY_BINS = 2**18
"""Above so many spike bins one sample is compared, so that a large network is not imported for minutes."""


def compare(graph: Graph, probe: Probe, lookup: OpLookup) -> Finding:
    """Compare the spikes of every neuron on the probe's input; what was found, as a finding."""
    paths = {node.origin.path: f"{node.id}/s" for node in graph.nodes if node.program is not None}
    keys = [key for path, key in paths.items() if path in probe.spikes]
    if not keys:
        return info("SNN-3006", graph.name, "no layer of neurons to compare")
    bins = sum(probe.spikes[path].size for path in paths if path in probe.spikes)
    samples = slice(0, 1 if bins > MANY_BINS else None)
    stimulus = probe.stimulus[:, samples]
    recording, _ = prepare(graph, lookup).run(stimulus, record=keys)
    different, total, places = 0, 0, []
    for path, key in paths.items():
        if path not in probe.spikes:
            continue
        wrong = int(np.count_nonzero(recording[key] != probe.spikes[path][:, samples]))
        different, total = different + wrong, total + recording[key].size
        if wrong:
            places.append(f"{key} ({wrong})")
    conditions = f"{stimulus.shape[0]} steps, {stimulus.shape[1]} samples, seed {SEED}"
    words = f"{total - different} of {total} spike bins equal on random input ({conditions})"
    if different:
        return loss(
            "SNN-3006",
            ", ".join(places[:3]),
            f"engine and framework differ: {words}",
            remedy="Sums may land exactly on the threshold, where the order of summation decides.",
        )
    return info("SNN-3006", graph.name, words)
