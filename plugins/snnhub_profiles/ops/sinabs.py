"""sinabs 3.1.3: ``LIF``, ``IAF`` and ``ExpLeak`` without synaptic filter; several spikes per step, each of
which takes
the threshold away. One rounding per operation, in the dtype of the threshold: torch promotes the state to it.
"""

from __future__ import annotations

from collections.abc import Mapping

from snnhub.ir.numtype import F32, F64, NumType
from snnhub.ir.op import Attribute, Attributes, Parameter, Ports, StepOp
from snnhub.ir.trace import Namespace, Step, Value, cast, check, trunc, where

from snnhub_profiles.ops.parts import at_rest, current

ALPHA = Parameter("alpha", "factor of the membrane potential per step", F32)
PRECISION = Attribute("precision", "of potential and threshold: that of the threshold in the file", ("f32", "f64"))
MOST = 2.0**24
"""A count beyond this is not exact in f32, and stops the run."""


def _as(value: Value, choice: Mapping[str, str]) -> Value:
    return cast(value, "f64") if choice["precision"] == "f64" else value


def _spikes(h: Value, param: Namespace) -> Value:
    return check(where(h > 0.0, trunc(h / param.v_threshold), 0.0), -MOST, MOST)


def _type(attributes: Attributes) -> NumType:
    return F64 if attributes.get("precision") == "f64" else F32


def _threshold(attributes: Attributes) -> Parameter:
    return Parameter("v_threshold", "potential taken away by one spike (dimensionless)", _type(attributes))


def _lif(x: Value, state: Namespace, param: Namespace, **choice: str) -> Step:
    h = _as(param.alpha, choice) * state.v + _as(x, choice)
    n = _spikes(h, param)
    return {"v": h - n * param.v_threshold}, {"s": cast(n, "int")}


def _iaf(x: Value, state: Namespace, param: Namespace, **choice: str) -> Step:
    h = state.v + _as(x, choice)
    n = _spikes(h, param)
    above = (h - n * param.v_threshold) + param.v_threshold
    return {"v": where(above > 0.0, above, 0.0) - param.v_threshold}, {"s": cast(n, "int")}


def _exp_leak(x: Value, state: Namespace, param: Namespace) -> Step:
    v = param.alpha * state.v + x
    return {"v": v}, {"y": v}


def _lif_parameters(attributes: Attributes) -> tuple[Parameter, ...]:
    return (ALPHA, _threshold(attributes))


OPS = (
    StepOp(
        "sinabs.LIF",
        1,
        "sinabs' LIF: h = alpha v + x; trunc(h / v_threshold) spikes where h > 0, each takes the threshold away.",
        _lif,
        current,
        lambda attributes: at_rest("v", type_=_type(attributes)),
        _lif_parameters,
        (PRECISION,),
        spikes=("s",),
    ),
    StepOp(
        "sinabs.IAF",
        1,
        "sinabs' IAF with min_v_mem = -v_threshold: h = v + x, spikes as in LIF, v kept above -v_threshold.",
        _iaf,
        current,
        lambda attributes: at_rest("v", type_=_type(attributes)),
        lambda attributes: (_threshold(attributes),),
        (PRECISION,),
        spikes=("s",),
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
