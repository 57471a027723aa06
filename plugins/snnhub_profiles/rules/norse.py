"""norse 1.1.0, ``from_nir``: LIFBox and IAF cells; r of LIF and IF is not read, resets go to 0."""

from __future__ import annotations

import numpy as np
from snnhub.ir.tensor import Array, Tensor

from snnhub_profiles import transforms
from snnhub_profiles.executor import executor
from snnhub_profiles.layer import Layer, ignored, layer, number, otherwise, spread
from snnhub_profiles.odd import with_wide
from snnhub_profiles.rules import common
from snnhub_profiles.rules.rule import Rule
from snnhub_profiles.source import Item

F = np.float32


def _closing(tau: Array, name: str, dt: float) -> Tensor:
    """``dt * (1 / tau)``: norse inverts the time constant in f32 and multiplies dt, in f32."""
    with np.errstate(divide="ignore"):
        inverse = F(1) / np.asarray(tau).astype(F)
    return number(np.asarray(F(dt) * inverse, F), f"float32({dt:g}) * (1 / float32({name})), both in float32")


def _plain(item: Item, name: str) -> Tensor:
    return number(item[name], name)


def _wide(made: Layer) -> Layer:
    return Layer((with_wide(made.ops[0], made.ops[0].op),), made.findings)


def _lif(item: Item, dt: float) -> Layer:
    found = [*ignored(item, "r", 1), *ignored(item, "v_reset", 0)]
    params = {"c": _closing(item["tau"], "tau", dt)}
    params |= {name: _plain(item, name) for name in ("v_leak", "v_threshold")}
    return _wide(layer("norse.LIFBox", params, found))


def _if(item: Item, dt: float) -> Layer:
    found = ignored(item, "v_reset", 0)
    if not np.allclose(item["r"] * dt, 1):
        found.append(
            otherwise(item, "r", "the input is added as it is, without r and dt", spread(item["r"] * dt), "1")
        )
    return _wide(layer("norse.IAF", {"v_threshold": _plain(item, "v_threshold")}, found))


def _cuba(item: Item, dt: float) -> Layer:
    found = ignored(item, "v_reset", 0)
    if np.any(item["v_leak"] != 0):
        found.append(
            otherwise(item, "v_leak", "the synaptic current decays to v_leak, too", "0", spread(item["v_leak"]))
        )
    params = {"c": _closing(item["tau_mem"], "tau_mem", dt), "c_syn": _closing(item["tau_syn"], "tau_syn", dt)}
    plain = {name: _plain(item, name) for name in ("w_in", "r", "v_leak", "v_threshold")}
    return _wide(layer("norse.CubaLIF", params | plain, found))


NEURON = {"compare": "gt", "reset": "value 0", "reset_time": "same step", "spikes_per_step": 1, "latency": 0}
RULE = Rule(
    "norse-1",
    {
        **common.TERMINALS,
        "Linear": common.dense,
        "Affine": common.dense,
        "Conv2d": common.conv,
        "SumPool2d": common.lp_sum,
        "LIF": _lif,
        "IF": _if,
        "CubaLIF": _cuba,
    },
    executor,
    {
        "profile": "norse/1",
        "frameworks": ["norse>=1.1,<2"],
        "dt": "argument",
        "numerics": common.torch_numbers(),
        "nodes": {
            "LIF": {
                **NEURON,
                "op": "norse.LIFBox/1",
                "coefficients": {"c": "dt * (1 / tau)"},
                "gain": "dt / tau",
                "ignores": ["r", "v_reset"],
                "initial": {"v": "v_leak"},
            },
            "IF": {
                **NEURON,
                "op": "norse.IAF/1",
                "coefficients": {},
                "gain": "1",
                "ignores": ["r", "v_reset"],
                "initial": {"v": 0},
            },
            "CubaLIF": {
                **NEURON,
                "op": "norse.CubaLIF/1",
                "coefficients": {"c": "dt * (1 / tau_mem)", "c_syn": "dt * (1 / tau_syn)"},
                "gain": "w_in, r",
                "ignores": ["v_reset"],
                "initial": {"i": "v_leak", "v": "v_leak"},
            },
        },
        "graph": common.EXECUTOR,
    },
    transforms.flatten_with_batch,
    drops=True,
    counted=0,
)
