"""Rockpool 3.1.0, ``nn.modules.torch.nir.from_nir``: dt is guessed per layer, resets subtract, several spikes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from snnhub.findings import Finding, loss
from snnhub.ir.graph import AttributeValue
from snnhub.ir.tensor import Array, Tensor

from snnhub_profiles.executor import executor
from snnhub_profiles.exponential import exp_f32
from snnhub_profiles.layer import Layer, Op, ignored, layer, number, otherwise, replaced, spread
from snnhub_profiles.odd import with_wide
from snnhub_profiles.rules import common
from snnhub_profiles.rules.rule import Rule
from snnhub_profiles.source import Item, RefusedError, Shape, Source

F = np.float32
NOISE = "noise of 0 is multiplied by the root of the guessed dt, which is no finite number"
MAX_SPIKES = 2**16
LOOP = "SNN-2612"
RECURRENT, RECURRENT_BIAS = "w_rec", "w_rec_bias"
"""Fields of a layer that was a graph within."""


def _guessed(tau: Array, r: Array) -> float:
    """``min(tau / (1 + r))`` in the dtype of the file."""
    return float(np.min(tau / (1 + r)))


def _factor(item: Item, name: str, tau: Array, dt: float) -> tuple[Tensor, list[Finding]]:
    """``exp(-dt / tau)``: the reciprocal of tau in f32 times -dt."""
    with np.errstate(divide="ignore", over="ignore", invalid="ignore"):
        exponent = (F(1) / np.asarray(tau).astype(F)) * F(-dt)
    values, words, found = exp_f32(exponent, f"{item.id}/{name}", "Rockpool")
    return number(values, f"{words} of (1 / float32({name})) float32(-{dt:g})"), found


def _dt(item: Item, tau: str, dt: float) -> tuple[float, list[Finding]]:
    found = _guessed(item[tau], item["r"])
    if np.isclose(found, dt, rtol=1e-6):
        return found, []
    given = f"{dt:g} s" if np.isfinite(dt) else "none given"
    return found, [otherwise(item, tau, "dt is guessed as min(tau / (1 + r)) of the layer", given, f"{found:g} s")]


def _noise(dt: float) -> bool:
    """Whether Rockpool's noise, which is 0 times the root of dt, is NaN."""
    with np.errstate(invalid="ignore", over="ignore"):
        return bool(np.isnan(F(0) * np.sqrt(F(dt))))


def _nothing(size: int) -> Op:
    """The recurrent weights of a layer that has none: Rockpool multiplies by zeros, and 0 times NaN is NaN."""
    return _weights(number(np.zeros((size, size), F), "0: Rockpool's recurrent weights where there are none"))


def _weights(weight: Tensor) -> Op:
    return Op("core.Dense", {"weight": weight}, {"bias": False, "accumulate": "exact", "shift": 0})


def _one_axis(item: Item) -> None:
    if item.arriving is not None and len(item.arriving) != 1:
        raise RefusedError(f"neurons of {len(item.arriving)} axes: the importer needs one")


def _cuba(item: Item, dt: float) -> Layer:
    _one_axis(item)
    guess, found = _dt(item, "tau_mem", dt)
    alpha, more = _factor(item, "tau_mem", item["tau_mem"], guess)
    beta, most = _factor(item, "tau_syn", item["tau_syn"], guess)
    words = "several spikes per step, each of which takes the threshold away; spikes at the threshold, too"
    found += [*more, *most, replaced(item, words), *ignored(item, "v_reset", 0), *ignored(item, "w_in", 1)]
    found.append(
        replaced(item, "decays are exponential, and the current decays after its input came", "dt / tau", "exp")
    )
    if np.any(item["v_leak"] != 0):
        found.append(otherwise(item, "v_leak", "added in every step", "dt / tau_mem v_leak", "v_leak"))
    params = {
        "alpha": alpha,
        "beta": beta,
        "threshold": number(item["v_threshold"], "v_threshold"),
        "bias": number(item["v_leak"], "v_leak"),
    }
    if _noise(guess):
        params["bias"] = number(np.full_like(params["bias"].array, np.nan), NOISE)
        found.append(otherwise(item, "tau_mem", NOISE, spread(item["tau_mem"]), "NaN"))
    back, told = _back(item)
    choices: dict[str, AttributeValue] = {"n_syn": 1, "recurrent": back is not None, "max_spikes": MAX_SPIKES}
    made = layer("core.MultiSpikeLIF", params, [*found, *told], **choices)
    op = with_wide(made.ops[0], "rockpool.LIF" if back is None else "rockpool.RLIF")
    tame = bool(np.all(params["threshold"].array > 0))
    if op.wide is not None:
        wide = replace(op.wide, feedback=_nothing(item["tau_mem"].size) if back is None else back)
        op = replace(op, wide=wide, feedback=back)
    return Layer((op if tame or op.wide is None else op.wide,), made.findings)


def _li(item: Item, dt: float) -> Layer:
    _one_axis(item)
    if item["tau"].size == 1:
        raise RefusedError("tau of one neuron is read as a number, which the importer cannot cut to an integer")
    guess, found = _dt(item, "tau", dt)
    beta, more = _factor(item, "tau", np.trunc(item["tau"]), guess)
    found += [*more, *ignored(item, "v_leak", 0), replaced(item, "the current decays after its input came")]
    if _noise(guess):
        beta = number(np.full_like(beta.array, np.nan), NOISE)
        found.append(otherwise(item, "tau", NOISE, spread(item["tau"]), "NaN"))
    if np.any(item["tau"] != np.trunc(item["tau"])):
        cut = spread(np.trunc(item["tau"]))
        found.append(otherwise(item, "tau", "tau in seconds is cut to an integer", spread(item["tau"]), cut))
    return layer("core.ExpSyn", {"beta": beta}, found)


def _one_layer(source: Source) -> Source:
    """A graph within of four nodes, a CubaLIF and weights among them, is one recurrent layer."""
    items = {
        name: item if item.inner is None else _recurrent(item, item.inner) for name, item in source.items.items()
    }
    return Source(items, source.edges)


def _recurrent(item: Item, inner: Source) -> Item:
    """The layer: its neurons with the weights. Others stay, and are refused (``_check``). The last one counts."""
    found = {one.type: one for one in inner.items.values()}
    weights = found.get("Affine", found.get("Linear"))
    if len(inner.items) != 4 or "CubaLIF" not in found or weights is None:
        return item
    own = {RECURRENT: weights["weight"]} | ({RECURRENT_BIAS: weights["bias"]} if "bias" in weights.fields else {})
    fields = {**found["CubaLIF"].fields, **own}
    return Item(item.id, item.name, "CubaLIF", fields, {}, None, found["CubaLIF"].arriving, item.leaving)


def _check(source: Source) -> list[tuple[str, str]]:
    """Graphs within: the importer takes only one of a CubaLIF and its weights."""
    words = (
        "found a graph within the graph; the importer takes one of four nodes, a CubaLIF and weights among them"
    )
    return [(item.id, words) for item in source.nested]


def _back(item: Item) -> tuple[Op | None, list[Finding]]:
    """The weights from spikes to the input of the next step, where the neurons have some."""
    if RECURRENT not in item.fields:
        return None, []
    weight, size = item[RECURRENT], item["tau_mem"].size
    if weight.shape != (size, size):
        raise RefusedError(f"recurrent weights {list(weight.shape)} of {size} neurons")
    if RECURRENT_BIAS in item.fields and item[RECURRENT_BIAS].size == 1:
        raise RefusedError("a bias of one number is compared with zeros like it, which a number has not")
    words = "spikes come back through the weights in the step after; edges within are not read"
    found = [loss(LOOP, item.id, words)]
    found += ignored(item, RECURRENT_BIAS, 0) if RECURRENT_BIAS in item.fields else []
    return _weights(number(weight, "weight")), found


def _brings(item: Item, shape: Shape) -> Shape:
    """Rockpool wants one axis of as many entries as a module has inputs, and repeats a single one."""
    if item.type in ("Linear", "Affine"):
        size = item["weight"].shape[-1]
    elif item.type in ("CubaLIF", "LI"):
        size = item["tau" if item.type == "LI" else "tau_mem"].size
    else:
        return shape
    if len(shape) > 2:
        raise RefusedError(f"{len(shape) - 1} axes arrive at {item.type}, which takes one")
    if len(shape) == 2 and shape[-1] not in (1, size):
        raise RefusedError(f"{shape[-1]} values arrive at {item.type}, which has {size} inputs")
    return (1, size)


RULE = Rule(
    "rockpool-3",
    {**common.TERMINALS, "Linear": common.dense, "Affine": common.dense, "CubaLIF": _cuba, "LI": _li},
    executor,
    {
        "profile": "rockpool/3",
        "frameworks": ["rockpool>=3.1,<4"],
        "dt": "guessed per layer: min(tau_mem / (1 + r))",
        "numerics": common.torch_numbers() | {"exp": "torch"},
        "nodes": {
            "CubaLIF": {
                "op": "core.MultiSpikeLIF/1",
                "coefficients": {"alpha": "exp(-dt / tau_mem)", "beta": "exp(-dt / tau_syn)", "bias": "v_leak"},
                "gain": "beta",
                "ignores": ["w_in", "v_reset"],
                "initial": {"isyn": 0, "vmem": 0},
                "compare": "ge",
                "reset": "subtract n v_threshold",
                "reset_time": "same step",
                "spikes_per_step": "many, at most 65536",
                "latency": 0,
            },
            "LI": {
                "op": "core.ExpSyn/1",
                "coefficients": {"beta": "exp(-dt / trunc(tau))"},
                "gain": "beta",
                "ignores": ["v_leak"],
                "initial": {"isyn": 0},
                "compare": None,
                "reset": None,
                "reset_time": None,
                "spikes_per_step": 0,
                "latency": 0,
            },
        },
        "refuses": [{"type": "LIF", "reason": "the importer asks for a field tau_mem, which LIF does not have"}],
        "graph": common.EXECUTOR,
    },
    refuses={"LIF": "the importer asks for a field tau_mem, which LIF does not have"},
    check=_check,
    rewrite=_one_layer,
    timeless=True,
    brings=_brings,
)
