"""Neurons to step ops. Equations: SpikingJelly 2.0.0, ``activation_based.neuron``."""

from __future__ import annotations

from importlib.metadata import version
from typing import Any

from snnhub.findings import note
from snnhub.ir.tensor import Tensor

from snnhub_spikingjelly.signals import Signal
from snnhub_spikingjelly.site import Handler, Site, scalar, step_mode


def _if(module: Any, signal: Signal, site: Site) -> Signal:
    return _neuron(module, signal, site, "core.IF", {}, {})


def _lif(module: Any, signal: Signal, site: Site) -> Signal:
    params = {"tau": scalar(module.tau)}
    if not module.decay_input and module.v_reset is None and _before_two():
        site.builder.findings.append(
            note(
                "SNN-3034",
                site.name,
                "this version of SpikingJelly multiplies by 1 - 1/tau",
                old="v (1 - 1/tau) + x",
                new="v - v/tau + x",
                bound="potentials differ in their last bits",
            )
        )
    return _neuron(module, signal, site, "core.LIF", params, {"decay_input": bool(module.decay_input)})


def _before_two() -> bool:
    """Whether this is SpikingJelly 0.x. Its LIFNode has other forms where it soft-resets without decay_input."""
    return version("spikingjelly").startswith("0.")


def _neuron(
    module: Any, signal: Signal, site: Site, op: str, params: dict[str, Tensor], attributes: dict[str, bool]
) -> Signal:
    step_mode(module, signal)
    params = {**params, "v_threshold": scalar(module.v_threshold)}
    if module.v_reset is not None:
        params["v_reset"] = scalar(module.v_reset)
    reset = "subtract" if module.v_reset is None else "value"
    port = site.builder.node(
        site.name, op, signal.port, params=params, origin=site.origin, reset=reset, compare="ge", **attributes
    )
    return signal.moved(port, signal.features)


NEURONS: dict[tuple[str, str], Handler] = {
    ("spikingjelly", "IFNode"): _if,
    ("spikingjelly", "LIFNode"): _lif,
}
