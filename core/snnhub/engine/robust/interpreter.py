"""Runs a step program over values with radii: the engine's own arithmetic, and beside it the rules."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from snnhub.engine.interpreter import Interpreter, evaluate
from snnhub.engine.robust.bounded import Bounded
from snnhub.engine.robust.form import Form
from snnhub.engine.robust.logic import Margin, choose, compare, conjunction
from snnhub.engine.robust.rounding import PAD
from snnhub.engine.robust.rules import in_range, numbers
from snnhub.ir.code import Instr
from snnhub.ir.microop import COMPARISONS, MicroOp
from snnhub.ir.program import Program
from snnhub.ir.tensor import Array

M = MicroOp
CONDITIONS = frozenset({M.AND, M.OR, M.NOT})


@dataclass(frozen=True)
class Decision:
    """What a step decided at one discrete output: where it is in doubt, and the comparisons behind it."""

    doubt: Array | None
    margins: tuple[Margin, ...]


class BoundedInterpreter:
    """A program bound to its parameters; ``step`` runs it once for values with radii."""

    def __init__(self, program: Program, params: Mapping[str, Array]) -> None:
        self.program = program
        self._plain = Interpreter(program, params)
        self._fixed = {index: Form(value) for index, value in self._plain.fixed.items()}
        self._discrete = {index for _, index in program.outputs if not program.code[index].type.is_float}
        self._behind = {index: behind(program, index) for index in self._discrete}

    def step(
        self, inputs: Mapping[str, Bounded], states: Mapping[str, Bounded]
    ) -> tuple[dict[str, Bounded], list[Bounded], list[Decision]]:
        """Next states, outputs, and the decisions behind discrete outputs in program order (empty for floats).

        A discrete output in doubt is taken as the engine has it from here on: radii behind it hold for those
        orders of summation that decide as the engine did.
        """
        forms, roots = dict(self._fixed), dict[int, Array]()
        margins: dict[int, Margin] = {}
        decisions: dict[int, Decision] = {}
        for index, instr in self._plain.moving:
            form = self._leaf(index, instr, inputs, states, roots)
            if form is None:
                form = _operation(index, instr, [forms[arg] for arg in instr.args], roots, margins)
            if index in self._discrete:
                seen = tuple(margins[place] for place in self._behind[index] if place in margins)
                decisions[index] = Decision(None if form.exact else form.doubt > 0, seen)
                form = Form(form.value)
            forms[index] = form
        following = {
            state.name: _carried(forms[index])
            for state, index in zip(self.program.states, self.program.next, strict=True)
        }
        outputs = [index for _, index in self.program.outputs]
        empty = Decision(None, ())
        return following, [_carried(forms[i]) for i in outputs], [decisions.get(i, empty) for i in outputs]

    def _leaf(
        self,
        index: int,
        instr: Instr,
        inputs: Mapping[str, Bounded],
        states: Mapping[str, Bounded],
        roots: dict[int, Array],
    ) -> Form | None:
        if instr.op is M.INPUT:
            found = inputs[self.program.inputs[int(instr.imm[0])].name]
        elif instr.op is M.STATE:
            found = states[self.program.states[int(instr.imm[0])].name]
        else:
            return None
        if found.radius is None:
            return Form(found.value)
        if not instr.type.is_float:
            bounds = instr.type.range if instr.type.is_int else None
            radius = found.radius if instr.type.is_int else found.radius > 0
            return Form(found.value, radius, {}, found.radius, bounds)
        roots[index] = found.radius
        return Form(found.value, found.radius * PAD, {index: np.ones(())})


def _operation(
    index: int, instr: Instr, args: list[Form], roots: Mapping[int, Array], margins: dict[int, Margin]
) -> Form:
    value = evaluate(instr, [arg.value for arg in args])
    if all(arg.exact for arg in args):
        return Form(value)
    if instr.op in COMPARISONS:
        form, margins[index] = compare(value, args[0], args[1], roots)
        return form
    if instr.op is M.WHERE:
        return in_range(instr, choose(value, *args))
    if instr.op in CONDITIONS:
        return conjunction(instr, value, args)
    return numbers(instr, value, args, roots)


def _carried(form: Form) -> Bounded:
    if form.radius is None:
        return Bounded(form.value)
    radius = form.radius.astype(np.float64)
    return Bounded(form.value, np.broadcast_to(radius, form.value.shape))


def behind(program: Program, root: int) -> tuple[int, ...]:
    """The comparisons that an output of bools rests on, looking through and, or, not, where and casts."""
    found, pending = set[int](), [root]
    while pending:
        index = pending.pop()
        instr = program.code[index]
        if instr.op in COMPARISONS:
            found.add(index)
        elif instr.op in (*CONDITIONS, M.CAST, M.WHERE) and not instr.type.is_float:
            pending.extend(arg for arg in instr.args if not program.code[arg].type.is_float)
    return tuple(sorted(found))
