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
    """None for a program without f32 arithmetic."""
    draft = Draft(program)
    moved: list[int] = []
    arithmetic = False
    for instr in program.code:
        args = tuple(moved[arg] for arg in instr.args)
        arithmetic |= bool(args) and instr.type == F32
        moved.append(_widened(draft, instr, args))
    if not arithmetic:
        return None
    following = tuple(_narrow(draft, program, index, moved[index]) for index in program.next)
    outputs = tuple((name, _narrow(draft, program, index, moved[index])) for name, index in program.outputs)
    return replace(program, code=tuple(draft.code), next=following, outputs=outputs)


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
