"""Resonate and fire: two states that turn around each other and shrink; the spike resets one of them.

Equation from SpikingJelly 2.0.0 (``RAFNode``), one rounding per operation in f32.
"""

from __future__ import annotations

from snnhub.ir.numtype import F32
from snnhub.ir.op import Attributes, Parameter, StepOp
from snnhub.ir.program import State
from snnhub.ir.trace import Namespace, Step, Value
from snnhub.ops.neuron import COMPARE, RESET, current, fire, membrane, reset_membrane, reset_parameters

FACTOR = Parameter("factor", "part of both states kept per step", F32)
COSINE = Parameter("cosine", "cosine of the angle per step", F32)
SINE = Parameter("sine", "sine of the angle per step", F32)


def _raf(x: Value, state: Namespace, param: Namespace, *, reset: str, compare: str) -> Step:
    u, v = state.u, state.v
    turned = param.factor * (u * param.cosine - v * param.sine) + x
    h = param.factor * (u * param.sine + v * param.cosine)
    s = fire(h, param, compare)
    return {"u": turned, "v": reset_membrane(h, s, param, reset)}, {"s": s}


def _states(attributes: Attributes) -> tuple[State, ...]:
    return (State("u", F32, 0.0), *membrane(attributes))


def _parameters(attributes: Attributes) -> tuple[Parameter, ...]:
    return (*reset_parameters(attributes), FACTOR, COSINE, SINE)


RAF = StepOp(
    "core.RAF",
    1,
    "Resonate and fire: (u, v) turns by an angle and shrinks in every step, u takes x, v fires and is reset.",
    _raf,
    current,
    _states,
    _parameters,
    (RESET, COMPARE),
)
