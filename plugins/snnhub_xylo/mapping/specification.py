"""The mapped network as vendors know it: arrays under the names of Rockpool's mapped specification, not
quantised.
"""

from __future__ import annotations

import numpy as np
from snnhub.ir.tensor import Array

from snnhub_xylo.families import Family
from snnhub_xylo.mapping.mapped import Mapped


def specification(mapped: Mapped, family: Family, dt: float | None) -> dict[str, Array]:
    """f64 arrays. ``dash_*`` are integers already, since a graph holds decays per step and no time constants.

    Where a family has input and output weights for some neurons only, these are the first and the last ones.
    """
    weights_in, weights_out = mapped.weights_in, mapped.weights_out
    if family.split:
        fed = np.flatnonzero((weights_in != 0).any(axis=(0, 2)))
        feeding = np.flatnonzero((weights_out != 0).any(axis=1))
        weights_in = weights_in[:, : int(fed[-1]) + 1 if fed.size else 0]
        weights_out = weights_out[int(feeding[0]) if feeding.size else len(weights_out) :]
    second = mapped.dash_syn[:, 1] if mapped.dash_syn.shape[1] > 1 else np.zeros(len(mapped.dash_syn), np.int64)
    return {
        "weights_in": weights_in,
        "weights_rec": mapped.weights_rec,
        "weights_out": weights_out,
        "dash_mem": mapped.dash_mem,
        "dash_mem_out": mapped.dash_mem_out,
        "dash_syn": mapped.dash_syn[:, 0],
        "dash_syn_2": second,
        "dash_syn_out": mapped.dash_syn_out,
        "threshold": mapped.threshold,
        "threshold_out": mapped.threshold_out,
        "bias": mapped.bias,
        "bias_out": mapped.bias_out,
        "weight_shift_in": np.zeros((), np.int64),
        "weight_shift_rec": np.zeros((), np.int64),
        "weight_shift_out": np.zeros((), np.int64),
        "aliases": mapped.alias,
        "dt": np.asarray(np.nan if dt is None else dt),
    }
