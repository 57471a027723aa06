"""sinabs 3.1.3: ``LIF``, ``IAF`` and ``ExpLeak`` without synaptic filter; several spikes per step, each of which takes
the threshold away. f32, one rounding per operation.
"""

from __future__ import annotations

from snnhub.ir.numtype import F32
from snnhub.ir.op import Attributes, Parameter, Ports, StepOp
from snnhub.ir.trace import Namespace, Step, Value, cast, check, trunc, where

from snnhub_profiles.ops.parts import V_THRESHOLD, at_rest, current

ALPHA = Parameter("alpha", "factor of the membrane potential per step", F32)
MOST = 2.0**24
"""A count beyond this is not exact in f32, and stops the run."""


def _spikes(h: Value, param: Namespace) -> Value:
    return check(where(h > 0.0, trunc(h / param.v_threshold), 0.0), -MOST, MOST)


def _lif(x: Value, state: Namespace, param: Namespace) -> Step:
    h = param.alpha * state.v + x
    n = _spikes(h, param)
    return {"v": h - n * param.v_threshold}, {"s": cast(n, "int")}


def _iaf(x: Value, state: Namespace, param: Namespace) -> Step:
    h = state.v + x
    n = _spikes(h, param)
    above = (h - n * param.v_threshold) + param.v_threshold
    return {"v": where(above > 0.0, above, 0.0) - param.v_threshold}, {"s": cast(n, "int")}


def _exp_leak(x: Value, state: Namespace, param: Namespace) -> Step:
    v = param.alpha * state.v + x
    return {"v": v}, {"y": v}


def _lif_parameters(_: Attributes) -> tuple[Parameter, ...]:
    return (ALPHA, V_THRESHOLD)


OPS = (
    StepOp(
        "sinabs.LIF",
        1,
        "sinabs' LIF: h = alpha v + x; trunc(h / v_threshold) spikes where h > 0, each takes the threshold away.",
        _lif,
        current,
        lambda _: at_rest("v"),
        _lif_parameters,
    ),
    StepOp(
        "sinabs.IAF",
        1,
        "sinabs' IAF with min_v_mem = -v_threshold: h = v + x, spikes as in LIF, v kept above -v_threshold.",
        _iaf,
        current,
        lambda _: at_rest("v"),
        lambda _: (V_THRESHOLD,),
    ),
    StepOp(
        "sinabs.ExpLeak",
        1,
        "sinabs' ExpLeak: v = alpha v + x, which is the output.",
        _exp_leak,
        current,
        lambda _: at_rest("v"),
        lambda _: (ALPHA,),
        (),
        Ports(("x",), ("y",)),
    ),
)
