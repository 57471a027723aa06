"""Neurons to step ops. Equations: SpikingJelly 2.0.0, ``activation_based.neuron``."""

from __future__ import annotations

from importlib.metadata import version
from typing import Any

from snnhub.findings import note
from snnhub.torchnet.signals import Signal
from snnhub.torchnet.site import Handler, Site, array, scalar

from snnhub_spikingjelly.cells import sigmoid, spiking
from snnhub_spikingjelly.currents import CURRENTS
from snnhub_spikingjelly.nonlinear import NONLINEAR


def _if(module: Any, signal: Signal, site: Site) -> Signal:
    return spiking(module, signal, site, "core.IF")


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
    return spiking(module, signal, site, "core.LIF", params, decay_input=bool(module.decay_input))


def _before_two() -> bool:
    """Whether this is SpikingJelly 0.x. Its LIFNode has other forms where it soft-resets without decay_input."""
    return version("spikingjelly").startswith("0.")


def _parametric_lif(module: Any, signal: Signal, site: Site) -> Signal:
    params = {"leak": sigmoid(module.w)}
    return spiking(module, signal, site, "core.LIFCoeff", params, decay_input=bool(module.decay_input))


def _klif(module: Any, signal: Signal, site: Site) -> Signal:
    params = {"tau": scalar(module.tau), "k": array(module.k)}
    choices = {"decay_input": bool(module.decay_input), "scale_reset": bool(module.scale_reset)}
    return spiking(module, signal, site, "core.KLIF", params, **choices)


NEURONS: dict[tuple[str, str], Handler] = {
    ("spikingjelly", "IFNode"): _if,
    ("spikingjelly", "SimpleIFNode"): _if,
    ("spikingjelly", "LIFNode"): _lif,
    ("spikingjelly", "SimpleLIFNode"): _lif,  # (v_reset - v + x) and (x - (v - v_reset)) round alike
    ("spikingjelly", "OTTTLIFNode"): _lif,  # its trace exists in training only
    ("spikingjelly", "SLTTLIFNode"): _lif,
    ("spikingjelly", "ParametricLIFNode"): _parametric_lif,
    ("spikingjelly", "KLIFNode"): _klif,
    **NONLINEAR,
    **CURRENTS,
}
GRADED = frozenset({("spikingjelly", "SynapseFilter")})
"""Those of them that keep a state and do not spike."""
