"""snnTorch 1.0.0's neurons that hear their own spikes of the step before, and its neuron of whole sequences.

Equations from ``snntorch._neurons`` (``rleaky``, ``rsynaptic``, ``leakyparallel``), f32, one rounding per
operation. Where the spikes pass a layer (``Linear``, ``Conv2d``), it is a node of its own behind an edge of one
step, and its sums arrive at port ``r``; in step 0 it sees zeros, and gives its bias. Without a layer there is a
factor ``w_rec`` instead.
"""

from __future__ import annotations

from snnhub.ir.numtype import F32
from snnhub.ir.op import Attributes, Parameter, Ports, StepOp
from snnhub.ir.program import Slot
from snnhub.ir.trace import Namespace, Step, Value, maximum

from snnhub_snntorch.ops import (
    ALPHA,
    BETA,
    FEEDFORWARD,
    GRADE,
    GRADED,
    RESET,
    RESET_DELAY,
    V_THRESHOLD,
    above,
    at_rest,
    current,
    heard,
    late,
    number,
    prompt,
)

W_REC = Parameter("w_rec", "factor of a neuron's own spike of the step before (V)", F32)


def _with_layer(_: Attributes) -> tuple[Slot, ...]:
    return (Slot("x", F32), Slot("r", F32))


def _rleaky(x: Value, r: Value, state: Namespace, param: Namespace, *, reset: str, reset_delay: bool) -> Step:
    before = number(above(state.v, param))
    h = late(param.beta * state.v + x + r, before, param, reset)
    v, s = prompt(h, before, param, reset, reset_delay)
    return {"v": v}, {"s": s, "mem": v}


def _rleaky_own(x: Value, state: Namespace, param: Namespace, *, reset: str, reset_delay: bool) -> Step:
    before = number(above(state.v, param))
    h = late(param.beta * state.v + x + state.z * param.w_rec, before, param, reset)
    v, s = prompt(h, before, param, reset, reset_delay)
    return {"v": v, "z": number(s)}, {"s": s, "mem": v}


def _current(x: Value, r: Value, state: Namespace, param: Namespace, reset: str) -> tuple[Value, Value]:
    """Current and potential after a reset by the potential of the step before."""
    before = number(above(state.v, param))
    i = param.alpha * state.i + x + r
    return i, late(param.beta * state.v + i, before, param, reset)


def _rsynaptic(x: Value, r: Value, state: Namespace, param: Namespace, *, reset: str) -> Step:
    i, v = _current(x, r, state, param, reset)
    return {"i": i, "v": v}, {"s": above(v, param), "mem": v, "syn": i}


def _rsynaptic_own(x: Value, state: Namespace, param: Namespace, *, reset: str) -> Step:
    i, v = _current(x, state.z * param.w_rec, state, param, reset)
    s = above(v, param)
    return {"i": i, "v": v, "z": number(s)}, {"s": s, "mem": v, "syn": i}


def _parallel(x: Value, r: Value, state: Namespace, param: Namespace, *, graded: bool) -> Step:
    v = maximum(r + x, 0.0)
    s = above(v, param)
    return {"v": v}, {"s": s, "mem": v} | heard(s, param, graded)


RLEAKY = StepOp(
    "snntorch.RLeaky",
    1,
    "snnTorch's RLeaky behind a layer: h = beta v + x + r, spike where h - v_threshold > 0.",
    _rleaky,
    _with_layer,
    lambda _: at_rest("v"),
    lambda _: (BETA, V_THRESHOLD),
    (RESET, RESET_DELAY),
    Ports(("x", "r"), ("s", "mem")),
)
RLEAKY_OWN = StepOp(
    "snntorch.RLeakyOneToOne",
    1,
    "snnTorch's RLeaky without a layer: h = beta v + x + z w_rec, where z is its last spike.",
    _rleaky_own,
    current,
    lambda _: at_rest("v", "z"),
    lambda _: (BETA, V_THRESHOLD, W_REC),
    (RESET, RESET_DELAY),
    Ports(("x",), ("s", "mem")),
)
RSYNAPTIC = StepOp(
    "snntorch.RSynaptic",
    1,
    "snnTorch's RSynaptic behind a layer: i = alpha i + x + r, h = beta v + i; the reset waits for the next step.",
    _rsynaptic,
    _with_layer,
    lambda _: at_rest("i", "v"),
    lambda _: (ALPHA, BETA, V_THRESHOLD),
    (RESET,),
    Ports(("x", "r"), ("s", "mem", "syn")),
)
RSYNAPTIC_OWN = StepOp(
    "snntorch.RSynapticOneToOne",
    1,
    "snnTorch's RSynaptic without a layer: i = alpha i + x + z w_rec, where z is its last spike.",
    _rsynaptic_own,
    current,
    lambda _: at_rest("i", "v", "z"),
    lambda _: (ALPHA, BETA, V_THRESHOLD, W_REC),
    (RESET,),
    Ports(("x",), ("s", "mem", "syn")),
)
PARALLEL = StepOp(
    "snntorch.LeakyParallel",
    1,
    "snnTorch's LeakyParallel: v = max(r + x, 0), spike where v - v_threshold > 0; r comes from the last v.",
    _parallel,
    _with_layer,
    lambda _: at_rest("v"),
    lambda attributes: (V_THRESHOLD, *([GRADE] if attributes["graded"] else [])),
    (GRADED,),
    Ports(("x", "r"), ("s", "mem")),
)
OPS = (*FEEDFORWARD, RLEAKY, RLEAKY_OWN, RSYNAPTIC, RSYNAPTIC_OWN, PARALLEL)
