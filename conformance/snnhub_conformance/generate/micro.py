"""Programs made for the suite alone: every micro-operation in every type that it takes.

No plugin registers these ops. Their programs are in the files, which is all that an implementation may need.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from snnhub.ir.numtype import BOOL, F32, F64, NumType, integer, signed, unsigned
from snnhub.ir.op import Parameter, Ports, StepOp
from snnhub.ir.program import Scope, Slot, State
from snnhub.ir.trace import (
    Namespace,
    Step,
    Value,
    cast,
    ceil,
    check,
    clip,
    exp,
    expm1,
    floor,
    fma,
    log,
    log1p,
    maximum,
    minimum,
    rint,
    shr_floor,
    shr_round_half_even,
    shr_trunc,
    trunc,
    where,
    wrap,
)

Body = Callable[[Value, Namespace], Value]
I16, I32, I48 = signed(16), signed(32), signed(48)
DIVISOR, NEGATIVE, AMOUNT = integer(1, 2**15), integer(-9, -1), unsigned(5)


def _op(name: str, x: NumType, params: dict[str, NumType], body: Body, doc: str) -> StepOp:
    """An op whose output is a function of its input and parameters."""

    def step(x: Value, state: Namespace, param: Namespace) -> Step:
        return {}, {"y": body(x, param)}

    return _with(name, x, params, (), step, doc)


def _with(
    name: str, x: NumType, params: dict[str, NumType], states: tuple[State, ...], body: Any, doc: str
) -> StepOp:
    return StepOp(
        f"micro.{name}",
        1,
        doc,
        body,
        lambda _: (Slot("x", x),),
        lambda _: states,
        lambda _: tuple(Parameter(key, key, type_) for key, type_ in params.items()),
        (),
        Ports(("x",), ("y",)),
    )


def _number(condition: Value) -> Value:
    return cast(condition, "int")


INTEGER: tuple[StepOp, ...] = (
    _op("add", I32, {"p": I16}, lambda x, p: x + p.p, "x + p"),
    _op("sub", I32, {"p": I16}, lambda x, p: x - p.p, "x - p"),
    _op("mul", I32, {"p": I16}, lambda x, p: x * p.p, "x p"),
    _op("neg", I32, {}, lambda x, p: -x, "-x"),
    _op("abs", I32, {}, lambda x, p: abs(x), "|x|"),
    _op("min", I32, {"p": I16}, lambda x, p: minimum(x, p.p), "min(x, p)"),
    _op("max", I32, {"p": I16}, lambda x, p: maximum(x, p.p), "max(x, p)"),
    _op("clip", I16, {}, lambda x, p: clip(x, -100, 99), "x in -100 .. 99"),
    _op(
        "clip_params", I16, {"p": I16, "q": I16}, lambda x, p: clip(x, p.p, p.q), "x in p .. q, which may be empty"
    ),
    _op("floordiv", I16, {"p": DIVISOR}, lambda x, p: x // p.p, "floor(x / p)"),
    _op("floordiv_negative", I16, {"p": NEGATIVE}, lambda x, p: x // p.p, "floor(x / p), p below 0"),
    _op("shl", I16, {"n": AMOUNT}, lambda x, p: x << p.n, "x 2^n"),
    _op("shr_floor", I48, {"n": AMOUNT}, lambda x, p: shr_floor(x, p.n), "x / 2^n, down"),
    _op("shr_trunc", I48, {"n": AMOUNT}, lambda x, p: shr_trunc(x, p.n), "x / 2^n, toward zero"),
    _op("shr_nearest", I48, {"n": AMOUNT}, lambda x, p: shr_round_half_even(x, p.n), "x / 2^n, to nearest even"),
    *(
        _op(f"wrap{bits}", I48, {}, lambda x, p, bits=bits: wrap(x, bits), f"two's complement of {bits} bits")  # type: ignore[misc]
        for bits in (2, 8, 16, 24, 32)
    ),
    _op("eq", I16, {"p": I16}, lambda x, p: _number(x == p.p), "x == p"),
    _op("lt", I16, {"p": I16}, lambda x, p: _number(x < p.p), "x < p"),
    _op("le", I16, {"p": I16}, lambda x, p: _number(x <= p.p), "x <= p"),
    _op("gt", I16, {"p": I16}, lambda x, p: _number(x > p.p), "x > p"),
    _op("ge", I16, {"p": I16}, lambda x, p: _number(x >= p.p), "x >= p"),
    _op("and", I16, {"p": I16}, lambda x, p: _number((x > 0) & (x < p.p)), "0 < x < p"),
    _op("or", I16, {"p": I16}, lambda x, p: _number((x < 0) | (x > p.p)), "x < 0 or x > p"),
    _op("not", I16, {"p": I16}, lambda x, p: _number(~(x > p.p)), "not x > p"),
    _op("where", I16, {"p": I16, "q": I16}, lambda x, p: where(x > p.p, x, p.q), "x if x > p else q"),
    _op("cast_bool", I16, {"p": I16}, lambda x, p: cast(x > p.p, "int") * 5, "5 where x > p"),
    _op("check", I16, {}, lambda x, p: check(x, -(2**15), 2**15 - 1) + 1, "x + 1, within limits"),
    _op("wide", I32, {"p": I32}, lambda x, p: shr_trunc(x * p.p, 31), "a product of 64 bits"),
)


def _accumulate(x: Value, state: Namespace, param: Namespace) -> Step:
    v = clip(state.v + x, -(2**17), 2**17)
    return {"v": v}, {"y": v}


def _toggle(x: Value, state: Namespace, param: Namespace) -> Step:
    on = (x > param.p) == ~state.on
    return {"on": on}, {"y": on}


def _count(x: Value, state: Namespace, param: Namespace) -> Step:
    due = state.phase == 3
    v = where(due, 0, wrap(state.v + x, 16))
    return {"v": v, "phase": where(due, 0, state.phase + 1)}, {"y": v}


def _two(x: Value, state: Namespace, param: Namespace) -> Step:
    u = shr_trunc(state.u * 3, 2) + x
    v = wrap(state.v + shr_round_half_even(state.u, 1), 16)
    return {"u": clip(u, -(2**15), 2**15), "v": v}, {"y": v > param.p}


STATEFUL: tuple[StepOp, ...] = (
    _with(
        "accumulate", I16, {"start": I16}, (State("v", signed(19), "start"),), _accumulate, "a sum that saturates"
    ),
    _with("toggle", I16, {"p": I16}, (State("on", BOOL, True),), _toggle, "a state that is true or false"),
    _with(
        "count",
        I16,
        {},
        (State("v", signed(16), 7), State("phase", integer(0, 3), 2, Scope.NODE)),
        _count,
        "a counter of the node beside a state of each neuron",
    ),
    _with(
        "two",
        I16,
        {"p": I16},
        (State("u", signed(17), 5), State("v", signed(16), -5)),
        _two,
        "a state that another reads, old and new",
    ),
)


def _lost(x: Value, p: Namespace) -> Value:
    return cast(check(x * 1024.0, -(2.0**40), 2.0**40), "int")


FLOAT: tuple[StepOp, ...] = (
    _op("f_add", F32, {"p": F32}, lambda x, p: x + p.p, "x + p"),
    _op("f_sub", F32, {"p": F32}, lambda x, p: x - p.p, "x - p"),
    _op("f_mul", F32, {"p": F32}, lambda x, p: x * p.p, "x p"),
    _op("f_div", F32, {"tau": F32}, lambda x, p: x / p.tau, "x / tau"),
    _op("f_fma", F32, {"p": F32, "q": F32}, lambda x, p: fma(x, p.p, p.q), "x p + q, rounded once"),
    _op("f_neg", F32, {}, lambda x, p: -x, "-x"),
    _op("f_abs", F32, {}, lambda x, p: abs(x), "|x|"),
    _op("f_min", F32, {"p": F32}, lambda x, p: minimum(x, p.p), "min(x, p)"),
    _op("f_max", F32, {"p": F32}, lambda x, p: maximum(x, p.p), "max(x, p)"),
    _op("f_clip", F32, {"p": F32, "q": F32}, lambda x, p: clip(x, p.p, p.q), "x in p .. q"),
    _op("f_floor", F32, {}, lambda x, p: floor(x), "floor"),
    _op("f_ceil", F32, {}, lambda x, p: ceil(x), "ceil"),
    _op("f_trunc", F32, {}, lambda x, p: trunc(x), "trunc"),
    _op("f_rint", F32, {}, lambda x, p: rint(x), "nearest, ties to even"),
    *(
        _op(f"f_{name}", F32, {"p": F32}, lambda x, p, rule=rule: cast(cast(rule(x, p.p), "int"), "f32"), name)  # type: ignore[misc]
        for name, rule in (
            ("eq", lambda a, b: a == b),
            ("lt", lambda a, b: a < b),
            ("le", lambda a, b: a <= b),
            ("gt", lambda a, b: a > b),
            ("ge", lambda a, b: a >= b),
        )
    ),
    *(
        _op(f"f_{name}", F32, {"p": F32}, lambda x, p, rule=rule: rule(x) > p.p, f"{name}(x) > p")  # type: ignore[misc]
        for name, rule in (("exp", exp), ("expm1", expm1), ("log", log), ("log1p", log1p))
    ),
    _op("f_to_int", F32, {}, _lost, "1024 x, cut to an integer"),
    _op("int_to_f", I48, {}, lambda x, p: cast(x, "f32"), "an integer as f32, rounded to nearest even"),
    _op("int_to_f64", I48, {"p": I16}, lambda x, p: cast(x, "f64") * cast(p.p, "f64"), "a product in f64"),
    _op(
        "f_widen",
        F32,
        {"p": F32},
        lambda x, p: cast(x, "f64") / 3.0 + cast(p.p, "f64"),
        "f64 between f32",
    ),
    _op("d_add", F64, {"p": F64}, lambda x, p: x + p.p, "x + p in f64"),
    _op("d_mul", F64, {"p": F64}, lambda x, p: x * p.p, "x p in f64"),
    _op("d_div", F64, {"tau": F64}, lambda x, p: x / p.tau, "x / tau in f64"),
    _op("d_fma", F64, {"p": F64, "q": F64}, lambda x, p: fma(x, p.p, p.q), "x p + q in f64, rounded once"),
)
OPS: tuple[StepOp, ...] = (*INTEGER, *STATEFUL, *FLOAT)
"""Every program of the suite."""
