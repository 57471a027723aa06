"""spyx 1.0.0, what each node of the path becomes. Shapes are spyx's: three axes are (height, width, channels)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from snnhub.findings import Finding, loss
from snnhub.ir.graph import AttributeValue
from snnhub.ir.op import Shape
from snnhub.ir.tensor import Array, Tensor, tensor

from snnhub_profiles.layer import Op, ignored, number, otherwise, replaced, spread, weights
from snnhub_profiles.ops.spyx_layers import channels_first, channels_last
from snnhub_profiles.rules.spyx_chain import Recurrent
from snnhub_profiles.source import Item, RefusedError

F = np.float32
RECURRENT, SPREAD = "SNN-2612", "SNN-2614"
LATE = "a spike comes one step late, of the potential before this step's input; a spike takes the threshold away"
ZERO: tuple[tuple[str, float], ...] = (("v_leak", 0), ("v_reset", 0))


@dataclass(frozen=True)
class Made:
    """Ops one after the other, the shape behind them, and of a recurrent layer the weights of its feedback."""

    ops: tuple[Op, ...]
    shape: Shape
    findings: Sequence[Finding] = ()
    feedback: Op | None = None
    nodes: tuple[Item, ...] = field(default=())


def as_jax(values: Array) -> Array:
    """Numbers as ``jnp.array`` holds them: integers of 64 bits cut to 32, floats of 64 bits rounded."""
    if values.dtype.kind in "iu" and values.dtype.itemsize == 8:
        return values.astype(values.dtype.kind + "4")
    with np.errstate(over="ignore"):
        return values.astype(F) if values.dtype.itemsize == 8 else values


def _factor(tau: Array, name: str, dt: float) -> Tensor:
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        decay = np.asarray(1 - (dt / tau))
        rounded = decay.astype(F)
    words = f"clip(float32(1 - {dt:g} / {name}), 0, 1), the difference in {decay.dtype}"
    return number(np.clip(rounded, F(0), F(1)), words)


def _threshold(item: Item, name: str = "v_threshold") -> Tensor:
    return number(as_jax(item[name]), name)


def _found(item: Item, fields: Sequence[tuple[str, float]], gain: Array) -> list[Finding]:
    found = [replaced(item, LATE, "at once, then v_reset", "a step later, v - v_threshold")]
    for name, neutral in fields:
        found += ignored(item, name, neutral)
    if not np.allclose(gain, 1):
        found.append(otherwise(item, "r", "the input is added as it is, without its gain", spread(gain), "1"))
    return found


def _cell(item: Item, dt: float) -> tuple[str, dict[str, Tensor], list[Finding]]:
    """Name of the neuron, its parameters, and what of the file it does not say."""
    with np.errstate(all="ignore"):
        if item.type == "IF":
            return "IF", {"v_threshold": _threshold(item)}, _found(item, ZERO[1:], item["r"] * dt)
        if item.type == "LIF":
            params = {"beta": _factor(item["tau"], "tau", dt), "v_threshold": _threshold(item)}
            return "LIF", params, _found(item, ZERO, item["r"] * dt / item["tau"])
        gain = item["r"] * dt / item["tau_mem"] * item["w_in"] * dt / item["tau_syn"]
        params = {
            "alpha": _factor(item["tau_syn"], "tau_syn", dt),
            "beta": _factor(item["tau_mem"], "tau_mem", dt),
        }
        return "CuBaLIF", params | {"v_threshold": _threshold(item)}, _found(item, ZERO, gain)


def neuron(item: Item, shape: Shape, dt: float) -> Made:
    """IF, LIF, CubaLIF. The state of CuBaLIF is twice as large along every axis, and split along the last."""
    hidden = channels_last(item["v_threshold"].shape)
    state = hidden
    if item.type == "CubaLIF":
        if not hidden:
            raise RefusedError("spyx cannot split the state of a neuron without axes")
        state = (*(2 * size for size in hidden[:-1]), hidden[-1])
        _fits(hidden, state, "the neuron's parameters do not fit its state, twice as large along every axis")
    kind, params, found = _cell(item, dt)
    before, told = _spread(item, shape, state)
    return Made((*before, Op(f"spyx.{kind}", params)), state, (*found, *told), nodes=(item,))


def _fits(shape: Shape, state: Shape, words: str) -> None:
    """Whether a sample of ``shape`` is added to a state without changing its shape, as ``scan`` asks for."""
    try:
        fits = np.broadcast_shapes((1, *shape), (1, *state)) == (1, *state)
    except ValueError:
        fits = False
    if not fits:
        raise RefusedError(f"{words}: found {list(shape)}, state {list(state)}")


def _spread(item: Item, shape: Shape, state: Shape) -> tuple[tuple[Op, ...], list[Finding]]:
    _fits(shape, state, "what arrives does not fit the neuron's state in spyx's order of axes")
    if shape == state:
        return (), []
    words = "what arrives has fewer entries than there are neurons, and is repeated"
    found = loss(SPREAD, item.id, words, old=str(list(shape)), new=str(list(state)))
    if not shape:
        return (Op("core.Reshape", {}, {"shape": (1,)}), *_spread(item, (1,), state)[0]), [found]
    return (Op("spyx.Spread", {}, {"shape": channels_first(state)}),), [found]


def unit(pair: tuple[Item, Item], shape: Shape, dt: float) -> Made:
    """LI before a Threshold: PSU_LIF, never reset."""
    item, after = pair
    hidden = channels_last(item["tau"].shape)
    before, told = _spread(item, shape, hidden)
    found = [*ignored(item, "v_leak", 0), *told]
    with np.errstate(all="ignore"):
        gain = item["r"] * dt / item["tau"]
    if not np.allclose(gain, 1):
        found.append(otherwise(item, "r", "the input is added as it is, without its gain", spread(gain), "1"))
    params = {"beta": _factor(item["tau"], "tau", dt), "v_threshold": _threshold(after, "threshold")}
    return Made((*before, Op("spyx.PSU", params)), hidden, found, nodes=pair)


def recurrent(layer: Recurrent, shape: Shape, dt: float) -> Made:
    """RIF, RLIF, RCuBaLIF. Neither the edges within nor a bias of the weights are read."""
    item, weight = layer.parts()
    hidden = item["v_threshold"].shape
    kind, params, found = _cell(item, dt)
    before, told = _spread(item, shape, hidden)
    linear, rounded = weights_of(weight)
    words = "a spike comes back through the weights within the step in which it is told; edges within are not read"
    found = [*found, *told, *rounded, loss(RECURRENT, weight.id, words)]
    if "bias" in weight.fields:
        found += ignored(weight, "bias", 0)
    feedback = weighted("spyx.Dense", {"weight": linear["weight"]})
    op = Op(f"spyx.R{kind}", params)
    return Made((*before, op), hidden, found, feedback, (item, weight))


def weights_of(item: Item) -> tuple[dict[str, Tensor], list[Finding]]:
    """Weight and bias in f32, integers first as jax holds them."""
    fields = {
        name: as_jax(values) if values.dtype.kind in "iu" else values for name, values in item.fields.items()
    }
    return weights(replace(item, fields=fields))


def bias_of(item: Item, params: dict[str, Tensor], size: int) -> dict[str, Tensor]:
    """A bias, repeated where it has one entry. Raises ``RefusedError`` where jax cannot."""
    if "bias" not in params:
        return params
    bias = params["bias"]
    if bias.shape == (size,):
        return params
    try:
        wide = np.broadcast_to(bias.array, (size,))
    except ValueError:
        raise RefusedError(f"a bias of {list(bias.shape)} for {size} outputs") from None
    return params | {"bias": number(wide, f"{bias.recipe}, repeated")}


def weighted(name: str, params: dict[str, Tensor], **attributes: AttributeValue) -> Op:
    """A layer of sums. NaN and infinity, which parameters cannot hold, are told beside them."""
    odd = not all(value.finite for value in params.values())
    if odd:
        codes = {
            f"{key}_odd": tensor(_codes(value.array)).described("NaN 1, inf 2, -inf 3")
            for key, value in params.items()
        }
        kept = {
            key: number(np.where(_codes(value.array) == 0, value.array, F(0)), value.recipe)
            for key, value in params.items()
        }
        params = {**kept, **codes}
    return Op(name, params, {"bias": "bias" in params, "odd": odd, **attributes})


def _codes(values: Array) -> Array:
    found = np.isnan(values) * 1 + np.isposinf(values) * 2 + np.isneginf(values) * 3
    return np.asarray(found.astype(np.int8))


def dense(item: Item, shape: Shape, dt: float) -> Made:
    """Linear and Affine over the last axis, which of an image are its channels: a convolution of one place."""
    params, found = weights_of(item)
    weight = params["weight"].shape
    if len(weight) != 2:
        raise RefusedError(f"weight has {len(weight)} axes, needs (out, in)")
    if shape[-1:] != weight[1:]:
        raise RefusedError(f"weight takes {weight[1]} inputs, and {list(shape)} arrive")
    params = bias_of(item, params, weight[0])
    op = weighted("spyx.Dense", params)
    if len(shape) == 3:
        value = params["weight"]
        params["weight"] = number(value.array[:, :, None, None], f"{value.recipe}, over the channels")
        op = weighted("spyx.Conv", params, groups=1, stride=(1, 1), before=(0, 0), after=(0, 0))
    return Made((op,), (*shape[:-1], weight[0]), found, nodes=(item,))
