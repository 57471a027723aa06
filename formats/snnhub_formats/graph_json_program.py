"""Step programs in graph-json, both ways. A program that was read has been checked like one that was traced."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from snnhub.errors import FormatError
from snnhub.ir.code import Instr
from snnhub.ir.microop import LEAVES, MicroOp
from snnhub.ir.numtype import NumType
from snnhub.ir.program import Program, Scope, Slot, State, canonical, validate

from snnhub_formats.graph_json_numbers import read_float, read_number, write_number
from snnhub_formats.strictjson import items, record, text, whole

M = MicroOp
CODE_LIMIT = 10_000
KEYS = ("inputs", "params", "states", "code", "next", "outputs")
SLOT = ("name", "type")
STATE = ("name", "type", "init", "scope")
OUTPUT = ("name", "instr")
TypeIndex = Callable[[NumType], int]
Immediate = tuple[int | float | bool | str, ...]


def write_program(program: Program, types: TypeIndex) -> dict[str, Any]:
    """The program with its types as numbers of the table that ``types`` fills."""
    return {
        "inputs": [_slot(slot, types) for slot in program.inputs],
        "params": [_slot(slot, types) for slot in program.params],
        "states": [_state(state, types) for state in program.states],
        "code": [_instr(instr, types) for instr in program.code],
        "next": list(program.next),
        "outputs": [{"name": name, "instr": index} for name, index in program.outputs],
    }


def _slot(slot: Slot, types: TypeIndex) -> dict[str, Any]:
    return {"name": slot.name, "type": types(slot.type)}


def _state(state: State, types: TypeIndex) -> dict[str, Any]:
    init = {"param": state.init} if isinstance(state.init, str) else write_number(state.init)
    return {"name": state.name, "type": types(state.type), "init": init, "scope": state.scope.value}


def _instr(instr: Instr, types: TypeIndex) -> list[Any]:
    imm = [value if isinstance(value, str) else write_number(value) for value in instr.imm]
    return [instr.op.value, list(instr.args), types(instr.type), imm]


def read_program(value: Any, types: Sequence[NumType]) -> Program:
    """Raises ``FormatError`` for broken structure and ``ProgramError`` for code that does not type-check."""
    inputs, params, states, code, following, outputs = record(value, KEYS, "program")
    if len(items(code, "code")) > CODE_LIMIT:
        raise FormatError("program is too long", found=f"{len(code)} instructions", allowed=str(CODE_LIMIT))

    def slot(item: Any) -> Slot:
        name, type_ = record(item, SLOT, "slot")
        return Slot(text(name, "name"), pick(types, type_, "type"))

    def output(item: Any) -> tuple[str, int]:
        name, index = record(item, OUTPUT, "output")
        return text(name, "name"), whole(index, "instr", 0, CODE_LIMIT)

    program = Program(
        tuple(slot(item) for item in items(inputs, "inputs")),
        tuple(slot(item) for item in items(params, "params")),
        tuple(_read_state(item, types) for item in items(states, "states")),
        tuple(_read_instr(item, position, types) for position, item in enumerate(code)),
        tuple(whole(index, "next", 0, CODE_LIMIT) for index in items(following, "next")),
        tuple(output(item) for item in items(outputs, "outputs")),
    )
    if not program.outputs:
        raise FormatError("program without outputs")
    validate(program)
    if canonical(program) != program:
        raise FormatError("program is not in canonical form")
    return program


def pick(table: Sequence[Any], index: Any, noun: str) -> Any:
    """``table[index]``. Raises ``FormatError`` for an index beyond it."""
    return table[whole(index, noun, 0, len(table) - 1)]


def _read_state(item: Any, types: Sequence[NumType]) -> State:
    name, number, init, scope = record(item, STATE, "state")
    type_: NumType = pick(types, number, "type")
    if scope not in ("element", "node"):
        raise FormatError("unknown scope", found=repr(scope)[:40], allowed="element, node")
    if isinstance(init, dict):
        (param,) = record(init, ["param"], "init")
        return State(text(name, "name"), type_, text(param, "param"), Scope(scope))
    return State(text(name, "name"), type_, read_number(init, type_, "init"), Scope(scope))


def _read_instr(item: Any, position: int, types: Sequence[NumType]) -> Instr:
    name, args, number, imm = items(item, "instruction", 4)
    if not isinstance(name, str) or name not in {op.value for op in MicroOp}:
        raise FormatError("unknown micro-operation", found=repr(name)[:40])
    op, type_ = MicroOp(name), pick(types, number, "type")
    operands = tuple(
        whole(arg, f"operand of instruction {position}", 0, position - 1) for arg in items(args, "operands")
    )
    return Instr(op, operands, type_, _read_imm(op, type_, items(imm, "imm")))


def _read_imm(op: MicroOp, type_: NumType, imm: list[Any]) -> Immediate:
    if op is M.CONST or (op is M.CHECK and not type_.is_float):
        return tuple(read_number(value, type_, "imm") for value in imm)
    if op is M.CHECK:  # the bounds of a check of f32 are f64
        return tuple(read_float(value, "imm") for value in imm)
    if op is M.CAST:
        return tuple(text(value, "imm") for value in imm)
    if op is M.WRAP or op in LEAVES:
        return tuple(whole(value, "imm") for value in imm)
    if imm:
        raise FormatError(f"{op.value} has no immediate values", found=str(len(imm)))
    return ()
