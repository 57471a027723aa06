"""snnTorch 1.0.0: ``Leaky`` and ``Synaptic`` with ``reset_delay=False``, as its NIR importer makes them.

Measured on its own arithmetic (``mem_reset`` of the old potential, ``do_reset = spk - reset``), f32, one
rounding per
operation. Its reset is spelled with the numbers 0 and 1, which differs from a choice for thresholds below 0.
"""

from __future__ import annotations

from snnhub.ir.numtype import F32
from snnhub.ir.op import Attribute, Attributes, Parameter, StepOp
from snnhub.ir.trace import Namespace, Step, Value

from snnhub_profiles.ops.parts import V_THRESHOLD, at_rest, current, number

RESET = Attribute("reset", "after a spike: v = 0 (zero), or v -= v_threshold (subtract)", ("zero", "subtract"))
BETA = Parameter("beta", "factor of the membrane potential per step", F32)
ALPHA = Parameter("alpha", "factor of the current per step", F32)


def _above(v: Value, param: Namespace) -> Value:
    above: Value = (v - param.v_threshold) > 0.0
    return above


def _leaky(x: Value, state: Namespace, param: Namespace, *, reset: str) -> Step:
    before = number(_above(state.v, param))
    if reset == "subtract":
        h = (param.beta * state.v + x) - before * param.v_threshold
    else:
        h = param.beta * ((1.0 - before) * state.v) + x
    s = _above(h, param)
    due = number(s) - before
    return {"v": h - due * (param.v_threshold if reset == "subtract" else h)}, {"s": s}


def _synaptic(x: Value, state: Namespace, param: Namespace) -> Step:
    before = number(_above(state.v, param))
    i = param.alpha * state.i + x
    moved = param.beta * state.v + i
    h = moved - before * moved
    s = _above(h, param)
    return {"i": i, "v": h - (number(s) - before) * h}, {"s": s}


def _leaky_parameters(_: Attributes) -> tuple[Parameter, ...]:
    return (BETA, V_THRESHOLD)


def _synaptic_parameters(_: Attributes) -> tuple[Parameter, ...]:
    return (ALPHA, BETA, V_THRESHOLD)


LEAKY = StepOp(
    "snntorch.Leaky",
    1,
    "snnTorch's Leaky without reset delay: h = beta v + x, spike where h - v_threshold > 0, reset at once.",
    _leaky,
    current,
    lambda _: at_rest("v"),
    _leaky_parameters,
    (RESET,),
)
SYNAPTIC = StepOp(
    "snntorch.Synaptic",
    1,
    "snnTorch's Synaptic without reset delay, reset to zero: i = alpha i + x, h = beta v + i.",
    _synaptic,
    current,
    lambda _: at_rest("i", "v"),
    _synaptic_parameters,
)
OPS = (LEAKY, SYNAPTIC)
