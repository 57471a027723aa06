"""The last step of every import: the recorded run of the framework beside a run of the engine."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from snnhub.engine.reference import prepare
from snnhub.findings import Finding, info, loss
from snnhub.ir.graph import Graph
from snnhub.ir.op import OpLookup
from snnhub.ir.tensor import Array

MANY_BINS = 2**18
"""Above so many spike bins one sample is compared, so that a large network is not imported for minutes."""


def spike_finding(
    graph: Graph, spikes: Mapping[str, Array], stimulus: Array, lookup: OpLookup, seed: int
) -> Finding:
    """Compare the engine's spikes with the framework's, by record key (time, samples, features…)."""
    if not spikes:
        return info("SNN-3006", graph.name, "no layer of neurons to compare")
    samples = slice(0, 1 if sum(array.size for array in spikes.values()) > MANY_BINS else None)
    recording, _ = prepare(graph, lookup).run(stimulus[:, samples], record=list(spikes))
    return compared(graph, {key: array[:, samples] for key, array in spikes.items()}, recording, seed)


def compared(graph: Graph, spikes: Mapping[str, Array], engine: Mapping[str, Array], seed: int) -> Finding:
    """The framework's spikes beside the engine's, by record key (time, samples, features…)."""
    different, total, places = 0, 0, []
    for key, found in spikes.items():
        wrong = int(np.count_nonzero(engine[key] != found))
        different, total = different + wrong, total + found.size
        if wrong:
            places.append(f"{key} ({wrong})")
    steps, samples = next(iter(spikes.values())).shape[:2]
    conditions = f"{steps} steps, {samples} samples, seed {seed}"
    words = f"{total - different} of {total} spike bins equal on random input ({conditions})"
    if different:
        return loss(
            "SNN-3006",
            ", ".join(places[:3]),
            f"engine and framework differ: {words}",
            remedy="Sums may land exactly on the threshold, where the order of summation decides.",
        )
    return info("SNN-3006", graph.name, words)
