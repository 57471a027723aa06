"""Proves that a mutant computes the same as the original, for every state, input and parameter of its types.

One step is translated to bit vectors and IEEE floats and handed to a solver (z3). Equal in one step from every
state means equal for ever. What differs only in states that no run reaches is proved with what holds of those that
runs reach (``invariants``). ``unknown`` and ``differs`` are no proofs: such a mutant stays open.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from snnhub.ir.microop import ROUNDINGS, TRANSCENDENTAL, MicroOp
from snnhub.ir.program import Program, cone

from snnhub_conformance.generate import invariants, lattice, translate

M = MicroOp
EFFORT, SWEEP_EFFORT = 20_000_000, 2_000_000
"""Steps of the solver, which are the same on every machine."""
SWEEPS = 6
HEAVY = frozenset({M.ADD, M.SUB, M.MUL, M.DIV, M.FMA, M.FLOORDIV, *TRANSCENDENTAL})
"""What a solver works hard for."""
CUTS: tuple[frozenset[MicroOp], ...] = (frozenset(M), HEAVY, frozenset())
"""Float results that both programs compute alike and that may be any float at all: all, those of hard work, none.
That only makes the claim stronger, and spares the solver their arithmetic.
"""


def equivalent(original: Program, mutant: Program, effort: int = EFFORT) -> str:
    """``proved``, ``differs`` or ``unknown``: whether all states and outputs are equal after any step.

    Floats are equal as in recordings: NaN to NaN, -0 to +0. Every micro-operation but a division keeps equality
    in that sense; where a program divides by anything but parameters and constants, the sign of 0 must be equal
    too. Mutants with states of their own are ``unknown``.
    """
    if mutant.states != original.states:
        return "unknown"
    return _Pair(original, mutant, _divides_by_what_moves(original) or _divides_by_what_moves(mutant)).answer(
        effort
    )


@dataclass
class _Pair:
    """``strict``: -0 is not +0. ``same``: texts of the mutant that were proved equal to texts of the original."""

    original: Program
    mutant: Program
    strict: bool
    same: dict[str, str] = field(default_factory=dict)

    def answer(self, effort: int) -> str:
        self._sweep(min(SWEEP_EFFORT, effort // 4))
        ours, theirs = self._ours(), self._theirs()
        ends = zip(_ends(self.original), _ends(self.mutant), strict=True)
        apart = [(old, new) for old, new in ends if ours[old] != theirs[new]]
        if not apart:
            return "proved"
        answer = "unknown"
        if invariants.kept_spikes(self.original):  # spares the solver a product with any float
            reached = invariants.of(self.original)
            if self._ask(apart, effort, CUTS[-1], reached) == "proved":
                return "proved"
        for cut in self._cuts():
            if (answer := self._ask(apart, effort, cut)) == "proved":
                return answer
        if answer == "differs" and (reached := invariants.of(self.original)):
            return self._ask(apart, effort, CUTS[-1], reached)
        return answer

    def _sweep(self, effort: int) -> None:
        """Instructions of the mutant that are equal to one of the original: first the one that was changed, then
        others from the front. Where the two come together again soon, nothing behind that place needs a proof.
        """
        ours, tries = self._ours(), 0
        if (site := _site(self.original, self.mutant)) is not None and self._agree(*site, self._cuts(), effort):
            self.same[self._theirs()[site[1]]] = ours[site[0]]
        for place, instr in enumerate(self.mutant.code):
            theirs = self._theirs()
            if theirs[place] in ours:
                continue
            for twin, other in enumerate(self.original.code):
                if (other.op, other.type.kind) != (instr.op, instr.type.kind) or ours[twin] in theirs:
                    continue
                tries += 1
                if tries > SWEEPS:
                    return
                if self._agree(twin, place, CUTS[:1], effort):
                    self.same[theirs[place]] = ours[twin]
                    break

    def _cuts(self) -> Sequence[frozenset[MicroOp]]:
        return CUTS if any(instr.type.is_float for instr in self.original.code) else CUTS[-1:]

    def _agree(self, ours: int, theirs: int, cuts: Sequence[frozenset[MicroOp]], effort: int) -> bool:
        return any(self._ask([(ours, theirs)], effort, cut) == "proved" for cut in cuts)

    def _ours(self) -> list[str]:
        return _keys(self.original, strict=self.strict)

    def _theirs(self) -> list[str]:
        return _keys(self.mutant, self.same, strict=self.strict)

    def _ask(
        self,
        pairs: Sequence[tuple[int, int]],
        effort: int,
        cut: frozenset[MicroOp],
        reached: Sequence[invariants.Invariant] = (),
    ) -> str:
        """Whether the instructions of each pair have the same value for all leaves that ``reached`` allows."""
        import z3

        solver = z3.Solver()
        solver.set("rlimit", effort)
        leaves, held = translate.leaves(self.original)
        leaves |= invariants.bits(self.original, reached)
        shared = self._shared(cut)
        try:
            ours = translate.values(self.original, leaves, _known(self._ours(), shared))
            theirs = translate.values(self.mutant, leaves, _known(self._theirs(), shared))
        except NotImplementedError:
            return "unknown"
        solver.add(*held, *(item.holds(leaves) for item in reached))
        solver.add(translate.passing(self.original, ours))  # runs that a check stops are no runs
        equal = translate.identical if self.strict else translate.same
        differ = [z3.Not(equal(ours[a], theirs[b])) for a, b in pairs]
        solver.add(z3.Or(*differ, z3.Not(translate.passing(self.mutant, theirs))))
        return {"unsat": "proved", "sat": "differs"}.get(str(solver.check()), "unknown")

    def _shared(self, cut: frozenset[MicroOp]) -> dict[str, Any]:
        """Unknowns for the float results of ``cut`` that both programs compute alike, by key."""
        import z3

        both = set(self._theirs())
        return {
            key: z3.FP(f"shared{number}", translate.sort(instr.type))
            for number, (key, instr) in enumerate(zip(self._ours(), self.original.code, strict=True))
            if key in both and instr.args and instr.type.is_float and instr.op in cut
        }


def _site(original: Program, mutant: Program) -> tuple[int, int] | None:
    """The instruction that was changed and what it became, where behind it the two are alike."""
    shift = len(mutant.code) - len(original.code)
    for place in reversed(range(len(original.code))):
        if not 0 <= place + shift < len(mutant.code):
            return None
        old, new = original.code[place], mutant.code[place + shift]
        moved = all(theirs in (ours, ours + shift) for ours, theirs in zip(old.args, new.args, strict=False))
        if (old.op, old.imm, len(old.args)) != (new.op, new.imm, len(new.args)) or not moved:
            return (place, place + shift) if old.type.kind is new.type.kind else None
    return None


def _ends(program: Program) -> list[int]:
    return [*program.next, *(index for _, index in program.outputs)]


def _divides_by_what_moves(program: Program) -> bool:
    divisors = [instr.args[1] for instr in program.code if instr.op in (M.DIV, M.FLOORDIV) and instr.type.is_float]
    return any(part.op in (M.STATE, M.INPUT) for index in divisors for part in cone(program.code, index))


def _keys(program: Program, same: Mapping[str, str] = MappingProxyType({}), *, strict: bool = False) -> list[str]:
    """For each instruction a text of what it computes from the leaves; ``same``: texts known to be equal."""
    keys: list[str] = []
    known = lattice.exponents(program)
    for instr in program.code:
        kept = lattice.unchanged(program, instr, known)
        if kept is not None and (not strict or instr.op in ROUNDINGS):  # a flush may turn -0 into +0
            keys.append(keys[kept])
            continue
        told = lattice.distributed(program, instr, keys) or lattice.reciprocal(program, instr, keys)
        told = told or f"{instr.op.value}({','.join(keys[arg] for arg in instr.args)};{instr.imm!r})"
        key = told if len(told) < 200 else hashlib.sha256(told.encode()).hexdigest()
        keys.append(same.get(key, key))
    return keys


def _known(keys: Sequence[str], shared: Mapping[str, Any]) -> dict[int, Any]:
    return {index: shared[key] for index, key in enumerate(keys) if key in shared}
