"""What a live slayer neuron says, as op, attributes and parameters: one module per family."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from snnhub_lavadl.neurons import adaptive_resonate, alif, cuba, resonate, sigma_delta
from snnhub_lavadl.neurons.part import NeuronPart

READERS: Mapping[str, Callable[[Any, str], NeuronPart]] = {
    "cuba.Neuron": cuba.read,
    "alif.Neuron": alif.read,
    "rf.Neuron": resonate.read_rf,
    "rf_iz.Neuron": resonate.read_rf_iz,
    "adrf.Neuron": adaptive_resonate.read_adrf,
    "adrf_iz.Neuron": adaptive_resonate.read_adrf_iz,
    "sigma_delta.Neuron": sigma_delta.read,
}
"""By class of the neuron (``module.path.Class`` below ``lava.lib.dl.slayer.neuron``), taking neuron and place.

Blocks of input and output run a part of a sigma-delta neuron only: ``sigma_delta.read_delta`` and ``read_sigma``.
"""
