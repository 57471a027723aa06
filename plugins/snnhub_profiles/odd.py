"""Neurons whose numbers the registered ops do not take: NaN, infinities, thresholds of 0, counts without a bound.

Frameworks compute with them as IEEE 754 says. Such a node is of no registered op: its name begins with ``odd.``,
and its program is in the graph, as every step op's is. Most have the program of the op that they would be. The
counting neurons of sinabs and Rockpool have their own, in which a count is a number of f32, as it is there; and
where norse and SpikingJelly multiply by 0 to reset, theirs do, too.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from functools import cache, reduce
from typing import Any

import numpy as np
from snnhub.ir.code import Instr
from snnhub.ir.microop import MicroOp
from snnhub.ir.numtype import F32, F64, NumType
from snnhub.ir.op import StepOp
from snnhub.ir.program import Program, Slot, State, canonical
from snnhub.ir.trace import Body, Namespace, Step, Value, cast, floor, trace, trunc, where
from snnhub.ops.registry import REGISTRY

from snnhub_profiles.layer import Op
from snnhub_profiles.ops.parts import number

DOMAIN = "odd"


LOUD = 1e12
"""Numbers from here on may overflow f32 within a few products."""


def loud(op: Op) -> bool:
    """Whether potentials that follow from these numbers may be NaN or infinite."""
    return (op.program or op.beside) is not None or any(
        tensor.dtype.kind == "f" and (not tensor.finite or bool(np.any(np.abs(tensor.array) > LOUD)))
        for tensor in op.params.values()
    )


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


def forgetful(op: Op, lost: Collection[str]) -> Op:
    """``op`` with its states ``lost`` put back to their initial values before every step; with its program."""
    program = op.program
    if program is None:
        schema = REGISTRY(op.op, 1)
        assert isinstance(schema, StepOp)  # noqa: S101  neurons are
        program = schema.program(dict(op.attributes))
    kept = [index for index, state in enumerate(program.states) if state.name not in lost]
    made = canonical(
        replace(
            program,
            states=tuple(program.states[index] for index in kept),
            next=tuple(program.next[index] for index in kept),
            code=tuple(_put_back(instr, program, kept) for instr in program.code),
        )
    )
    attributes = dict(op.attributes) if op.program is None else {}
    return Op(f"{DOMAIN}.{op.op.removeprefix(f'{DOMAIN}.')}", op.params, attributes, made)


def _put_back(instr: Instr, program: Program, kept: list[int]) -> Instr:
    """An instruction, with the initial value in the place of a state that is not kept."""
    if instr.op is not MicroOp.STATE:
        return instr
    number = int(instr.imm[0])
    if number in kept:
        return replace(instr, imm=(kept.index(number),))
    init = program.states[number].init
    if isinstance(init, str):
        names = [slot.name for slot in program.params]
        return replace(instr, op=MicroOp.PARAM, imm=(names.index(init),))
    return replace(instr, op=MicroOp.CONST, imm=(float(init),))


def with_wide(op: Op, name: str) -> Op:
    """``op`` with what it is in a network whose potentials may be NaN or infinite: the program ``name``."""
    choice = str(op.attributes.get("precision", op.attributes.get("decay_input", "")))
    return replace(op, wide=Op(f"{DOMAIN}.{name}", op.params, {}, _program(name, choice)))


def _up(value: Value, precision: str) -> Value:
    return cast(value, "f64") if precision == "f64" else value


def _sinabs_spikes(h: Value, param: Namespace, precision: str) -> Value:
    due = trunc(h / param.v_threshold)
    due = cast(due, "f32") if precision == "f64" else due
    return number(h > 0.0) * due


def _lif(x: Value, state: Namespace, param: Namespace, *, choice: str) -> Step:
    h = _up(param.alpha, choice) * state.v + _up(x, choice)
    n = _sinabs_spikes(h, param, choice)
    return {"v": h - _up(n, choice) * param.v_threshold}, {"s": n}


def _iaf(x: Value, state: Namespace, param: Namespace, *, choice: str) -> Step:
    h = state.v + _up(x, choice)
    n = _sinabs_spikes(h, param, choice)
    above = (h - _up(n, choice) * param.v_threshold) + param.v_threshold
    return {"v": where(above <= 0.0, 0.0, above) - param.v_threshold}, {"s": n}


def _floored(x: Value, state: Namespace, param: Namespace, *, choice: str) -> Step:
    h = state.v + _up(x, choice)
    n = _sinabs_spikes(h, param, choice)
    above = (h - _up(n, choice) * param.v_threshold) - param.v_min
    return {"v": where(above <= 0.0, 0.0, above) + param.v_min}, {"s": n}


def _rockpool(*values: Any, choice: str) -> Step:
    *arrived, state, param = values
    isyn = reduce(Value.__add__, arrived, state.isyn) * param.beta
    h = state.vmem * param.alpha + isyn + param.bias
    due = number(h >= param.threshold) * floor(h / param.threshold)
    n = due - (due - 65536.0) * number(due > 65536.0)
    return {"isyn": isyn, "vmem": h - n * param.threshold}, {"s": n}


def _norse_reset(h: Value, param: Namespace) -> tuple[Value, Value]:
    s = (h - param.v_threshold) > 0.0
    z = number(s)
    return (1.0 - z) * h + z * 0.0, s


def _box(x: Value, state: Namespace, param: Namespace, *, choice: str) -> Step:
    v, s = _norse_reset(state.v + param.c * ((x + param.v_leak) - state.v), param)
    return {"v": v}, {"s": s}


def _norse_iaf(x: Value, state: Namespace, param: Namespace, *, choice: str) -> Step:
    v, s = _norse_reset(state.v + x, param)
    return {"v": v}, {"s": s}


def _norse_cuba(x: Value, state: Namespace, param: Namespace, *, choice: str) -> Step:
    i = state.i + param.c_syn * ((param.v_leak - state.i) + param.w_in * x)
    v, s = _norse_reset(state.v + param.c * ((param.r * i + param.v_leak) - state.v), param)
    return {"i": i, "v": v}, {"s": s}


def _jelly_reset(h: Value, param: Namespace) -> tuple[Value, Value]:
    s = (h - param.v_threshold) >= 0.0
    z = number(s)
    return (1.0 - z) * h + z * param.v_reset, s


def _jelly_if(x: Value, state: Namespace, param: Namespace, *, choice: str) -> Step:
    v, s = _jelly_reset(state.v + x, param)
    return {"v": v}, {"s": s}


def _jelly_lif(x: Value, state: Namespace, param: Namespace, *, choice: str) -> Step:
    distance = state.v - param.v_reset
    decays = choice == "True"
    h = state.v + (x - distance) / param.tau if decays else state.v - distance / param.tau + x
    v, s = _jelly_reset(h, param)
    return {"v": v}, {"s": s}


def _jelly_cuba(x: Value, state: Namespace, param: Namespace, *, choice: str) -> Step:
    u = state.u * param.u_factor + x
    v, s = _jelly_reset(state.v * param.v_factor + u, param)
    return {"u": u, "v": v}, {"s": s}


RESET = ("v_threshold", "v_reset")


@dataclass(frozen=True)
class _Neuron:
    """``states``: name and initial value; ``params`` and ``inputs``: names."""

    body: Body
    states: tuple[tuple[str, float | str], ...]
    params: tuple[str, ...]
    inputs: tuple[str, ...] = ("x",)


ROCKPOOL = (("isyn", 0.0), ("vmem", 0.0)), ("alpha", "beta", "threshold", "bias")
NEURONS: Mapping[str, _Neuron] = {
    "sinabs.LIF": _Neuron(_lif, (("v", 0.0),), ("alpha", "v_threshold")),
    "sinabs.IAF": _Neuron(_iaf, (("v", 0.0),), ("v_threshold",)),
    "sinabs.FlooredIAF": _Neuron(_floored, (("v", 0.0),), ("v_threshold", "v_min")),
    "rockpool.LIF": _Neuron(_rockpool, *ROCKPOOL),
    "rockpool.RLIF": _Neuron(_rockpool, *ROCKPOOL, ("x", "r")),
    "norse.LIFBox": _Neuron(_box, (("v", "v_leak"),), ("c", "v_leak", "v_threshold")),
    "norse.IAF": _Neuron(_norse_iaf, (("v", 0.0),), ("v_threshold",)),
    "norse.CubaLIF": _Neuron(
        _norse_cuba, (("i", "v_leak"), ("v", "v_leak")), ("c", "c_syn", "w_in", "r", "v_leak", "v_threshold")
    ),
    "spikingjelly.IF": _Neuron(_jelly_if, (("v", "v_reset"),), RESET),
    "spikingjelly.LIF": _Neuron(_jelly_lif, (("v", "v_reset"),), (*RESET, "tau")),
    "spikingjelly.CubaLIF": _Neuron(_jelly_cuba, (("u", 0.0), ("v", "v_reset")), (*RESET, "u_factor", "v_factor")),
}


@cache
def _program(name: str, choice: str) -> Program:
    neuron = NEURONS[name]
    wide: NumType = F64 if choice == "f64" else F32
    slots = [Slot(item, wide if item == "v_threshold" else F32) for item in neuron.params]
    states = [State(item, wide if item == "v" else F32, start) for item, start in neuron.states]
    return trace(neuron.body, [Slot(item, F32) for item in neuron.inputs], slots, states, choice=choice)
