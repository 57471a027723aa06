"""Straight-line code whose types are inferred as it grows: the common ground of tracer and reader.

``where(w > k, A(w), B(w))`` narrows: A is inferred with w > k, B with w <= k. Without this no overflow
idiom would pass, since the branch that is not taken would leave the range of the state.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Mapping
from dataclasses import dataclass

from snnhub.errors import ProgramError
from snnhub.ir.microop import COMPARISONS, LEAVES, MicroOp, arity
from snnhub.ir.numtype import Kind, NumType, integer
from snnhub.ir.ranges import Fact, Immediate, infer, union

M = MicroOp
Narrowing = Mapping[int, Fact]
NARROWING_BUDGET = 20_000
"""Evaluations that narrowing may spend on one program; beyond it the wider, still true, range is kept."""
VISITS_BUDGET = 1_000_000
"""Instructions that narrowing may look at in one program, for the same reason."""
NARROWING_DEPTH = 48
"""Conditions within conditions, and ``where`` within ``where``, that narrowing looks into."""


@dataclass(frozen=True, slots=True)
class Instr:
    """One instruction: operands are indices of earlier instructions, ``imm`` holds constants."""

    op: MicroOp
    args: tuple[int, ...]
    type: NumType
    imm: Immediate = ()


class Code:
    """A growing list of instructions with inferred types. ``append`` raises ``ProgramError`` on a bad one."""

    def __init__(self) -> None:
        self.instrs: list[Instr] = []
        self.facts: list[Fact] = []
        self._budget = NARROWING_BUDGET
        self._visits = VISITS_BUDGET
        self._depth = 0

    def __len__(self) -> int:
        return len(self.instrs)

    def leaf(self, op: MicroOp, type_: NumType, value: int | float | bool) -> int:
        """A constant (``value`` itself) or a reference to input, param or state number ``value``."""
        bounds = None
        if op is M.CONST:
            _check_constant(type_, value)
            bounds = (float(value), float(value)) if type_.is_float and not math.isnan(value) else None
        self.instrs.append(Instr(op, (), type_, (value,)))
        self.facts.append(Fact(type_, bounds))
        return len(self.instrs) - 1

    def append(self, op: MicroOp, args: tuple[int, ...], imm: Immediate = ()) -> int:
        """Add an instruction; its type follows from its operands. Returns its index."""
        if op in LEAVES:
            raise ProgramError(f"{op.value} is added with leaf()")
        if len(args) != arity(op):
            raise ProgramError(f"{op.value} takes {arity(op)} operands", found=str(len(args)))
        if any(not 0 <= arg < len(self.instrs) for arg in args):
            raise ProgramError("operands refer to earlier instructions only", found=str(args))
        self._depth = 0
        fact = self._infer(op, args, imm, {})
        self.instrs.append(Instr(op, args, fact.type, imm))
        self.facts.append(fact)
        return len(self.instrs) - 1

    def _infer(self, op: MicroOp, args: tuple[int, ...], imm: Immediate, known: Narrowing) -> Fact:
        if op is not M.WHERE:
            return infer(op, [self._fact(arg, known) for arg in args], imm)
        condition = self._fact(args[0], known)
        if not condition.type.is_bool:
            return infer(op, [condition, self.facts[args[1]], self.facts[args[2]]], imm)
        branches = []
        for truth, arg in ((True, args[1]), (False, args[2])):
            narrowed = self._narrow(args[0], truth, known)
            if narrowed is not None:
                branches.append(self._fact(arg, narrowed))
        if not branches:
            raise ProgramError("where: neither branch can be reached")
        if len(branches) == 1:
            union(self.facts[args[1]], self.facts[args[2]])  # the types must still agree
            return branches[0]
        return union(branches[0], branches[1])

    def _fact(self, index: int, known: Narrowing) -> Fact:
        """What holds for an instruction when the values in ``known`` are narrowed as given."""
        if not known or index < min(known):
            return self.facts[index]
        if self._spent or index in known:
            return known.get(index, self.facts[index])
        memo: dict[int, Fact] = dict(known)
        for position in self._cone(index, known):
            instr = self.instrs[position]
            if position in memo:
                continue
            self._budget -= 1
            if instr.op in LEAVES or self._spent:
                memo[position] = self.facts[position]
            elif instr.op is M.WHERE:
                self._depth += 1
                memo[position] = self._infer(instr.op, instr.args, instr.imm, known)
                self._depth -= 1
            else:
                memo[position] = infer(instr.op, [memo[arg] for arg in instr.args], instr.imm)
        return memo[index]

    def _cone(self, index: int, known: Narrowing) -> list[int]:
        """Everything that ``index`` needs, in order, not looking behind narrowed values."""
        needed, pending = set[int](), [index]
        while pending:
            position = pending.pop()
            if position not in needed:
                needed.add(position)
                if position not in known:
                    pending.extend(self.instrs[position].args)
        self._visits -= len(needed)
        return sorted(needed)

    @property
    def _spent(self) -> bool:
        """Whether narrowing has cost, or nests, so much that it ends here."""
        return self._budget < 0 or self._visits < 0 or self._depth > NARROWING_DEPTH

    def _narrow(self, condition: int, truth: bool, known: Narrowing, depth: int = 0) -> Narrowing | None:
        """``known`` with what the condition adds; None if the condition cannot have this truth value."""
        instr = self.instrs[condition]
        self._budget -= 1
        if self._spent or depth > NARROWING_DEPTH:
            return known
        if instr.op is M.NOT:
            return self._narrow(instr.args[0], not truth, known, depth + 1)
        if (instr.op is M.AND and truth) or (instr.op is M.OR and not truth):
            first = self._narrow(instr.args[0], truth, known, depth + 1)
            return None if first is None else self._narrow(instr.args[1], truth, first, depth + 1)
        if instr.op not in COMPARISONS:
            return known
        a, b = (self._fact(arg, known).type for arg in instr.args)
        if not (a.is_int and b.is_int):
            return known
        ranges = _compare(instr.op, truth, a.range, b.range)
        if ranges is None:
            return None
        return {
            **known,
            **{arg: Fact(integer(*bounds)) for arg, bounds in zip(instr.args, ranges, strict=True)},
        }


def _compare(
    op: MicroOp, truth: bool, a: tuple[int, int], b: tuple[int, int]
) -> tuple[tuple[int, int], tuple[int, int]] | None:
    """Ranges of both operands given the outcome of a comparison of integers; None if it cannot happen."""
    opposite = {M.LT: M.GE, M.GE: M.LT, M.GT: M.LE, M.LE: M.GT}
    if op is M.EQ:
        if not truth:
            ends = _without(a, b), _without(b, a)
            return None if ends[0] is None or ends[1] is None else (ends[0], ends[1])
        both = (max(a[0], b[0]), min(a[1], b[1]))
        return None if both[0] > both[1] else (both, both)
    if not truth:
        op = opposite[op]
    if op in (M.GT, M.GE):
        swapped = _compare(M.LT if op is M.GT else M.LE, True, b, a)
        return None if swapped is None else (swapped[1], swapped[0])
    step = 1 if op is M.LT else 0
    low, high = (a[0], min(a[1], b[1] - step)), (max(b[0], a[0] + step), b[1])
    return None if low[0] > low[1] or high[0] > high[1] else (low, high)


def _without(a: tuple[int, int], b: tuple[int, int]) -> tuple[int, int] | None:
    """The range ``a`` when its value differs from that of ``b``: an end that equals a constant is cut off."""
    if b[0] != b[1] or b[0] not in a:
        return a
    low, high = a[0] + (a[0] == b[0]), a[1] - (a[1] == b[0])
    return None if low > high else (low, high)


def _check_constant(type_: NumType, value: int | float | bool) -> None:
    if type_.is_int:
        fits = isinstance(value, int) and not isinstance(value, bool) and type_.range == (value, value)
    elif type_.is_bool:
        fits = isinstance(value, bool)
    else:
        fits = isinstance(value, float) and (
            type_.kind is Kind.F64 or math.isnan(value) or round_f32(value) == value
        )
    if not fits:
        raise ProgramError("constant does not have its type", found=f"{value!r} as {type_}")


def round_f32(value: float) -> float:
    """The f32 nearest to ``value``, as a Python float; overflow becomes infinity."""
    try:
        return float(struct.unpack("<f", struct.pack("<f", value))[0])
    except OverflowError:
        return math.copysign(math.inf, value)
