"""Neurons to step ops. Equations: SpikingJelly 2.0.0, ``activation_based.neuron``."""

from __future__ import annotations

from importlib.metadata import version
from typing import Any

import numpy as np
from snnhub.findings import note
from snnhub.ir.tensor import Tensor, smallest_integer

from snnhub_spikingjelly import grid
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


def _cuba(module: Any, signal: Signal, site: Site) -> Signal:
    """A CubaLIFNode outside a block: whatever reaches it is truncated to its grid."""
    step_mode(module, signal)
    decays = grid.decays(module)
    numbers = {"iDecay": decays[0], "vDecay": decays[1], "silent": grid.silent_up_to(module)}
    params = {name: smallest_integer(np.asarray(value)) for name, value in numbers.items()}
    params["scale"] = scalar(module.s_scale)
    port = site.builder.node(site.name, grid.OP, signal.port, params=params, origin=site.origin)
    words = f"input is truncated to multiples of 1/{module.s_scale}"
    remedy = "Sums of floats in another order may truncate otherwise; a BlockContainer has exact sums."
    site.builder.findings.append(note("SNN-3031", site.name, words, bound="as the framework does", remedy=remedy))
    return signal.moved(port, signal.features)


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
    ("spikingjelly", "CubaLIFNode"): _cuba,
}
