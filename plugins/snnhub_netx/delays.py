"""Delays of dense layers: one number per synapse in a file, one synapse node per delay in a graph.

Lava's ``DelayDense`` sums, and shifts the sum back, for each pair of neuron and delay by itself; clipping and
truncation act on the weights and on the whole matrix. A synapse of its own for every delay, with the same shift,
is therefore exactly what Lava computes (lava-nc 0.10.0, ``proc/dense/models.py``, ``PyDelayDenseModelBitAcc``).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from snnhub.findings import Finding, error, loss
from snnhub.ir.tensor import Array

MAX_DELAY = 62
"""Steps beyond the one of every synapse. lava-dl 0.6.0, ``netx/hdf5.py``: larger ones are clamped."""


NO_RECURRENT_DELAY = (
    "Lava's reader has no recurrent layer with delays: it fails, or, where both matrices are square, "
    "forgets the exponent of the weights"
)


def lava_delays(delay: Array, shape: tuple[int, int], recurrent: bool, place: str) -> tuple[Array, list[Finding]]:
    """Delays (out, in) as Lava's reader has them, with what it changes; zeros and an ``error`` if it has none.

    ``recurrent``: the layer is recurrent and its file names a delay, be it 0.
    """
    none = np.zeros(shape, np.int64)
    if recurrent:
        remedy = "Leave the delay out of recurrent layers."
        return none, [error("SNN-3116", place, NO_RECURRENT_DELAY, remedy=remedy)]
    found: list[Finding] = []
    if delay.max(initial=0) > MAX_DELAY:
        message = f"Lava clamps delays to 0 .. {MAX_DELAY}"
        found.append(loss("SNN-3115", f"{place}/delay", message, old=str(delay.max()), new=str(MAX_DELAY)))
        delay = np.clip(delay, 0, MAX_DELAY)
    whole = spread_delay(delay, *shape)
    if whole is None:
        allowed = f"allowed (), ({shape[0]},), ({shape[1]},) or {shape}"
        return none, [error("SNN-3103", place, f"found delay of shape {delay.shape}, {allowed}")]
    if whole.min(initial=0) < 0:
        return none, [error("SNN-3116", place, "Lava's reader fails on a negative delay", old=str(whole.min()))]
    return whole, found


def spread_delay(delay: Array, outputs: int, inputs: int) -> Array | None:
    """Delays (out, in) from one of the four shapes that Lava's reader takes; None for any other shape.

    One number per output wins over one per input where both have the same length, as in Lava's reader.
    """
    if delay.shape == (outputs,):
        delay = delay[:, None]
    elif delay.shape == (inputs,):
        delay = delay[None, :]
    elif delay.shape not in ((), (outputs, inputs)):
        return None
    return np.broadcast_to(delay, (outputs, inputs))


def split(weight: Array, delay: Array) -> list[tuple[int, Array]]:
    """Delay and weights of every synapse node, by delay. Weights of 0 need none; one node remains in any case."""
    used = np.unique(delay[weight != 0]) if weight.any() else [delay.min(initial=MAX_DELAY)]
    return [(int(steps), np.where(delay == steps, weight, 0)) for steps in used]


def merge(parts: Sequence[tuple[int, Array]]) -> tuple[Array, Array]:
    """The weights of all parts in one matrix, and the delay of every weight; that of zeros is the first part's."""
    delay = np.full(parts[0][1].shape, parts[0][0], np.int64)
    for steps, weight in parts:
        delay[weight != 0] = steps
    return np.asarray(np.sum([weight for _, weight in parts], axis=0, dtype=np.int64)), delay


def overlapping(parts: Sequence[tuple[int, Array]]) -> bool:
    """Whether a pair of neurons has synapses in more than one part, for which a file has no place."""
    return bool(np.any(np.sum([weight != 0 for _, weight in parts], axis=0) > 1))


def compact(weight: Array, delay: Array) -> Array:
    """The delays in the smallest of the four shapes that says the same of every weight that is not 0."""
    used = weight != 0
    if len(np.unique(delay[used])) <= 1:
        return np.asarray(delay[used][0] if used.any() else delay.min())
    outputs, inputs = weight.shape
    for axis in (1, 0) if inputs != outputs else (1,):  # of equal lengths, the reader takes outputs
        highest = np.where(used, delay, -1).max(axis=axis, keepdims=True)
        if np.array_equal(np.where(used, delay, 0), np.where(used, highest, 0)):
            return np.asarray(np.maximum(highest, 0).reshape(-1))
    return delay
