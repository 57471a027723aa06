"""Neurons whose numbers the registered ops do not take: NaN, infinities, thresholds of 0, counts without a bound.

Frameworks compute with them as IEEE 754 says. Such a node is of no registered op: its name begins with ``odd.``, and
its program is in the graph, as every step op's is. Most have the program of the op that they would be; the counting
neurons of sinabs and Rockpool have their own, in which a count is a number of f32, as it is there.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

from snnhub.ir.numtype import F32, F64, NumType
from snnhub.ir.op import StepOp
from snnhub.ir.program import Program, Slot, State
from snnhub.ir.trace import Namespace, Step, Value, cast, floor, trace, trunc, where
from snnhub.ops.registry import REGISTRY

from snnhub_profiles.layer import Op

DOMAIN = "odd"


def allowed(op: Op) -> Op:
    """``op`` as it is where all of its numbers are finite, else with its program in the graph.

    Layers without a state, whose weights an engine sums, have no program, and come back as they are.
    """
    if op.program is not None or all(tensor.finite for tensor in op.params.values()):
        return op
    schema = REGISTRY(op.op, 1)
    if not isinstance(schema, StepOp):
        return op
    return Op(f"{DOMAIN}.{op.op}", op.params, op.attributes, schema.program(dict(op.attributes)))


def counting(op: Op, name: str) -> Op:
    """``op`` of sinabs or Rockpool with the program ``name``, in which counts are f32."""
    precision = str(op.attributes.get("precision", "f32"))
    return Op(f"{DOMAIN}.{name}", op.params, {}, _program(name, precision))


def _up(value: Value, precision: str) -> Value:
    return cast(value, "f64") if precision == "f64" else value


def _sinabs_spikes(h: Value, param: Namespace, precision: str) -> Value:
    due = trunc(h / param.v_threshold)
    due = cast(due, "f32") if precision == "f64" else due
    return cast(cast(h > 0.0, "int"), "f32") * due


def _lif(x: Value, state: Namespace, param: Namespace, *, precision: str) -> Step:
    h = _up(param.alpha, precision) * state.v + _up(x, precision)
    n = _sinabs_spikes(h, param, precision)
    return {"v": h - _up(n, precision) * param.v_threshold}, {"s": n}


def _iaf(x: Value, state: Namespace, param: Namespace, *, precision: str) -> Step:
    h = state.v + _up(x, precision)
    n = _sinabs_spikes(h, param, precision)
    above = (h - _up(n, precision) * param.v_threshold) + param.v_threshold
    return {"v": where(above <= 0.0, 0.0, above) - param.v_threshold}, {"s": n}


def _rockpool(x: Value, state: Namespace, param: Namespace, *, precision: str) -> Step:
    isyn = (state.isyn + x) * param.beta
    h = state.vmem * param.alpha + isyn + param.bias
    due = cast(cast(h >= param.threshold, "int"), "f32") * floor(h / param.threshold)
    n = due - (due - 65536.0) * cast(cast(due > 65536.0, "int"), "f32")
    return {"isyn": isyn, "vmem": h - n * param.threshold}, {"s": n}


STATES: Mapping[str, tuple[str, ...]] = {
    "sinabs.LIF": ("v",),
    "sinabs.IAF": ("v",),
    "rockpool.LIF": ("isyn", "vmem"),
}
PARAMETERS: Mapping[str, tuple[str, ...]] = {
    "sinabs.LIF": ("alpha", "v_threshold"),
    "sinabs.IAF": ("v_threshold",),
    "rockpool.LIF": ("alpha", "beta", "threshold", "bias"),
}
BODIES = {"sinabs.LIF": _lif, "sinabs.IAF": _iaf, "rockpool.LIF": _rockpool}


@cache
def _program(name: str, precision: str) -> Program:
    wide: NumType = F64 if precision == "f64" else F32
    slots = [Slot(item, wide if item == "v_threshold" else F32) for item in PARAMETERS[name]]
    states = [State(item, wide if item == "v" else F32, 0.0) for item in STATES[name]]
    return trace(BODIES[name], [Slot("x", F32)], slots, states, precision=precision)
