"""A step program in words: when it fires, what it resets, how its states decay, what it caps, and in which order.

Read from the data flow alone, so that it holds for every program, also for one that a file brought along.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cached_property

from snnhub.ir.microop import COMPARISONS, ROUNDINGS, TRANSCENDENTAL, MicroOp
from snnhub.ir.pretty import INFIX, expressions
from snnhub.ir.program import Program

M = MicroOp
TURNED = {M.LT: M.GT, M.LE: M.GE, M.GT: M.LT, M.GE: M.LE, M.EQ: M.EQ}
SCALING = {
    M.MUL: "times",
    M.DIV: "divided by",
    M.FLOORDIV: "divided (floor) by",
    M.SHL: "times 2 to the",
    M.SHR_FLOOR: "shifted right (floor) by",
    M.SHR_TRUNC: "shifted right (toward zero) by",
    M.SHR_ROUND_HALF_EVEN: "shifted right (to nearest even) by",
    M.FMA: "times (one rounding)",
}
SPIKES = "s"
"""Name of the output of a neuron; where it is no yes or no, it is the number of spikes."""


def read(program: Program) -> dict[str, str]:
    """Aspects of a program by name, in words. Two programs with equal words may still differ in their lines."""
    reading = _Reading(program)
    aspects = {
        "fires": "; ".join(reading.fires()),
        "reset": "; ".join(reading.resets()) or "none",
        "order": "; ".join(reading.order()),
        "input": "; ".join(reading.inputs()),
        "caps": "; ".join(reading.caps()) or "none",
        "functions": ", ".join(reading.functions()) or "none",
    }
    for index, state in enumerate(program.states):
        aspects[f"decay of {state.name}"] = reading.decay(index)
        init = state.init if isinstance(state.init, str) else repr(state.init)
        once = ", one per node" if state.scope.value == "node" else ""
        aspects[f"state {state.name}"] = f"{state.type}, starts at {init}{once}"
    return aspects


class _Reading:
    """The data flow of a program: what depends on what."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.text = expressions(program)
        self.leaves: list[frozenset[tuple[MicroOp, int]]] = []
        for instr in program.code:
            own = {(instr.op, int(instr.imm[0]))} if instr.op in (M.INPUT, M.STATE, M.PARAM) else set()
            self.leaves.append(frozenset(own).union(*(self.leaves[arg] for arg in instr.args)))

    @cached_property
    def spikes(self) -> dict[str, int]:
        """Outputs that are spikes or their number."""
        outputs = self.program.outputs
        return {
            name: index
            for name, index in outputs
            if self.program.code[index].type.is_bool or (name == SPIKES and self.program.code[index].type.is_int)
        }

    @cached_property
    def counting(self) -> dict[int, str]:
        """Values that are a spike output but for its type and its bounds, from the output back, with its name."""
        found: dict[int, str] = {}
        for name, index in self.spikes.items():
            at: int | None = index
            while at is not None:
                found.setdefault(at, name)
                at = self._before(at)
        return found

    def _before(self, index: int) -> int | None:
        """What a value was before it was cast, checked or bounded; None if none of that was done to it."""
        instr = self.program.code[index]
        if instr.op in (M.CAST, M.CHECK, M.CLIP):
            return instr.args[0]
        if instr.op in (M.MIN, M.MAX, M.WHERE):
            moving = [arg for arg in instr.args[-2:] if self.of_steps(arg)]
            return moving[0] if len(moving) == 1 else None
        return None

    @cached_property
    def after_spike(self) -> set[int]:
        """Spikes and all that is computed from them."""
        found = set(self.counting)
        for index, instr in enumerate(self.program.code):
            if any(arg in found for arg in instr.args):
                found.add(index)
        return found

    def needed(self, roots: Iterable[int], through_spikes: bool = False) -> set[int]:
        """What ``roots`` are computed from, not counting what only a spike was computed from."""
        found: set[int] = set()
        pending = list(roots)
        while pending:
            index = pending.pop()
            if index not in found and (through_spikes or index not in self.counting):
                found.add(index)
                pending.extend(self.program.code[index].args)
        return found

    def of_steps(self, index: int) -> bool:
        """Whether a value changes from step to step."""
        return any(kind is not M.PARAM for kind, _ in self.leaves[index])

    def fires(self) -> Iterator[str]:
        """The condition of every spike output, and what it counts where it can be more than one."""
        code = self.program.code
        for name, index in self.spikes.items():
            if code[index].op in COMPARISONS:
                yield f"{name} where {self._condition(index)}"
                continue
            chain = [at for at in self.counting if self.counting[at] == name]
            asked = [code[at].args[0] for at in chain if code[at].op is M.WHERE]
            asked = [at for at in asked if code[at].op in COMPARISONS]
            where = f" where {self._condition(asked[-1])}" if asked else ""
            most = f", at most {code[index].type.range[1]}" if code[index].type.is_int else ""
            yield f"{name} is {self._count(chain[-1])}{where}{most}"

    def _count(self, index: int) -> str:
        """A number of spikes, without what it was computed from where that is a quotient."""
        instr = self.program.code[index]
        inner = self.program.code[instr.args[0]] if instr.op is M.FLOOR else instr
        if inner.op in (M.DIV, M.FLOORDIV):
            text = f"a value {INFIX[inner.op]} {self.text[inner.args[1]]}"
            return f"{instr.op.value}({text})" if instr.op is M.FLOOR else text
        return self.text[index]

    def _condition(self, index: int) -> str:
        """A comparison, with what changes from step to step on the left."""
        instr = self.program.code[index]
        left, right = instr.args
        if self.of_steps(right) and not self.of_steps(left):
            return f"a value {INFIX[TURNED[instr.op]]} {self.text[left]}"
        return f"a value {INFIX[instr.op]} {self.text[right]}"

    def resets(self) -> Iterator[str]:
        """What a spike does to the states."""
        code = self.program.code
        for state, index in zip(self.program.states, self.program.next, strict=True):
            instr = code[index]
            if index not in self.after_spike:
                continue
            if instr.op is M.SUB and instr.args[0] not in self.after_spike:
                yield f"{state.name} less {self._amount(instr.args[1])}"
                continue
            if instr.op is not M.WHERE or instr.args[0] not in self.after_spike:
                yield f"{state.name} becomes {self.text[index]}"
                continue
            _, then, other = instr.args
            if not self.of_steps(then):
                yield f"{state.name} set to {self.text[then]}"
            elif code[then].op is M.SUB and code[then].args[0] == other:
                yield f"{state.name} less {self.text[code[then].args[1]]}"
            else:
                yield f"{state.name} becomes {self.text[then]}"

    def _amount(self, index: int) -> str:
        """What is taken away, with the number of spikes by its name."""
        instr = self.program.code[index]
        if instr.op is M.MUL:
            return " * ".join(self._spikes_or(arg) for arg in instr.args)
        return self._spikes_or(index)

    def _spikes_or(self, index: int) -> str:
        """The name of a spike output, of whatever type it was made; the text of anything else."""
        at = index
        while at not in self.counting and self.program.code[at].op is M.CAST:
            at = self.program.code[at].args[0]
        return self.counting.get(at, self.text[index])

    def decay(self, state: int) -> str:
        """By what a state is scaled on its way to its next value."""
        root = self.program.next[state]
        leaf = (M.STATE, state)
        needed = self.needed([root], through_spikes=root in self.counting)
        if not any(leaf in self.leaves[index] for index in needed):
            return "not kept"
        return ", ".join(self._scalings(leaf, needed)) or "none"

    def inputs(self) -> Iterator[str]:
        """By what an input is scaled. A single one needs no name."""
        needed = self.needed([*self.program.next, *(index for _, index in self.program.outputs)])
        for place, slot in enumerate(self.program.inputs):
            words = ", ".join(self._scalings((M.INPUT, place), needed)) or "as it is"
            yield words if len(self.program.inputs) == 1 else f"{slot.name} {words}"

    def _scalings(self, leaf: tuple[MicroOp, int], needed: set[int]) -> list[str]:
        found: list[str] = []
        for index in sorted(needed - self.after_spike):
            instr = self.program.code[index]
            if instr.op not in SCALING or leaf not in self.leaves[index]:
                continue
            shifts = instr.op not in (M.MUL, M.FMA)
            others = instr.args[1:2] if shifts else instr.args[:2]
            if shifts and leaf not in self.leaves[instr.args[0]]:
                continue
            found += [f"{SCALING[instr.op]} {self.text[arg]}" for arg in others if not self.of_steps(arg)]
        return list(dict.fromkeys(found))

    def caps(self) -> list[str]:
        """Where values wrap, saturate, or stop the run."""
        found: list[str] = []
        for instr in self.program.code:
            args = [self.text[arg] for arg in instr.args]
            if instr.op is M.WRAP:
                found.append(f"wraps at {instr.imm[0]} bits")
            elif instr.op is M.CLIP:
                found.append(f"clipped to {args[1]} .. {args[2]}")
            elif instr.op is M.CHECK:
                found.append(f"stops outside {instr.imm[0]!r} .. {instr.imm[1]!r}")
            elif instr.op in (M.MIN, M.MAX):
                found += [f"{instr.op.value} {self.text[a]}" for a in instr.args if not self.of_steps(a)]
        return sorted(set(found))

    def functions(self) -> list[str]:
        """Roundings to whole numbers, functions beyond arithmetic, and products that are rounded once."""
        named = ROUNDINGS | TRANSCENDENTAL | {M.FMA}
        return sorted({instr.op.value for instr in self.program.code if instr.op in named})

    def order(self) -> Iterator[str]:
        """Whether a spike depends on this step's input, and which states are updated before others use them."""
        for name, index in self.spikes.items():
            now = any(kind is M.INPUT for kind, _ in self.leaves[index])
            yield f"{name} is decided {'after' if now else 'before'} this step's input"
        states = self.program.states
        for one, state in enumerate(states):
            cone = self.needed([self.program.next[one]], through_spikes=True)
            for other, used in enumerate(states):
                if one == other or (M.STATE, other) not in self.leaves[self.program.next[one]]:
                    continue
                updated = self.program.next[other] in cone
                yield f"{state.name} takes {used.name} {'after' if updated else 'before'} its update"
