"""The mapped network as vendors know it: arrays under the names of Rockpool's mapped specification, not
quantised.
"""

from __future__ import annotations

import numpy as np
from snnhub.ir.graph import Graph, Node
from snnhub.ir.tensor import Array
from snnhub.ops.multispike import unrolled

from snnhub_xylo.families import Family
from snnhub_xylo.mapping.decays import unrounded
from snnhub_xylo.mapping.mapped import Mapped


def specification(mapped: Mapped, family: Family, before: Graph) -> dict[str, Array]:
    """f64 arrays. ``before``: the graph with decays that are not the chip's yet; ``dash_*`` are log2(tau / dt) of
    them, or the dash where a decay is one of the chip's: a graph holds decays per step and no time constants.

    Where a family has input and output weights for some neurons only, these are the first and the last ones.
    """
    weights_in, weights_out = mapped.weights_in, mapped.weights_out
    if family.split:
        fed = np.flatnonzero((weights_in != 0).any(axis=(0, 2)))
        feeding = np.flatnonzero((weights_out != 0).any(axis=1))
        weights_in = weights_in[:, : int(fed[-1]) + 1 if fed.size else 0]
        weights_out = weights_out[int(feeding[0]) if feeding.size else len(weights_out) :]
    dash_mem, dash_syn = mapped.dash_mem.astype(np.float64), mapped.dash_syn.astype(np.float64)
    for layer in mapped.network.layers:
        dash_mem[mapped.of(layer.id)], dash_syn[mapped.of(layer.id)] = _dashes(before.node[layer.id], dash_syn)
    output = mapped.network.output
    assert output is not None  # noqa: S101  admitted
    mem_out, syn_out = _dashes(before.node[output.id], dash_syn[:, :1])
    second = dash_syn[:, 1] if dash_syn.shape[1] > 1 else np.zeros(len(dash_syn))
    return {
        "weights_in": weights_in,
        "weights_rec": mapped.weights_rec,
        "weights_out": weights_out,
        "dash_mem": dash_mem,
        "dash_mem_out": np.broadcast_to(mem_out, mapped.threshold_out.shape),
        "dash_syn": dash_syn[:, 0],
        "dash_syn_2": second,
        "dash_syn_out": np.broadcast_to(syn_out[..., 0], mapped.threshold_out.shape),
        "threshold": mapped.threshold,
        "threshold_out": mapped.threshold_out,
        "bias": mapped.bias,
        "bias_out": mapped.bias_out,
        "weight_shift_in": np.zeros((), np.int64),
        "weight_shift_rec": np.zeros((), np.int64),
        "weight_shift_out": np.zeros((), np.int64),
        "aliases": mapped.alias,
        "dt": np.asarray(np.nan if before.dt is None else before.dt),
    }


def _dashes(layer: Node, like: Array) -> tuple[Array, Array]:
    """Of a layer's potential, () or (neurons,), and of its synapses, (neurons or 1, synapses of the core)."""
    factors = [layer.param[name].array for name in unrolled("beta", layer.attribute)]
    size = max(int(factor.size) for factor in factors)
    syn = np.zeros((size, like.shape[1]))
    for synapse, factor in enumerate(factors):
        syn[:, synapse] = unrounded(factor)
    return unrounded(layer.param["alpha"].array), syn
