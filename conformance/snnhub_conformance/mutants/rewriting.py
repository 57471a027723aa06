"""Rewrites step programs one instruction at a time: the ground on which every program mutation stands.

A mutant is never validated: a wrong program may well leave the range that the right one proves.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace

from snnhub.ir.code import Instr
from snnhub.ir.microop import MicroOp
from snnhub.ir.numtype import NumType
from snnhub.ir.program import Program, State
from snnhub.ir.ranges import Immediate

M = MicroOp


@dataclass
class Draft:
    """A program under change. ``emit`` adds an instruction and returns its index; ``state`` adds a state."""

    source: Program
    code: list[Instr] = field(default_factory=list)
    states: list[State] = field(default_factory=list)
    following: list[int] = field(default_factory=list)

    def emit(self, op: MicroOp, args: tuple[int, ...], type_: NumType, imm: Immediate = ()) -> int:
        self.code.append(Instr(op, args, type_, imm))
        return len(self.code) - 1

    def const(self, type_: NumType, value: int | float | bool) -> int:
        return self.emit(M.CONST, (), type_, (value,))

    def state(self, type_: NumType, init: int | float | bool) -> int:
        """A new hidden state: the index of the instruction that reads it. Its next value is set with ``keep``."""
        number = len(self.source.states) + len(self.states)
        self.states.append(State(f"_{number}", type_, init))
        self.following.append(-1)
        return self.emit(M.STATE, (), type_, (number,))

    def keep(self, index: int) -> None:
        """What the newest hidden state holds after the step."""
        self.following[-1] = index


Rule = Callable[[Draft, Instr, tuple[int, ...]], int | None]
"""What becomes of an instruction whose operands are ``args`` in the draft; None: it stays as it is."""


def rewrite(program: Program, rule: Rule, only: int | None = None) -> Program | None:
    """The program with ``rule`` applied to instruction ``only``, or to all; None if it changes nothing."""
    draft, changed = Draft(program), False
    moved: list[int] = []
    for index, instr in enumerate(program.code):
        args = tuple(moved[arg] for arg in instr.args)
        new = rule(draft, instr, args) if only in (None, index) else None
        changed |= new is not None
        moved.append(draft.emit(instr.op, args, instr.type, instr.imm) if new is None else new)
    if not changed:
        return None
    return replace(
        program,
        states=(*program.states, *draft.states),
        code=tuple(draft.code),
        next=(*(moved[index] for index in program.next), *draft.following),
        outputs=tuple((name, moved[index]) for name, index in program.outputs),
    )


def sites(program: Program, rule: Rule) -> Iterator[tuple[int, Program]]:
    """Every instruction at which the rule changes something, with the program changed there alone."""
    for index in range(len(program.code)):
        changed = rewrite(program, rule, index)
        if changed is not None:
            yield index, changed


def operand(draft: Draft, index: int) -> Instr:
    """The instruction behind an operand, in the draft."""
    return draft.code[index]
