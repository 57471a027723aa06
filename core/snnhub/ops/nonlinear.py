"""Neurons whose potential moves by a polynomial or an exponential of itself: QIF, EIF, Izhikevich.

Equations from SpikingJelly 2.0.0 (``QIFNode``, ``EIFNode``, ``IzhikevichNode``), one rounding per operation in
f32. With a reset by subtraction the parabola magnifies the last bit of a current from step to step. EIF uses
``exp``, whose last bit differs between libraries: nobody may claim ``bits`` for it.
"""

from __future__ import annotations

from snnhub.ir.numtype import F32
from snnhub.ir.op import Attributes, Parameter, StepOp
from snnhub.ir.program import State
from snnhub.ir.trace import Namespace, Step, Value, exp, where
from snnhub.ops.neuron import COMPARE, RESET, TAU, current, fire, membrane, reset_membrane, reset_parameters

V_REST = Parameter("v_rest", "resting membrane potential (dimensionless)", F32)
V_CRITICAL = Parameter("v_critical", "critical membrane potential, above which v grows by itself", F32)
CURVATURE = Parameter("a0", "factor of the parabola (v - v_rest) (v - v_critical)", F32)
SHARPNESS = Parameter("delta_T", "sharpness of the exponential rise (dimensionless)", F32)
RHEOBASE = Parameter("theta_rh", "membrane potential at which the exponential is 1", F32)
RECOVERY = (
    Parameter("w_rest", "recovery variable before the first step", F32),
    Parameter("tau_w", "time constant of the recovery variable in steps; the program divides by it", F32),
    Parameter("a", "coupling of the recovery variable to h - v_rest", F32),
    Parameter("b", "rise of the recovery variable per spike", F32),
)


def _parabola(v: Value, param: Namespace) -> Value:
    rise: Value = param.a0 * (v - param.v_rest) * (v - param.v_critical)
    return rise


def _qif(x: Value, state: Namespace, param: Namespace, *, reset: str, compare: str) -> Step:
    h = state.v + (x + _parabola(state.v, param)) / param.tau
    s = fire(h, param, compare)
    return {"v": reset_membrane(h, s, param, reset)}, {"s": s}


def _eif(x: Value, state: Namespace, param: Namespace, *, reset: str, compare: str) -> Step:
    v = state.v
    rise = param.delta_T * exp((v - param.theta_rh) / param.delta_T)
    h = v + (x + param.v_rest - v + rise) / param.tau
    s = fire(h, param, compare)
    return {"v": reset_membrane(h, s, param, reset)}, {"s": s}


def _izhikevich(x: Value, state: Namespace, param: Namespace, *, reset: str, compare: str) -> Step:
    v, w = state.v, state.w
    h = v + (x + _parabola(v, param) - w) / param.tau
    s = fire(h, param, compare)
    drifted = w + (param.a * (h - param.v_rest) - w) / param.tau_w
    return {"v": reset_membrane(h, s, param, reset), "w": where(s, drifted + param.b, drifted)}, {"s": s}


def _with_recovery(attributes: Attributes) -> tuple[State, ...]:
    return (*membrane(attributes), State("w", F32, "w_rest"))


def _qif_parameters(attributes: Attributes) -> tuple[Parameter, ...]:
    return (*reset_parameters(attributes), TAU, V_REST, V_CRITICAL, CURVATURE)


def _eif_parameters(attributes: Attributes) -> tuple[Parameter, ...]:
    return (*reset_parameters(attributes), TAU, V_REST, RHEOBASE, SHARPNESS)


def _izhikevich_parameters(attributes: Attributes) -> tuple[Parameter, ...]:
    return (*_qif_parameters(attributes), *RECOVERY)


QIF = StepOp(
    "core.QIF",
    1,
    "Quadratic integrate and fire: h = v + (x + a0 (v - v_rest) (v - v_critical)) / tau.",
    _qif,
    current,
    membrane,
    _qif_parameters,
    (RESET, COMPARE),
)

EIF = StepOp(
    "core.EIF",
    1,
    "Exponential integrate and fire: h = v + (x + v_rest - v + delta_T exp((v - theta_rh) / delta_T)) / tau.",
    _eif,
    current,
    membrane,
    _eif_parameters,
    (RESET, COMPARE),
)

IZHIKEVICH = StepOp(
    "core.Izhikevich",
    1,
    "QIF less a recovery variable: w += (a (h - v_rest) - w) / tau_w, and w += b after a spike.",
    _izhikevich,
    current,
    _with_recovery,
    _izhikevich_parameters,
    (RESET, COMPARE),
)
