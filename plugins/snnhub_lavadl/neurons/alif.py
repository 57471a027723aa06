"""Reads ``slayer.neuron.alif.Neuron``."""

from __future__ import annotations

from typing import Any

from snnhub.ir.tensor import Array

from snnhub_lavadl.neurons.live import LARGEST_STEP, Live
from snnhub_lavadl.neurons.norm import read_norm
from snnhub_lavadl.neurons.part import NeuronPart


def adaptive(live: Live) -> dict[str, Array]:
    """Parameters of a threshold that spikes raise. Their decays are not clamped by slayer, ever."""
    live.at_rest(threshold_state=float(live.neuron.threshold), refractory_state=0.0)
    return {
        "threshold": live.level("threshold"),
        "threshold_step": live.level("threshold_step", -LARGEST_STEP, LARGEST_STEP),
        **live.decays("threshold_decay", "refractory_decay", clamped=False),
    }


def read(neuron: Any, place: str) -> NeuronPart:
    """The neuron as ``slayer.ALIF``. Raises ``UnsupportedError`` with everything that it cannot hold."""
    live = Live(neuron, place)
    live.scaled("p_scale")
    live.at_rest(current_state=0.0, voltage_state=0.0)
    norm, statistics = read_norm(live, neuron.norm)
    params = {**live.decays("current_decay", "voltage_decay", clamped=True), **adaptive(live), **statistics}
    return live.part("slayer.ALIF", {"norm": norm, "graded": bool(neuron.graded_spike)}, params)
