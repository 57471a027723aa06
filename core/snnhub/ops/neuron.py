"""Neurons of the core op set. Order within a step: charge, fire, reset.

Equations from SpikingJelly 2.0.0 (``activation_based.neuron``), one rounding per operation in f32. Its
reset is ``s * v_reset + (1 - s) * h``, equal to ``where`` but for -0 and infinities.
"""

from __future__ import annotations

from snnhub.ir.numtype import F32
from snnhub.ir.op import Attribute, Attributes, Parameter, StepOp
from snnhub.ir.program import Slot, State
from snnhub.ir.trace import Namespace, Step, Value, where

RESET = Attribute(
    "reset",
    "after a spike: v = v_reset (value), v -= v_threshold (subtract), or nothing (none)",
    ("value", "subtract", "none"),
)
COMPARE = Attribute("compare", "fires when h >= v_threshold (ge) or h > v_threshold (gt)", ("ge", "gt"))
DECAY_INPUT = Attribute("decay_input", "whether the input is divided by tau as well", (True, False))

V_THRESHOLD = Parameter("v_threshold", "threshold of the membrane potential (dimensionless)", F32)
V_RESET = Parameter("v_reset", "membrane potential after a spike, and at rest (dimensionless)", F32)
TAU = Parameter("tau", "membrane time constant in steps; the program divides by it", F32)


def current(_: Attributes) -> tuple[Slot, ...]:
    """One input port ``x``: the current, or spikes as 0 and 1."""
    return (Slot("x", F32),)


def membrane(attributes: Attributes) -> tuple[State, ...]:
    """``v`` starts at v_reset, or at 0 where the reset subtracts."""
    return (State("v", F32, "v_reset" if attributes["reset"] == "value" else 0.0),)


def fire(h: Value, param: Namespace, compare: str) -> Value:
    """The spike: ``h`` against the threshold."""
    spike: Value = h >= param.v_threshold if compare == "ge" else h > param.v_threshold
    return spike


def reset_membrane(h: Value, s: Value, param: Namespace, reset: str) -> Value:
    """``h`` after the reset of the given kind."""
    if reset == "value":
        return where(s, param.v_reset, h)
    return where(s, h - param.v_threshold, h) if reset == "subtract" else h


def _if(x: Value, state: Namespace, param: Namespace, *, reset: str, compare: str) -> Step:
    h = state.v + x
    s = fire(h, param, compare)
    return {"v": reset_membrane(h, s, param, reset)}, {"s": s}


def _lif(x: Value, state: Namespace, param: Namespace, *, reset: str, compare: str, decay_input: bool) -> Step:
    v = state.v
    distance = v - param.v_reset if reset == "value" else v
    h = v + (x - distance) / param.tau if decay_input else v - distance / param.tau + x
    s = fire(h, param, compare)
    return {"v": reset_membrane(h, s, param, reset)}, {"s": s}


def reset_parameters(attributes: Attributes) -> tuple[Parameter, ...]:
    """``v_threshold``, and ``v_reset`` where the reset goes to it."""
    return (V_THRESHOLD, V_RESET) if attributes.get("reset") == "value" else (V_THRESHOLD,)


def _lif_parameters(attributes: Attributes) -> tuple[Parameter, ...]:
    return (*reset_parameters(attributes), TAU)


IF = StepOp(
    "core.IF",
    1,
    "Integrate and fire: h = v + x; fires at the threshold; reset by value, by subtraction, or not at all.",
    _if,
    current,
    membrane,
    reset_parameters,
    (RESET, COMPARE),
)

LIF = StepOp(
    "core.LIF",
    1,
    "Leaky integrate and fire: h = v + (x - (v - v_reset)) / tau, or h = v - (v - v_reset) / tau + x.",
    _lif,
    current,
    membrane,
    _lif_parameters,
    (RESET, COMPARE, DECAY_INPUT),
)
