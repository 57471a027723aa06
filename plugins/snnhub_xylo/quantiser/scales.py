"""Scales: one for all hidden neurons, or one per neuron. Numbers are f64, rounded half to even.

Scaling a neuron's weights, bias and threshold together changes nothing but what rounding leaves. These rules are
pinned: where Rockpool 3.1.0's ``global_quantize`` and ``channel_quantize`` are right, they give the same integers
(``tests/differential/test_rockpool_mapper.py``); where it is not is listed in ``docs/xylo.md``.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from snnhub.ir.tensor import Array

from snnhub_xylo.core import HIGH, LOW, Core
from snnhub_xylo.mapping.mapped import Mapped

WEIGHT = 127
"""Largest weight that a scale aims at; -128 stays unused, so that signs are alike."""


@dataclass(frozen=True, eq=False)
class Quantised:
    """``scale`` (hidden,) and ``scale_out`` (outputs,): integer per float. ``clipped``: numbers that did not
    fit.
    """

    core: Core
    scale: Array
    scale_out: Array
    clipped: dict[str, int]


def quantise(mapped: Mapped, quantiser: str, scale_out: Array | None = None) -> Quantised:
    """By the rule ``global`` or ``per-neuron``. ``scale_out``: instead of the rule's, for outputs that are
    potentials.
    """
    scale, by_rule = global_scales(mapped) if quantiser == "global" else neuron_scales(mapped)
    return rounded(mapped, scale, by_rule if scale_out is None else scale_out)


def global_scales(mapped: Mapped) -> tuple[Array, Array]:
    """127 over the largest weight or bias of all hidden neurons, and the same for the output neurons."""
    own = ~mapped.relay
    hidden = _most(mapped.weights_in[:, own], mapped.weights_rec[:, own], mapped.bias[own])
    outputs = _most(mapped.weights_out, mapped.bias_out)
    scale = _fitting(np.full(mapped.threshold.shape, _scale(hidden)), mapped.threshold, mapped.relay, shared=True)
    return scale, _output_scale(mapped, np.full(mapped.threshold_out.shape, _scale(outputs)), shared=True)


def neuron_scales(mapped: Mapped) -> tuple[Array, Array]:
    """127 over the largest weight that leads to a neuron, whatever its synapse; 1 for a neuron without weights."""
    hidden = np.maximum(
        np.abs(mapped.weights_in).max(axis=(0, 2), initial=0),
        np.abs(mapped.weights_rec).max(axis=(0, 2), initial=0),
    )
    scale = _fitting(_scales(hidden), mapped.threshold, mapped.relay, shared=False)
    outputs = _scales(np.abs(mapped.weights_out).max(axis=0, initial=0))
    if mapped.vmem:  # a decision between potentials needs one scale
        outputs = np.full(outputs.shape, outputs.min())
    return scale, _output_scale(mapped, outputs, shared=mapped.vmem)


def _most(*arrays: Array) -> float:
    return max((float(np.abs(array).max(initial=0)) for array in arrays), default=0.0)


def _scale(most: float) -> float:
    return WEIGHT / most if most else 1.0


def _scales(most: Array) -> Array:
    return np.divide(WEIGHT, most, out=np.ones(most.shape), where=most > 0)


def _fitting(scale: Array, threshold: Array, relay: Array, *, shared: bool) -> Array:
    """Scales at which every threshold has its 16 bits; 1 for relays, whose numbers are the chip's."""
    own = threshold[~relay]
    if not own.size:
        return np.ones(scale.shape)
    most = np.where(threshold > 0, HIGH / np.maximum(threshold, 1e-300), np.inf)
    fitting = np.where(np.rint(threshold * scale) > HIGH, most, scale)
    if shared:
        fitting = np.full(scale.shape, fitting[~relay].min())
    return np.where(relay, 1.0, fitting)


def _output_scale(mapped: Mapped, scale: Array, *, shared: bool) -> Array:
    if mapped.vmem:  # the threshold is pinned, not scaled
        return scale
    return _fitting(scale, mapped.threshold_out, np.zeros(scale.shape, bool), shared=shared)


def rounded(mapped: Mapped, scale: Array, scale_out: Array, given: dict[str, Array] | None = None) -> Quantised:
    """The integers at these scales. What does not fit its register is clipped, and counted.

    ``given``: arrays that are integers already. A neuron that nothing reaches keeps a threshold that it does not
    fire at at rest.
    """
    clipped: dict[str, int] = {}
    threshold = np.rint(mapped.threshold * scale)
    threshold_out = np.full(scale_out.shape, HIGH) if mapped.vmem else np.rint(mapped.threshold_out * scale_out)
    arrays = {
        "weights_in": mapped.weights_in * scale[:, None],
        "weights_rec": mapped.weights_rec * scale[:, None],
        "weights_out": mapped.weights_out * scale_out,
        "threshold": np.maximum(threshold, 1),
        "bias": mapped.bias * scale,
        "threshold_out": np.maximum(threshold_out, 1),
        "bias_out": mapped.bias_out * scale_out,
    }
    for name, values in arrays.items():
        low, high = (-WEIGHT - 1, WEIGHT) if name.startswith("weights") else (LOW, HIGH)
        whole = np.rint(values)
        if over := int(np.count_nonzero((whole < low) | (whole > high))):
            clipped[name] = over
        arrays[name] = np.clip(whole, low, high)
    raised = int(np.count_nonzero(threshold < 1) + np.count_nonzero(threshold_out < 1))
    if raised:
        clipped["threshold below 1"] = raised
    fixed = {
        name: getattr(mapped, name) for name in ("dash_mem", "dash_syn", "alias", "dash_mem_out", "dash_syn_out")
    }
    shifts = dict.fromkeys(("shift_in", "shift_rec", "shift_out"), np.zeros((), np.int64))
    return Quantised(Core.made("v2", {**arrays, **fixed, **shifts, **(given or {})}), scale, scale_out, clipped)
