"""Mutations of comparisons, roundings, widths, and of the order in which floats are combined."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from snnhub.ir.code import Instr
from snnhub.ir.microop import MicroOp
from snnhub.ir.numtype import BOOL, F32, Kind, integer, signed

from snnhub_conformance.mutants.rewriting import Draft, Rule, operand

M = MicroOp
Args = tuple[int, ...]
LARGEST_SCALE = 2.0**24
SMALLEST_NORMAL = 2.0**-126


def swap(table: Mapping[MicroOp, MicroOp], kinds: frozenset[Kind] | None = None) -> Rule:
    """One micro-operation in place of another, with the same operands."""

    def rule(draft: Draft, instr: Instr, args: Args) -> int | None:
        if instr.op not in table or (kinds and operand(draft, args[0]).type.kind not in kinds):
            return None
        return draft.emit(table[instr.op], args, instr.type, instr.imm)

    return rule


def first_operand(op: MicroOp) -> Rule:
    """The operation is left out: its first operand is its value."""
    return lambda draft, instr, args: args[0] if instr.op is op else None


def swapped_operands(op: MicroOp) -> Rule:
    """The operands the other way round (of ``where``: the branches)."""

    def rule(draft: Draft, instr: Instr, args: Args) -> int | None:
        if instr.op is not op:
            return None
        other = (args[0], args[2], args[1]) if op is M.WHERE else args[::-1]
        return draft.emit(op, other, instr.type, instr.imm)

    return rule


def shr_half_up(draft: Draft, instr: Instr, args: Args) -> int | None:
    """Half is added before the shift: ties go up instead of to even."""
    if instr.op is not M.SHR_ROUND_HALF_EVEN:
        return None
    one, zero = draft.const(integer(1, 1), 1), draft.const(integer(0, 0), 0)
    whole = draft.emit(M.SHL, (one, args[1]), signed(64))
    half = draft.emit(M.SHR_FLOOR, (whole, one), signed(64))
    moved = draft.emit(M.SHR_FLOOR, (draft.emit(M.ADD, (args[0], half), signed(64)), args[1]), instr.type)
    none = draft.emit(M.EQ, (args[1], zero), BOOL)
    return draft.emit(M.WHERE, (none, args[0], moved), instr.type)


def floordiv_trunc(draft: Draft, instr: Instr, args: Args) -> int | None:
    """The quotient is rounded toward zero, as C divides."""
    if instr.op is not M.FLOORDIV:
        return None
    wide = signed(64)
    zero = draft.const(integer(0, 0), 0)
    sizes = tuple(draft.emit(M.ABS, (arg,), wide) for arg in args)
    size = draft.emit(M.FLOORDIV, sizes, wide)
    signs = [draft.emit(M.LT, (arg, zero), BOOL) for arg in args]
    differ = draft.emit(M.NOT, (draft.emit(M.EQ, (signs[0], signs[1]), BOOL),), BOOL)
    return draft.emit(M.WHERE, (differ, draft.emit(M.NEG, (size,), wide), size), instr.type)


def rint_away(draft: Draft, instr: Instr, args: Args) -> int | None:
    """Ties go away from zero, as C's ``round``."""
    if instr.op is not M.RINT:
        return None
    type_, (x,) = instr.type, args
    half, zero = draft.const(type_, 0.5), draft.const(type_, 0.0)
    up = draft.emit(M.FLOOR, (draft.emit(M.ADD, (x, half), type_),), type_)
    down = draft.emit(M.CEIL, (draft.emit(M.SUB, (x, half), type_),), type_)
    return draft.emit(M.WHERE, (draft.emit(M.LT, (x, zero), BOOL), down, up), type_)


def cast_with(rounding: MicroOp) -> Rule:
    """A float becomes an integer by another rounding than toward zero."""

    def rule(draft: Draft, instr: Instr, args: Args) -> int | None:
        if instr.op is not M.CAST or not instr.type.is_int or not operand(draft, args[0]).type.is_float:
            return None
        rounded = draft.emit(rounding, args, operand(draft, args[0]).type)
        return draft.emit(M.CAST, (rounded,), instr.type, instr.imm)

    return rule


def wrap_by(bits: int) -> Rule:
    """The width of a wrap, changed by so many bits."""

    def rule(draft: Draft, instr: Instr, args: Args) -> int | None:
        width = instr.imm[0] if instr.op is M.WRAP else None
        if not isinstance(width, int) or not 2 <= width + bits <= 64:
            return None
        return draft.emit(M.WRAP, args, instr.type, (width + bits,))

    return rule


def wrap_saturates(draft: Draft, instr: Instr, args: Args) -> int | None:
    """Stops at the limit instead of wrapping."""
    if instr.op is not M.WRAP or not isinstance(instr.imm[0], int):
        return None
    low, high = signed(instr.imm[0]).range
    ends = draft.const(integer(low, low), low), draft.const(integer(high, high), high)
    return draft.emit(M.CLIP, (args[0], *ends), instr.type)


def clip_bound(which: int, step: int) -> Rule:
    """One bound of an integer clip, moved outwards or inwards by one."""

    def rule(draft: Draft, instr: Instr, args: Args) -> int | None:
        if instr.op is not M.CLIP or not instr.type.is_int:
            return None
        one = draft.const(integer(1, 1), 1)
        moved = draft.emit(M.ADD if step > 0 else M.SUB, (args[which], one), instr.type)
        changed = list(args)
        changed[which] = moved
        return draft.emit(M.CLIP, tuple(changed), instr.type)

    return rule


def in_32_bits(draft: Draft, instr: Instr, args: Args) -> int | None:
    """Integers live in 32-bit containers: sums, products and shifts overflow."""
    if instr.op not in (M.ADD, M.SUB, M.MUL, M.SHL, M.NEG) or not instr.type.is_int:
        return None
    if signed(32).holds(instr.type):
        return None
    return draft.emit(M.WRAP, (draft.emit(instr.op, args, instr.type, instr.imm),), instr.type, (32,))


def _scaled_up(code: Sequence[Instr], instr: Instr) -> bool:
    """Whether an instruction multiplies with a constant that leaves the smallest normal f32 far below 1."""
    factor = code[instr.args[1]] if instr.op is M.MUL else instr
    return factor.op is M.CONST and abs(float(factor.imm[0])) <= LARGEST_SCALE


def _is_cut(draft: Draft, instr: Instr) -> bool:
    """Whether a number, perhaps scaled, only becomes an integer, toward zero: then what is tiny is 0 anyway."""
    code = draft.source.code
    reached, pending = False, [index for index, other in enumerate(code) if other is instr]
    while pending:
        place = pending.pop()
        if place in (*draft.source.next, *(index for _, index in draft.source.outputs)):
            return False
        for index, user in enumerate(code):
            if place in user.args:
                if user.op is M.CHECK or _scaled_up(code, user):
                    pending.append(index)
                elif user.op is M.CAST and user.type.is_int:
                    reached = True
                else:
                    return False
    return reached


def flush(draft: Draft, instr: Instr, args: Args) -> int | None:
    """Results below the smallest normal f32 become 0, as with fast-math."""
    if instr.op not in (M.ADD, M.SUB, M.MUL, M.DIV, M.FMA) or instr.type != F32 or _is_cut(draft, instr):
        return None
    value = draft.emit(instr.op, args, F32)
    size, least = draft.emit(M.ABS, (value,), F32), draft.const(F32, SMALLEST_NORMAL)
    small = draft.emit(M.LT, (size, least), BOOL)
    return draft.emit(M.WHERE, (small, draft.const(F32, 0.0), value), F32)


def reciprocal(draft: Draft, instr: Instr, args: Args) -> int | None:
    """A quotient as a product with the reciprocal."""
    top = operand(draft, args[0]) if args else instr
    if instr.op is not M.DIV or (top.op is M.CONST and top.imm == (1.0,)):
        return None
    one = draft.const(instr.type, 1.0)
    return draft.emit(M.MUL, (args[0], draft.emit(M.DIV, (one, args[1]), instr.type)), instr.type)


def _float(instr: Instr, *ops: MicroOp) -> bool:
    return instr.op in ops and instr.type.is_float


def contract(draft: Draft, instr: Instr, args: Args) -> int | None:
    """A product and a sum with one rounding (fused multiply-add), as compilers contract them."""
    if not _float(instr, M.ADD, M.SUB):
        return None
    left, right = (operand(draft, arg) for arg in args)
    if left.op is M.MUL:
        other = args[1] if instr.op is M.ADD else draft.emit(M.NEG, (args[1],), instr.type)
        return draft.emit(M.FMA, (*left.args, other), instr.type)
    if right.op is M.MUL:
        first = right.args[0] if instr.op is M.ADD else draft.emit(M.NEG, (right.args[0],), instr.type)
        return draft.emit(M.FMA, (first, right.args[1], args[0]), instr.type)
    return None


def split_fma(draft: Draft, instr: Instr, args: Args) -> int | None:
    """A fused multiply-add with two roundings."""
    if instr.op is not M.FMA:
        return None
    return draft.emit(M.ADD, (draft.emit(M.MUL, args[:2], instr.type), args[2]), instr.type)


def reassociate(draft: Draft, instr: Instr, args: Args) -> int | None:
    """(a + b) + c as a + (b + c), and the like for differences."""
    if not _float(instr, M.ADD, M.SUB):
        return None
    type_, left, right = instr.type, *(operand(draft, arg) for arg in args)
    if left.op in (M.ADD, M.SUB):  # (a ± b) ± c
        a, b, c = *left.args, args[1]
        if left.op is M.ADD:
            return draft.emit(M.ADD, (a, draft.emit(instr.op, (b, c), type_)), type_)
        inner = draft.emit(M.SUB, (c, b), type_) if instr.op is M.ADD else draft.emit(M.ADD, (b, c), type_)
        return draft.emit(M.ADD if instr.op is M.ADD else M.SUB, (a, inner), type_)
    if right.op in (M.ADD, M.SUB):  # a ± (b ± c)
        a, b, c = args[0], *right.args
        plus = (instr.op is M.ADD) == (right.op is M.ADD)
        return draft.emit(M.ADD if plus else M.SUB, (draft.emit(instr.op, (a, b), type_), c), type_)
    return None


def distribute(draft: Draft, instr: Instr, args: Args) -> int | None:
    """A (b ± c) as a b ± a c."""
    if not _float(instr, M.MUL):
        return None
    for one, other in (args, args[::-1]):
        inner = operand(draft, other)
        if inner.op in (M.ADD, M.SUB):
            parts = tuple(draft.emit(M.MUL, (one, part), instr.type) for part in inner.args)
            return draft.emit(inner.op, parts, instr.type)
    return None


def constant_plus(step: int) -> Rule:
    """An integer constant off by one; a float constant by its last bit."""

    def rule(draft: Draft, instr: Instr, args: Args) -> int | None:
        value = instr.imm[0] if instr.op is M.CONST else None
        if isinstance(value, bool) or value is None or isinstance(value, str):
            return None
        if isinstance(value, int):
            return draft.const(integer(value + step, value + step), value + step)
        toward = np.float32(np.inf if step > 0 else -np.inf)
        return draft.const(instr.type, float(np.nextafter(np.float32(value), toward)))

    return rule
