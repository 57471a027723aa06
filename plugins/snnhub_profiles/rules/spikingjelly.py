"""SpikingJelly 2.0.0, ``nir_exchange.import_from_nir``: takes what it can represent and refuses the rest."""

from __future__ import annotations

import numpy as np
from snnhub.findings import Finding

from snnhub_profiles import transforms
from snnhub_profiles.layer import Layer, layer, number, replaced
from snnhub_profiles.odd import with_wide
from snnhub_profiles.program import stateful_program
from snnhub_profiles.rules import common
from snnhub_profiles.rules.rule import Rule
from snnhub_profiles.source import Item, RefusedError


def _uniform(item: Item, name: str) -> float:
    found = np.unique(item[name])
    if found.size != 1:
        raise RefusedError(f"{name} must be uniform across all neurons")
    return float(found.item())


def _close(value: float, expected: float) -> bool:
    finite = bool(np.isfinite(value) and np.isfinite(expected))
    return finite and bool(np.isclose(value, expected, rtol=1e-6, atol=1e-12))


def _need(ok: bool, words: str) -> None:
    if not ok:
        raise RefusedError(words)


def _ge(item: Item) -> Finding:
    return replaced(item, "spikes at the threshold, too", "v > v_threshold", "v >= v_threshold")


def _wide(made: Layer) -> Layer:
    op = made.ops[0]
    return Layer((with_wide(op, op.op.replace("core.", "spikingjelly.")),), made.findings)


def _if(item: Item, dt: float) -> Layer:
    _need(_close(_uniform(item, "r"), 1.0 / dt), "r must be 1 / dt")
    params = {name: number(_uniform(item, name), name) for name in ("v_threshold", "v_reset")}
    return _wide(layer("core.IF", params, [_ge(item)], reset="value", compare="ge"))


def _lif(item: Item, dt: float) -> Layer:
    tau, r = _uniform(item, "tau") / dt, _uniform(item, "r")
    _need(bool(np.isfinite(tau)) and tau > 1.0, "tau / dt must be finite and greater than 1")
    _need(_close(r, 1.0) or _close(r, tau), "r must be 1 or tau / dt")
    v_reset = _uniform(item, "v_reset")
    _need(_close(_uniform(item, "v_leak"), v_reset), "v_leak must be v_reset")
    params = {
        "tau": number(tau, f"float64(tau) / {dt:g}"),
        "v_threshold": number(_uniform(item, "v_threshold"), "v_threshold"),
        "v_reset": number(v_reset, "v_reset"),
    }
    decays = _close(r, 1.0)
    return _wide(layer("core.LIF", params, [_ge(item)], reset="value", compare="ge", decay_input=decays))


def _cuba(item: Item, dt: float) -> Layer:
    syn, mem = _uniform(item, "tau_syn"), _uniform(item, "tau_mem")
    _need(bool(np.isfinite([syn, mem]).all()), "time constants must be finite")
    _need(syn >= dt and mem >= dt, "time constants must be at least dt")
    _need(_close(_uniform(item, "r"), mem / dt), "r must be tau_mem / dt")
    _need(_close(_uniform(item, "w_in"), syn / dt), "w_in must be tau_syn / dt")
    _need(_close(_uniform(item, "v_leak"), 0.0), "v_leak must be 0")
    params = {
        "u_factor": number(1.0 - dt / syn, f"1 - {dt:g} / tau_syn in float64"),
        "v_factor": number(1.0 - dt / mem, f"1 - {dt:g} / tau_mem in float64"),
        **{name: number(_uniform(item, name), name) for name in ("v_threshold", "v_reset")},
    }
    return _wide(layer("core.CubaLIF", params, [_ge(item)], reset="value", compare="ge", arithmetic="float"))


def _dense(item: Item, dt: float) -> Layer:
    _floats(item)
    return transforms.dense(item)


def _floats(item: Item) -> None:
    parts = [name for name in ("weight", "bias") if name in item.fields and item[name].dtype.kind != "f"]
    _need(not parts, f"{' and '.join(parts)} must be of floats")


def _conv(item: Item, dt: float) -> Layer:
    _floats(item)
    _need(item.integers("groups", 1)[0] == 1, "grouped convolutions are not supported")
    return transforms.conv(item)


NEURON = {
    "compare": "ge",
    "reset": "value v_reset",
    "reset_time": "same step",
    "spikes_per_step": 1,
    "latency": 0,
    "ignores": [],
}
RULE = Rule(
    "spikingjelly-2",
    {
        **common.TERMINALS,
        "Linear": _dense,
        "Affine": _dense,
        "Conv1d": _conv,
        "Conv2d": _conv,
        "AvgPool2d": common.average,
        "SumPool2d": common.lp_sum,
        "IF": _if,
        "LIF": _lif,
        "CubaLIF": _cuba,
    },
    stateful_program,
    {
        "profile": "spikingjelly/2",
        "frameworks": ["spikingjelly>=2.0,<3"],
        "dt": "argument",
        "numerics": common.torch_numbers(),
        "nodes": {
            "LIF": {
                **NEURON,
                "op": "core.LIF/1",
                "coefficients": {"tau": "tau / dt"},
                "gain": "1 / tau where r = 1, 1 where r = tau / dt; others are refused",
                "initial": {"v": "v_reset"},
            },
            "IF": {
                **NEURON,
                "op": "core.IF/1",
                "coefficients": {},
                "gain": "1, of r = 1 / dt only",
                "initial": {"v": "v_reset"},
            },
            "CubaLIF": {
                **NEURON,
                "op": "core.CubaLIF/1",
                "coefficients": {"u_factor": "1 - dt / tau_syn", "v_factor": "1 - dt / tau_mem"},
                "gain": "1, of r = tau_mem / dt and w_in = tau_syn / dt only",
                "initial": {"u": 0, "v": "v_reset"},
            },
        },
        "graph": common.PROGRAM,
    },
    transforms.flatten,
)
