"""The norm of a live slayer neuron in eval mode: its quantised statistics."""

from __future__ import annotations

from typing import Any

import numpy as np
from snnhub.ir.tensor import Array

from snnhub_lavadl.neurons.live import Live, class_path, numbers

KINDS = {
    "lava.lib.dl.slayer.neuron.norm.MeanOnlyBatchNorm": "mean",
    "lava.lib.dl.slayer.neuron.norm.WgtScaleBatchNorm": "scale",
}


def read_norm(live: Live, norm: Any, prefix: str = "") -> tuple[str, dict[str, Array]]:
    """The attribute ``norm`` and its parameters, f32: ``mean`` and ``std``, each with ``prefix`` before it.

    The running mean goes through the norm's own hook, which rounds it to 1/32 and clips it to 8 bits; std is the
    power of two that its own ``std`` gives.
    """
    if norm is None:
        return "none", {}
    kind = KINDS.get(class_path(norm))
    if kind is None:
        remedy = "Use MeanOnlyBatchNorm or WgtScaleBatchNorm of slayer.neuron.norm, or none."
        live.refuse("SNN-3321", f"norm of class {class_path(norm)}", remedy)
        return "none", {}
    if norm.update is True:
        live.eval_mode(norm, "norm")
    mean = numbers(norm.pre_hook_fx(norm.running_mean)).astype(np.float32)
    params = {f"{prefix}mean": live.by_channel(mean, "running mean of the norm")}
    if kind == "scale":
        params[f"{prefix}std"] = numbers(norm.std(norm.running_var)).astype(np.float32).reshape(())
    return kind, params


def read_norms(live: Live) -> tuple[str, dict[str, Array]]:
    """The norms of a complex neuron, which are of one kind."""
    kind, params = read_norm(live, live.neuron.real_norm, "real_")
    other, more = read_norm(live, live.neuron.imag_norm, "imag_")
    if kind != other:
        live.refuse("SNN-3321", f"norms of two kinds, {kind} and {other}", "Use one kind for both inputs.")
    return kind, {**params, **more}
