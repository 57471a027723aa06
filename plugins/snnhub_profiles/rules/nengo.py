"""Nengo 4.1.0: ``nengo.LIF`` and ``SpikingRectifiedLinear`` stepped as they are; Nengo has no importer.

J = (r x + v_leak) / v_threshold, since Nengo's neurons fire at 1. f64, no refractory time, no potential below 0.
"""

from __future__ import annotations

import numpy as np
from snnhub.ir.tensor import Array

from snnhub_profiles import transforms
from snnhub_profiles.layer import Layer, ignored, layer, number, replaced
from snnhub_profiles.rules import common
from snnhub_profiles.rules.rule import Rule
from snnhub_profiles.source import Item
from snnhub_profiles.wiring import ours

WIDE = "float64"
SUBSTEP = "a spike's time within its step goes on in the next one; potentials below 0 become 0"


def _wide(item: Item, name: str) -> Array:
    return item[name].astype(np.float64)


def _lif(item: Item, dt: float) -> Layer:
    threshold = _wide(item, "v_threshold")
    found = [
        *ignored(item, "v_reset", 0),
        replaced(item, SUBSTEP, "v_reset at the end of the step", "0, sub-step"),
    ]
    params = {
        "tau": number(item["tau"], "tau", WIDE),
        "t_ref": number(0.0, "NIR has no refractory time", WIDE),
        "dt": number(dt, "dt", WIDE),
        "gain": number(_wide(item, "r") / threshold, "r / v_threshold in float64", WIDE),
        "bias": number(_wide(item, "v_leak") / threshold, "v_leak / v_threshold in float64", WIDE),
    }
    return layer("nengo.LIF", params, found)


def _if(item: Item, dt: float) -> Layer:
    words = "several spikes per step, each of which takes the threshold away; inputs below 0 count as 0"
    params = {
        "dt": number(dt, "dt", WIDE),
        "gain": number(_wide(item, "r") / _wide(item, "v_threshold"), "r / v_threshold in float64", WIDE),
    }
    return layer("nengo.SpikingRectifiedLinear", params, [*ignored(item, "v_reset", 0), replaced(item, words)])


def _dense(item: Item, dt: float) -> Layer:
    return transforms.dense(item, WIDE)


NEURON = {"ignores": ["v_reset"], "compare": "gt", "spikes_per_step": 1, "latency": 0, "gain": "r / v_threshold"}
RULE = Rule(
    "nengo-4",
    {**common.TERMINALS, "Linear": _dense, "Affine": _dense, "LIF": _lif, "IF": _if},
    ours,
    {
        "profile": "nengo/4",
        "frameworks": ["nengo>=4.1,<5, its neurons: it has no importer"],
        "dt": "argument",
        "numerics": {"type": "f64", "fma": False, "exp": "expm1 and log1p of NumPy", "sum": "exact, rounded once"},
        "nodes": {
            "LIF": {
                **NEURON,
                "op": "nengo.LIF/1",
                "coefficients": {"gain": "r / v_threshold", "bias": "v_leak / v_threshold"},
                "initial": {"v": 0, "refractory": 0},
                "reset": "value 0, at the time of the spike within the step",
                "reset_time": "within the step",
            },
            "IF": {
                **NEURON,
                "op": "nengo.SpikingRectifiedLinear/1",
                "coefficients": {"gain": "r / v_threshold"},
                "initial": {"v": 0},
                "compare": "ge",
                "reset": "subtract n v_threshold",
                "reset_time": "same step",
                "spikes_per_step": "many",
            },
        },
        "graph": {
            "cycle_step": "the edge into the neuron",
            "before_start": "zero",
            "fan_in": "exact sum, rounded once",
            "multi_output": "sum",
            "start_node": "Input",
        },
    },
    type="f64",
)
