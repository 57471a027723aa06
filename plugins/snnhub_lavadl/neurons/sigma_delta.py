"""Reads ``slayer.neuron.sigma_delta.Neuron``, and its delta and sigma alone."""

from __future__ import annotations

from typing import Any

import numpy as np
from snnhub.ir.tensor import Array

from snnhub_lavadl.neurons.live import SCALES, Live, numbers
from snnhub_lavadl.neurons.norm import read_norm
from snnhub_lavadl.neurons.part import NeuronPart

CUM_ERROR = (
    "cum_error=True cannot run: slayer subtracts a bool tensor, which torch refuses, and its errors would stay in "
    "the module from one forward to the next"
)


def _delta(live: Live, delta: Any) -> dict[str, Array]:
    """The threshold, f32, clamped to at least 1/4096 as every forward does."""
    if delta.scale != SCALES["s_scale"]:
        live.refuse("SNN-3320", f"delta with scale {delta.scale}", f"Use {SCALES['s_scale']}.")
    if delta.cum_error is True:
        live.refuse("SNN-3324", CUM_ERROR, "Use cum_error=False.")
    if delta.persistent_state is True:
        _at_rest(live, delta, "pre_state", "residual_state")
    old = numbers(delta.threshold).astype(np.float32)
    new = np.maximum(old, np.float32(1 / delta.scale))
    live.changed("threshold", old, new)
    return {"threshold": live.by_channel(new, "threshold")}


def _at_rest(live: Live, part: Any, *names: str) -> None:
    for name in names:
        if numbers(getattr(part, name)).any():
            live.refuse("SNN-3322", f"{type(part).__name__}'s {name} is not at rest", f"Fill {name} with 0.")


def _activation(live: Live) -> None:
    found = live.neuron.activation
    name = getattr(found, "__name__", type(found).__name__)
    module = getattr(found, "__module__", None) or type(found).__module__ or "torch"
    if name not in ("relu", "ReLU") or not str(module).startswith("torch"):
        live.refuse("SNN-3321", f"activation {name}", "Use torch.nn.functional.relu: Loihi has no other.")


def _bias(live: Live) -> Array:
    """The bias, f32, laid on the neurons from the last axis as slayer does."""
    if not live.neuron.bias_is_set:
        return np.zeros((), np.float32)
    found = numbers(live.neuron.bias).astype(np.float32)
    if found.size == 1:
        return found.reshape(())
    rank = found.ndim if live.shape is None else len(live.shape)
    return found.reshape((1,) * (rank - found.ndim) + found.shape)


def read(neuron: Any, place: str) -> NeuronPart:
    """The neuron as ``slayer.SigmaDelta``. Raises ``UnsupportedError`` with everything that it cannot hold."""
    live = Live(neuron, place)
    _activation(live)
    if neuron.sigma.persistent_state is True:
        _at_rest(live, neuron.sigma, "pre_state")
    norm, statistics = read_norm(live, neuron.norm)
    params = {**_delta(live, neuron.delta), "bias": _bias(live), **statistics}
    return live.part("slayer.SigmaDelta", {"norm": norm}, params)


def read_delta(neuron: Any, place: str) -> NeuronPart:
    """The delta of a neuron as ``slayer.Delta``: what a block of input runs. Raises ``UnsupportedError``."""
    live = Live(neuron, place)
    return live.part("slayer.Delta", {}, _delta(live, neuron.delta))


def read_sigma(neuron: Any, place: str) -> NeuronPart:
    """The sigma of a neuron as ``slayer.Sigma``: what a block of output runs. Raises ``UnsupportedError``."""
    live = Live(neuron, place)
    if neuron.sigma.persistent_state is True:
        _at_rest(live, neuron.sigma, "pre_state")
    return live.part("slayer.Sigma", {}, {})
