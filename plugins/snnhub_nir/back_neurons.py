"""Neurons of steps as NIR's neurons in continuous time: the profiles' recipes for coefficients, the other way.

Fields that are worked out are f64, so that the profile named in ``PROFILES`` gets back the f32 coefficient. What
the fields cannot say is a loss, by name.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
from snnhub.findings import Finding
from snnhub.ir.op import Shape
from snnhub.ir.tensor import Array, Tensor, tensor

from snnhub_nir import back_layers, back_snntorch
from snnhub_nir import back_layers, back_norse
from snnhub_nir import back_layers, back_sinabs
from snnhub_nir.back_layers import INTEGERS, STEP, Place, UnsayableError, Written, full

ROUNDED = "SNN-4508"
Make = Callable[[Place], Written]
NEARBY = 4
"""How many f32 on both sides of a time constant are tried."""
ONE_FIXED = 1 << 12
"""Decays of fixed arithmetic are parts of 4096 (``core.CubaLIF``)."""


def _wide(place: Place, name: str) -> Array:
    return np.asarray(place.node.param[name].array, np.float64)


def _ones(shape: Shape, value: float = 1.0) -> Tensor:
    return tensor(np.full(shape, value))


def _quotient(dt: float, part: Array, what: str) -> Array:
    """``dt / part``, the time constant of a part lost per step. Raises ``UnsayableError`` where there is none."""
    if not bool(np.all(np.isfinite(part) & (part > 0))):
        raise UnsayableError(f"{what} is not above 0 for all neurons: no time constant says so")
    return np.asarray(dt / part)


def _firing(place: Place) -> tuple[dict[str, Tensor], list[Finding]]:
    """Threshold and reset of a core neuron; a reset that is not to a value is lost."""
    shape, reset = place.leaving, place.node.attribute["reset"]
    fields = {"v_threshold": full(place.node.param["v_threshold"], shape), "v_reset": _ones(shape, 0.0)}
    if reset == "value":
        return fields | {"v_reset": full(place.node.param["v_reset"], shape)}, []
    words = {"subtract": "a spike takes the threshold away (soft reset)", "none": "a spike resets nothing"}
    return fields, [place.lost(STEP, f"{words[str(reset)]}; NIR resets to v_reset", str(reset), "v_reset = 0")]


def integrate(place: Place) -> Written:
    """IF with r = 1 / dt: what one step adds is x."""
    fields, lost = _firing(place)
    return Written("IF", fields | {"r": _ones(place.leaving, 1 / place.dt)}, tuple(lost))


def leaky(place: Place) -> Written:
    """LIF of tau in steps: r = 1 where the input decays, else tau / dt."""
    return _leaky(place, _wide(place, "tau"), [])


def leaky_by_factor(place: Place) -> Written:
    """LIF of the part lost per step. Readers divide by tau, which rounds otherwise."""
    steps = _quotient(1.0, _wide(place, "leak"), "leak")
    words = "the step multiplies by its leak, and readers of tau divide: last bits may differ"
    return _leaky(place, steps, [place.lost(ROUNDED, words)])


def _leaky(place: Place, steps: Array, found: list[Finding]) -> Written:
    fields, lost = _firing(place)
    if not bool(np.all(np.isfinite(steps) & (steps > 0))):
        raise UnsayableError("tau is not above 0 for all neurons")
    gain = 1.0 if place.node.attribute["decay_input"] else steps
    fields |= {
        "tau": full(steps * place.dt, place.leaving),
        "r": full(gain, place.leaving),
        "v_leak": fields["v_reset"],
    }
    return Written("LIF", fields, (*found, *lost))


def cuba(place: Place) -> Written:
    """CubaLIF with r = tau_mem / dt and w_in = tau_syn / dt: x and the current are added as they are."""
    fields, lost = _firing(place)
    if place.node.attribute["arithmetic"] == "fixed":
        parts = [_wide(place, name) / ONE_FIXED for name in ("u_decay", "v_decay")]
        lost.append(place.lost(INTEGERS, "states are integers, cut toward zero in every step"))
    else:
        parts = [1.0 - _wide(place, name) for name in ("u_factor", "v_factor")]
    syn, mem = (
        _quotient(place.dt, part, f"the part of the {what} lost per step")
        for part, what in zip(parts, ("current", "potential"), strict=True)
    )
    fields |= _double(place, syn, mem) | {"v_leak": _ones(place.leaving, 0.0)}
    return Written("CubaLIF", fields, tuple(lost))


def _double(place: Place, syn: Array, mem: Array) -> dict[str, Tensor]:
    found = {"tau_syn": syn, "tau_mem": mem, "w_in": syn / place.dt, "r": mem / place.dt}
    return {name: full(values, place.leaving) for name, values in found.items()}


def _exponential(place: Place, name: str) -> Array:
    """Time constant of a factor exp(-dt / tau): of the f32 nearby, one from which Rockpool's f32 arithmetic gets
    the factor back. Raises ``UnsayableError`` where there is no time constant.
    """
    factor = _wide(place, name)
    if not bool(np.all((factor > 0) & (factor < 1))):
        raise UnsayableError(f"{name} is not between 0 and 1 for all neurons: no time constant says so")
    exact = -place.dt / np.log(factor)
    nearest = exact.astype(np.float32)
    found = exact
    for steps in sorted(range(-NEARBY, NEARBY + 1), key=abs, reverse=True):
        tau = nearest + np.float32(steps) * np.spacing(nearest)
        exponent = (np.float32(1) / tau) * np.float32(-place.dt)
        fits = np.exp(exponent.astype(np.float64)).astype(np.float32) == factor
        found = np.where(fits, tau, found)
    return np.asarray(found)


def multispike(place: Place) -> Written:
    """CubaLIF as Rockpool reads it: v_leak is its bias, and dt is guessed as min(tau_mem / (1 + r))."""
    node, mem = place.node, _exponential(place, "alpha")
    cap, synapses = node.integer("max_spikes"), node.integer("n_syn")
    lost = [
        place.lost(STEP, f"up to {cap} spikes per step; NIR has one, and its readers have no such limit"),
        place.lost(STEP, "a spike takes the threshold away (soft reset); NIR resets to v_reset"),
    ]
    if synapses > 1:
        lost.append(place.lost(STEP, f"{synapses} synaptic currents; of these NIR has the first"))
    if bool(node.param["bias"].array.any()):
        lost.append(place.lost(STEP, "the bias is added in every step; written as v_leak, as Rockpool reads it"))
    fields = _double(place, _exponential(place, "beta"), mem) | {
        "r": full(mem / place.dt - 1.0, place.leaving),
        "w_in": _ones(place.leaving),
        "v_threshold": full(node.param["threshold"], place.leaving),
        "v_leak": full(node.param["bias"], place.leaving),
        "v_reset": _ones(place.leaving, 0.0),
    }
    return Written("CubaLIF", fields, tuple(lost))


def of_snntorch(place: Place) -> Written:
    """Leaky and Synaptic: factors are 1 - dt / tau, gains of 1."""
    node, shape = place.node, place.leaving
    mem = _quotient(place.dt, 1.0 - _wide(place, "beta"), "1 - beta")
    lost = []
    if node.attribute.get("reset") == "subtract":
        words = "a spike takes the threshold away (soft reset); NIR resets to v_reset"
        lost.append(place.lost(STEP, words, "subtract", "v_reset = 0"))
    fields = {name: _ones(shape, 0.0) for name in ("v_leak", "v_reset")}
    fields["v_threshold"] = full(node.param["v_threshold"], shape)
    if node.op == "snntorch.Leaky":
        fields |= {"tau": full(mem, shape), "r": full(mem / place.dt, shape)}
        return Written("LIF", fields, tuple(lost))
    syn = _quotient(place.dt, 1.0 - _wide(place, "alpha"), "1 - alpha")
    return Written("CubaLIF", fields | _double(place, syn, mem), tuple(lost))


def of_nir(place: Place) -> Written:
    """NIR's own neurons by forward Euler: c is dt / tau, and gain is dt r."""
    node, shape = place.node, place.leaving
    kind = node.op.removeprefix("nirstep.")
    named = {"v_threshold": "threshold"} if kind == "Threshold" else {}
    taus = {"c": "tau_mem" if kind.startswith("Cuba") else "tau", "c_syn": "tau_syn"}
    fields = {}
    for name, item in node.params:
        if name in taus:
            fields[taus[name]] = full(_quotient(place.dt, _wide(place, name), name), shape)
        elif name == "gain":
            fields["r"] = full(_wide(place, name) / place.dt, shape)
        else:
            fields[named.get(name, name)] = full(item, shape)
    return Written(kind, fields)


SPIKINGJELLY: Mapping[str, Make] = {
    "core.IF": integrate,
    "core.LIF": leaky,
    "core.LIFCoeff": leaky_by_factor,
    "core.CubaLIF": cuba,
}
SNNTORCH = ("snntorch.Leaky", "snntorch.Synaptic")
NIR = ("LIF", "IF", "CubaLIF", "LI", "CubaLI", "I", "Threshold")
NEURONS: Mapping[str, Make] = {
    **SPIKINGJELLY,
    "core.MultiSpikeLIF": multispike,
    **dict.fromkeys(SNNTORCH, of_snntorch),
    **back_snntorch.NEURONS,
    **dict.fromkeys((f"nirstep.{name}" for name in NIR), of_nir),
    **back_norse.NEURONS,
    **dict.fromkeys(back_sinabs.NEURONS, back_sinabs.neuron),
}
MAKES: Mapping[str, Make] = {
    **NEURONS,
    "core.Dense": back_layers.dense,
    "core.Conv": back_layers.conv,
    "core.AvgPool": back_layers.average,
    "core.Flatten": back_layers.flatten,
    "core.Scale": back_layers.scale,
}
PROFILES: Mapping[str, str] = {
    **dict.fromkeys(SPIKINGJELLY, "spikingjelly-2"),
    "core.MultiSpikeLIF": "rockpool-3",
    **dict.fromkeys((*SNNTORCH, *back_snntorch.NEURONS), "snntorch-1"),
    **dict.fromkeys((f"nirstep.{name}" for name in NIR), "nir-euler"),
    **dict.fromkeys(back_norse.NEURONS, "norse-1"),
    **dict.fromkeys(back_sinabs.NEURONS, back_sinabs.PROFILE),
}
"""The profile whose step an op is."""
