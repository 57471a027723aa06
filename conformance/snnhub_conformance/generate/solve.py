"""Stimuli from a solver's models: parameters and inputs, a few steps from the start, that tell a mutant from the
original where thousands of draws did not.

The original is unrolled from its initial states; up to the last step the mutant's states are the original's, since
they were equal until then. The engine's own runs decide whether a model is what it seems.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import product
from typing import Any

import numpy as np
from snnhub.engine.interpreter import container
from snnhub.ir.microop import MicroOp
from snnhub.ir.numtype import NumType
from snnhub.ir.program import Program
from snnhub.ir.tensor import Array

from snnhub_conformance.generate import translate
from snnhub_conformance.generate.draws import arriving, draw
from snnhub_conformance.generate.pool import NEVER, Pool, first_kills, passes_checks, run

M = MicroOp
FIRST_EFFORT, EFFORT, FIXED_EFFORT = 30_000_000, 6_000_000, 2_000_000
"""Steps of the solver for one step of the program, for more, and for more with parameters from a draw."""
STEPS = 3
DRAWS = 2


def stimulus(
    program: Program, mutant: Program, names: tuple[str, ...], random: np.random.Generator
) -> Pool | None:
    """One element that tells the mutant from the program by the records ``names``; None if none was found."""
    if mutant.states[: len(program.states)] != program.states or len(mutant.states) != len(program.states):
        return None
    for steps, fixed in _plans(program, random):
        try:
            pool = _solved(program, mutant, steps, fixed)
        except NotImplementedError:
            return None
        if pool is not None and _noticed(program, mutant, pool, names):
            return pool
    return None


def _noticed(program: Program, mutant: Program, pool: Pool, names: tuple[str, ...]) -> bool:
    """Whether the engine's own runs confirm a model."""
    if not passes_checks(program, pool).all():
        return False
    return bool((first_kills(mutant, pool, run(program, pool, names)) < NEVER).any())


def _plans(program: Program, random: np.random.Generator) -> Iterator[tuple[int, Mapping[str, Array] | None]]:
    """Steps, and parameters where they are given, not searched."""
    yield 1, None
    drawn = [draw(program, random, mood, 1, DRAWS // 2).params for mood in ("grid", "random")]
    for steps in range(2, STEPS + 1):
        for params, element in product(drawn, range(DRAWS // 2)):
            yield steps, {name: array[element : element + 1] for name, array in params.items()}
        yield steps, None


def _solved(program: Program, mutant: Program, steps: int, fixed: Mapping[str, Array] | None) -> Pool | None:
    import z3

    solver = z3.Solver()
    solver.set("rlimit", FIXED_EFFORT if fixed is not None else EFFORT if steps > 1 else FIRST_EFFORT)
    params: dict[tuple[MicroOp, int], Any] = {}
    for number, slot in enumerate(program.params):
        if fixed is None:
            params[M.PARAM, number] = _unknown(f"param{number}", slot.type, solver)
        else:
            params[M.PARAM, number] = translate.constant(slot.type, fixed[slot.name][0].item())
    states = translate.initial(program, params)
    inputs: list[list[Any]] = []
    for step in range(steps):
        inputs.append([
            _unknown(f"input{number}.{step}", arriving(program, slot.type), solver)
            for number, slot in enumerate(program.inputs)
        ])  # fmt: skip
        leaves = {
            **params,
            **{(M.INPUT, number): value for number, value in enumerate(inputs[-1])},
            **{(M.STATE, number): value for number, value in enumerate(states)},
        }
        ours = translate.values(program, leaves)
        solver.add(translate.passing(program, ours))
        states = [ours[index] for index in program.next]
    theirs = translate.values(mutant, leaves)
    roots = zip(_roots(program), _roots(mutant), strict=True)
    differ = [z3.Not(translate.same(ours[a], theirs[b])) for a, b in roots]
    solver.add(z3.Or(*differ, z3.Not(translate.passing(mutant, theirs))))
    if str(solver.check()) != "sat":
        return None
    model = solver.model()
    found = {
        slot.name: _array([_number(model, params[M.PARAM, number], slot.type)], slot.type)
        for number, slot in enumerate(program.params)
    }
    sent = {
        slot.name: _array([_number(model, row[number], slot.type) for row in inputs], slot.type)[:, None]
        for number, slot in enumerate(program.inputs)
    }
    return Pool(found, sent)


def _roots(program: Program) -> list[int]:
    return [*program.next, *(index for _, index in program.outputs)]


def _unknown(name: str, type_: NumType, solver: Any) -> Any:
    value, held = translate.variable(name, type_, finite=True)
    solver.add(*held)
    return value


def _number(model: Any, term: Any, type_: NumType) -> float | int | bool:
    return translate.number(model.eval(term, model_completion=True), type_)


def _array(numbers: list[float | int | bool], type_: NumType) -> Array:
    return np.array(numbers, container(type_))
