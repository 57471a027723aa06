"""A core in floats, neuron by neuron: what mapped arrays mean before they are quantised. For tests alone."""

from __future__ import annotations

import numpy as np
from snnhub.ir.tensor import Array
from snnhub_xylo.mapping.mapped import Mapped


def run(mapped: Mapped, events: Array) -> tuple[Array, Array]:
    """Spikes (steps, neurons) of hidden and output neurons for ``events`` (steps, channels), in f64."""
    hidden, outputs = len(mapped.threshold), len(mapped.threshold_out)
    isyn, vmem = np.zeros(mapped.dash_syn.shape), np.zeros(hidden)
    isyn_out, vmem_out = np.zeros(outputs), np.zeros(outputs)
    before = np.zeros(hidden)
    found: tuple[list[Array], list[Array]] = ([], [])
    for x in events:
        isyn_out = (isyn_out + before @ mapped.weights_out) * (1 - 0.5**mapped.dash_syn_out)
        vmem_out = vmem_out * (1 - 0.5**mapped.dash_mem_out) + isyn_out + mapped.bias_out
        arrived = np.einsum("i,irs->rs", x, mapped.weights_in) + np.einsum("h,hrs->rs", before, mapped.weights_rec)
        isyn = (isyn + arrived) * (1 - 0.5**mapped.dash_syn)
        vmem = vmem * (1 - 0.5**mapped.dash_mem) + isyn.sum(axis=1) + mapped.bias
        counts = np.zeros(hidden)
        for neuron in range(hidden):  # in the order of their numbers, as aliases need it
            own = min(31 - counts[neuron], max(0.0, vmem[neuron] // mapped.threshold[neuron]))
            vmem[neuron] -= own * mapped.threshold[neuron]
            counts[neuron] += own
            if mapped.alias[neuron] >= 0:
                counts[mapped.alias[neuron]] += counts[neuron]
        out = np.where(vmem_out >= mapped.threshold_out, 1.0, 0.0)
        vmem_out = vmem_out - out * mapped.threshold_out
        before = counts
        found[0].append(counts)
        found[1].append(out)
    return np.array(found[0]), np.array(found[1])
