"""Compare two noisy networks by what they do on average: many runs each, and an equivalence test of rates."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from snnhub.compare.distribution import ALPHA, MARGIN, Distribution, RateRatio, equivalence, rate_ratio
from snnhub.compare.verdict import spike_counts
from snnhub.engine.reference import prepare
from snnhub.engine.stimulus import read_stimulus
from snnhub.errors import UsageError
from snnhub.ir.graph import Graph
from snnhub.ir.tensor import Array
from snnhub.ops.registry import REGISTRY


def distribution(
    a: Graph | Iterable[Graph],
    b: Graph | Iterable[Graph],
    stimulus: Array,
    *,
    margin: float = MARGIN,
    alpha: float = ALPHA,
    record: str = "output",
) -> Distribution:
    """Run every graph of ``a`` and of ``b`` (one network, or draws of its mismatch) over every sample of
    ``stimulus`` (time, samples, features…) and test whether each neuron of ``record`` fires at the same rate.

    With one network on each side, a run is a sample, and both sides are taken in pairs. With several, a run is a
    network: the samples of one draw of mismatch share its neurons, and are no runs of their own. Raises
    ``UsageError`` for networks without spikes there, or with different numbers of neurons.
    """
    left, right = ([side] if isinstance(side, Graph) else list(side) for side in (a, b))
    if not left or not right:
        raise UsageError("a side without networks", found=f"{len(left)} and {len(right)}")
    dt = left[0].dt
    seconds = None if dt is None else dt * len(stimulus)
    counts = [count_spikes(side, stimulus, record) for side in (left, right)]
    alone = len(left) == len(right) == 1
    if not alone:
        sides = zip(counts, (left, right), strict=True)
        counts = [found.reshape(len(graphs), -1, found.shape[-1]) for found, graphs in sides]
    return equivalence(counts[0], counts[1], margin=margin, alpha=alpha, seconds=seconds, paired=alone)


def rate_ratios(graphs: Graph | Iterable[Graph], stimulus: Array, record: str = "output") -> tuple[RateRatio, ...]:
    """Firing-rate ratio of every run, with both counts: every graph over every sample."""
    chosen = [graphs] if isinstance(graphs, Graph) else list(graphs)
    return tuple(rate_ratio(row) for row in count_spikes(chosen, stimulus, record))


def count_spikes(graphs: Iterable[Graph], stimulus: Array, record: str = "output") -> Array:
    """Spikes (graphs · samples, neurons) of a record key, samples running fastest."""
    found = []
    for graph in graphs:
        read_stimulus(stimulus, graph.inputs[0])
        recording, _ = prepare(graph, REGISTRY).run(stimulus, record=[record])
        values = recording.with_batch(record)
        if values.dtype.kind not in "bu":
            raise UsageError("no spikes there", where=f"{graph.name}: {record}", found=str(values.dtype))
        found.append(spike_counts(values).astype(np.int64).sum(axis=0).reshape(values.shape[1], -1))
    return np.concatenate(found)
