"""Searching again what a search left open: numbers that are moved to where a program decides, and new proofs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from snnhub.ir.numtype import F32, integer
from snnhub.ir.program import Program, Slot, State
from snnhub.ir.trace import Value, cast, fma, rint, trace, wrap
from snnhub_conformance.generate import invariants, meeting
from snnhub_conformance.generate.again import search_again
from snnhub_conformance.generate.draws import draw
from snnhub_conformance.generate.pool import NEVER, Pool, first_kills, operands, run
from snnhub_conformance.generate.prove import equivalent
from snnhub_conformance.generate.search import recorded

SEED = 20_26


def adapting(fires: Callable[[Value, Value], Value]) -> Program:
    """A threshold of a parameter and a state, which no draw of a parameter meets."""

    def body(x: Value, state: Any, param: Any) -> Any:
        v, threshold = state.v * param.leak + x, param.p + state.b * 0.75
        return {"v": v, "b": state.b * 0.5 + v}, {"s": fires(v, threshold)}

    slots = [Slot("leak", F32), Slot("p", F32)]
    return trace(body, [Slot("x", F32)], slots, [State("v", F32, 0.0), State("b", F32, 0.0)])


def returning(size: float, drive: Callable[[Value, Value, Value], Value]) -> Program:
    """A spike of a size comes back through a weight a step later."""

    def body(x: Value, state: Any, param: Any) -> Any:
        v = drive(state.v * 0.5 + x, state.z, param.w)
        spike = cast(cast(v > 1.0, "int"), "f32")
        return {"v": v, "z": spike if size == 1.0 else spike * size}, {"s": v > 1.0}

    return trace(body, [Slot("x", F32)], [Slot("w", F32)], [State("v", F32, 0.0), State("z", F32, 0.0)])


def pools(program: Program, count: int = 10) -> list[Pool]:
    print("seed", SEED)
    random = np.random.default_rng(SEED)
    return [draw(program, random, "random", 6, 200) for _ in range(count)]


def ties(program: Program, pool: Pool) -> int:
    """Elements whose two sides of the one comparison are equal in some step."""
    (sides,) = (instr.args for instr in program.code if instr.op.value == "ge")
    left, right = (operands(program, arg, pool) for arg in sides)
    return int((left == right).any(axis=0).sum())


def test_numbers_are_moved_to_where_both_sides_are_equal() -> None:
    program = adapting(lambda v, threshold: v >= threshold)
    random = np.random.default_rng(SEED)
    found = [(ties(program, pool), ties(program, meeting.met(program, pool, random))) for pool in pools(program)]
    before, after = (sum(column) for column in zip(*found, strict=True))
    assert after > before + 100, (before, after)


def test_roundings_are_moved_to_ties() -> None:
    """Ties of a product of two random numbers, which draws do not hit."""

    def body(x: Value, state: Any, param: Any) -> Any:
        return {}, {"y": rint(x * param.p)}

    program = trace(body, [Slot("x", F32)], [Slot("p", F32)], [])
    random, count = np.random.default_rng(SEED), 0
    for pool in pools(program):
        moved = meeting.met(program, pool, random)
        product = operands(program, next(i.args[0] for i in program.code if i.op.value == "rint"), moved)
        count += int((abs(product % 1) == 0.5).sum())
    assert count > 50


def test_a_program_that_decides_nothing_is_left_alone() -> None:
    def body(x: Value, state: Any, param: Any) -> Any:
        return {}, {"y": x * param.p}

    program = trace(body, [Slot("x", F32)], [Slot("p", F32)], [])
    (pool,) = pools(program, 1)
    assert meeting.met(program, pool, np.random.default_rng(SEED)) is pool


def test_strays_reach_both_ends_of_f32_and_no_further() -> None:
    program = adapting(lambda v, threshold: v >= threshold)
    (pool,) = pools(program, 1)
    strayed = meeting.strayed(pool, np.random.default_rng(SEED))
    sizes = np.abs(np.concatenate([strayed.inputs["x"].ravel(), *strayed.params.values()]))
    assert np.isfinite(sizes).all()
    assert sizes.max() > 1e20
    assert 0 < sizes[sizes > 0].min() < 1e-36
    assert all(array.dtype == np.float32 for array in strayed.params.values())


def test_what_differs_at_equality_only_is_noticed_by_elements_of_their_own() -> None:
    program, mutant = adapting(lambda v, t: v >= t), adapting(lambda v, t: v > t)
    found = search_again(program, "adapting", {"compare.ge-as-gt": mutant})
    assert (found.noticed, found.equivalent, found.alive) == (["compare.ge-as-gt"], [], [])
    assert sum(pool.size for pool in found.pools) == 1
    for pool in found.pools:
        kills = first_kills(mutant, pool, run(program, pool, recorded(program)))
        assert (kills == pool.steps - 1).all(), "no step longer than it must be"


def test_what_is_equal_is_proved_and_nothing_else_is() -> None:
    pytest.importorskip("z3")
    program = returning(1.0, lambda v, z, w: v + z * w)
    found = search_again(program, "returning", {"order.contracted": returning(1.0, lambda v, z, w: fma(z, w, v))})
    assert (found.noticed, found.equivalent, found.alive) == ([], ["order.contracted"], [])
    assert invariants.BIT in {item.form for item in invariants.of(program)}


def test_a_spike_of_another_size_is_no_choice_of_0_and_1() -> None:
    pytest.importorskip("z3")
    original = returning(0.3, lambda v, z, w: v + z * w)
    mutant = returning(0.3, lambda v, z, w: fma(z, w, v))
    assert invariants.BIT not in {item.form for item in invariants.of(original)}
    assert equivalent(original, mutant, 200_000) != "proved"
    kills = [first_kills(mutant, pool, run(original, pool, ("v", "s"))) for pool in pools(original)]
    assert (np.concatenate(kills) < NEVER).any()


def test_what_telescopes_stays_between_its_ends() -> None:
    """What was not sent yet is what is now less what was sent: never above 0 less the least, whatever is sent."""
    pytest.importorskip("z3")

    def body(x: Value, state: Any, param: Any) -> Any:
        rest = wrap(x - state.now + state.rest, 14)
        return {"now": x, "rest": rest}, {"y": rest}

    states = [State("now", integer(0, 1000), 0), State("rest", integer(-(2**13), 2**13 - 1), 0)]
    program = trace(body, [Slot("x", integer(0, 1000))], [], states)
    found = [item for item in invariants.of(program) if item.form == "difference"]
    assert any(item.least == 0 or item.most == 0 for item in found)
