"""Every rule of a micro-operation against brute force: two runs in f32 whose operands differ by at most their
radii never differ by more than the radius of the result, and agree where the outcome is said to be certain.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from snnhub.engine.interpreter import Interpreter, container
from snnhub.engine.robust.bounded import Bounded
from snnhub.engine.robust.interpreter import BoundedInterpreter
from snnhub.engine.robust.rounding import endpoints
from snnhub.engine.robust.rules import LINEAR, OTHER
from snnhub.ir.microop import COMPARISONS, LEAVES, MicroOp
from snnhub.ir.numtype import F32, F64, NumType
from snnhub.ir.op import Parameter, StepOp
from snnhub.ir.program import Program, Slot
from snnhub.ir.tensor import Array
from snnhub.ir.trace import (
    cast,
    ceil,
    check,
    clip,
    exp,
    expm1,
    floor,
    fma,
    log,
    log1p,
    maximum,
    minimum,
    rint,
    shr_floor,
    shr_round_half_even,
    shr_trunc,
    trace,
    trunc,
    where,
    wrap,
)
from snnhub.ops.registry import CORE, REGISTRY

SIZE, TRIES = 64, 24
Body = Callable[..., Any]
FLOATS: dict[str, tuple[int, Body]] = {
    "add": (2, lambda a, b: a + b),
    "add 0": (1, lambda a: a + 0.0),
    "sub": (2, lambda a, b: a - b),
    "mul": (2, lambda a, b: a * b),
    "mul 0.5": (1, lambda a: a * 0.5),
    "mul 0.3": (1, lambda a: a * 0.3),
    "fma": (3, fma),
    "div": (2, lambda a, b: a / b),
    "div 3": (1, lambda a: a / 3.0),
    "div 4": (1, lambda a: a / 4.0),
    "one over": (1, lambda a: 1.0 / a),
    "neg": (1, lambda a: -a),
    "abs": (1, abs),
    "min": (2, minimum),
    "max": (2, maximum),
    "clip": (3, clip),
    "clip to numbers": (1, lambda a: clip(a, -1.0, 1.0)),
    "check": (1, lambda a: check(a, -(2.0**40), 2.0**40)),
    "floor": (1, floor),
    "ceil": (1, ceil),
    "trunc": (1, trunc),
    "rint": (1, rint),
    "exp": (1, exp),
    "expm1": (1, expm1),
    "log": (1, lambda a: log(abs(a))),
    "log1p": (1, lambda a: log1p(abs(a))),
    "where": (3, lambda a, b, c: where(a > b, b, c)),
    "where of where": (3, lambda a, b, c: where((a > b) & (b > c), a, where(a == c, b, c))),
    "relu": (1, lambda a: where(a < 0.0, 0.0, a)),
    "square": (1, lambda a: a * a),
    "cancel": (2, lambda a, b: a + (b - a) / 2.0),
    "cancel by a factor": (2, lambda a, b: a - a * 0.3 + b),
    "number times sum": (2, lambda a, b: 1000.1 * (a + b)),
    "sum times number": (2, lambda a, b: (a + b) * 1000.1),
    "chain": (3, lambda a, b, c: (a * b - c / 3.0) * (a - c) + b),
    "through integers": (1, lambda a: cast(cast(check(a * 64.0, -1e9, 1e9), "int") * 3, "f32") / 64.0),
    "shifted": (
        1,
        lambda a: cast(
            shr_trunc(cast(check(a * 64.0, -1e9, 1e9), "int") * 5, 3)
            + shr_floor(cast(check(a * 64.0, -1e9, 1e9), "int"), 1)
            - shr_round_half_even(cast(check(a * 64.0, -1e9, 1e9), "int"), 2),
            "f32",
        ),
    ),
    "divided": (1, lambda a: cast(cast(check(a * 64.0, -1e9, 1e9), "int") // 7, "f32")),
    "wrapped": (1, lambda a: cast(wrap(cast(check(a * 64.0, -1e9, 1e9), "int"), 8), "f32")),
}
CONDITIONS: dict[str, tuple[int, Body]] = {
    "ge": (2, lambda a, b: a >= b),
    "gt": (2, lambda a, b: a > b),
    "le": (2, lambda a, b: a <= b),
    "lt": (2, lambda a, b: a < b),
    "eq": (2, lambda a, b: a == b),
    "of itself": (2, lambda a, b: a + b >= a * 2.0),
    "and": (3, lambda a, b, c: (a > b) & (b > c)),
    "or not": (3, lambda a, b, c: (a > b) | ~(b > c)),
    "number of": (2, lambda a, b: where(a > b, floor(a), 0.0) >= 1.0),
}
IN_F32 = ("through integers", "shifted", "divided", "wrapped")


def program(arity: int, body: Body, type_: NumType = F32) -> Program:
    names = [f"i{index}" for index in range(arity)]

    def traced(*args: Any) -> Any:
        inputs, (_, _) = args[:arity], args[arity:]
        return {}, {"y": body(*inputs)}

    return trace(traced, [Slot(name, type_) for name in names], [], [])


def operands(random: np.random.Generator, arity: int, dtype: np.dtype[Any]) -> dict[str, Bounded]:
    """Values of many sizes, some equal, some 0; radii from none to larger than the value."""
    found = {}
    for index in range(arity):
        value = random.normal(0, 1, (1, SIZE)) * 10.0 ** random.integers(-3, 3, (1, SIZE))
        value = np.where(random.random((1, SIZE)) < 0.3, np.rint(value * 4) / 4, value).astype(dtype)
        size = np.abs(value.astype(np.float64)) * 10.0 ** random.uniform(-8, 0.3, (1, SIZE))
        radius = np.where(random.random((1, SIZE)) < 0.25, 0.0, size)
        found[f"i{index}"] = Bounded(value, None if random.random() < 0.2 else radius)
    return found


def moved(random: np.random.Generator, operand: Bounded, way: int) -> Array:
    """Another value within the radius: an end, or anywhere between."""
    radius = operand.radii()
    wide = operand.value.astype(np.float64)
    low, high = (
        np.where(np.abs(end - wide) <= radius, end, np.nextafter(end, operand.value))
        for end in endpoints(operand.value, radius)
    )
    share = random.random(radius.shape)
    between = (operand.value + (2 * share - 1) * radius).astype(operand.value.dtype)
    found = np.asarray((low, high, between)[way])
    fits = np.abs(found.astype(np.float64) - wide) <= radius
    return np.where(fits & (radius > 0), found, operand.value)  # the sign of a zero stays


def held(arity: int, body: Body, seed: int, type_: NumType = F32) -> None:
    random, made = np.random.default_rng(seed), program(arity, body, type_)
    plain = Interpreter(made, {})
    inputs = operands(random, arity, container(type_))
    with np.errstate(all="ignore"):
        _, (result,), (decision,) = BoundedInterpreter(made, {}).step(inputs, {})
        _, (ours,) = plain.step({name: item.value for name, item in inputs.items()}, {})
        np.testing.assert_array_equal(result.value, ours)
        for _ in range(TRIES):
            others = {name: moved(random, item, int(random.integers(3))) for name, item in inputs.items()}
            _, (theirs,) = plain.step(others, {})
            if ours.dtype == np.bool_:
                doubt = np.zeros(ours.shape, bool) if decision.doubt is None else decision.doubt
                assert not ((ours != theirs) & ~doubt).any()
            else:
                apart = np.abs(ours.astype(np.float64) - theirs.astype(np.float64))
                fine = (apart <= result.radii()) | (np.isnan(ours) & np.isnan(theirs)) | np.isinf(result.radii())
                assert (fine | (ours == theirs)).all(), (apart / result.radii()).max()


@pytest.mark.parametrize("name", FLOATS)
@settings(max_examples=30)
@given(seed=st.integers(0, 2**32 - 1))
def test_radii_of_numbers(name: str, seed: int) -> None:
    held(*FLOATS[name], seed)


@pytest.mark.parametrize("name", CONDITIONS)
@settings(max_examples=30)
@given(seed=st.integers(0, 2**32 - 1))
def test_certain_outcomes(name: str, seed: int) -> None:
    held(*CONDITIONS[name], seed)


@pytest.mark.parametrize("name", [name for name in FLOATS if name not in IN_F32])
@settings(max_examples=10)
@given(seed=st.integers(0, 2**32 - 1))
def test_radii_in_double_precision(name: str, seed: int) -> None:
    held(*FLOATS[name], seed, F64)


def test_every_micro_operation_has_a_rule() -> None:
    elsewhere = {MicroOp.WHERE, MicroOp.CAST, MicroOp.AND, MicroOp.OR, MicroOp.NOT}
    assert set(MicroOp) == {*LEAVES, *COMPARISONS, *LINEAR, *OTHER, *elsewhere}


def test_a_leak_keeps_the_radius_of_a_state_small() -> None:
    """Without slopes the radius of v + (x - v) / 2 would grow by a factor of 1.5 in every step, to 10^35."""
    made = REGISTRY("core.LIF", 1)
    assert isinstance(made, StepOp)
    choices: dict[str, str | bool] = {"reset": "none", "compare": "ge", "decay_input": True}
    params = {"v_threshold": np.float32(1), "tau": np.float32(2)}
    bounded = BoundedInterpreter(made.program(choices), {key: np.asarray(value) for key, value in params.items()})
    state = {"v": Bounded(np.zeros((1, 1), np.float32))}
    for _ in range(200):
        x = Bounded(np.full((1, 1), 0.75, np.float32), np.full((1, 1), 1e-6))
        state, _, _ = bounded.step({"x": x}, state)
    assert 1e-6 < state["v"].radii()[0, 0] < 1.3e-6


NUMBERS = (1, 2, 5)
"""For attributes that are numbers: of synapses, and of spikes in a step."""


@pytest.mark.parametrize("op", [op for op in CORE if isinstance(op, StepOp)], ids=lambda op: op.name)
@settings(max_examples=15)
@given(data=st.data())
def test_neurons_over_many_steps(op: StepOp, data: st.DataObject) -> None:
    """Two runs of a shipped neuron whose currents differ by at most their radii: equal spikes and states within
    their radii up to the first spike in doubt of each neuron.
    """
    choices = {item.name: data.draw(st.sampled_from(item.allowed or NUMBERS)) for item in op.attributes}
    random = np.random.default_rng(data.draw(st.integers(0, 2**32 - 1)))
    params = {item.name: number(item, random) for item in op.parameters(choices)}
    made = op.program(choices)
    plain, bounded = Interpreter(made, params), BoundedInterpreter(made, params)
    theirs = plain.initial(1, (SIZE,), params)
    ours = {name: Bounded(value.copy()) for name, value in theirs.items()}
    live = np.ones((1, SIZE), bool)
    with np.errstate(all="ignore"):
        for _ in range(40):
            x = {slot.name: uncertain(random) for slot in made.inputs}
            ours, outputs, decisions = bounded.step(x, ours)
            away = {name: moved(random, item, int(random.integers(3))) for name, item in x.items()}
            theirs, others = plain.step(away, theirs)
            for mine, other, decision in zip(outputs, others, decisions, strict=True):
                live = live & ~(False if decision.doubt is None else decision.doubt)
                apart = np.abs(mine.value.astype(np.float64) - other.astype(np.float64))
                assert (close(apart, mine.radii()) | ~live).all()
            for name, state in ours.items():
                apart = np.abs(state.value.astype(np.float64) - theirs[name].astype(np.float64))
                assert (close(apart, state.radii()) | ~live).all(), name


def uncertain(random: np.random.Generator) -> Bounded:
    """Currents with radii."""
    value = random.normal(0.4, 0.8, (1, SIZE)).astype(np.float32)
    return Bounded(value, np.abs(value) * 10.0 ** random.uniform(-7.5, -5, (1, SIZE)))


def close(apart: Array, radius: Array) -> Array:
    return np.asarray((apart <= radius) | np.isnan(apart) | np.isinf(radius))


def number(item: Parameter, random: np.random.Generator) -> Array:
    """A value of a neuron's parameter, with time constants that are powers of two and others."""
    if item.type is not None and item.type.is_int:
        return np.asarray(random.integers(0, 4097))
    if item.name == "scale":
        return np.asarray(64.0, np.float32)
    if item.name.startswith("tau"):
        return np.asarray(random.choice([1.5, 2.0, 4.0]), np.float32)
    low, high = (-0.3, 0.0) if item.name == "v_reset" else (0.2, 0.95)
    return np.asarray(random.uniform(low, high), np.float32)
