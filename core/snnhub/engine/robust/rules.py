"""The radius of every micro-operation on numbers, from those of its operands. ``docs/order-robust.md`` derives
them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from itertools import product

import numpy as np

from snnhub.engine.exact import F64
from snnhub.engine.interpreter import evaluate
from snnhub.engine.robust.form import Form, combined, flat, linear
from snnhub.engine.robust.rounding import PAD, known
from snnhub.ir.code import Instr
from snnhub.ir.microop import ROUNDINGS, SHIFTS, TRANSCENDENTAL, MicroOp
from snnhub.ir.tensor import Array

M = MicroOp
Roots = Mapping[int, F64]


def add(value: Array, a: Form, b: Form, roots: Roots, sign: float = 1.0) -> Form:
    """Slopes and rests add up. Adding a 0 that nothing moves rounds nothing."""
    free = _is_zero(a) or _is_zero(b)
    slopes = combined(a.slopes, b.slopes, 1.0, sign)
    return linear(value, slopes, a.slack + b.slack, roots, rounded=not free)


def subtract(value: Array, a: Form, b: Form, roots: Roots) -> Form:
    """As ``add``."""
    return add(value, a, b, roots, -1.0)


def multiply(value: Array, a: Form, b: Form, roots: Roots) -> Form:
    """The product rule: a'b' - ab = a db + b da + da db. Powers of two that nothing moves round nothing."""
    slopes, slack = _product(a, b)
    scaled = _is_power_of_two(a) or _is_power_of_two(b)
    return linear(value, slopes, slack, roots, rounded=True, scaled=scaled)


def fused(value: Array, a: Form, b: Form, c: Form, roots: Roots) -> Form:
    """A product and a sum with one rounding."""
    slopes, slack = _product(a, b)
    return linear(value, combined(slopes, c.slopes), slack + c.slack, roots, rounded=True)


def divide(value: Array, a: Form, b: Form, roots: Roots) -> Form:
    """With q = a / b: a'/b' - q = (da - q db) / b', and 1 / b' is 1 / b up to db / (b b'). Infinity if b' may be
    0.
    """
    if b.exact:
        slopes = combined(a.slopes, {}, 1 / b.wide)
        slack = a.slack / np.abs(b.wide)
        return linear(value, slopes, known(slack), roots, rounded=True, scaled=_is_power_of_two(b))
    size = np.abs(b.wide)
    quotient = a.wide / b.wide
    slopes = combined(a.slopes, b.slopes, 1 / b.wide, -quotient / b.wide)
    rest = (a.slack + np.abs(quotient) * b.slack) / size
    left = np.maximum(size - b.doubt, 0.0)
    moved = (a.doubt + np.abs(quotient) * b.doubt) * PAD
    second = moved * (b.doubt / (size * left))
    return linear(value, slopes, known((rest + second) * PAD), roots, rounded=True)


def negate(value: Array, a: Form, roots: Roots) -> Form:
    """No rounding."""
    return linear(value, combined(a.slopes, {}, -1.0), a.slack, roots, rounded=False)


def largest(instr: Instr, value: Array, args: list[Form]) -> Form:
    """Min, max, clip, abs move by no more than the operand that moves most, and round nothing."""
    radius = args[0].doubt
    for arg in args[1:]:
        radius = np.maximum(radius, arg.doubt)
    return flat(value, radius)


def between(instr: Instr, value: Array, args: list[Form]) -> Form:
    """An operation that is monotone in every operand, rounding included: its extremes over a box of operands are
    at the corners. ``evaluate`` takes them there, with its own rounding.
    """
    ends = [(arg.value,) if arg.exact else arg.ends for arg in args]
    wide, radius = value.astype(np.float64), np.zeros(())
    for corner in product(*ends):
        found = evaluate(instr, list(corner))
        if instr.op in TRANSCENDENTAL:  # monotone but for the last bit
            above, below = (np.nextafter(found, end, dtype=found.dtype) for end in (np.inf, -np.inf))
            radius = np.maximum(radius, np.abs(below - wide))
            found = above
        radius = np.maximum(radius, _difference(found, value))
    exact = np.ones((), bool)
    for arg in args:
        exact = exact & (arg.doubt == 0)
    return flat(value, np.where(exact, 0.0, known(radius * PAD)))


def within(instr: Instr, value: Array, args: list[Form]) -> Form:
    """A check: the other run passes it too, or stops."""
    return flat(value, np.minimum(args[0].doubt, float(instr.imm[1]) - float(instr.imm[0])))


def wrapped(instr: Instr, value: Array, args: list[Form]) -> Form:
    """Two's complement moves by as much as its operand unless that may wrap; then anywhere."""
    ends = args[0].ends
    same = [evaluate(instr, [end]) - value == end - args[0].value for end in ends]
    radius = np.maximum(*(_difference(end, args[0].value) for end in ends))
    return flat(value, np.where(same[0] & same[1], radius, 2.0 ** int(instr.imm[0])))


def cast(instr: Instr, value: Array, args: list[Form], roots: Roots) -> Form:
    """Between floats: one rounding, none to the wider. Else between the ends of the operand."""
    (a,) = args
    if a.value.dtype == np.bool_:
        return flat(value, a.doubt.astype(np.float64))
    if instr.type.is_float and a.value.dtype.kind == "f":
        return linear(value, a.slopes, a.slack, roots, rounded=value.dtype != np.float64)
    return between(instr, value, args)


LINEAR: dict[MicroOp, Callable[..., Form]] = {
    M.ADD: add,
    M.SUB: subtract,
    M.MUL: multiply,
    M.FMA: fused,
    M.DIV: divide,
    M.NEG: negate,
}
"""Float operations whose results keep their slopes."""
MONOTONE = ROUNDINGS | TRANSCENDENTAL | SHIFTS | {M.ADD, M.SUB, M.MUL, M.NEG, M.FLOORDIV}
"""In every operand, the others fixed; integer arithmetic among them. A new operation needs a rule of its own."""
OTHER: dict[MicroOp, Callable[[Instr, Array, list[Form]], Form]] = {
    **dict.fromkeys(MONOTONE, between),
    M.ABS: largest,
    M.MIN: largest,
    M.MAX: largest,
    M.CLIP: largest,
    M.CHECK: within,
    M.WRAP: wrapped,
}


def numbers(instr: Instr, value: Array, args: list[Form], roots: Roots) -> Form:
    """The form of an operation on numbers of which at least one may be moved."""
    if instr.type.is_float and instr.op in LINEAR:
        return LINEAR[instr.op](value, *args, roots)
    if instr.op is M.CAST:
        return in_range(instr, cast(instr, value, args, roots))
    return in_range(instr, OTHER[instr.op](instr, value, args))


def in_range(instr: Instr, form: Form) -> Form:
    """The form of an integer: both runs stay in the range that the tracer proved."""
    if not instr.type.is_int or form.radius is None:
        return form
    low, high = instr.type.range
    return replace(flat(form.value, np.minimum(form.radius, float(high - low))), range=instr.type.range)


def _product(a: Form, b: Form) -> tuple[Mapping[int, F64], Array]:
    slopes = combined(a.slopes, b.slopes, b.wide, a.wide)
    slack = np.abs(a.wide) * b.slack + np.abs(b.wide) * a.slack + a.doubt * b.doubt
    return slopes, known(slack * PAD)


def _difference(a: Array, b: Array) -> F64:
    """``|a - b|`` in f64, rounded up for integers that f64 does not hold."""
    if a.dtype.kind == "i":
        return np.abs(a.astype(np.float64) - b.astype(np.float64)) * PAD
    return np.abs(a.astype(np.float64) - b.astype(np.float64))


def _is_zero(form: Form) -> bool:
    return form.exact and form.value.size == 1 and bool(form.value == 0)


def _is_power_of_two(form: Form) -> bool:
    if not form.exact or form.value.size != 1:
        return False
    mantissa = np.frexp(np.abs(form.wide))[0]
    return bool(mantissa == 0.5)
