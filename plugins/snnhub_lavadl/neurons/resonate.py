"""Reads ``slayer.neuron.rf.Neuron`` and ``slayer.neuron.rf_iz.Neuron``."""

from __future__ import annotations

from typing import Any

import numpy as np
from snnhub.ir.tensor import Array

from snnhub_lavadl.neurons.live import UNITY, Live, numbers
from snnhub_lavadl.neurons.norm import read_norms
from snnhub_lavadl.neurons.part import NeuronPart

INPUTS = ("real", "imag")


def turn(live: Live) -> dict[str, Array]:
    """What a step keeps, as slayer's ``quantize`` rounds it; clamped as forward does where it learns."""
    live.scaled("p_scale")
    live.at_rest(real_state=0.0, imag_state=0.0)
    sine, cosine = (numbers(getattr(live.neuron, f"{name}_decay")).astype(np.float32) for name in ("sin", "cos"))
    if live.neuron.requires_grad is True:
        new = clamped(sine, cosine)
        live.changed("sin_decay", sine, new[0])
        live.changed("cos_decay", cosine, new[1])
        sine, cosine = new
    return {"sin_decay": live.per_channel("sin_decay", sine), "cos_decay": live.per_channel("cos_decay", cosine)}


def clamped(sine: Array, cosine: Array) -> tuple[Array, Array]:
    """What slayer's clamp does, operation by operation in f32: the radius at most 4095, the sine at least 1."""
    with np.errstate(all="ignore"):
        gain = np.sqrt(sine * sine + cosine * cosine)
        ratio = np.clip(gain, np.float32(0), np.float32(UNITY - 1)) / gain
        return np.maximum(sine * ratio, np.float32(1)), np.maximum(cosine * ratio, np.float32(0))


def _part(neuron: Any, place: str, op: str) -> NeuronPart:
    live = Live(neuron, place)
    norm, statistics = read_norms(live)
    params = {**turn(live), "threshold": live.level("threshold"), **statistics}
    return live.part(op, {"norm": norm, "graded": bool(neuron.graded_spike)}, params, INPUTS)


def read_rf(neuron: Any, place: str) -> NeuronPart:
    """The neuron as ``slayer.RF``. Raises ``UnsupportedError`` with everything that it cannot hold."""
    return _part(neuron, place, "slayer.RF")


def read_rf_iz(neuron: Any, place: str) -> NeuronPart:
    """The neuron as ``slayer.RFIzhikevich``. Raises ``UnsupportedError`` as ``read_rf``."""
    return _part(neuron, place, "slayer.RFIzhikevich")
