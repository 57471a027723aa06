"""Floats that can only be multiples of a power of two: what a solver takes hours to find, in one pass.

A float made of an integer is a multiple of 1, and so it stays through sums, roundings and checks; a product with a
power of two moves the power. Such a float is 0 or at least that power, so nothing flushes it and no rounding to
whole numbers changes it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from snnhub.ir.code import Instr
from snnhub.ir.microop import ROUNDINGS, MicroOp
from snnhub.ir.program import Program

M = MicroOp
Exponents = Sequence[float | None]
KEPT = frozenset({M.CAST, M.CHECK, M.NEG, M.ABS})
SUMS = frozenset({M.ADD, M.SUB})
SMALL = 64
"""The exponent of a float beside which one that overflows stays what it is."""
PICKED = frozenset({M.WHERE, M.MIN, M.MAX, M.CLIP})


def exponents(program: Program) -> list[float | None]:
    """For each instruction the largest known ``g`` such that its value, where finite, is a multiple of 2**g.

    Infinite for 0; None for what is no float or may be any.
    """
    found: list[float | None] = []
    for instr in program.code:
        found.append(_exponent(program, instr, found) if instr.type.is_float else None)
    return found


def _exponent(program: Program, instr: Instr, found: Exponents) -> float | None:
    if instr.op is M.CONST:
        value = float(instr.imm[0])
        return _of_constant(value) if math.isfinite(value) else None
    if instr.op is M.CAST and program.code[instr.args[0]].type.is_int:
        return 0.0
    if instr.op in ROUNDINGS:
        own = found[instr.args[0]]
        return 0.0 if own is None else max(0.0, own)
    parts = [found[arg] for arg in instr.args if program.code[arg].type.is_float]
    if not parts or None in parts:
        return None
    known = [part for part in parts if part is not None]
    if instr.op in KEPT:
        return known[0]
    if instr.op in SUMS or instr.op in PICKED:
        return min(known)
    power = _power(program, instr)
    return None if power is None else known[0] + (power if instr.op is M.MUL else -power)


def _of_constant(value: float) -> float:
    return math.inf if value == 0 else float(_trailing(value))


def _trailing(value: float) -> int:
    numerator, denominator = value.as_integer_ratio()
    return (numerator & -numerator).bit_length() - denominator.bit_length()


def _power(program: Program, instr: Instr) -> int | None:
    """The exponent of the power of two that an instruction multiplies with or divides by."""
    if instr.op not in (M.MUL, M.DIV):
        return None
    factor = program.code[instr.args[1]]
    if factor.op is not M.CONST:
        return None
    mantissa, exponent = math.frexp(float(factor.imm[0]))
    return exponent - 1 if mantissa == 0.5 else None


def unchanged(program: Program, instr: Instr, known: Exponents) -> int | None:
    """The operand that the instruction only hands on: a rounding of what is whole, or the flush of what is never
    small: ``where(|v| < limit, 0, v)`` with v a multiple of the limit or more.
    """
    if instr.op in ROUNDINGS:
        own = known[instr.args[0]]
        return instr.args[0] if own is not None and own >= 0 else None
    if instr.op is not M.WHERE:
        return None
    condition, zero, value = instr.args
    test, own = program.code[condition], known[value]
    if test.op is not M.LT or own is None or known[zero] != math.inf:
        return None
    size, limit = (program.code[arg] for arg in test.args)
    if size.op is not M.ABS or size.args[0] != value or limit.op is not M.CONST:
        return None
    return value if own >= math.log2(float(limit.imm[0])) else None


def reciprocal(program: Program, instr: Instr, keys: Sequence[str]) -> str | None:
    """A text for a division by a power of two, and for a product with the quotient of 1 and one.

    Both are one number rounded once.
    """
    if not instr.type.is_float or instr.op not in (M.MUL, M.DIV):
        return None
    value, factor = instr.args
    if instr.op is M.MUL and (by := _scaling(program, instr)) is not None:
        return f"scaled({keys[by[0]]};{by[1]})"
    power = _power(program, instr)
    if instr.op is M.DIV and power is not None and program.code[value].op is not M.CONST:
        return f"scaled({keys[value]};{-power})"
    inner = program.code[factor]
    if instr.op is M.MUL and inner.op is M.DIV and program.code[inner.args[0]].imm == (1.0,):
        power = _power(program, inner)
        return None if power is None or abs(power) > 100 else f"scaled({keys[value]};{-power})"
    return None


def distributed(program: Program, instr: Instr, keys: Sequence[str]) -> str | None:
    """A text for the product of a sum with a power of two of 1 or more: the sum of the products.

    Nothing is rounded otherwise: such a product is exact but where it overflows, and a sum of subnormals is exact.
    One part must be too small to overflow, so that it adds nothing to what does.
    """
    by = _scaling(program, instr) if instr.op is M.MUL and instr.type.is_float else None
    if by is None or by[1] < 0:
        return None
    value, power = by
    total = program.code[value]
    if total.op not in SUMS or not any(_magnitude(program, arg) + power <= SMALL for arg in total.args):
        return None
    left, right = (f"scaled({keys[arg]};{power})" for arg in total.args)
    return f"{total.op.value}({left},{right};{total.imm!r})"


def _scaling(program: Program, instr: Instr) -> tuple[int, int] | None:
    """Of a product with a constant power of two: what is multiplied, and the exponent."""
    for value, factor in (instr.args, instr.args[::-1]):
        constant = program.code[factor]
        if constant.op is M.CONST and program.code[value].op is not M.CONST:
            mantissa, exponent = math.frexp(float(constant.imm[0]))
            return (value, exponent - 1) if mantissa == 0.5 else None
    return None


def _magnitude(program: Program, index: int) -> float:
    """An exponent of two that a float stays below; infinite where none is known."""
    instr = program.code[index]
    if instr.op is M.CAST and program.code[instr.args[0]].type.is_int:
        low, high = program.code[instr.args[0]].type.range
        return max(low.bit_length(), high.bit_length())
    power = _power(program, instr)
    if power is None:
        return math.inf
    return _magnitude(program, instr.args[0]) + (power if instr.op is M.MUL else -power)
