"""Reads ``slayer.neuron.cuba.Neuron``."""

from __future__ import annotations

from typing import Any

import numpy as np
from snnhub.findings import info

from snnhub_lavadl.neurons.live import SCALES, Live
from snnhub_lavadl.neurons.norm import read_norm
from snnhub_lavadl.neurons.part import NeuronPart

NEVER = -1
"""The threshold that a block without spikes sets."""


def read(neuron: Any, place: str) -> NeuronPart:
    """The neuron as ``slayer.CUBA``, or ``slayer.Integrator`` where its block took the threshold away.

    Raises ``UnsupportedError`` with everything that it cannot hold.
    """
    live = Live(neuron, place)
    live.scaled("p_scale")
    live.at_rest(current_state=0.0, voltage_state=0.0)
    norm, params = read_norm(live, neuron.norm)
    params |= live.decays("current_decay", "voltage_decay", clamped=True)
    if neuron._threshold == NEVER:
        return live.part("slayer.Integrator", {"norm": norm, "stepwise": False}, params)
    live.level("threshold", 0)
    scale = SCALES["s_scale"]
    params["threshold"] = np.asarray((neuron.threshold + neuron.threshold_eps) * scale, np.float32)
    if np.float32(neuron.threshold * scale) == params["threshold"]:
        words = "slayer's epsilon of 0.01 / 4096 vanishes in f32: it fires at the threshold, not only above it"
        live.notes.append(info("SNN-3307", place, words, old=f"threshold {neuron.threshold:g}"))
    attributes: dict[str, int | str | bool] = {
        "norm": norm,
        "graded": bool(neuron.graded_spike),
        "stepwise": False,
    }
    return live.part("slayer.CUBA", attributes, params)
