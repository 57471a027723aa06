"""Reads ``slayer.neuron.adrf.Neuron``; says why ``slayer.neuron.adrf_iz.Neuron`` is none."""

from __future__ import annotations

from typing import Any

from snnhub_lavadl.neurons.alif import adaptive
from snnhub_lavadl.neurons.live import Live
from snnhub_lavadl.neurons.norm import read_norms
from snnhub_lavadl.neurons.part import NeuronPart
from snnhub_lavadl.neurons.resonate import INPUTS, turn


def _part(live: Live, op: str) -> NeuronPart:
    norm, statistics = read_norms(live)
    params = {**turn(live), **adaptive(live), **statistics}
    return live.part(op, {"norm": norm, "graded": bool(live.neuron.graded_spike)}, params, INPUTS)


def read_adrf(neuron: Any, place: str) -> NeuronPart:
    """The neuron as ``slayer.ADRF``. Raises ``UnsupportedError`` with everything that it cannot hold."""
    return _part(Live(neuron, place), "slayer.ADRF")


def read_adrf_iz(neuron: Any, place: str, *, called_by_hand: bool = False) -> NeuronPart:
    """Raises ``UnsupportedError``: in lava-dl 0.6.0 its forward hands three of four arguments to its spike.

    ``called_by_hand``: whoever calls ``dynamics`` and ``spike`` gets ``slayer.ADRFIzhikevich``.
    """
    live = Live(neuron, place)
    if not called_by_hand:
        message = (
            "adrf_iz.Neuron cannot run in lava-dl 0.6.0: its forward fails with a TypeError (refractory missing)"
        )
        live.refuse("SNN-3324", message, "Use adrf or rf_iz.")
    return _part(live, "slayer.ADRFIzhikevich")
