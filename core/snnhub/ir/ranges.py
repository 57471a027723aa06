"""Range rules: what one micro-operation makes of the ranges of its operands.

Integers carry their range in the type. Floats carry one only where a program states it (``check``,
``clip``) and through the roundings, which is what a cast to an integer needs.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

from snnhub.errors import ProgramError
from snnhub.ir.microop import COMPARISONS, ROUNDINGS, SHIFTS, TRANSCENDENTAL, MicroOp
from snnhub.ir.numtype import BOOL, Kind, NumType, integer, signed

M = MicroOp
Immediate = tuple[int | float | bool | str, ...]


@dataclass(frozen=True, slots=True)
class Fact:
    """What is known of one value: its type and, for floats, bounds that hold for every run (NaN excluded)."""

    type: NumType
    bounds: tuple[float, float] | None = None


def infer(op: MicroOp, args: Sequence[Fact], imm: Immediate) -> Fact:
    """The fact about the result of ``op``. Raises ``ProgramError`` for operands it does not take."""
    if op is M.CAST:
        return _cast(args[0], str(imm[0]))
    if op is M.CHECK:
        return _check(args[0], imm)
    if op in (M.AND, M.OR, M.NOT):
        return _logical(op, args)
    if op is M.WHERE:
        _need(op, args[0].type.is_bool, args, "bool condition")
        return union(args[1], args[2])
    if op in COMPARISONS:
        _need(op, _same_kind(args), args, "two integers, two floats of one width, or two bools")
        return Fact(BOOL)
    if all(arg.type.is_int for arg in args):
        return Fact(_integer_rule(op, [arg.type for arg in args], imm))
    if args[0].type.is_float and _same_kind(args):
        return _float_rule(op, args)
    raise ProgramError(
        f"{op.value} does not take these operands",
        found=", ".join(str(arg.type) for arg in args),
        allowed="all integers, or all floats of one width",
        remedy="write cast(x, ...) where a change of kind is meant",
    )


def union(a: Fact, b: Fact) -> Fact:
    """The smallest fact that holds for both, as after a ``where``."""
    if a.type.is_int and b.type.is_int:
        return Fact(integer(min(a.type.range[0], b.type.range[0]), max(a.type.range[1], b.type.range[1])))
    if a.type.kind is not b.type.kind:
        raise ProgramError("branches of where differ in type", found=f"{a.type}, {b.type}", allowed="one type")
    if a.bounds is None or b.bounds is None:
        return Fact(a.type)
    return Fact(a.type, (min(a.bounds[0], b.bounds[0]), max(a.bounds[1], b.bounds[1])))


def _same_kind(args: Sequence[Fact]) -> bool:
    return len({arg.type.kind for arg in args}) == 1


def _need(op: MicroOp, holds: bool, args: Sequence[Fact], allowed: str) -> None:
    if not holds:
        raise ProgramError(
            f"{op.value} does not take these operands",
            found=", ".join(str(a.type) for a in args),
            allowed=allowed,
        )


def _logical(op: MicroOp, args: Sequence[Fact]) -> Fact:
    _need(op, all(arg.type.is_bool for arg in args), args, "bool")
    return Fact(BOOL)


def _corners(a: NumType, b: NumType, rule: MicroOp) -> list[int]:
    functions = {M.ADD: int.__add__, M.SUB: int.__sub__, M.MUL: int.__mul__, M.FLOORDIV: int.__floordiv__}
    return [functions[rule](x, y) for x, y in product(a.range, b.range)]


def _integer_rule(op: MicroOp, args: Sequence[NumType], imm: Immediate) -> NumType:
    lo, hi = args[0].range
    if op in (M.ADD, M.SUB, M.MUL):
        corners = _corners(args[0], args[1], op)
        return integer(min(corners), max(corners))
    if op is M.FLOORDIV:
        if args[1].range[0] <= 0 <= args[1].range[1]:
            raise ProgramError(
                "division by zero is possible", found=f"divisor {args[1]}", allowed="a range without 0"
            )
        corners = _corners(args[0], args[1], op)
        return integer(min(corners), max(corners))
    if op is M.NEG:
        return integer(-hi, -lo)
    if op is M.ABS:
        return integer(0 if lo <= 0 <= hi else min(abs(lo), abs(hi)), max(abs(lo), abs(hi)))
    if op in (M.MIN, M.MAX):
        pick = min if op is M.MIN else max
        return integer(pick(lo, args[1].range[0]), pick(hi, args[1].range[1]))
    if op is M.CLIP:
        low, high = args[1].range, args[2].range
        return integer(min(max(lo, low[0]), high[0]), min(max(hi, low[1]), high[1]))
    if op in SHIFTS:
        return _shift(op, args[0], args[1])
    if op is M.WRAP:
        width = signed(_bits(imm))
        return args[0] if width.holds(args[0]) else width
    raise ProgramError(f"{op.value} is for floats", found=str(args[0]), allowed="f32, f64")


def _bits(imm: Immediate) -> int:
    bits = imm[0] if imm else None
    if not isinstance(bits, int) or isinstance(bits, bool) or not 2 <= bits <= 64:
        raise ProgramError("wrap needs a width", found=str(bits), allowed="2 .. 64 bits")
    return bits


def shift_right_half_even(value: int, amount: int) -> int:
    """``value / 2**amount`` rounded to nearest, ties to even, for Python integers of any size."""
    half = 1 << amount >> 1
    floor, rest = value >> amount, value & ((1 << amount) - 1)
    return floor + (rest > half or (rest == half and amount > 0 and floor % 2 == 1))


def shift_right_trunc(value: int, amount: int) -> int:
    """``value / 2**amount`` rounded toward zero."""
    return value >> amount if value >= 0 else -(-value >> amount)


def _shift(op: MicroOp, value: NumType, amount: NumType) -> NumType:
    if amount.range[0] < 0 or amount.range[1] > 63:
        raise ProgramError("shift amount out of range", found=str(amount), allowed="int[0..63]")
    functions = {
        M.SHL: int.__lshift__,
        M.SHR_FLOOR: int.__rshift__,
        M.SHR_TRUNC: shift_right_trunc,
        M.SHR_ROUND_HALF_EVEN: shift_right_half_even,
    }
    corners = [functions[op](x, n) for x, n in product(value.range, amount.range)]
    return integer(min(corners), max(corners))


def _float_rule(op: MicroOp, args: Sequence[Fact]) -> Fact:
    type_ = args[0].type
    bounds = args[0].bounds
    if op in ROUNDINGS:
        return Fact(type_, (math.floor(bounds[0]), math.ceil(bounds[1])) if bounds else None)
    if op is M.NEG:
        return Fact(type_, (-bounds[1], -bounds[0]) if bounds else None)
    if op is M.ABS:
        return Fact(type_, (0.0, max(abs(bounds[0]), abs(bounds[1]))) if bounds else None)
    if op is M.CLIP:
        low, high = args[1].bounds, args[2].bounds
        # max(x, lo) is where(x >= lo, x, lo), so a NaN becomes lo and the bounds hold for every x.
        return Fact(type_, (min(low[0], high[0]), high[1]) if low and high else None)
    if op in (M.ADD, M.SUB, M.MUL, M.DIV, M.FMA, M.MIN, M.MAX) or op in TRANSCENDENTAL:
        return Fact(type_)
    raise ProgramError(f"{op.value} is for integers", found=str(type_), allowed="int[lo..hi]")


def _check(arg: Fact, imm: Immediate) -> Fact:
    lo, hi = imm
    if isinstance(lo, str) or isinstance(hi, str) or not lo <= hi:
        raise ProgramError("check needs bounds", found=f"{lo} .. {hi}", allowed="lo <= hi")
    if arg.type.is_int:
        if not isinstance(lo, int) or not isinstance(hi, int):
            raise ProgramError("check of an integer needs integer bounds", found=f"{lo} .. {hi}")
        return Fact(integer(max(lo, arg.type.range[0]), min(hi, arg.type.range[1])))
    if arg.type.is_float:
        return Fact(arg.type, (float(lo), float(hi)))
    raise ProgramError("check is for numbers", found=str(arg.type))


def _cast(arg: Fact, target: str) -> Fact:
    if target in (Kind.F32.value, Kind.F64.value):
        return Fact(NumType(Kind(target)), arg.bounds if target == Kind.F64.value else None)
    if target != Kind.INT.value:
        raise ProgramError("unknown target of cast", found=target, allowed="f32, f64, int")
    if arg.type.is_bool:
        return Fact(integer(0, 1))
    if arg.type.is_int:
        return arg
    if arg.bounds is None or not all(math.isfinite(bound) for bound in arg.bounds):
        raise ProgramError(
            "cast from float to int needs a known range", remedy="put check(x, lo, hi) around the value"
        )
    return Fact(integer(math.trunc(arg.bounds[0]), math.trunc(arg.bounds[1])))
