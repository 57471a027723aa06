"""slayer's CUBA neuron in the integers that it computes with on the CPU, and the same without spikes.

Source: lava-dl 0.6.0, ``slayer/neuron/cuba.py``, ``neuron/dynamics/leaky_integrator.py``, ``spike/spike.py``. States
are int64 there, 4096 times the unit of the network; between u and v, and before a comparison, they are f32. Nothing
wraps, nothing is clipped; ``check`` stops a run that leaves what 64 bits hold.
"""

from __future__ import annotations

from snnhub.ir.numtype import F32, integer
from snnhub.ir.op import Attribute, Attributes, Parameter, Ports, StepOp
from snnhub.ir.program import Slot, State
from snnhub.ir.trace import Namespace, Step, Value, cast, check, shr_trunc, where

UNITY = 4096
"""Decays and states: ``p_scale`` and ``s_scale`` of the CUBA neuron."""
SHIFT = 12
LIMIT = 2**50
"""States stay below: their product with a decay then fits 64 bits."""
DRIVE = 2**49

SPIKE = Attribute("spike", "what a neuron that fires gives: 1, or its membrane potential", ("binary", "graded"))
NORM = Attribute(
    "norm", "on the current between u and v: none, less a mean, or that and divided", ("none", "mean", "scale")
)
STEPWISE = Attribute(
    "stepwise",
    "whether slayer runs step by step and keeps states as f32: what goes into v is then the next u",
    (True, False),
)

I_DECAY = Parameter("iDecay", "part of u lost per step, of 4096", integer(0, UNITY))
V_DECAY = Parameter("vDecay", "part of v lost per step, of 4096", integer(0, UNITY))
THRESHOLD = Parameter(
    "threshold", "fires when v, as f32, is at least this; 4096 times slayer's threshold and its epsilon", F32
)
MEAN = Parameter("norm_mean", "taken from the current, in the network's unit", F32)
DIVISOR = Parameter("norm_divisor", "a power of two that the current is divided by", F32)


def whole(x: Value, limit: int) -> Value:
    """An f32 as an integer, cut off toward zero."""
    return cast(check(x, -float(limit), float(limit)), "int")


def _normed(current: Value, param: Namespace, norm: str) -> Value:
    """``current``: f32, 4096 times the network's unit, as ``_membrane`` wants it."""
    if norm == "none":
        return current
    shifted = current * (1 / UNITY) - param.norm_mean
    return (shifted / param.norm_divisor if norm == "scale" else shifted) * float(UNITY)


def _membrane(
    x: Value, state: Namespace, param: Namespace, norm: str, stepwise: bool
) -> tuple[Value, Value, Value]:
    """The next u; v before the reset; and v as f32."""
    u = check(shr_trunc(state.u * (UNITY - param.iDecay), SHIFT) + whole(x * float(UNITY), DRIVE), -LIMIT, LIMIT)
    current = whole(_normed(cast(u, "f32"), param, norm), LIMIT)
    v = check(shr_trunc(state.v * (UNITY - param.vDecay), SHIFT) + current, -LIMIT, LIMIT)
    seen = cast(v, "f32")
    return (current, whole(seen, LIMIT), seen) if stepwise else (u, v, seen)


def _cuba(x: Value, state: Namespace, param: Namespace, *, spike: str, norm: str, stepwise: bool) -> Step:
    u, v, seen = _membrane(x, state, param, norm, stepwise)
    s = seen >= param.threshold
    given = where(s, seen * (1 / UNITY), 0.0) if spike == "graded" else s
    return {"u": u, "v": where(s, 0, v)}, {"s": given}


def _integrator(x: Value, state: Namespace, param: Namespace, *, norm: str, stepwise: bool) -> Step:
    u, v, seen = _membrane(x, state, param, norm, stepwise)
    return {"u": u, "v": v}, {"y": seen * (1 / UNITY)}


def _states(_: Attributes) -> tuple[State, ...]:
    return State("u", integer(-LIMIT, LIMIT), 0), State("v", integer(-LIMIT, LIMIT), 0)


def _norm_parameters(attributes: Attributes) -> tuple[Parameter, ...]:
    norm = attributes.get("norm", "none")
    return () if norm == "none" else (MEAN,) if norm == "mean" else (MEAN, DIVISOR)


CUBA = StepOp(
    "slayer.CUBA",
    1,
    "slayer's current-based leaky integrate-and-fire neuron: 64-bit u and v in 4096ths, reset to 0, no wrap, no clip.",
    _cuba,
    lambda _: (Slot("x", F32),),
    _states,
    lambda attributes: (I_DECAY, V_DECAY, THRESHOLD, *_norm_parameters(attributes)),
    (SPIKE, NORM, STEPWISE),
)

INTEGRATOR = StepOp(
    "slayer.Integrator",
    1,
    "slayer's CUBA neuron in an Affine block: it never fires, its membrane potential is the output.",
    _integrator,
    lambda _: (Slot("x", F32),),
    _states,
    lambda attributes: (I_DECAY, V_DECAY, *_norm_parameters(attributes)),
    (NORM, STEPWISE),
    Ports(("x",), ("y",)),
)
