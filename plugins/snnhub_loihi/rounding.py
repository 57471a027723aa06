"""Rounding with compensation: each weight's rounding error is made up for by the weights not yet rounded.

Spikes are never negative, so rounding errors of one neuron add up in step; rounding to nearest ignores that.
With the second moments H of the inputs, the change of the current is least when the error of weight i is
spread over the later ones in proportion to the inverse of H (optimal brain quantisation: Frantar, Alistarh
2022). What comes out is even integers like any others; whether it is better is measured, not assumed.
"""

from __future__ import annotations

from fractions import Fraction

import numpy as np
from snnhub.engine.kernels.synapse import window_view
from snnhub.ir.graph import Node
from snnhub.ir.tensor import Array

from snnhub_loihi.scales import HIGHEST, LOWEST

DAMPING = 0.01
MAX_ROWS = 60_000
MAX_TERMS = 4096
"""Layers with more terms per sum are rounded to nearest: the inverse would take minutes."""


def moments(synapse: Node, spikes: Array) -> list[Array] | None:
    """Mean of x x^T over the inputs of one output, per group of channels; ``spikes``: (time, samples, features…).

    None where the layer has too many terms per sum.
    """
    weight = synapse.param["weight"]
    terms = int(np.prod(weight.shape[1:]))
    if terms > MAX_TERMS:
        return None
    flat = spikes.reshape(-1, *spikes.shape[2:])
    if synapse.op == "core.Dense":
        return [_moment(flat)]
    groups = synapse.integer("groups")
    padded = np.pad(flat, [(0, 0), (0, 0), *((pad, pad) for pad in synapse.integers("padding"))])
    windows = window_view(padded, weight.shape[2:], synapse.integers("stride"), synapse.integers("dilation"))
    dims = len(weight.shape) - 2
    result = []
    for part in np.split(windows, groups, axis=1):
        per_image = int(np.prod(part.shape[2 : 2 + dims]))
        images = max(1, MAX_ROWS // per_image)
        chosen = part[:: max(1, part.shape[0] // images)]
        result.append(_moment(np.moveaxis(chosen, 1, 1 + dims).reshape(-1, terms)))
    return result


def _moment(rows: Array) -> Array:
    rows = rows[:: max(1, len(rows) // MAX_ROWS)].astype(np.float32)
    return np.asarray((rows.T @ rows).astype(np.float64) / len(rows))


def compensated(weight: Array, scale: Fraction, hessians: list[Array]) -> Array:
    """Even integers near ``scale * weight``, rounded so that the sums over the given inputs change least."""
    rows = weight.reshape(weight.shape[0], -1).astype(np.float64) * (float(scale) / 2)
    per_group = np.split(rows, len(hessians))
    rounded = [_round_rows(part.copy(), hessian) for part, hessian in zip(per_group, hessians, strict=True)]
    return np.asarray(2 * np.concatenate(rounded).reshape(weight.shape)).astype(np.int64)


def _round_rows(rows: Array, hessian: Array) -> Array:
    """Round columns one after the other, most active input first; later columns take over the error."""
    order = np.argsort(-np.diag(hessian), kind="stable")
    ordered = hessian[np.ix_(order, order)]
    ordered = ordered + np.eye(len(order)) * (DAMPING * np.diag(ordered).mean() + 1e-12)
    factor = np.linalg.cholesky(np.linalg.inv(ordered)).T  # upper triangular: row i spreads the error of column i
    work, result = rows[:, order], np.empty_like(rows)
    for column in range(work.shape[1]):
        whole = np.clip(np.rint(work[:, column]), LOWEST // 2, HIGHEST // 2)
        error = (work[:, column] - whole) / factor[column, column]
        work[:, column + 1 :] -= np.outer(error, factor[column, column + 1 :])
        result[:, order[column]] = whole
    return result
