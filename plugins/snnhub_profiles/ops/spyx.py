"""spyx 1.0.0: ``IF``, ``LIF``, ``CuBaLIF`` and ``PSU_LIF``. The spike is that of the potential before this step's
input. f32; XLA contracts ``a b + c`` on the CPUs that were measured, so these programs round it once.
"""

from __future__ import annotations

from snnhub.ir.numtype import F32
from snnhub.ir.op import Attributes, Parameter, StepOp
from snnhub.ir.trace import Namespace, Step, Value, fma

from snnhub_profiles.ops.parts import V_THRESHOLD, at_rest, current, number

BETA = Parameter("beta", "factor of the membrane potential per step", F32)
ALPHA = Parameter("alpha", "factor of the current per step", F32)


def spike(v: Value, param: Namespace) -> Value:
    """Whether v is above the threshold, as spyx tells it: of the difference, which is rounded."""
    above: Value = (v - param.v_threshold) > 0.0
    return above


def _if(x: Value, state: Namespace, param: Namespace) -> Step:
    s = spike(state.v, param)
    return {"v": (state.v + x) - number(s) * param.v_threshold}, {"s": s}


def _lif(x: Value, state: Namespace, param: Namespace) -> Step:
    s = spike(state.v, param)
    return {"v": fma(param.beta, state.v, x) - number(s) * param.v_threshold}, {"s": s}


def _cuba(x: Value, state: Namespace, param: Namespace) -> Step:
    s = spike(state.v, param)
    u = state.v - number(s) * param.v_threshold
    i = fma(param.alpha, state.i, x)
    return {"i": i, "v": fma(param.beta, u, i)}, {"s": s}


def _psu(x: Value, state: Namespace, param: Namespace) -> Step:
    v = fma(param.beta, state.v, x)
    return {"v": v}, {"s": spike(v, param)}


def _lif_parameters(_: Attributes) -> tuple[Parameter, ...]:
    return (BETA, V_THRESHOLD)


def _cuba_parameters(_: Attributes) -> tuple[Parameter, ...]:
    return (ALPHA, BETA, V_THRESHOLD)


OPS = (
    StepOp(
        "spyx.IF",
        1,
        "spyx's IF: a spike of the old v above v_threshold; v = (v + x) - s v_threshold.",
        _if,
        current,
        lambda _: at_rest("v"),
        lambda _: (V_THRESHOLD,),
    ),
    StepOp(
        "spyx.LIF",
        1,
        "spyx's LIF: a spike of the old v above v_threshold; v = fma(beta, v, x) - s v_threshold.",
        _lif,
        current,
        lambda _: at_rest("v"),
        _lif_parameters,
    ),
    StepOp(
        "spyx.CuBaLIF",
        1,
        "spyx's CuBaLIF: a spike of the old v; u = v - s v_threshold, i = fma(alpha, i, x), v = fma(beta, u, i).",
        _cuba,
        current,
        lambda _: at_rest("i", "v"),
        _cuba_parameters,
    ),
    StepOp(
        "spyx.PSU",
        1,
        "spyx's PSU_LIF, which NIR holds as LI and Threshold: v = fma(beta, v, x), never reset; spike of v.",
        _psu,
        current,
        lambda _: at_rest("v"),
        _lif_parameters,
    ),
)
