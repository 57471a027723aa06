"""spyx 1.0.0, ``from_nir``: one chain from the node ``input``; gains, leaks and reset potentials are not read."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from snnhub.findings import Finding
from snnhub.ir.tensor import Array, Tensor

from snnhub_profiles.layer import Layer, ignored, layer, number, otherwise, replaced, spread
from snnhub_profiles.rules import common
from snnhub_profiles.rules.rule import Rule
from snnhub_profiles.source import Item, RefusedError, Source
from snnhub_profiles.wiring import chain

F = np.float32
LATE = "a spike comes one step late, of the potential before this step's input; a spike takes the threshold away"


def _factor(tau: Array, name: str, dt: float) -> Tensor:
    with np.errstate(divide="ignore"):
        decay = np.asarray(1 - (dt / tau))
    words = f"clip(float32(1 - {dt:g} / {name}), 0, 1), the difference in {decay.dtype}"
    return number(np.clip(decay.astype(F), F(0), F(1)), words)


def _found(item: Item, fields: Sequence[tuple[str, float]], gain: Array) -> list[Finding]:
    found = [replaced(item, LATE, "at once, then v_reset", "a step later, v - v_threshold")]
    for name, neutral in fields:
        found += ignored(item, name, neutral)
    if not np.allclose(gain, 1):
        found.append(otherwise(item, "r", "the input is added as it is, without its gain", spread(gain), "1"))
    return found


def _flat(item: Item) -> Tensor:
    if item["v_threshold"].ndim == 3:
        raise RefusedError(
            "neurons over (channels, height, width) have their axes last in spyx, and inputs do not"
        )
    return number(item["v_threshold"], "v_threshold")


def _lif(item: Item, dt: float) -> Layer:
    found = _found(item, (("v_leak", 0), ("v_reset", 0)), item["r"] * dt / item["tau"])
    return layer("spyx.LIF", {"beta": _factor(item["tau"], "tau", dt), "v_threshold": _flat(item)}, found)


def _if(item: Item, dt: float) -> Layer:
    return layer("spyx.IF", {"v_threshold": _flat(item)}, _found(item, (("v_reset", 0),), item["r"] * dt))


def _cuba(item: Item, dt: float) -> Layer:
    with np.errstate(divide="ignore", invalid="ignore"):
        gain = item["r"] * dt / item["tau_mem"] * item["w_in"] * dt / item["tau_syn"]
    found = _found(item, (("v_leak", 0), ("v_reset", 0)), gain)
    params = {"alpha": _factor(item["tau_syn"], "tau_syn", dt), "beta": _factor(item["tau_mem"], "tau_mem", dt)}
    return layer("spyx.CuBaLIF", params | {"v_threshold": _flat(item)}, found)


def _check(source: Source) -> list[tuple[str, str]]:
    """What this profile does not cover although spyx builds it, and LI, which spyx takes before a Threshold
    only.
    """
    pairs = set(source.edges)
    dense = source.of("Affine", "Linear")
    return [
        (item.id, "recurrent layers of spyx are not covered by this profile")
        for item in source.of("IF", "LIF", "CubaLIF")
        for other in dense
        if {(item.name, other.name), (other.name, item.name)} <= pairs
    ]


NEURON = {
    "gain": "1",
    "initial": {"v": 0},
    "compare": "gt, of the potential before the input",
    "reset": "subtract v_threshold",
    "reset_time": "next step",
    "spikes_per_step": 1,
    "latency": 1,
}
NOT_COVERED = {
    "LI": "LI, which spyx takes before a Threshold only, is not covered by this profile",
    "Conv2d": "spyx has channels last, and the input of a file has them first",
    "SumPool2d": "spyx has channels last, and the input of a file has them first",
    "Flatten": "spyx has channels last: flattening is not covered by this profile",
    "NIRGraph": "graphs within graphs are not covered by this profile",
}
RULE = Rule(
    "spyx-1",
    {
        **common.TERMINALS,
        "Linear": common.dense,
        "Affine": common.dense,
        "LIF": _lif,
        "IF": _if,
        "CubaLIF": _cuba,
    },
    chain,
    {
        "profile": "spyx/1",
        "frameworks": ["spyx>=1.0,<2"],
        "dt": "argument",
        "numerics": {"type": "f32", "fma": True, "exp": None, "sum": "jax dot, one scan, batch 1"},
        "nodes": {
            "LIF": {
                **NEURON,
                "op": "spyx.LIF/1",
                "coefficients": {"beta": "clip(1 - dt / tau, 0, 1)"},
                "ignores": ["r", "v_leak", "v_reset"],
            },
            "IF": {**NEURON, "op": "spyx.IF/1", "coefficients": {}, "ignores": ["r", "v_reset"]},
            "CubaLIF": {
                **NEURON,
                "op": "spyx.CuBaLIF/1",
                "coefficients": {"alpha": "clip(1 - dt / tau_syn, 0, 1)", "beta": "clip(1 - dt / tau_mem, 0, 1)"},
                "ignores": ["r", "v_leak", "v_reset", "w_in"],
            },
        },
        "refuses": [{"type": name, "reason": words} for name, words in NOT_COVERED.items()],
        "graph": {
            "cycle_step": "no cycles",
            "before_start": "zero",
            "fan_in": "the first edge out of each node; others are not read",
            "multi_output": "the end of the chain",
            "start_node": "the node named input",
        },
    },
    refuses=NOT_COVERED,
    drops=True,
    check=_check,
)
