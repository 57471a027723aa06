"""NIR's own neurons, one step at a time: the part that a step closes of the distance to where v is going.

One program for two rules: with ``c = dt / tau`` it is forward Euler, with ``c = 1 - exp(-dt / tau)`` it is the
exact
solution for an input held over the step. The current moves before the potential; spike at h > v_threshold, and
v_reset in the same step; f32, one rounding per operation. Fields and equations: NIR 1.0.8, ``nir.ir.neuron``.
"""

from __future__ import annotations

from snnhub.ir.numtype import F32
from snnhub.ir.op import Attributes, Parameter, Ports, StepOp
from snnhub.ir.trace import Body, Namespace, Step, Value, where

from snnhub_profiles.ops.parts import V_LEAK, V_THRESHOLD, at_rest, current

R = Parameter("r", "resistance: factor of the input", F32)
GAIN = Parameter("gain", "dt r: what one step adds per unit of input", F32)
C_MEM = Parameter("c", "part of the distance of v to its goal that a step closes", F32)
C_SYN = Parameter("c_syn", "part of the distance of i to its goal that a step closes", F32)
W_IN = Parameter("w_in", "factor of the input of the current", F32)
V_RESET = Parameter("v_reset", "membrane potential after a spike (dimensionless)", F32)


def _fired(h: Value, param: Namespace) -> tuple[Value, Value]:
    s = h > param.v_threshold
    return where(s, param.v_reset, h), s


def _lif(x: Value, state: Namespace, param: Namespace) -> Step:
    v, s = _fired(state.v + param.c * ((param.r * x + param.v_leak) - state.v), param)
    return {"v": v}, {"s": s}


def _if(x: Value, state: Namespace, param: Namespace) -> Step:
    v, s = _fired(state.v + param.gain * x, param)
    return {"v": v}, {"s": s}


def _cuba_lif(x: Value, state: Namespace, param: Namespace) -> Step:
    i = state.i + param.c_syn * (param.w_in * x - state.i)
    v, s = _fired(state.v + param.c * ((param.r * i + param.v_leak) - state.v), param)
    return {"i": i, "v": v}, {"s": s}


def _li(x: Value, state: Namespace, param: Namespace) -> Step:
    v = state.v + param.c * ((param.r * x + param.v_leak) - state.v)
    return {"v": v}, {"y": v}


def _cuba_li(x: Value, state: Namespace, param: Namespace) -> Step:
    i = state.i + param.c_syn * (param.w_in * x - state.i)
    v = state.v + param.c * ((param.r * i + param.v_leak) - state.v)
    return {"i": i, "v": v}, {"y": v}


def _i(x: Value, state: Namespace, param: Namespace) -> Step:
    v = state.v + param.gain * x
    return {"v": v}, {"y": v}


def _threshold(x: Value, state: Namespace, param: Namespace) -> Step:
    return {}, {"s": x > param.v_threshold}


def _op(name: str, doc: str, body: Body, states: tuple[str, ...], params: tuple[Parameter, ...]) -> StepOp:
    out = "y" if name in ("LI", "CubaLI", "I") else "s"

    def parameters(_: Attributes) -> tuple[Parameter, ...]:
        return params

    return StepOp(
        f"nirstep.{name}",
        1,
        doc,
        body,
        current,
        lambda _: at_rest(*states),
        parameters,
        (),
        Ports(("x",), (out,)),
    )


FIRING = (V_THRESHOLD, V_RESET)
LEAKING = (C_MEM, R, V_LEAK)
CURRENT = (C_SYN, W_IN)
OPS = (
    _op("LIF", "NIR's LIF: h = v + c ((r x + v_leak) - v), from v = 0.", _lif, ("v",), (*LEAKING, *FIRING)),
    _op("IF", "NIR's IF: h = v + gain x, from v = 0.", _if, ("v",), (GAIN, *FIRING)),
    _op(
        "CubaLIF",
        "NIR's CubaLIF: i = i + c_syn (w_in x - i), then h = v + c ((r i + v_leak) - v), from 0.",
        _cuba_lif,
        ("i", "v"),
        (*CURRENT, *LEAKING, *FIRING),
    ),
    _op("LI", "NIR's LI: v = v + c ((r x + v_leak) - v), which is the output.", _li, ("v",), LEAKING),
    _op("CubaLI", "NIR's CubaLI: as CubaLIF, and v is the output.", _cuba_li, ("i", "v"), (*CURRENT, *LEAKING)),
    _op("I", "NIR's I: v = v + gain x, which is the output.", _i, ("v",), (GAIN,)),
    _op("Threshold", "NIR's Threshold: a spike where x > v_threshold.", _threshold, (), (V_THRESHOLD,)),
)
