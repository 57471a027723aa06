"""Current-based neurons and the synapse filter to step ops.

Equations: SpikingJelly 2.0.0, ``neuron.CUBALIFNode``, ``lava_exchange.CubaLIFNode``, ``layer.SynapseFilter``.
"""

from __future__ import annotations

from typing import Any

from snnhub.ir.tensor import Tensor, tensor
from snnhub.torchnet.signals import RefusedError, Signal
from snnhub.torchnet.site import Handler, Site, scalar

from snnhub_spikingjelly.cells import reciprocal, sigmoid, spiking
from snnhub_spikingjelly.step_mode import ensure_step_mode


def _cuba_lif(module: Any, signal: Signal, site: Site) -> Signal:
    params = {"u_factor": scalar(module.c_decay), "v_factor": scalar(module.v_decay)}
    return spiking(module, signal, site, "core.CubaLIF", params, arithmetic="float")


def _lava_cuba_lif(module: Any, signal: Signal, site: Site) -> Signal:
    """Lava's neuron as SpikingJelly imitates it: integers of 1/s_scale, a threshold a hundredth of one higher."""
    threshold = module.v_threshold + module.v_threshold_eps
    words = f"f32: v_threshold {module.v_threshold!r} + v_threshold_eps {module.v_threshold_eps!r}, summed in f64"
    params = {
        "v_threshold": scalar(threshold).described(words),
        "u_decay": _whole_decay(module, "current_decay"),
        "v_decay": _whole_decay(module, "voltage_decay"),
        "scale": scalar(module.s_scale),
    }
    return spiking(module, signal, site, "core.CubaLIF", params, arithmetic="fixed")


def _whole_decay(module: Any, name: str) -> Tensor:
    """A decay as the integer that the module computes with: clamped where it is learned, rounded half to even."""
    import torch

    with torch.no_grad():
        value = getattr(module, name)
        if module.requires_grad:
            value = value.clamp(min=0.0, max=module.p_scale)
        number = int(torch.round(value))
    if not 0 <= number <= module.p_scale:
        raise RefusedError(
            "SNN-3009",
            f"{name} is {number} of {module.p_scale}",
            "A decay lies in 0 .. 1 of the constructor's scale.",
        )
    recipe = f"rounded half to even from {name} = {float(value.detach())!r}"
    return tensor(number, "int16").described(recipe)


def _synapse_filter(module: Any, signal: Signal, site: Site) -> Signal:
    ensure_step_mode(module, signal)
    leak = sigmoid(module.w) if module.learnable else reciprocal("tau", module.tau)
    port = site.builder.node(
        site.name, "core.SynapseFilter", signal.port, params={"leak": leak}, origin=site.origin
    )
    return signal.moved(port, signal.features)


CURRENTS: dict[tuple[str, str], Handler] = {
    ("spikingjelly", "CUBALIFNode"): _cuba_lif,
    ("spikingjelly", "CubaLIFNode"): _lava_cuba_lif,
    ("spikingjelly", "SynapseFilter"): _synapse_filter,
}
