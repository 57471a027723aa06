"""Current-based neurons and synapses: a decaying current in front of the membrane, or alone.

Equations from SpikingJelly 2.0.0: ``CUBALIFNode`` (float), ``lava_exchange.CubaLIFNode`` (fixed) and
``layer.SynapseFilter``, one rounding per operation in f32.
"""

from __future__ import annotations

from snnhub.ir.numtype import F32, integer
from snnhub.ir.op import Attribute, Attributes, Parameter, Ports, StepOp
from snnhub.ir.program import State
from snnhub.ir.trace import Namespace, Step, Value, cast, check, shr_trunc
from snnhub.ops.neuron import COMPARE, RESET, current, fire, membrane, reset_membrane, reset_parameters

DECAY_BITS = 12
LIMIT = 2.0**40
"""Scaled states and inputs beyond this stop the run; the source works up to 2^63. Products stay below 2^52."""

ARITHMETIC = Attribute(
    "arithmetic",
    "float: states are multiplied by a factor; fixed: as integers of 1/scale, with decays of 4096, toward zero",
    ("float", "fixed"),
)
FLOAT_DECAYS = (
    Parameter("u_factor", "factor of the current per step", F32),
    Parameter("v_factor", "factor of the membrane potential per step", F32),
)
FIXED_DECAYS = (
    Parameter("u_decay", "part of the current lost per step, of 4096", integer(0, 1 << DECAY_BITS)),
    Parameter("v_decay", "part of the membrane potential lost per step, of 4096", integer(0, 1 << DECAY_BITS)),
    Parameter("scale", "integers per unit of current and membrane potential", F32),
)
LEAK = Parameter("leak", "part of the current that a step without input takes away", F32)


def _fixed_leak(state: Value, decay: Value, x: Value, scale: Value) -> Value:
    """``state`` less its decay, plus ``x``, on the grid of 1/scale: every scaled number is cut toward zero."""
    kept = cast(check(state * scale, -LIMIT, LIMIT), "int") * ((1 << DECAY_BITS) - decay)
    arrived = cast(check(x * scale, -LIMIT, LIMIT), "int")
    return cast(shr_trunc(kept, DECAY_BITS) + arrived, "f32") / scale


def _cuba_lif(x: Value, state: Namespace, param: Namespace, *, reset: str, compare: str, arithmetic: str) -> Step:
    if arithmetic == "fixed":
        u = _fixed_leak(state.u, param.u_decay, x, param.scale)
        h = _fixed_leak(state.v, param.v_decay, u, param.scale)
    else:
        u = state.u * param.u_factor + x
        h = state.v * param.v_factor + u
    s = fire(h, param, compare)
    return {"u": u, "v": reset_membrane(h, s, param, reset)}, {"s": s}


def _synapse_filter(x: Value, state: Namespace, param: Namespace) -> Step:
    y = state.i - (1.0 - x) * state.i * param.leak + x
    return {"i": y}, {"y": y}


def _with_current(attributes: Attributes) -> tuple[State, ...]:
    return (State("u", F32, 0.0), *membrane(attributes))


def _cuba_parameters(attributes: Attributes) -> tuple[Parameter, ...]:
    decays = FIXED_DECAYS if attributes["arithmetic"] == "fixed" else FLOAT_DECAYS
    return (*reset_parameters(attributes), *decays)


CUBA_LIF = StepOp(
    "core.CubaLIF",
    1,
    "Leaky integrate and fire behind a leaky current: u leaks and takes x, h is v less its leak plus u.",
    _cuba_lif,
    current,
    _with_current,
    _cuba_parameters,
    (RESET, COMPARE, ARITHMETIC),
)

SYNAPSE_FILTER = StepOp(
    "core.SynapseFilter",
    1,
    "A leaky current that does not spike: y = i - (1 - x) i leak + x, and i becomes y.",
    _synapse_filter,
    current,
    lambda _: (State("i", F32, 0.0),),
    lambda _: (LEAK,),
    (),
    Ports(("x",), ("y",)),
)
