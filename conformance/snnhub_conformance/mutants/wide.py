"""A step computed in f64 and rounded to f32 where it is stored or goes out: precision in excess."""

from __future__ import annotations

from dataclasses import replace

from snnhub.ir.code import Instr
from snnhub.ir.microop import MicroOp
from snnhub.ir.numtype import F32, F64
from snnhub.ir.program import Program

from snnhub_conformance.mutants.rewriting import Draft

M = MicroOp


def in_f64(program: Program) -> Program | None:
    """None for a program that rounds no result of another rounding: one operation in f64, rounded to f32, is the
    operation in f32 (Figueroa, "When is double rounding innocuous?", 1995).
    """
    if not _chained(program):
        return None
    draft = Draft(program)
    moved: list[int] = []
    for instr in program.code:
        args = tuple(moved[arg] for arg in instr.args)
        moved.append(_widened(draft, instr, args))
    following = tuple(_narrow(draft, program, index, moved[index]) for index in program.next)
    outputs = tuple((name, _narrow(draft, program, index, moved[index])) for name, index in program.outputs)
    return replace(program, code=tuple(draft.code), next=following, outputs=outputs)


def _chained(program: Program) -> bool:
    rounds = {
        index
        for index, instr in enumerate(program.code)
        if instr.type == F32 and instr.op in (M.ADD, M.SUB, M.MUL, M.DIV, M.FMA)
    }
    return any(part in rounds for index in rounds for part in _feeding(program, index))


def _feeding(program: Program, index: int) -> set[int]:
    """Every instruction that one needs, without itself."""
    found, pending = set[int](), list(program.code[index].args)
    while pending:
        place = pending.pop()
        if place not in found:
            found.add(place)
            pending.extend(program.code[place].args)
    return found


def _widened(draft: Draft, instr: Instr, args: tuple[int, ...]) -> int:
    if instr.type != F32:
        return draft.emit(instr.op, args, instr.type, instr.imm)
    if instr.op in (M.INPUT, M.PARAM, M.STATE):
        return draft.emit(M.CAST, (draft.emit(instr.op, args, F32, instr.imm),), F64, ("f64",))
    return draft.emit(instr.op, args, F64, ("f64",) if instr.op is M.CAST else instr.imm)


def _narrow(draft: Draft, program: Program, index: int, moved: int) -> int:
    if program.code[index].type != F32:
        return moved
    return draft.emit(M.CAST, (moved,), F32, ("f32",))
