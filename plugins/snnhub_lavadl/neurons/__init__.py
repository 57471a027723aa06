"""What a live slayer neuron says, as op, attributes and parameters: one module per family."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from snnhub_lavadl.neurons import cuba
from snnhub_lavadl.neurons.part import NeuronPart

READERS: Mapping[str, Callable[[Any, str], NeuronPart]] = {"cuba.Neuron": cuba.read}
"""By class of the neuron (``module.path.Class`` below ``lava.lib.dl.slayer.neuron``), taking neuron and place."""
