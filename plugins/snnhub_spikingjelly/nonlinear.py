"""QIF, EIF, Izhikevich and resonating neurons to step ops.

Equations: SpikingJelly 2.0.0, ``activation_based.neuron``.
"""

from __future__ import annotations

import math
from typing import Any

from snnhub.ir.tensor import Tensor
from snnhub.torchnet.signals import Signal
from snnhub.torchnet.site import Handler, Site, scalar

from snnhub_spikingjelly.cells import spiking


def _numbers(module: Any, **names: str) -> dict[str, Tensor]:
    """Parameters of the op by the names of the module; ``tau`` and ``v_rest`` are always there."""
    wanted = {"tau": "tau", "v_rest": "v_rest", **names}
    return {name: scalar(getattr(module, source)) for name, source in wanted.items()}


def _qif(module: Any, signal: Signal, site: Site) -> Signal:
    return spiking(module, signal, site, "core.QIF", _numbers(module, v_critical="v_c", a0="a0"))


def _eif(module: Any, signal: Signal, site: Site) -> Signal:
    return spiking(module, signal, site, "core.EIF", _numbers(module, theta_rh="theta_rh", delta_T="delta_T"))


def _izhikevich(module: Any, signal: Signal, site: Site) -> Signal:
    own = {name: name for name in ("a0", "w_rest", "tau_w", "a", "b")}
    return spiking(module, signal, site, "core.Izhikevich", _numbers(module, v_critical="v_c", **own))


def _raf(module: Any, signal: Signal, site: Site) -> Signal:
    angle = module.omega * module.dt
    words = f"(omega dt), omega = {module.omega!r}, dt = {module.dt!r}, in f64, rounded once to f32"
    params = {
        "factor": scalar(math.exp(module.b * module.dt)).described(
            f"exp(b dt), b = {module.b!r}, dt = {module.dt!r}, in f64, rounded once to f32"
        ),
        "cosine": scalar(math.cos(angle)).described(f"cos{words}"),
        "sine": scalar(math.sin(angle)).described(f"sin{words}"),
    }
    return spiking(module, signal, site, "core.RAF", params)


NONLINEAR: dict[tuple[str, str], Handler] = {
    ("spikingjelly", "QIFNode"): _qif,
    ("spikingjelly", "EIFNode"): _eif,
    ("spikingjelly", "IzhikevichNode"): _izhikevich,
    ("spikingjelly", "RAFNode"): _raf,
}
