"""snnTorch 1.0.0's neurons as step ops, with every reset it has, and with their membrane potential as an output.

Equations from ``snntorch._neurons`` (``leaky``, ``synaptic``, ``alpha``, ``lapicque``, ``deltaleaky``): f32, one
rounding per operation, in its order. A neuron looks at the potential of the step before (``before``: it is above
the threshold), and its reset comes with this step (``reset_delay``); without delay it also resets by what has
just fired. Both at once is why a potential that overshoots twice the threshold stays above it, and why a neuron
that was not reset fires again. Resets are spelled with the numbers 0 and 1, as snnTorch spells them.

Factors are what snnTorch multiplies by: ``alpha`` and ``beta`` after its clamp to 0 .. 1.
"""

from __future__ import annotations

from snnhub.ir.numtype import F32
from snnhub.ir.op import Attribute, Attributes, Parameter, Ports, StepOp
from snnhub.ir.program import Slot, State
from snnhub.ir.trace import Namespace, Step, Value, cast

RESET = Attribute(
    "reset",
    "by a spike: v -= v_threshold (subtract), v = 0 (zero), or nothing (none)",
    ("subtract", "zero", "none"),
)
RESET_DELAY = Attribute("reset_delay", "whether the reset waits for the next step", (True, False))
GRADED = Attribute("graded", "whether `spk` gives spikes times grade, beside `s`", (False, True))
GRADE = Parameter("grade", "what a spike counts for (graded_spikes_factor)", F32)
V_THRESHOLD = Parameter("v_threshold", "threshold of the membrane potential (dimensionless)", F32)
BETA = Parameter("beta", "factor of the membrane potential per step", F32)
ALPHA = Parameter("alpha", "factor of the current per step", F32)


def current(_: Attributes) -> tuple[Slot, ...]:
    """One input port ``x`` in f32."""
    return (Slot("x", F32),)


def at_rest(*names: str) -> tuple[State, ...]:
    """States of these names, from 0."""
    return tuple(State(name, F32, 0.0) for name in names)


def number(spike: Value) -> Value:
    """A truth value as 0.0 or 1.0 in f32."""
    return cast(cast(spike, "int"), "f32")


def above(v: Value, param: Namespace) -> Value:
    """The spike: snnTorch compares the difference with 0."""
    fired: Value = (v - param.v_threshold) > 0.0
    return fired


def late(h: Value, before: Value, param: Namespace, reset: str) -> Value:
    """``h`` after the reset by the potential of the step before, as the recurrent neurons and Lapicque have it."""
    if reset == "none":
        return h
    return h - before * (param.v_threshold if reset == "subtract" else h)


def prompt(h: Value, before: Value, param: Namespace, reset: str, reset_delay: bool) -> tuple[Value, Value]:
    """Potential and spike; without ``reset_delay`` what has fired, and was not reset before, is reset now."""
    s = above(h, param)
    if reset_delay or reset == "none":
        return h, s
    due = number(s) - before
    return h - due * (param.v_threshold if reset == "subtract" else h), s


def heard(s: Value, param: Namespace, graded: bool) -> dict[str, Value]:
    """Spikes as the next layer hears them, where they count for something else than 1."""
    return {"spk": number(s) * param.grade} if graded else {}


def _leaky(x: Value, state: Namespace, param: Namespace, *, reset: str, reset_delay: bool, graded: bool) -> Step:
    before = number(above(state.v, param))
    if reset == "zero":
        h = param.beta * ((1.0 - before) * state.v) + x
    else:
        h = late(param.beta * state.v + x, before, param, reset)
    v, s = prompt(h, before, param, reset, reset_delay)
    return {"v": v}, {"s": s, "mem": v} | heard(s, param, graded)


def _synaptic(x: Value, state: Namespace, param: Namespace, *, reset: str, reset_delay: bool) -> Step:
    before = number(above(state.v, param))
    i = param.alpha * state.i + x
    h = late(param.beta * state.v + i, before, param, reset)
    v, s = prompt(h, before, param, reset, reset_delay)
    return {"i": i, "v": v}, {"s": s, "mem": v, "syn": i}


def _alpha(x: Value, state: Namespace, param: Namespace, *, reset: str) -> Step:
    before = number(above(state.v, param))
    e = param.alpha * state.e + x
    i = param.beta * state.i - x
    v = param.gain * (e + i)
    if reset == "subtract":
        e, i, v = e - param.v_threshold * before, i - i * before, v - (-state.i) * before
    elif reset == "zero":
        e, i, v = e - e * before, i - i * before, v - v * before
    return {"e": e, "i": i, "v": v}, {"s": above(v, param), "mem": v, "syn_exc": e, "syn_inh": i}


def _lapicque(x: Value, state: Namespace, param: Namespace, *, reset: str) -> Step:
    before = number(above(state.v, param))
    rc = param.r * param.c
    h = x * param.r * (1.0 / rc) * param.time_step + (1.0 - param.time_step / rc) * state.v
    v = late(h, before, param, reset)
    return {"v": v}, {"s": above(v, param), "mem": v}


def _delta(x: Value, state: Namespace, param: Namespace) -> Step:
    v = param.beta * state.v + x
    return {"v": v}, {"s": (abs(v - state.v) - param.delta_threshold) > 0.0, "mem": v}


LEAKY = StepOp(
    "snntorch.LeakyMem",
    1,
    "snnTorch's Leaky: h = beta v + x, spike where h - v_threshold > 0. `mem` is the potential.",
    _leaky,
    current,
    lambda _: at_rest("v"),
    lambda attributes: (BETA, V_THRESHOLD, *([GRADE] if attributes["graded"] else [])),
    (RESET, RESET_DELAY, GRADED),
    Ports(("x",), ("s", "mem")),
)
SYNAPTIC = StepOp(
    "snntorch.SynapticMem",
    1,
    "snnTorch's Synaptic: i = alpha i + x, h = beta v + i. `mem` is the potential, `syn` the current.",
    _synaptic,
    current,
    lambda _: at_rest("i", "v"),
    lambda _: (ALPHA, BETA, V_THRESHOLD),
    (RESET, RESET_DELAY),
    Ports(("x",), ("s", "mem", "syn")),
)
ALPHA_NEURON = StepOp(
    "snntorch.Alpha",
    1,
    "snnTorch's Alpha: e = alpha e + x, i = beta i - x, v = gain (e + i); the reset waits for the next step.",
    _alpha,
    current,
    lambda _: at_rest("e", "i", "v"),
    lambda _: (
        Parameter("alpha", "factor of the excitatory current per step", F32),
        Parameter("beta", "factor of the inhibitory current per step", F32),
        Parameter("gain", "log(alpha) / (log(beta) - log(alpha)) + 1, as torch rounds it", F32),
        V_THRESHOLD,
    ),
    (RESET,),
    Ports(("x",), ("s", "mem", "syn_exc", "syn_inh")),
)
LAPICQUE = StepOp(
    "snntorch.Lapicque",
    1,
    "snnTorch's Lapicque: h = x r (1 / (r c)) time_step + (1 - time_step / (r c)) v; the reset waits for a step.",
    _lapicque,
    current,
    lambda _: at_rest("v"),
    lambda _: (
        Parameter("r", "resistance R (dimensionless)", F32),
        Parameter("c", "capacitance C (dimensionless)", F32),
        Parameter("time_step", "length of a step, in the unit of R C", F32),
        V_THRESHOLD,
    ),
    (RESET,),
    Ports(("x",), ("s", "mem")),
)
DELTA = StepOp(
    "snntorch.DeltaLeaky",
    1,
    "snnTorch's DeltaLeaky: h = beta v + x, spike where |h - v| - delta_threshold > 0; nothing resets.",
    _delta,
    current,
    lambda _: at_rest("v"),
    lambda _: (BETA, Parameter("delta_threshold", "least change of the potential that fires", F32)),
    (),
    Ports(("x",), ("s", "mem")),
)
FEEDFORWARD = (LEAKY, SYNAPTIC, ALPHA_NEURON, LAPICQUE, DELTA)
