"""The op of this plugin: a leaky neuron whose threshold rises with every spike and decays again.

All arithmetic is IEEE-754 single precision, one rounding per operation, in the order written here::

    h = v * decay + x
    s = h >= v_threshold + b
    v = 0 where s, else h                 (reset=value)
        h - v_threshold where s, else h   (reset=subtract)
    b = b * rho + beta where s, else b * rho + 0
"""

from __future__ import annotations

from snnhub.ir.numtype import F32
from snnhub.ir.op import Attribute, Attributes, Parameter, StepOp
from snnhub.ir.program import Slot, State
from snnhub.ir.trace import Namespace, Step, Value, where

NAME, VERSION = "example.AdaptiveLIF", 1
RESETS = ("value", "subtract")
NUMBERS = {
    "decay": "part of v kept per step",
    "v_threshold": "threshold at rest",
    "rho": "part of b kept per step",
    "beta": "rise of the threshold per spike",
}
"""The parameters, each one number or one per neuron."""


def _adaptive(x: Value, state: Namespace, param: Namespace, *, reset: str) -> Step:
    h = state.v * param.decay + x
    s = h >= param.v_threshold + state.b
    v = where(s, 0.0, h) if reset == "value" else where(s, h - param.v_threshold, h)
    return {"v": v, "b": state.b * param.rho + where(s, param.beta, 0.0)}, {"s": s}


def _states(_: Attributes) -> tuple[State, ...]:
    return (State("v", F32, 0.0), State("b", F32, 0.0))


ADAPTIVE_LIF = StepOp(
    NAME,
    VERSION,
    "Leaky integrate and fire with a threshold that rises by beta with every spike.",
    _adaptive,
    lambda _: (Slot("x", F32),),
    _states,
    lambda _: tuple(Parameter(name, words, F32) for name, words in NUMBERS.items()),
    (Attribute("reset", "what is subtracted from v after a spike: v itself, or v_threshold", RESETS),),
)
