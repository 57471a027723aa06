"""NIR's own equations: ``nir-euler`` (forward Euler) and ``exponential`` (exact for an input held over the step).

Of no framework: the current moves before the potential, a spike at v > v_threshold, v_reset in the same step,
states start at 0, an edge into a neuron that closes a cycle brings the value of the step before. r and dt count
everywhere: a spike is a value held for one step, so IF adds dt r x.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from snnhub.ir.tensor import Array, Tensor, tensor

from snnhub_profiles import transforms
from snnhub_profiles.layer import Layer, Op, layer, number
from snnhub_profiles.rules import common
from snnhub_profiles.rules.rule import Make, Rule
from snnhub_profiles.source import Item, RefusedError
from snnhub_profiles.wiring import ours

WIDE = np.float64
Closing = Callable[[Array, str, float], Tensor]
FIELDS = {"LI": ("r", "v_leak"), "LIF": ("r", "v_leak", "v_threshold", "v_reset")}


def _positive(tau: Array, name: str) -> Array:
    wide = tau.astype(WIDE)
    if not bool(np.all(np.isfinite(wide) & (wide > 0))):
        raise RefusedError(f"{name} must be finite and above 0")
    return wide


def _euler(tau: Array, name: str, dt: float) -> Tensor:
    wide = _positive(tau, name)
    if bool(np.any(wide < dt)):
        raise RefusedError(f"{name} is below dt: a step of forward Euler would pass its goal; choose exponential")
    return number(dt / wide, f"{dt:g} / {name} in float64")


def _exact(tau: Array, name: str, dt: float) -> Tensor:
    return number(-np.expm1(-dt / _positive(tau, name)), f"-expm1(-{dt:g} / {name}) in float64")


def _leaky(op: str, tau: str, closing: Closing) -> Make:
    cuba, spiking = op.startswith("Cuba"), op.endswith("LIF")

    def make(item: Item, dt: float) -> Layer:
        params = {"c": closing(item[tau], tau, dt)}
        params |= {name: number(item[name], name) for name in FIELDS["LIF" if spiking else "LI"]}
        if cuba:
            params["c_syn"] = closing(item["tau_syn"], "tau_syn", dt)
            params["w_in"] = number(item["w_in"], "w_in")
        return layer(f"nirstep.{op}", params)

    return make


def _gained(item: Item, dt: float) -> dict[str, Tensor]:
    return {"gain": number(dt * item["r"].astype(WIDE), f"{dt:g} r in float64")}


def _if(item: Item, dt: float) -> Layer:
    return layer("nirstep.IF", _gained(item, dt) | {name: number(item[name], name) for name in FIELDS["LIF"][2:]})


def _i(item: Item, dt: float) -> Layer:
    return layer("nirstep.I", _gained(item, dt))


def _threshold(item: Item, dt: float) -> Layer:
    return layer("nirstep.Threshold", {"v_threshold": number(item["threshold"], "threshold")})


def _scale(item: Item, dt: float) -> Layer:
    zero = tensor(np.zeros((), np.float32))
    return Layer((Op("core.Scale", {"scale": number(item["scale"], "scale"), "shift": zero}),))


def _delay(item: Item, dt: float) -> Layer:
    steps = item["delay"].astype(WIDE) / dt
    whole = np.rint(steps)
    if np.unique(whole).size != 1:
        raise RefusedError("delays that differ between elements are not covered by this profile")
    if not np.allclose(steps, whole, rtol=1e-6, atol=1e-9):
        raise RefusedError(f"delay is no whole number of steps: {float(np.ravel(steps)[0]):g}")
    return Layer((Op("delay", {}, {"steps": int(np.ravel(whole)[0])}),))


def _descriptor(name: str, coefficient: str) -> dict[str, object]:
    neuron = {
        "ignores": [],
        "gain": "r",
        "initial": {"v": 0},
        "compare": "gt",
        "reset": "value v_reset",
        "reset_time": "same step",
        "spikes_per_step": 1,
        "latency": 0,
    }
    single = {"c": coefficient.replace("TAU", "tau")}
    double = {"c": coefficient.replace("TAU", "tau_mem"), "c_syn": coefficient.replace("TAU", "tau_syn")}
    silent = {"compare": None, "reset": None, "spikes_per_step": 0}
    return {
        "profile": f"{name}/1",
        "frameworks": [],
        "dt": "argument",
        "numerics": {"type": "f32", "fma": False, "exp": "f64, rounded once", "sum": "exact, rounded once"},
        "nodes": {
            "LIF": {**neuron, "op": "nirstep.LIF/1", "coefficients": single},
            "IF": {**neuron, "op": "nirstep.IF/1", "coefficients": {"gain": "dt r"}, "gain": "dt r"},
            "CubaLIF": {**neuron, "op": "nirstep.CubaLIF/1", "coefficients": double, "initial": {"i": 0, "v": 0}},
            "LI": {**neuron, **silent, "op": "nirstep.LI/1", "coefficients": single},
            "CubaLI": {**neuron, **silent, "op": "nirstep.CubaLI/1", "coefficients": double},
            "I": {**neuron, **silent, "op": "nirstep.I/1", "coefficients": {"gain": "dt r"}, "gain": "dt r"},
        },
        "graph": {
            "cycle_step": "the edge into the neuron",
            "before_start": "zero",
            "fan_in": "exact sum, rounded once",
            "multi_output": "sum",
            "start_node": "Input",
        },
    }


def _rule(name: str, closing: Closing, coefficient: str) -> Rule:
    neurons: dict[str, Make] = {
        op: _leaky(op, "tau_mem" if op.startswith("Cuba") else "tau", closing)
        for op in ("LIF", "LI", "CubaLIF", "CubaLI")
    }
    others: dict[str, Make] = {
        "Linear": common.dense,
        "Affine": common.dense,
        "Conv1d": common.conv,
        "Conv2d": common.conv,
        "AvgPool2d": common.average,
        "IF": _if,
        "I": _i,
        "Threshold": _threshold,
        "Scale": _scale,
        "Delay": _delay,
        "SumPool2d": common.lp_sum,
    }
    return Rule(
        name, {**common.TERMINALS, **neurons, **others}, ours, _descriptor(name, coefficient), transforms.flatten
    )


EULER = _rule("nir-euler", _euler, "dt / TAU")
EXPONENTIAL = _rule("exponential", _exact, "1 - exp(-dt / TAU)")
