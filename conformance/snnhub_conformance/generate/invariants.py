"""What holds of every state that a run can reach: what a solver may assume when it proves a mutant equal.

Candidates are guessed by form and kept if they hold at the start and one step keeps all of them together
(Flanagan and Leino, "Houdini, an annotation assistant for ESC/Java", 2001).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import permutations
from typing import Any

from snnhub.ir.microop import MicroOp
from snnhub.ir.program import Program, Scope

from snnhub_conformance.generate import translate

M = MicroOp
EFFORT = 1_000_000
LOW_BITS = (1, 6, 12)
BIT = "0 or 1"
"""The form of a float that is a spike or none."""


@dataclass(frozen=True)
class Invariant:
    """A form and the states that it is about. ``bits``: of ``multiple``, the low bits that are 0; ``least`` and
    ``most``: of ``difference``, the ends between which the first state less the second stays.
    """

    form: str
    states: tuple[int, ...]
    bits: int = 0
    least: int = 0
    most: int = 0

    def holds(self, leaves: Mapping[tuple[MicroOp, int], Any]) -> Any:
        """The invariant as a term over the states among ``leaves``."""
        return self.of([leaves[M.STATE, number] for number in self.states])

    def of(self, values: Sequence[Any]) -> Any:
        """The invariant as a term over the values of its states."""
        import z3

        value = values[0]
        if self.form == "multiple":
            return z3.Extract(self.bits - 1, 0, value) == 0
        if self.form == "difference":
            return z3.And(value - values[1] >= self.least, value - values[1] <= self.most)
        if not z3.is_fp(value):
            return value >= 0 if self.form == "never below 0" else value <= 0
        zero = z3.fpPlusZero(value.sort())
        forms = {
            "never NaN": lambda: z3.Not(z3.fpIsNaN(value)),
            "finite": lambda: z3.Not(z3.Or(z3.fpIsNaN(value), z3.fpIsInf(value))),
            "never below 0": lambda: z3.fpGEQ(value, zero),
            "never above 0": lambda: z3.fpLEQ(value, zero),
            "whole": lambda: z3.fpEQ(value, z3.fpRoundToIntegral(z3.RTZ(), value)),
            BIT: lambda: z3.Or(value == zero, value == z3.FPVal(1.0, value.sort())),
        }
        return forms[self.form]()


def kept_spikes(program: Program) -> tuple[int, ...]:
    """Float states whose next value is made of one bit."""
    found = []
    for number, index in enumerate(program.next):
        instr = program.code[index]
        if instr.op is M.CAST and instr.type.is_float:
            source = program.code[instr.args[0]].type
            if source.is_bool or (source.is_int and source.range == (0, 1)):
                found.append(number)
    return tuple(found)


def bits(program: Program, reached: Sequence[Invariant]) -> dict[tuple[MicroOp, int], Any]:
    """For states that are a spike or none, a choice of 1 and 0 in place of the unknown."""
    import z3

    found = {}
    for number in (item.states[0] for item in reached if item.form == BIT):
        ends = [translate.constant(program.states[number].type, value) for value in (1.0, 0.0)]
        found[M.STATE, number] = z3.If(z3.Bool(f"spike{number}"), *ends)
    return found


@lru_cache(maxsize=64)
def of(program: Program) -> tuple[Invariant, ...]:
    """Invariants of a program's states, the strongest set of the forms tried."""
    kept = _candidates(program)
    kept = [item for item in kept if _keeps(program, [], [item])]
    while kept:
        broken = [item for item in kept if not _keeps(program, kept, [item], stepped=True)]
        if not broken:
            break
        kept = [item for item in kept if item not in broken]
    return tuple(kept)


def _candidates(program: Program) -> list[Invariant]:
    found: list[Invariant] = []
    numbers = [n for n, state in enumerate(program.states) if state.scope is Scope.ELEMENT]
    for number in numbers:
        type_ = program.states[number].type
        if type_.is_float:
            forms = ("never NaN", "finite", "never below 0", "never above 0", "whole")
            kept = (BIT,) if number in kept_spikes(program) else ()
            found += [Invariant(form, (number,)) for form in (*forms, *kept)]
        elif type_.is_int:
            found += [Invariant("multiple", (number,), bits=bits) for bits in LOW_BITS]
            if type_.range[0] < 0:
                found += [Invariant(form, (number,)) for form in ("never below 0", "never above 0")]
    for one, other in permutations(numbers, 2):
        types = [program.states[number].type for number in (one, other)]
        if all(type_.is_int for type_ in types):
            least, most = types[0].range
            ends = ((least, most), (-most, 0), (0, most))
            found += [Invariant("difference", (one, other), least=low, most=high) for low, high in ends]
    return found


def _keeps(
    program: Program, assumed: Sequence[Invariant], claimed: Sequence[Invariant], *, stepped: bool = False
) -> bool:
    """Whether all of ``claimed`` hold at the start, or after a step from any state in which ``assumed`` hold."""
    import z3

    solver = z3.Solver()
    solver.set("rlimit", EFFORT)
    leaves, held = translate.leaves(program)
    solver.add(*held)
    if stepped:
        solver.add(*(item.holds(leaves) for item in assumed))
        try:
            values = translate.values(program, leaves)
        except NotImplementedError:
            return False
        solver.add(translate.passing(program, values))
        after = [values[index] for index in program.next]
    else:
        after = translate.initial(program, leaves)
    solver.add(z3.Not(z3.And([item.of([after[n] for n in item.states]) for item in claimed])))
    return str(solver.check()) == "unsat"
