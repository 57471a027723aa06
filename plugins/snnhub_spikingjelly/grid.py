"""The arithmetic of ``lava_exchange.CubaLIFNode`` in integers: weights, decays, threshold, and where it ends.

With ``s = 64 scale``: ``u s`` and ``v s`` are whole. A step computes ``u = shr0(u (4096 - iDecay)) + s x`` and the
same for ``v`` with ``u`` as input, and fires when ``v >= f32(v_threshold + 0.01 / s)``: above the threshold.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import ceil
from typing import Any

import numpy as np
from snnhub.errors import RunError
from snnhub.ir.tensor import Array
from snnhub.torchnet.signals import RefusedError

UNITY = 4096
ALIGN = 64
STATE_LIMIT = 2**23
SUM_LIMIT = 2**17
"""Sums of weights below this: ``u`` stays below 2^23 in one step, far below where f32 sums would round."""
LONGEST = 10_000
PRECISION = "_neuron_precision"


def weights(neuron: Any, weight: Any) -> Array:
    """The container's quantised weights times ``scale``: int64, even from -256 to 254, or 255."""
    scaled: Array = (neuron.quantize_8bit(weight.detach()) * neuron.scale).cpu().numpy()
    whole = np.rint(scaled).astype(np.int64)
    if np.any(whole != scaled):
        raise RefusedError("SNN-3030", "quantised weights are not on the grid of the scale", "Use scale=64.")
    return whole


def decays(neuron: Any) -> tuple[int, int]:
    """Parts of ``u`` and ``v`` lost per step, of 4096, rounded half to even as the step does."""
    found = [np.rint(value.detach().cpu().numpy().reshape(-1)) for value in _decay_tensors(neuron)]
    return int(np.clip(found[0][0], 0, UNITY)), int(np.clip(found[1][0], 0, UNITY))


def _decay_tensors(neuron: Any) -> tuple[Any, Any]:
    return neuron.current_decay, neuron.voltage_decay


def silent_up_to(neuron: Any) -> int:
    """The largest ``v s`` that does not fire."""
    level = float(np.float32(float(neuron.v_threshold) + float(neuron.v_threshold_eps)))
    return ceil(level * int(neuron.s_scale)) - 1


def whole_steps(neuron: Any) -> bool:
    """Whether ``v s`` is always a multiple of 64: the current has no memory, and the potential does not leak."""
    current, voltage = decays(neuron)
    return current == UNITY and voltage in (0, UNITY)


def threshold(neuron: Any) -> int:
    """Loihi's threshold: fires when ``v s > 64 threshold``, the same as in the source for all values of ``v``."""
    return silent_up_to(neuron) // ALIGN


def drive(weight: Array) -> int:
    """The largest magnitude that spikes can sum to."""
    rows = weight.reshape(weight.shape[0], -1)
    return int(
        max(np.maximum(rows, 0).sum(axis=1).max(initial=0), np.maximum(-rows, 0).sum(axis=1).max(initial=0))
    )


def steps_until_saturation(drive: int, decays: tuple[int, int]) -> int | None:
    """Steps for which no input can bring ``u`` or ``v`` to 2^23; None if none ever can.

    The largest drive in every step and no reset: an upper bound of what can happen, both ways.
    """
    u = v = 0
    for step in range(LONGEST):
        before = u, v
        u = (u * (UNITY - decays[0]) >> 12) + drive * ALIGN
        v = (v * (UNITY - decays[1]) >> 12) + u
        if max(u, v) >= STATE_LIMIT:
            return step
        if (u, v) == before:
            return None
    return LONGEST


def integers(neuron: Any, values: Array) -> Array:
    """States of the neuron as the integers that they stand for. Raises ``RunError`` off the grid."""
    scaled = values.astype(np.float64) * int(neuron.s_scale)
    whole = np.rint(scaled)
    if np.any(whole != scaled):
        raise RunError("a state is off its grid", where="CubaLIFNode", allowed=f"multiples of 1/{neuron.s_scale}")
    integers: Array = whole.astype(np.int64)
    return integers


def problems(neuron: Any) -> Iterator[RefusedError]:
    """Every setting of a block's neuron that cannot be held: thresholds are Loihi's, multiples of 64."""
    if type(neuron).__name__ != "CubaLIFNode":
        yield _refused(f"neuron {type(neuron).__name__}", "Use IFNode, LIFNode or CubaLIFNode.")
        return
    if neuron.norm is not None:
        yield _refused("the neuron normalises its current", "Leave norm out.")
    if neuron.v_reset != 0:
        yield _refused(f"v_reset {neuron.v_reset}", "Lava resets to 0: use v_reset=0.")
    if getattr(neuron, PRECISION, None) is not None:
        yield _refused("reduced neuron precision is set", "Import the network in f32.")
    if not getattr(neuron.surrogate_function, "spiking", True):
        yield _refused("the surrogate function is not spiking", "Call set_spiking_mode(True) on it.")
    if neuron.scale < 1 or neuron.scale & (neuron.scale - 1):
        yield _refused(
            f"scale {neuron.scale}: 1/{neuron.scale} is no exact number", "Use a power of 2, such as 64."
        )
        return
    if any(value.numel() != 1 for value in _decay_tensors(neuron)):
        yield _refused("a decay per channel", "One decay per layer can be held.")
        return
    yield from _threshold_problems(neuron)


def _threshold_problems(neuron: Any) -> Iterator[RefusedError]:
    value = neuron.v_threshold
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < 2**11:
        yield _refused(f"v_threshold {value}", "Use one number above 0 and below 2048.")
    elif not whole_steps(neuron) and silent_up_to(neuron) % ALIGN:
        near = round(value * neuron.scale) / neuron.scale
        yield _refused(
            f"v_threshold {value} is no multiple of 1/{neuron.scale}, and the potential leaks",
            f"Loihi's threshold is coarser than its potential: use {near:g}.",
        )


def _refused(message: str, remedy: str) -> RefusedError:
    return RefusedError("SNN-3030", message, remedy)
