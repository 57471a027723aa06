"""Step programs: the arithmetic of one time step of one neuron, as typed straight-line code.

A program is total and free of loops. It is stored in canonical form, so that equal arithmetic has equal
digests: instructions in the order in which the next states and the outputs need them, shared
subexpressions merged, dead code dropped.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import Enum
from functools import cached_property
from typing import Any

from snnhub.errors import ProgramError
from snnhub.ir.code import Code, Instr
from snnhub.ir.microop import IMMEDIATES, LEAVES, TRANSCENDENTAL, MicroOp
from snnhub.ir.numtype import NumType

M = MicroOp


class Scope(Enum):
    """Whether a state exists once per neuron or once per node (a step counter, say)."""

    ELEMENT = "element"
    NODE = "node"


@dataclass(frozen=True, slots=True)
class Slot:
    """A named, typed input port or parameter."""

    name: str
    type: NumType


@dataclass(frozen=True, slots=True)
class State:
    """A named state. ``init`` is a number, or the name of the parameter that holds the initial value."""

    name: str
    type: NumType
    init: int | float | bool | str
    scope: Scope = Scope.ELEMENT


@dataclass(frozen=True)
class Program:
    """One step. ``next[i]`` is the instruction that becomes ``states[i]``; ``outputs`` name theirs."""

    inputs: tuple[Slot, ...]
    params: tuple[Slot, ...]
    states: tuple[State, ...]
    code: tuple[Instr, ...]
    next: tuple[int, ...]
    outputs: tuple[tuple[str, int], ...]

    @cached_property
    def digest(self) -> str:
        """SHA-256 over the canonical JSON form, as ``sha256:<hex>``."""
        text = json.dumps(to_json(self), sort_keys=True, separators=(",", ":"))
        return "sha256:" + hashlib.sha256(text.encode()).hexdigest()

    @property
    def exact(self) -> bool:
        """Whether the program can promise ``bits``: it uses no transcendental function."""
        return not any(instr.op in TRANSCENDENTAL for instr in self.code)

    def output_type(self, name: str) -> NumType:
        """Type of an output. Raises ``KeyError`` for a name that the program does not have."""
        return self.code[dict(self.outputs)[name]].type

    @property
    def names(self) -> tuple[str, ...]:
        """Names of states and outputs: what a recording of this node can hold, disjoint by construction."""
        return tuple(state.name for state in self.states) + tuple(name for name, _ in self.outputs)


def to_json(program: Program) -> dict[str, Any]:
    """Plain data with every number exact: integers in decimal, floats as hexadecimal strings."""
    return {
        "inputs": [[slot.name, str(slot.type)] for slot in program.inputs],
        "params": [[slot.name, str(slot.type)] for slot in program.params],
        "states": [[s.name, str(s.type), _initial(s.init), s.scope.value] for s in program.states],
        "code": [[i.op.value, list(i.args), str(i.type), [_number(v) for v in i.imm]] for i in program.code],
        "next": list(program.next),
        "outputs": [[name, index] for name, index in program.outputs],
    }


def _initial(init: int | float | bool | str) -> dict[str, int | bool | str]:
    return {"param": init} if isinstance(init, str) else {"value": _number(init)}


def _number(value: int | float | bool | str) -> int | bool | str:
    return value.hex() if isinstance(value, float) else value


def canonical(program: Program) -> Program:
    """The same arithmetic in canonical numbering. Idempotent; the result passes ``validate``."""
    renumbered: dict[int, int] = {}
    merged: dict[tuple[Any, ...], int] = {}
    code: list[Instr] = []
    for root in (*program.next, *(index for _, index in program.outputs)):
        for index in _postorder(program.code, root, renumbered):
            old = program.code[index]
            new = Instr(old.op, tuple(renumbered[arg] for arg in old.args), old.type, old.imm)
            # repr tells -0.0 from 0.0 and True from 1, which == does not
            key = (new.op, new.args, new.type, repr(new.imm))
            if key not in merged:
                merged[key] = len(code)
                code.append(new)
            renumbered[index] = merged[key]
    return Program(
        program.inputs,
        program.params,
        program.states,
        tuple(code),
        tuple(renumbered[index] for index in program.next),
        tuple((name, renumbered[index]) for name, index in program.outputs),
    )


def _postorder(code: tuple[Instr, ...], root: int, done: dict[int, int]) -> Iterable[int]:
    """Operands before users, each once, skipping what is numbered already. Iterative: files may nest deeply."""
    seen: set[int] = set()
    pending = [(root, False)]
    while pending:
        index, expanded = pending.pop()
        if index in done or (index in seen and not expanded):
            continue
        if expanded:
            yield index
            continue
        seen.add(index)
        pending.append((index, True))
        pending.extend((arg, False) for arg in reversed(code[index].args))


def validate(program: Program) -> None:
    """Replay the code through type inference and check every rule. Raises ``ProgramError`` on the first break.

    A file's program is checked like one that was just traced: declared types must be the inferred ones,
    every next state must fit its state's type, and names must be disjoint.
    """
    names = [slot.name for slot in program.inputs] + [slot.name for slot in program.params] + list(program.names)
    if len(set(names)) != len(names):
        raise ProgramError("names within an op must be disjoint", found=", ".join(sorted(names)))
    code = Code()
    for index, instr in enumerate(program.code):
        where = f"instruction {index} ({instr.op.value})"
        try:
            _replay(program, code, instr)
        except ProgramError as error:
            raise ProgramError(error.message, where=where, found=error.found, allowed=error.allowed) from None
        if code.instrs[index] != instr:
            raise ProgramError("declared type is not the inferred one", where=where, found=str(instr.type))
    indices = (*program.next, *(index for _, index in program.outputs))
    if len(program.next) != len(program.states) or any(not 0 <= index < len(code) for index in indices):
        raise ProgramError("next states or outputs refer to no instruction", found=str(indices))
    _check_states(program, code)


def _replay(program: Program, code: Code, instr: Instr) -> None:
    if instr.op not in LEAVES:
        if len(instr.imm) != IMMEDIATES.get(instr.op, 0):
            raise ProgramError("wrong number of immediate values", found=str(len(instr.imm)))
        code.append(instr.op, instr.args, instr.imm)
        return
    if len(instr.imm) != 1 or isinstance(instr.imm[0], str) or instr.args:
        raise ProgramError("a leaf holds exactly one number")
    value = instr.imm[0]
    if instr.op is not M.CONST:
        tables: dict[MicroOp, tuple[Slot, ...] | tuple[State, ...]] = {
            M.INPUT: program.inputs,
            M.PARAM: program.params,
            M.STATE: program.states,
        }
        table = tables[instr.op]
        if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < len(table):
            raise ProgramError("no such slot", found=str(value), allowed=f"0 .. {len(table) - 1}")
        if table[value].type != instr.type:
            raise ProgramError("type of the slot differs", found=str(instr.type), allowed=str(table[value].type))
    code.leaf(instr.op, instr.type, value)


def _check_states(program: Program, code: Code) -> None:
    params = {slot.name: slot.type for slot in program.params}
    for state, index in zip(program.states, program.next, strict=True):
        found = code.instrs[index].type
        if not state.type.holds(found):
            raise ProgramError(
                "the next value may leave the range of the state",
                where=f"state {state.name}",
                found=str(found),
                allowed=str(state.type),
                remedy="state the overflow with wrap, clip, where or check",
            )
        if isinstance(state.init, str):
            fits = state.init in params and state.type.holds(params[state.init])
        else:
            fits = _holds_number(state.type, state.init)
        if not fits:
            raise ProgramError("initial value does not fit", where=f"state {state.name}", found=str(state.init))
        if state.scope is Scope.NODE:
            _check_node_scope(program, index, state.name)


def _holds_number(type_: NumType, value: int | float | bool) -> bool:
    if type_.is_int:
        return isinstance(value, int) and not isinstance(value, bool) and type_.range[0] <= value <= type_.range[1]
    return isinstance(value, bool if type_.is_bool else float)


def _check_node_scope(program: Program, index: int, name: str) -> None:
    def per_element(instr: Instr) -> bool:
        slot = instr.imm[0] if instr.op is M.STATE else None
        return instr.op in (M.INPUT, M.PARAM) or (
            isinstance(slot, int) and program.states[slot].scope is Scope.ELEMENT
        )

    if any(per_element(instr) for instr in cone(program.code, index)):
        raise ProgramError("a state of the node must not depend on its elements", where=f"state {name}")


def cone(code: tuple[Instr, ...], root: int, stop: Callable[[Instr], bool] = lambda _: False) -> Iterable[Instr]:
    """Every instruction that ``root`` needs, in no particular order, not looking behind ``stop``."""
    seen, pending = {root}, [root]
    while pending:
        instr = code[pending.pop()]
        yield instr
        fresh = [] if stop(instr) else [arg for arg in instr.args if arg not in seen]
        seen.update(fresh)
        pending.extend(fresh)
