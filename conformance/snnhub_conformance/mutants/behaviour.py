"""Mutations of what happens when: resets, spikes, inputs and states one step early or late, initial states."""

from __future__ import annotations

from dataclasses import replace

from snnhub.ir.code import Instr
from snnhub.ir.microop import COMPARISONS, MicroOp
from snnhub.ir.numtype import BOOL, integer
from snnhub.ir.program import Program, Scope

from snnhub_conformance.mutants.rewriting import Draft, Rule, operand, rewrite

M = MicroOp
Args = tuple[int, ...]


def _is_reset(program: Program, index: int) -> bool:
    """Whether an instruction resets a state: ``where(s, …, …)`` with the condition that goes out."""
    instr = program.code[index]
    spikes = {number for _, number in program.outputs}
    return instr.op is M.WHERE and instr.args[0] in spikes and index in program.next


def at_resets(rule: Rule) -> Rule:
    """The rule, applied to resets only."""

    def only(draft: Draft, instr: Instr, args: Args) -> int | None:
        index = next(i for i, other in enumerate(draft.source.code) if other is instr)
        return rule(draft, instr, args) if _is_reset(draft.source, index) else None

    return only


def no_reset(draft: Draft, instr: Instr, args: Args) -> int | None:
    """The state goes on as if nothing had fired."""
    return args[2]


def reset_to_zero(draft: Draft, instr: Instr, args: Args) -> int | None:
    """The state becomes 0, whatever it should become."""
    old = operand(draft, args[1])
    if old.op is M.CONST and not old.imm[0]:
        return None  # it is so anyway
    zero = draft.const(instr.type if instr.type.is_float else integer(0, 0), 0.0 if instr.type.is_float else 0)
    return draft.emit(M.WHERE, (args[0], zero, args[2]), instr.type)


def reset_by_subtraction(draft: Draft, instr: Instr, args: Args) -> int | None:
    """The threshold is taken away instead."""
    spike = operand(draft, args[0])
    if spike.op not in COMPARISONS or operand(draft, spike.args[1]).type.kind is not instr.type.kind:
        return None
    old = operand(draft, args[1])
    if old.op is M.SUB and old.args == (args[2], spike.args[1]):
        return None  # it is so anyway
    less = draft.emit(M.SUB, (args[2], spike.args[1]), instr.type)
    return draft.emit(M.WHERE, (args[0], less, args[2]), instr.type)


def reset_late(draft: Draft, instr: Instr, args: Args) -> int | None:
    """The reset follows the spike one step later."""
    before = draft.state(BOOL, False)
    draft.keep(args[0])
    return draft.emit(M.WHERE, (before, args[1], args[2]), instr.type)


def late_output(program: Program) -> Program | None:
    """Every output arrives one step late."""
    draft = _copy(program)
    outputs = []
    for name, index in program.outputs:
        type_ = program.code[index].type
        read = draft.state(type_, False if type_.is_bool else 0.0 if type_.is_float else 0)
        draft.keep(index)
        outputs.append((name, read))
    return replace(_finished(program, draft), outputs=tuple(outputs))


def late_input(draft: Draft, instr: Instr, args: Args) -> int | None:
    """An input is seen one step late."""
    if instr.op is not M.INPUT:
        return None
    read = draft.state(instr.type, 0.0 if instr.type.is_float else 0)
    draft.keep(draft.emit(M.INPUT, (), instr.type, instr.imm))
    return read


def stale_states(program: Program) -> Program | None:
    """Whatever uses a state that was just moved on uses its old value instead."""
    fresh = {index: number for number, index in enumerate(program.next) if program.code[index].op is not M.STATE}

    def rule(draft: Draft, instr: Instr, args: Args) -> int | None:
        used = [place for place, arg in enumerate(instr.args) if arg in fresh]
        if not used:
            return None
        changed = list(args)
        for place in used:
            number = fresh[instr.args[place]]
            changed[place] = draft.emit(M.STATE, (), program.states[number].type, (number,))
        return draft.emit(instr.op, tuple(changed), instr.type, instr.imm)

    return rewrite(program, rule)


def recorded_before_reset(program: Program) -> Program | None:
    """States are recorded before the reset. Spikes stay the same."""
    draft, following = Draft(program), list(program.next)
    resets = {
        number: program.code[index] for number, index in enumerate(program.next) if _is_reset(program, index)
    }
    if not resets:
        return None
    hidden = {number: len(program.states) + place for place, number in enumerate(resets)}
    for instr in program.code:
        number = instr.imm[0] if instr.op is M.STATE else None
        draft.emit(instr.op, instr.args, instr.type, (hidden[number],) if number in hidden else instr.imm)  # type: ignore[index]
    for number, reset in resets.items():
        state = program.states[number]
        draft.states.append(replace(state, name=f"_{hidden[number]}"))
        draft.following.append(program.next[number])
        following[number] = reset.args[2]
    return replace(_finished(program, draft), next=(*following, *draft.following))


def zero_initial(program: Program) -> Program | None:
    """Every state starts at 0."""
    states = tuple(
        replace(state, init=0.0 if state.type.is_float else False if state.type.is_bool else 0)
        if state.init not in (0, 0.0, False) or isinstance(state.init, str)
        else state
        for state in program.states
    )
    return None if states == program.states else replace(program, states=states)


def no_phase(program: Program) -> Program | None:
    """States of the node (step counters) stand still."""
    if not any(state.scope is Scope.NODE for state in program.states):
        return None
    draft = _copy(program)
    following = list(program.next)
    for number, state in enumerate(program.states):
        if state.scope is Scope.NODE:
            following[number] = draft.emit(M.STATE, (), state.type, (number,))
    return replace(_finished(program, draft), next=tuple(following))


def _copy(program: Program) -> Draft:
    draft = Draft(program)
    draft.code = list(program.code)
    return draft


def _finished(program: Program, draft: Draft) -> Program:
    return replace(
        program,
        states=(*program.states, *draft.states),
        code=tuple(draft.code),
        next=(*program.next, *draft.following),
    )
