"""slayer's CUBA neurons."""

from __future__ import annotations

from typing import Any

import numpy as np
from snnhub.findings import Finding, error, info
from snnhub.ir.tensor import Array

from snnhub_lavadl.neurons.part import NeuronPart
from snnhub_lavadl.ops.cuba import UNITY

LIMIT = "lava-dl 0.6.0 clamps decays to 0 .. 4096"


def read(neuron: Any, place: str) -> NeuronPart:
    """A neuron that has run once. ``slayer.Integrator`` where its block took the threshold away.

    ``findings`` has an ``error`` for each setting that no graph here can hold.
    """
    found: list[Finding] = []
    attributes, params = norm_of(neuron.norm, len(neuron.shape), place, found)
    attributes["stepwise"] = False
    for name, values in (("iDecay", neuron.current_decay), ("vDecay", neuron.voltage_decay)):
        params[name] = _decay(values, tuple(neuron.shape), f"{place}/{name}", found)
    if neuron.drop is not None:
        found.append(info("SNN-3005", place, "dropout is for training; removed"))
    if neuron._threshold == -1:  # what an Affine block sets
        return NeuronPart("slayer.Integrator", attributes, params, findings=tuple(found))
    if neuron.threshold < 0:
        words = "below 0 slayer fires without a reset, which no op here does"
        found.append(error("SNN-3306", place, f"threshold {neuron.threshold:g}: {words}"))
    scale = int(neuron.s_scale)
    if scale != UNITY:
        words = f"states are scaled by {scale} (scale={neuron.w_scale})"
        remedy = "Use the default scale of 64."
        found.append(error("SNN-3306", place, words, remedy=remedy))
    attributes["spike"] = "graded" if neuron.graded_spike else "binary"
    params["threshold"] = np.asarray((neuron.threshold + neuron.threshold_eps) * scale, np.float32)
    if np.float32(neuron.threshold * scale) == params["threshold"]:
        words = "slayer's epsilon of 0.01 / 4096 vanishes in f32: it fires at the threshold, not only above it"
        found.append(info("SNN-3307", place, words, old=f"threshold {neuron.threshold:g}"))
    return NeuronPart("slayer.CUBA", attributes, params, findings=tuple(found))


def norm_of(
    norm: Any, axes: int, place: str, found: list[Finding]
) -> tuple[dict[str, int | str | bool], dict[str, Array]]:
    """Attribute and parameters of a neuron's norm in evaluation mode, its statistics quantised as it does.

    ``axes``: of the neurons, channels first.
    """
    if norm is None:
        return {"norm": "none"}, {}
    kind = type(norm).__name__
    if kind not in ("MeanOnlyBatchNorm", "WgtScaleBatchNorm"):
        remedy = "Use MeanOnlyBatchNorm or WgtScaleBatchNorm of slayer."
        found.append(error("SNN-3306", place, f"norm {kind} is not known", remedy=remedy))
        return {"norm": "none"}, {}
    mean = _numbers(norm.pre_hook_fx(norm.running_mean))
    params = {"norm_mean": mean.reshape(()) if mean.size == 1 else mean.reshape(-1, *[1] * (axes - 1))}
    if kind == "MeanOnlyBatchNorm":
        return {"norm": "mean"}, params
    return {"norm": "scale"}, {**params, "norm_divisor": _numbers(norm.std(norm.running_var)).reshape(())}


def _decay(values: Any, shape: tuple[int, ...], place: str, found: list[Finding]) -> Array:
    """Whole numbers, rounded half to even as slayer does, in the form in which torch broadcasts them."""
    array = np.rint(_numbers(values).astype(np.float64)).astype(np.int64)
    if array.min() < 0 or array.max() > UNITY:
        worst = str(array.min() if array.min() < 0 else array.max())
        found.append(error("SNN-3306", place, "a decay outside 0 .. 4096", old=worst, remedy=LIMIT))
        array = np.clip(array, 0, UNITY)
    if array.size == 1:
        return array.reshape(())
    if len(shape) > 1:
        words = "slayer multiplies decays per channel along the last axis, which here is one of the positions"
        found.append(info("SNN-3308", place, words, old=f"{array.size} decays on neurons {list(shape)}"))
        return array.reshape(*[1] * (len(shape) - 1), -1)
    return array


def _numbers(values: Any) -> Array:
    array: Array = np.asarray(values.detach().cpu().numpy())
    return array
