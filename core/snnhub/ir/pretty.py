"""Step programs as text for people: a line per shared value, other expressions in full where they are used."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from snnhub.ir.code import Instr
from snnhub.ir.microop import MicroOp
from snnhub.ir.program import Program, Slot, State

M = MicroOp
INFIX = {
    M.ADD: "+",
    M.SUB: "-",
    M.MUL: "*",
    M.DIV: "/",
    M.FLOORDIV: "//",
    M.SHL: "<<",
    M.EQ: "==",
    M.LT: "<",
    M.LE: "<=",
    M.GT: ">",
    M.GE: ">=",
    M.AND: "and",
    M.OR: "or",
}
TIGHTNESS = {
    M.OR: 1,
    M.AND: 2,
    M.EQ: 3,
    M.LT: 3,
    M.LE: 3,
    M.GT: 3,
    M.GE: 3,
    M.SHL: 4,
    M.ADD: 5,
    M.SUB: 5,
    M.MUL: 6,
    M.DIV: 6,
    M.FLOORDIV: 6,
}
ATOM = 9
LONG = 60


def lines(program: Program) -> list[str]:
    """States with types and initial values, then one assignment a line, then the next states and outputs."""
    text = [f"in    {slot.name}: {slot.type}" for slot in program.inputs]
    text += [f"param {slot.name}: {slot.type}" for slot in program.params]
    text += [
        f"state {state.name}: {state.type} = {_number(state.init)}"
        + ("  (one per node)" if state.scope.value == "node" else "")
        for state in program.states
    ]
    uses = Counter(arg for instr in program.code for arg in set(instr.args))
    roots = {*program.next, *(index for _, index in program.outputs)}
    written: dict[int, tuple[str, int]] = {}
    for index, instr in enumerate(program.code):
        expression, strength = _expression(program, instr, written)
        shared = instr.args and (uses[index] > 1 or (index in roots and uses[index] > 0) or len(expression) > LONG)
        if shared and index not in _plain_roots(program, uses):
            name = f"t{index}"
            text.append(f"{name:5} = {expression}  : {instr.type}")
            written[index] = (name, ATOM)
        else:
            written[index] = (expression, strength)
    text += [
        f"{state.name:5} <- {written[index][0]}" for state, index in zip(program.states, program.next, strict=True)
    ]
    text += [
        f"out   {name} = {written[index][0]}  : {program.code[index].type}" for name, index in program.outputs
    ]
    return text


def expressions(program: Program) -> list[str]:
    """Every instruction written out in full; of an operand that is longer than ``LONG`` only ``…``."""
    written: dict[int, tuple[str, int]] = {}
    for index, instr in enumerate(program.code):
        text, strength = _expression(program, instr, written)
        written[index] = (text, strength) if len(text) <= LONG else ("…", ATOM)
    return [written[index][0] for index in range(len(program.code))]


def _plain_roots(program: Program, uses: Counter[int]) -> set[int]:
    """Results that nothing else uses: they are written where they are assigned."""
    return {index for index in (*program.next, *(i for _, i in program.outputs)) if not uses[index]}


def _expression(program: Program, instr: Instr, written: dict[int, tuple[str, int]]) -> tuple[str, int]:
    slots: dict[MicroOp, Sequence[Slot | State]] = {
        M.INPUT: program.inputs,
        M.PARAM: program.params,
        M.STATE: program.states,
    }
    if instr.op is M.CONST:
        return _number(instr.imm[0]), ATOM
    if instr.op in slots:
        return slots[instr.op][int(instr.imm[0])].name, ATOM
    args = [written[arg] for arg in instr.args]
    if instr.op in INFIX:
        own = TIGHTNESS[instr.op]
        left = args[0][0] if args[0][1] >= own else f"({args[0][0]})"
        right = args[1][0] if args[1][1] > own else f"({args[1][0]})"
        return f"{left} {INFIX[instr.op]} {right}", own
    inside = ", ".join([*(text for text, _ in args), *(_number(value) for value in instr.imm)])
    return f"{instr.op.value}({inside})", ATOM


def _number(value: int | float | bool | str) -> str:
    if isinstance(value, bool | str):
        return str(value).lower() if isinstance(value, bool) else value
    if isinstance(value, int) and abs(value) >= 4096:
        for offset, suffix in ((0, ""), (1, " - 1")):
            if (abs(value) + offset).bit_count() == 1:
                power = f"2^{(abs(value) + offset).bit_length() - 1}{suffix}"
                return f"-({power})" if value < 0 else f"({power})" if suffix else power
    return repr(value)
