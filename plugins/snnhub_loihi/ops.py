"""Loihi's current-based leaky integrate-and-fire neuron, in the integers that Lava computes with.

Source: the fixed-point LIF and LIFReset models of lava-nc 0.10.0 (``lava.proc.lif``), checked against
them bit for bit. Lava computes in 32-bit containers, which really overflow: fan-in 2048 with weight 254
and no current decay wraps after 132 steps. Hence the three ``wrap(…, 32)``.
"""

from __future__ import annotations

from snnhub.ir.numtype import F32, integer, signed
from snnhub.ir.op import Attribute, Attributes, OpSchema, Parameter, Ports, StepOp
from snnhub.ir.program import Scope, Slot, State
from snnhub.ir.trace import Namespace, Step, Value, clip, shr_trunc, where, wrap

from snnhub_loihi import sigma_delta

DECAY_UNITY = 4096
STATE_LIMIT = 2**23
ALIGN = 6
"""Synaptic input, bias and threshold are shifted left by this much before they meet the states."""

MAX_INTERVAL = 2**20
RESET_INTERVAL = Attribute(
    "reset_interval", "steps between resets of u and v to 0; 0 for never", range=(0, MAX_INTERVAL)
)
RESET_OFFSET = Attribute(
    "reset_offset",
    "states are reset before step t (from 0) when (t + 1 - reset_offset) is a multiple of reset_interval",
    range=(0, MAX_INTERVAL),
)

I_DECAY = Parameter("iDecay", "part of u lost per step, of 4096", integer(0, DECAY_UNITY))
V_DECAY = Parameter("vDecay", "part of v lost per step, of 4096", integer(0, DECAY_UNITY))
V_TH_MANT = Parameter("vThMant", "threshold; fires when v > vThMant * 64", integer(0, 2**24))
BIAS = Parameter("bias", "added to v, times 64, in every step; 0 where there is none", signed(16))


def _cuba_lif(a: Value, state: Namespace, param: Namespace, *, reset_interval: int, reset_offset: int) -> Step:
    u, v, following = state.u, state.v, {}
    if reset_interval:
        due = state.phase == 0
        u, v = where(due, 0, u), where(due, 0, v)
        following["phase"] = where(state.phase == reset_interval - 1, 0, state.phase + 1)
    w = wrap(shr_trunc(u * (DECAY_UNITY - param.iDecay), 12) + wrap(a << ALIGN, 32), 32)
    u = where(w > STATE_LIMIT, w - 2 * STATE_LIMIT, where(w <= -STATE_LIMIT, w + 2 * STATE_LIMIT, w))
    leaked = wrap(shr_trunc(v * (DECAY_UNITY - param.vDecay), 12) + u, 32)
    v = clip(wrap(leaked + (param.bias << ALIGN), 32), -(STATE_LIMIT - 1), STATE_LIMIT - 1)
    s = v > (param.vThMant << ALIGN)
    return {"u": u, "v": where(s, 0, v), **following}, {"s": s}


def _states(attributes: Attributes) -> tuple[State, ...]:
    u = State("u", signed(32), 0)
    v = State("v", integer(-(STATE_LIMIT - 1), STATE_LIMIT - 1), 0)
    interval, offset = attributes["reset_interval"], attributes["reset_offset"]
    if not isinstance(interval, int) or not isinstance(offset, int) or not interval:
        return u, v
    return u, v, State("phase", integer(0, interval - 1), (1 - offset) % interval, Scope.NODE)


CUBA_LIF = StepOp(
    "loihi.CubaLIF",
    1,
    "Loihi's CUBA neuron in Lava's fixed-point arithmetic; u wraps once at 2^23, v saturates, reset to 0.",
    _cuba_lif,
    lambda _: (Slot("a", signed(32)),),
    _states,
    lambda _: (I_DECAY, V_DECAY, V_TH_MANT, BIAS),
    (RESET_INTERVAL, RESET_OFFSET),
    Ports(("a",), ("s",)),
)


def _float_cuba(x: Value, state: Namespace, param: Namespace) -> Step:
    u = state.u * param.u_factor + x
    h = state.v * param.v_factor + u + param.bias
    s = h >= param.v_threshold
    return {"u": u, "v": where(s, 0.0, h)}, {"s": s}


FLOAT_CUBA = StepOp(
    "loihi.FloatCubaLIF",
    1,
    "Loihi's CUBA neuron before its numbers become integers: u leaks and takes x, h is v less its leak plus u and "
    "bias; reset to 0.",
    _float_cuba,
    lambda _: (Slot("x", F32),),
    lambda _: (State("u", F32, 0.0), State("v", F32, 0.0)),
    lambda _: (
        Parameter("u_factor", "factor of the current per step", F32),
        Parameter("v_factor", "factor of the membrane potential per step", F32),
        Parameter("v_threshold", "threshold of the membrane potential (dimensionless)", F32),
        Parameter("bias", "added to the membrane potential in every step (dimensionless)", F32),
    ),
)

OPS: tuple[OpSchema, ...] = (CUBA_LIF, FLOAT_CUBA, *sigma_delta.OPS)
