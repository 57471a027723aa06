"""sinabs 3.1.3, ``from_nir``: tau counts steps, r is not read, several spikes per step, resets subtract."""

from __future__ import annotations

import numpy as np
from snnhub.findings import Finding
from snnhub.ir.tensor import Array, Tensor

from snnhub_profiles import transforms
from snnhub_profiles.executor import executor
from snnhub_profiles.exponential import exp_f32
from snnhub_profiles.layer import Layer, Op, ignored, layer, number, otherwise, replaced, spread
from snnhub_profiles.odd import with_wide
from snnhub_profiles.rules import common
from snnhub_profiles.rules.rule import Rule
from snnhub_profiles.source import ChanceError, Item, RefusedError, Shape
from snnhub_profiles.torch_shapes import Spread, by_parameters

F = np.float32
SMALL = 2.0**-10
"""Thresholds from here on take 2^24 spikes only of potentials of 2^14 and more."""
MANY = "several spikes per step, each of which takes the threshold away; spikes at the threshold, too"


def _alpha(item: Item, dt: float) -> tuple[Tensor, list[Finding]]:
    """``exp(-1 / tau)`` in f32: tau is taken as a number of steps."""
    with np.errstate(divide="ignore"):
        exponent = F(-1) / item["tau"].astype(F)
    values, words, found = exp_f32(exponent, f"{item.id}/alpha", "sinabs")
    steps = f"{spread(item['tau'] / dt)} steps" if np.isfinite(dt) else f"{spread(item['tau'])} s"
    found.append(otherwise(item, "tau", "seconds are taken as steps", steps, f"{spread(item['tau'])} steps"))
    return number(values, f"{words} of -1 / float32(tau) in float32"), found


def _vector(item: Item, name: str) -> Array:
    """What Python's ``any`` takes. Raises ``RefusedError`` where it cannot tell the truth of a row."""
    values = item[name]
    if values.ndim == 0:
        raise RefusedError(f"{name} is a single number, and the importer needs one per neuron")
    if values.ndim > 1 and values.shape[1:] != (1,) * (values.ndim - 1):
        raise RefusedError(
            f"{name} has {values.ndim} axes, of which the importer cannot tell whether any is not 0"
        )
    return values


def _threshold(item: Item) -> tuple[Tensor, str]:
    precision = "f64" if item["v_threshold"].dtype == np.float64 else "f32"
    return number(item["v_threshold"], "v_threshold", "float64" if precision == "f64" else "float32"), precision


def _counting(made: Layer, item: Item) -> Layer:
    """The layer; with counts in f32 where they may have no bound: on cycles, and of thresholds about 0."""
    op = with_wide(made.ops[0], made.ops[0].op)
    tame = bool(np.all(np.abs(item["v_threshold"]) >= SMALL))
    return Layer((op if tame or op.wide is None else op.wide,), made.findings)


def _lif(item: Item, dt: float) -> Layer:
    if np.any(_vector(item, "v_leak") != 0):
        raise RefusedError("v_leak must be 0")
    alpha, found = _alpha(item, dt)
    threshold, precision = _threshold(item)
    found += [
        replaced(item, MANY, "one spike, then v_reset", "floor(v / v_threshold) spikes"),
        *ignored(item, "v_reset", 0),
    ]
    gain = item["r"] * dt / item["tau"]
    if not np.allclose(gain, 1):
        found.append(otherwise(item, "r", "the input is added as it is, without r dt / tau", spread(gain), "1"))
    params = {"alpha": alpha, "v_threshold": threshold}
    return _counting(layer("sinabs.LIF", params, found, precision=precision), item)


def _if(item: Item, dt: float) -> Layer:
    threshold, precision = _threshold(item)
    found = [
        replaced(item, MANY, "one spike, then v_reset", "floor(v / v_threshold) spikes"),
        replaced(item, "v is kept above -v_threshold", "no bound", spread(-item["v_threshold"])),
        *ignored(item, "v_reset", 0),
    ]
    if not np.allclose(item["r"] * dt, 1):
        found.append(
            otherwise(item, "r", "the input is added as it is, without r and dt", spread(item["r"] * dt), "1")
        )
    made = layer("sinabs.IAF", {"v_threshold": threshold}, found, precision=precision)
    with np.errstate(over="ignore"):
        least = -item["v_threshold"]
    if np.array_equal(least.astype(np.float64), -item["v_threshold"].astype(np.float64), equal_nan=True):
        return _counting(made, item)
    return _floored(made, item, least)


def _floored(made: Layer, item: Item, least: Array) -> Layer:
    """Thresholds of an integer type that has no such negative numbers: their negatives wrap, and v stays above."""
    op = made.ops[0]
    params = {**op.params, "v_min": number(least, f"-v_threshold in {least.dtype}")}
    words = f"-v_threshold in {least.dtype} wraps around"
    found = (*made.findings, replaced(item, words, spread(-item["v_threshold"].astype(np.float64)), spread(least)))
    whole = Op(op.op, params, op.attributes)
    wide = with_wide(whole, "sinabs.FlooredIAF").wide
    assert wide is not None  # noqa: S101  just made
    return Layer((wide,), found)


def _li(item: Item, dt: float) -> Layer:
    if np.any(_vector(item, "v_leak") != 0):
        raise RefusedError("v_leak must be 0")
    if np.any(_vector(item, "r") != 1):
        raise RefusedError("r must be 1")
    alpha, found = _alpha(item, dt)
    found.append(
        otherwise(item, "r", "the input is added as it is, without r dt / tau", spread(dt / item["tau"]), "1")
    )
    return layer("sinabs.ExpLeak", {"alpha": alpha}, found)


def _spreads(item: Item, op: Op, shape: Shape) -> Spread:
    """The first axis is time. A state whose other axes are not those of what arrives is put to 0; of one that has
    more samples than arrive, some are drawn by chance.
    """
    if shape[0] != 1:
        raise RefusedError(f"{shape[0]} samples arrive, which sinabs takes for steps: not covered")
    found = by_parameters(item, op, shape).shape
    if found == shape:
        return Spread(found)
    if found[1:] == shape[1:]:
        raise ChanceError(f"{item.id}: sinabs draws which of {found[0]} states goes on with what arrives")
    return Spread(found, ("v",))


NEURON = {
    "compare": "ge",
    "gain": "1",
    "ignores": ["r", "v_reset"],
    "initial": {"v": 0},
    "reset": "subtract n v_threshold",
    "reset_time": "same step",
    "spikes_per_step": "many",
    "latency": 0,
}
RULE = Rule(
    "sinabs-3",
    {
        **common.TERMINALS,
        "Affine": common.dense,
        "Conv2d": common.conv,
        "SumPool2d": common.lp_sum,
        "LIF": _lif,
        "IF": _if,
        "LI": _li,
    },
    executor,
    {
        "profile": "sinabs/3",
        "frameworks": ["sinabs>=3.1,<4"],
        "dt": "none: tau is taken as a number of steps",
        "numerics": common.torch_numbers()
        | {"exp": "torch", "type": "f32; potentials in f64 where thresholds are"},
        "nodes": {
            "LIF": {**NEURON, "op": "sinabs.LIF/1", "coefficients": {"alpha": "exp(-1 / tau)"}},
            "IF": {**NEURON, "op": "sinabs.IAF/1", "coefficients": {}, "clamp": "v >= -v_threshold"},
            "LI": {
                **NEURON,
                "op": "sinabs.ExpLeak/1",
                "coefficients": {"alpha": "exp(-1 / tau)"},
                "ignores": [],
                "compare": None,
                "reset": None,
                "spikes_per_step": 0,
            },
        },
        "refuses": [{"type": "Conv1d", "reason": "its weights are read as tensors, which they are not"}],
        "graph": common.EXECUTOR,
    },
    transforms.flatten,
    refuses={"Conv1d": "its weights are read as tensors, which they are not"},
    drops=True,
    timeless=True,
    spreads=_spreads,
)
