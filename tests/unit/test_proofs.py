"""What the solver is told of a program: for each translation a mutant that is equal and one that is not, states
that no run reaches, and models that become stimuli.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from itertools import product
from typing import Any

import numpy as np
import pytest
from snnhub.hub.catalogue import register_ops
from snnhub.ir.microop import MicroOp
from snnhub.ir.numtype import F32, F64, NumType, integer
from snnhub.ir.op import StepOp
from snnhub.ir.program import Program, Slot, State
from snnhub.ir.trace import Value, cast, check, exp, floor, fma, maximum, minimum, shr_floor, trace, where, wrap
from snnhub.ops.registry import REGISTRY
from snnhub_conformance.generate import invariants, translate
from snnhub_conformance.generate.draws import MOODS, draw, on_thresholds
from snnhub_conformance.generate.pool import NEVER, first_kills, operands, passes_checks, run
from snnhub_conformance.generate.prove import equivalent
from snnhub_conformance.generate.solve import stimulus

z3 = pytest.importorskip("z3")
register_ops()
Rule = Callable[[Value, Value], Value]
EFFORT = 2_000_000


def stateless(rule: Rule, type_: NumType = F32) -> Program:
    """``y`` of an input ``x`` and a parameter ``p``."""
    slots = [Slot("x", type_)], [Slot("p", type_)]
    return trace(lambda x, state, param: ({}, {"y": rule(x, param.p)}), *slots, [])


def spikes(x: Value, p: Value) -> Value:
    """1.0 for a spike."""
    return cast(cast(x > p, "int"), "f32")


EQUAL: dict[str, tuple[Rule, Rule]] = {
    "a spike times a number is a choice": (
        lambda x, p: x - spikes(x, p) * p,
        lambda x, p: fma(-spikes(x, p), p, x),
    ),
    "a difference of spikes is a choice": (
        lambda x, p: (spikes(x, p) - spikes(-x, p)) * p + x,
        lambda x, p: fma(spikes(x, p) - spikes(-x, p), p, x),
    ),
    "a spike becomes a float": (spikes, lambda x, p: where(p < x, x * 0.0 + 1.0, 0.0)),
    "few whole numbers are a choice": (
        lambda x, p: x - check(where(x >= p, floor(minimum(x, 1.0)), 0.0), 0.0, 1.0) * p,
        lambda x, p: fma(-check(where(x >= p, floor(minimum(x, 1.0)), 0.0), 0.0, 1.0), p, x),
    ),
    "clips of floats": (lambda x, p: minimum(maximum(x, 0.0), 1.0), lambda x, p: maximum(minimum(x, 1.0), 0.0)),
    "equal operands of exp": (lambda x, p: exp(maximum(x, p)), lambda x, p: exp(where(p > x, p, x))),
}
DIFFERENT: dict[str, tuple[Rule, Rule]] = {
    "0 times infinity is none": (
        lambda x, p: where(x > p, x * 2.0, 0.0),
        lambda x, p: spikes(x, p) * (x * 2.0),
    ),
    "twice a number is none": (
        lambda x, p: x - (spikes(x, p) + spikes(-x, p) + spikes(x, p) * 0.1) * p,
        lambda x, p: fma(-(spikes(x, p) + spikes(-x, p) + spikes(x, p) * 0.1), p, x),
    ),
    "a spike becomes another float": (spikes, lambda x, p: where(p < x, x * 0.0 - 1.0, 0.0)),
    "three whole numbers": (
        lambda x, p: check(floor(x), 0.0, 2.0) * p,
        lambda x, p: where(check(floor(x), 0.0, 2.0) > 0.0, p, 0.0),
    ),
    "clips of floats with ends exchanged": (
        lambda x, p: minimum(maximum(x, 0.0), p),
        lambda x, p: maximum(minimum(x, p), 0.0),
    ),
    "other operands of exp": (lambda x, p: exp(maximum(x, p)), lambda x, p: exp(x)),
}


@pytest.mark.parametrize("name", EQUAL)
def test_what_is_equal_is_proved(name: str) -> None:
    original, mutant = (stateless(rule) for rule in EQUAL[name])
    assert equivalent(original, mutant, EFFORT) == "proved"


@pytest.mark.parametrize("name", DIFFERENT)
def test_what_is_not_equal_is_never_proved(name: str) -> None:
    original, mutant = (stateless(rule) for rule in DIFFERENT[name])
    assert equivalent(original, mutant, EFFORT) != "proved"


def test_a_division_by_what_moves_keeps_the_sign_of_zero() -> None:
    """-0 equals +0, and 1 / -0 does not equal 1 / +0."""

    def divided(divisor: Callable[[Value], Value]) -> Program:
        return stateless(lambda x, p: p / divisor(x))

    assert equivalent(divided(lambda x: x + 0.0), divided(lambda x: x), EFFORT) != "proved"
    assert equivalent(divided(lambda x: x), divided(lambda x: 0.0 - (0.0 - x)), EFFORT) != "proved"
    assert equivalent(divided(lambda x: x), divided(lambda x: -1.0 * (-1.0 * x)), EFFORT) == "proved"


def counting(rule: Callable[[Value], Value]) -> Program:
    """A state that rises by 64 and is wrapped: its low bits are always 0."""

    def body(x: Value, state: Any, param: Any) -> Any:
        return {"n": wrap(state.n + x * 64, 20)}, {"y": rule(state.n)}

    return trace(body, [Slot("x", integer(0, 100))], [], [State("n", integer(-(2**19), 2**19 - 1), 0)])


def test_what_no_run_reaches_does_not_count() -> None:
    floored, even = counting(lambda n: shr_floor(n, 6)), counting(lambda n: shr_floor(n + 63, 6))
    odd = counting(lambda n: shr_floor(n + 64, 6))
    assert "multiple" in {item.form for item in invariants.of(floored)}
    assert equivalent(floored, even, EFFORT) == "proved"
    assert equivalent(floored, odd, EFFORT) != "proved"
    assert not [item for item in invariants.of(floored) if item.form in ("never below 0", "never above 0")]


def leaking(due: Callable[[Value, Value], Value]) -> Program:
    """A potential that halves, and a spike that depends on the old potential."""

    def body(x: Value, state: Any, param: Any) -> Any:
        return {"v": state.v * 0.5 + x}, {"s": due(state.v, param.p)}

    return trace(body, [Slot("x", F32)], [Slot("p", F32)], [State("v", F32, 0.0)])


def test_a_model_becomes_a_stimulus_after_some_steps() -> None:
    """The mutant differs where the old potential is 1.75, which it is not at the start."""
    original, mutant = leaking(lambda v, p: v >= 1.75), leaking(lambda v, p: v > 1.75)
    pool = stimulus(original, mutant, ("v", "s"), np.random.default_rng(0))
    assert pool is not None
    assert pool.steps == 2
    assert (first_kills(mutant, pool, run(original, pool, ("v", "s"))) == 1).all()


def test_an_equal_mutant_has_no_stimulus() -> None:
    original = leaking(lambda v, p: (v - p) > 0.0)
    assert stimulus(original, leaking(lambda v, p: v > p), ("v", "s"), np.random.default_rng(0)) is None
    assert equivalent(original, leaking(lambda v, p: v > p), EFFORT) == "proved"


def _above(least: float, x: Value, p: Value) -> Value:
    return (x - p) > least


def test_numbers_of_a_model_are_exact() -> None:
    """The smallest subnormal above the threshold, in f32 and f64."""
    for type_, tiny in ((F32, 2.0**-149), (F64, 2.0**-1074)):
        original = stateless(lambda x, p: (x - p) > 0.0, type_)
        mutant = stateless(partial(_above, tiny), type_)
        pool = stimulus(original, mutant, ("y",), np.random.default_rng(0))
        assert pool is not None
        (x,), (p,) = pool.inputs["x"][0], pool.params["p"]
        assert x - p == tiny
        assert (first_kills(mutant, pool, run(original, pool, ("y",))) < NEVER).all()


PROGRAMS: dict[str, dict[str, Any]] = {
    "snntorch.Leaky": {"reset": "subtract"},
    "snntorch.Synaptic": {},
    "spyx.CuBaLIF": {},
    "sinabs.IAF": {"precision": "f64"},
    "core.MultiSpikeLIF": {"max_spikes": 1, "n_syn": 2, "recurrent": True},
    "core.KLIF": {"compare": "ge", "decay_input": True, "reset": "subtract", "scale_reset": True},
    "slayer.Input": {},
}


def step_op(name: str) -> StepOp:
    found = REGISTRY(name, 1)
    assert isinstance(found, StepOp)
    return found


@pytest.mark.parametrize("name", PROGRAMS)
def test_the_translation_computes_what_the_engine_computes(name: str) -> None:
    """Each instruction, with the numbers of a run for unknowns: at ends of ranges, at thresholds, tiny ones."""
    program = step_op(name).program(PROGRAMS[name])
    random, compared = np.random.default_rng(3), 0
    for mood in MOODS:
        drawn = on_thresholds(program, draw(program, random, mood, 4, 24), random)
        pool = drawn.take(np.flatnonzero(passes_checks(program, drawn))[:5])
        found = [operands(program, index, pool) for index in range(len(program.code))]
        for step, element in product((0, 3), range(pool.size)):
            leaves: dict[tuple[MicroOp, int], Any] = {
                (instr.op, int(instr.imm[0])): translate.constant(instr.type, found[index][step, element].item())
                for index, instr in enumerate(program.code)
                if instr.op in (MicroOp.INPUT, MicroOp.PARAM, MicroOp.STATE)
            }
            for index, term in enumerate(translate.values(program, leaves)):
                expected = float(found[index][step, element])
                own = float(translate.number(z3.simplify(term), program.code[index].type))
                assert own == expected or (math.isnan(own) and math.isnan(expected)), (mood, index)
                compared += 1
    assert compared > 10 * len(program.code)
