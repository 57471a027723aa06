"""spyx 1.0.0: ``RIF``, ``RLIF`` and ``RCuBaLIF``, whose own spikes come back through weights in the same step.

A spike of step t is told from the potential after step t - 1: what it brings back is known within the step. Here
the weights are a node of their own, behind an edge of one step: the state holds what step t left before the
feedback is added, and step t + 1 adds it first. The same numbers in the same order, one step in two halves.
"""

from __future__ import annotations

from snnhub.ir.numtype import F32
from snnhub.ir.op import Attributes, Ports, StepOp
from snnhub.ir.program import Slot
from snnhub.ir.trace import Namespace, Step, Value, fma

from snnhub_profiles.ops.parts import V_THRESHOLD, at_rest, number
from snnhub_profiles.ops.spyx import ALPHA, BETA, spike


def _inputs(_: Attributes) -> tuple[Slot, ...]:
    """``x``, and ``f``: what the spikes of the step before bring back."""
    return (Slot("x", F32), Slot("f", F32))


def _rif(x: Value, f: Value, state: Namespace, param: Namespace) -> Step:
    v = (state.u + f) - state.q * param.v_threshold
    s = spike(v, param)
    return {"u": v + x, "q": number(s)}, {"s": s}


def _rlif(x: Value, f: Value, state: Namespace, param: Namespace) -> Step:
    v = (state.u + f) - state.q * param.v_threshold
    s = spike(v, param)
    return {"u": fma(param.beta, v, x), "q": number(s)}, {"s": s}


def _rcuba(x: Value, f: Value, state: Namespace, param: Namespace) -> Step:
    i = state.i + f
    v = fma(param.beta, state.u, i)
    s = spike(v, param)
    return {"i": fma(param.alpha, i, x), "u": v - number(s) * param.v_threshold}, {"s": s}


PORTS = Ports(("x", "f"), ("s",))
OPS = (
    StepOp(
        "spyx.RIF",
        1,
        "spyx's RIF: v = (u + f) - q v_threshold; a spike of v above v_threshold; u = v + x; f are its spikes one "
        "step before, weighted, and q these spikes.",
        _rif,
        _inputs,
        lambda _: at_rest("u", "q"),
        lambda _: (V_THRESHOLD,),
        ports=PORTS,
    ),
    StepOp(
        "spyx.RLIF",
        1,
        "spyx's RLIF: v = (u + f) - q v_threshold; a spike of v above v_threshold; u = fma(beta, v, x).",
        _rlif,
        _inputs,
        lambda _: at_rest("u", "q"),
        lambda _: (BETA, V_THRESHOLD),
        ports=PORTS,
    ),
    StepOp(
        "spyx.RCuBaLIF",
        1,
        "spyx's RCuBaLIF: i = i + f, v = fma(beta, u, i); a spike of v above v_threshold; i = fma(alpha, i, x), "
        "u = v - s v_threshold.",
        _rcuba,
        _inputs,
        lambda _: at_rest("i", "u"),
        lambda _: (ALPHA, BETA, V_THRESHOLD),
        ports=PORTS,
    ),
)
