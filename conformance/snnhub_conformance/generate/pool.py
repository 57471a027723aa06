"""Thousands of elements of one step program side by side: the ground on which stimuli are searched.

An element has parameters and an input sequence of its own, so one vectorised run tries as many stimuli.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from snnhub.compare.verdict import differing
from snnhub.engine.interpreter import Interpreter
from snnhub.errors import RunError
from snnhub.ir.microop import MicroOp
from snnhub.ir.program import Program
from snnhub.ir.tensor import Array

from snnhub_conformance.mutants.rewriting import rewrite

M = MicroOp
NEVER = 2**15


@dataclass(frozen=True)
class Pool:
    """``params``: (elements,) by name. ``inputs``: (time, elements) by port. All in the program's containers."""

    params: Mapping[str, Array]
    inputs: Mapping[str, Array]

    @property
    def steps(self) -> int:
        return int(next(iter(self.inputs.values())).shape[0])

    @property
    def size(self) -> int:
        return int(next(iter(self.inputs.values())).shape[1])

    def take(self, elements: NDArray[np.int64] | list[int], steps: int | None = None) -> Pool:
        """Some elements, over the first steps."""
        chosen = np.asarray(elements, dtype=np.int64)
        return Pool(
            {name: array[chosen] for name, array in self.params.items()},
            {name: array[:steps, chosen] for name, array in self.inputs.items()},
        )

    def joined(self, other: Pool) -> Pool:
        """Both side by side; the shorter inputs decide how many steps are kept."""
        steps = min(self.steps, other.steps)
        return Pool(
            {name: np.concatenate([array, other.params[name]]) for name, array in self.params.items()},
            {
                name: np.concatenate([array[:steps], other.inputs[name][:steps]], axis=1)
                for name, array in self.inputs.items()
            },
        )


def run(program: Program, pool: Pool, names: tuple[str, ...]) -> dict[str, Array]:
    """Values (time, elements) of the named states, after each step, and outputs. Raises ``RunError``."""
    params = {name: array[None] for name, array in pool.params.items()}
    found: dict[str, list[Array]] = {name: [] for name in names}
    with np.errstate(all="ignore"):
        interpreter = Interpreter(program, params)
        states = interpreter.initial(1, (pool.size,), params)
        for step in range(pool.steps):
            arrived = {name: array[step][None] for name, array in pool.inputs.items()}
            states, outputs = interpreter.step(arrived, states)
            values = {**states, **dict(zip((name for name, _ in program.outputs), outputs, strict=True))}
            for name in names:
                found[name].append(np.broadcast_to(values[name], (1, pool.size))[0])
    return {name: np.stack(arrays) for name, arrays in found.items()}


def first_kills(mutant: Program, pool: Pool, expected: Mapping[str, Array]) -> NDArray[np.int64]:
    """The first step at which each element tells the mutant from what is expected; ``NEVER`` where none does."""
    try:
        found = run(mutant, pool, tuple(expected))
    except RunError:
        return _with_stops(mutant, pool, expected)
    wrong = np.zeros((pool.steps, pool.size), bool)
    for name, array in expected.items():
        wrong |= differing(array, found[name])
    return np.where(wrong.any(axis=0), wrong.argmax(axis=0), NEVER)


def _with_stops(mutant: Program, pool: Pool, expected: Mapping[str, Array]) -> NDArray[np.int64]:
    """First kills of a mutant that a check stops: where it stops, and of the other elements without those."""
    times = stops(mutant, pool)
    others = np.flatnonzero(times == NEVER)
    if others.size == pool.size:
        return np.zeros(pool.size, np.int64)
    if others.size:
        part = {name: array[:, others] for name, array in expected.items()}
        times[others] = first_kills(mutant, pool.take(others), part)
    return times


def operands(program: Program, index: int, pool: Pool) -> Array:
    """Values (time, elements) of one instruction in a run."""
    probe = replace(program, outputs=(*program.outputs, ("_probe", index)))
    return run(probe, pool, ("_probe",))["_probe"]


def passes_checks(program: Program, pool: Pool) -> NDArray[np.bool_]:
    """Which elements never leave the range of a check."""
    never: NDArray[np.bool_] = stops(program, pool) == NEVER
    return never


def stops(program: Program, pool: Pool) -> NDArray[np.int64]:
    """The first step at which each element leaves the range of a check; ``NEVER`` where none does."""
    outside = np.zeros((pool.steps, pool.size), bool)
    for instr in program.code:
        if instr.op is M.CHECK:
            low, high = instr.imm
            probe = replace(program, outputs=(*program.outputs, ("_probe", instr.args[0])))
            unchecked = rewrite(probe, lambda draft, other, args: args[0] if other.op is M.CHECK else None)
            values = run(unchecked or probe, pool, ("_probe",))["_probe"]
            outside |= ~((values >= low) & (values <= high))
    return np.where(outside.any(axis=0), outside.argmax(axis=0), NEVER)
