"""norse 1.1.0: ``LIFBoxCell``, ``IAFCell``, and the CubaLIF of its NIR importer (``LIBoxCell`` before
``LIFBoxCell``).

f32, one rounding per operation, in norse's order; resets go to 0.
"""

from __future__ import annotations

from snnhub.ir.numtype import F32
from snnhub.ir.op import Attributes, Parameter, StepOp
from snnhub.ir.program import State
from snnhub.ir.trace import Namespace, Step, Value, where

from snnhub_profiles.ops.parts import V_LEAK, V_THRESHOLD, at_rest, current

C_MEM = Parameter("c", "f32(dt) (1 / tau_mem): part of the distance to the goal that a step closes", F32)
C_SYN = Parameter("c_syn", "the same of the synapse", F32)
W_IN = Parameter("w_in", "factor of the input", F32)
R = Parameter("r", "factor of the current", F32)


def _fired(h: Value, param: Namespace) -> tuple[Value, Value]:
    s = (h - param.v_threshold) > 0.0
    return where(s, 0.0, h), s


def _box(x: Value, state: Namespace, param: Namespace) -> Step:
    v, s = _fired(state.v + param.c * ((x + param.v_leak) - state.v), param)
    return {"v": v}, {"s": s}


def _iaf(x: Value, state: Namespace, param: Namespace) -> Step:
    v, s = _fired(state.v + x, param)
    return {"v": v}, {"s": s}


def _cuba(x: Value, state: Namespace, param: Namespace) -> Step:
    i = state.i + param.c_syn * ((param.v_leak - state.i) + param.w_in * x)
    v, s = _fired(state.v + param.c * ((param.r * i + param.v_leak) - state.v), param)
    return {"i": i, "v": v}, {"s": s}


def _leaking(*names: str) -> tuple[State, ...]:
    return at_rest(*names, init="v_leak")


def _box_parameters(_: Attributes) -> tuple[Parameter, ...]:
    return (C_MEM, V_LEAK, V_THRESHOLD)


def _cuba_parameters(_: Attributes) -> tuple[Parameter, ...]:
    return (C_MEM, C_SYN, W_IN, R, V_LEAK, V_THRESHOLD)


OPS = (
    StepOp(
        "norse.LIFBox",
        1,
        "norse's LIFBoxCell: h = v + c ((x + v_leak) - v), from v_leak; spike where h - v_threshold > 0, then 0.",
        _box,
        current,
        lambda _: _leaking("v"),
        _box_parameters,
    ),
    StepOp(
        "norse.IAF",
        1,
        "norse's IAFCell: h = v + x; spike where h - v_threshold > 0, then 0.",
        _iaf,
        current,
        lambda _: at_rest("v"),
        lambda _: (V_THRESHOLD,),
    ),
    StepOp(
        "norse.CubaLIF",
        1,
        "norse's CubaLIF: i = i + c_syn ((v_leak - i) + w_in x), h = v + c ((r i + v_leak) - v), from v_leak.",
        _cuba,
        current,
        lambda _: _leaking("i", "v"),
        _cuba_parameters,
    ),
)
