"""Nengo 4.1.0: ``LIF`` and ``SpikingRectifiedLinear`` in f64, as ``nengo.neurons`` steps them, thresholds of 1.

Spike times within a step go on in the refractory time, so that several spikes keep their exact distance.
"""

from __future__ import annotations

from snnhub.ir.numtype import F64
from snnhub.ir.op import Attributes, Parameter, StepOp
from snnhub.ir.program import Slot, State
from snnhub.ir.trace import Namespace, Step, Value, cast, check, clip, expm1, floor, log1p, where

TAU = Parameter("tau", "membrane time constant in seconds", F64, unit="s")
T_REF = Parameter("t_ref", "refractory time in seconds", F64, unit="s")
DT = Parameter("dt", "length of a step in seconds", F64, unit="s", step=True)
GAIN = Parameter("gain", "r / v_threshold: factor of the input", F64)
BIAS = Parameter("bias", "v_leak / v_threshold: added to the input", F64)
MOST = 2.0**31


def _arriving(_: Attributes) -> tuple[Slot, ...]:
    return (Slot("x", F64),)


def _lif(x: Value, state: Namespace, param: Namespace) -> Step:
    j = param.gain * x + param.bias
    rest = state.refractory - param.dt
    awake = clip(param.dt - rest, 0.0, param.dt)
    h = state.v - (j - state.v) * expm1(-awake / param.tau)
    s = h > 1.0
    left = param.dt + param.tau * log1p(-(h - 1.0) / (j - 1.0))
    v = where(s, 0.0, where(h < 0.0, 0.0, h))
    return {"v": v, "refractory": where(s, param.t_ref + left, rest)}, {"s": s}


def _rectified(x: Value, state: Namespace, param: Namespace) -> Step:
    j = param.gain * x
    h = state.v + where(j > 0.0, j, 0.0) * param.dt
    n = check(floor(h), 0.0, MOST)
    return {"v": h - n}, {"s": cast(n, "int")}


def _lif_parameters(_: Attributes) -> tuple[Parameter, ...]:
    return (TAU, T_REF, DT, GAIN, BIAS)


OPS = (
    StepOp(
        "nengo.LIF",
        1,
        "nengo.LIF: h = v - (j - v) expm1(-awake / tau) while it is not refractory; h > 1 spikes.",
        _lif,
        _arriving,
        lambda _: (State("v", F64, 0.0), State("refractory", F64, 0.0)),
        _lif_parameters,
    ),
    StepOp(
        "nengo.SpikingRectifiedLinear",
        1,
        "nengo.SpikingRectifiedLinear: v rises by max(j, 0) dt and floor(v) spikes take 1 away each.",
        _rectified,
        _arriving,
        lambda _: (State("v", F64, 0.0),),
        lambda _: (DT, GAIN),
    ),
)
