"""Step programs in torch against the reference interpreter: every micro-operation, bit for bit, on edge values."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import product
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from snnhub.engine import interpreter
from snnhub.engine.interpreter import Interpreter
from snnhub.errors import RunError
from snnhub.ir import trace as t
from snnhub.ir.code import Instr
from snnhub.ir.microop import COMPARISONS, LEAVES, ROUNDINGS, SHIFTS, TRANSCENDENTAL, MicroOp, arity
from snnhub.ir.numtype import BOOL, F32, F64, NumType, integer
from snnhub.ir.op import StepOp
from snnhub.ir.program import Program, Slot
from snnhub.ir.tensor import Array
from snnhub.ops.registry import REGISTRY

from tests.golden.freeze import choices

pytestmark = [pytest.mark.peer, pytest.mark.usefixtures("spikingjelly")]
M = MicroOp
INT = integer(-(2**40), 2**40)
FLOATS: dict[NumType, Any] = {F32: np.float32, F64: np.float64}
LOGICAL = {M.AND, M.OR, M.NOT}
WHOLE = {M.FLOORDIV, M.WRAP} | SHIFTS
FLOATING = {M.FMA, M.DIV} | ROUNDINGS | TRANSCENDENTAL


def edge_floats(type_: NumType) -> Array:
    """Zeros, subnormals, normals, ties of rounding to integers, infinities, NaN, and what drowns in a sum."""
    dtype = FLOATS[type_]
    info: Any = np.finfo(dtype)
    positive = [
        0.0,
        info.smallest_subnormal,
        info.smallest_normal - info.smallest_subnormal,
        info.smallest_normal,
        info.eps,
        1 / 3,
        0.5,
        1 - info.epsneg,
        1.0,
        1 + info.eps,
        1.5,
        2.5,
        3.0,
        2.0**23 + 0.5,
        1 / info.eps + 1,
        info.max,
        np.inf,
    ]
    array = np.array(positive, dtype)
    return np.concatenate([array, -array, np.array([np.nan], dtype)])


def edge_integers() -> Array:
    positive = [0, 1, 2, 3, 5, 7, 8, 127, 128, 4095, 2**23 - 1, 2**23, 2**31 - 1, 2**31, 2**32 + 1, 2**40]
    return np.array(sorted({sign * value for value in positive for sign in (1, -1)}), np.int64)


def grid(*arrays: Array) -> list[Array]:
    """All combinations."""
    return [axis.ravel() for axis in np.meshgrid(*arrays, indexing="ij")]


def operands(op: MicroOp, type_: NumType) -> list[Array]:
    """Every combination of edge values that the operation takes."""
    if type_ == BOOL:
        return grid(*[np.array([False, True])] * arity(op))
    values = edge_integers() if type_.is_int else edge_floats(type_)
    if op is M.WHERE:
        return grid(np.array([False, True]), values, values)
    if op in SHIFTS:
        return grid(values, np.arange(0, 22))
    if op is M.FLOORDIV:
        return grid(values, values[values != 0])
    return grid(*[values] * arity(op))


def cases() -> Iterable[tuple[MicroOp, NumType, Instr]]:
    for op in MicroOp:
        if op in LEAVES or op in (M.CAST, M.CHECK):
            continue
        types: tuple[NumType, ...] = (F32, F64, INT)
        if op in LOGICAL:
            types = (BOOL,)
        elif op in WHOLE:
            types = (INT,)
        elif op in FLOATING:
            types = (F32, F64)
        elif op in (M.WHERE, M.EQ):
            types = (F32, F64, INT, BOOL)
        for type_ in types:
            result = BOOL if op in COMPARISONS else type_
            yield op, type_, Instr(op, (), result, (24,) if op is M.WRAP else ())


CASES = list(cases())


def same_bits(found: Any, wanted: Array) -> None:
    """Bit patterns, the sign of zero too; any NaN is NaN."""
    found = found.numpy()
    assert found.dtype == wanted.dtype
    if wanted.dtype.kind == "f":
        number = ~np.isnan(wanted)
        np.testing.assert_array_equal(np.isnan(found), ~number)
        found, wanted = found[number], wanted[number]
        np.testing.assert_array_equal(np.signbit(found), np.signbit(wanted))
    np.testing.assert_array_equal(found, wanted)


def both(instr: Instr, arrays: list[Array]) -> tuple[Any, Array]:
    import torch
    from snnhub.engine.torch_engine.home import container_of
    from snnhub.engine.torch_engine.program import evaluate

    tensors = [torch.from_numpy(array.copy()) for array in arrays]
    with np.errstate(all="ignore"):
        return evaluate(instr, tensors, container_of(instr.type)), interpreter.evaluate(instr, arrays)


@pytest.mark.parametrize(("op", "type_", "instr"), CASES, ids=[f"{op.value}-{type_}" for op, type_, _ in CASES])
def test_every_micro_operation(op: MicroOp, type_: NumType, instr: Instr) -> None:
    arrays = operands(op, type_)
    if op is M.FMA and type_ == F64:  # through fractions, one element at a time
        arrays = [array[::7] for array in arrays]
    found, wanted = both(instr, arrays)
    if op in TRANSCENDENTAL and type_ == F64:
        finite = np.isfinite(wanted)
        np.testing.assert_array_equal(np.isfinite(found.numpy()), finite)
        np.testing.assert_array_max_ulp(found.numpy()[finite], wanted[finite], maxulp=2)
        return
    same_bits(found, wanted)


def test_the_table_has_every_operation() -> None:
    from snnhub.engine.torch_engine.program import functions

    assert set(functions()) == set(MicroOp) - LEAVES - {M.CAST, M.CHECK, M.WRAP}
    assert {op for op, _, _ in CASES} == set(MicroOp) - LEAVES - {M.CAST, M.CHECK}


@pytest.mark.parametrize(
    ("values", "target"),
    [
        (edge_integers(), F32),
        (edge_integers(), F64),
        (2**24 + np.arange(-40, 41), F32),
        (2**53 + np.arange(-40, 41), F64),
        (edge_floats(F32), F64),
        (edge_floats(F64), F32),
        (np.concatenate([2.0**-149 * np.arange(-3, 4, 0.25), 1 + 2.0**-24 * np.arange(-3, 4, 0.25)]), F32),
        (np.array([-2.5, -0.9, -0.0, 0.0, 0.9, 2.5, 2.0**39 + 0.5]), INT),
        (np.array([False, True]), INT),
        (np.array([False, True]), F32),
        (np.array([-2, 0, 1]), BOOL),
    ],
)
def test_casts(values: Array, target: NumType) -> None:
    found, wanted = both(Instr(M.CAST, (), target, (target.kind.value,)), [values])
    same_bits(found, wanted)


@pytest.mark.parametrize("value", [float("nan"), 1.5, -1.0])
def test_a_value_that_leaves_its_range(value: float) -> None:
    instr = Instr(M.CHECK, (), F32, (0.0, 1.0))
    inside = np.full((2, 3), 0.5, np.float32)
    same_bits(*both(instr, [inside]))
    inside[1, 2] = value
    with pytest.raises(RunError, match=r"sample 1, element \[2\]"):
        both(instr, [inside])


def run_both(program: Program, params: dict[str, Array], inputs: dict[str, Array]) -> int:
    """A program over time, (time, samples, features), in both: every state and output of every step.

    The number of steps until a check stopped both, at the same place with the same words; all of them if none did.
    """
    import torch
    from snnhub.engine.torch_engine.home import Home
    from snnhub.engine.torch_engine.program import TorchInterpreter

    torch_side, numpy_side = TorchInterpreter(program, params, Home("cpu")), Interpreter(program, params)
    shape = next(iter(inputs.values())).shape
    states = numpy_side.initial(shape[1], shape[2:], params)
    tensors = {name: torch.from_numpy(array.copy()) for name, array in states.items()}
    with np.errstate(all="ignore"):
        for step in range(shape[0]):
            now = {name: array[step] for name, array in inputs.items()}
            current = {name: torch.from_numpy(array.copy()) for name, array in now.items()}
            words = stopped(numpy_side.step, now, states)
            if words:
                assert stopped(torch_side.step, current, tensors) == words
                return step
            states, wanted = numpy_side.step(now, states)
            tensors, found = torch_side.step(current, tensors)
            for output, value in zip(found, wanted, strict=True):
                same_broadcast(output, value)
            for name, value in states.items():
                same_broadcast(tensors[name], value)
    return int(shape[0])


def stopped(step: Callable[..., object], *given: object) -> str:
    """What a check said that stopped a step; nothing if none did."""
    try:
        step(*given)
    except RunError as problem:
        return str(problem)
    return ""


def same_broadcast(ours: Any, theirs: Array) -> None:
    """The same values; a constant may have fewer axes on one side."""
    shape = np.broadcast_shapes(tuple(ours.shape), theirs.shape)
    same_bits(ours.expand(shape), np.broadcast_to(theirs, shape))


STEP_OPS = [op for op in REGISTRY.all() if isinstance(op, StepOp)]


@pytest.mark.parametrize("op", STEP_OPS, ids=[op.name for op in STEP_OPS])
def test_every_shipped_program(op: StepOp) -> None:
    random = np.random.default_rng(0)
    for values in product(*(choices(attribute) for attribute in op.attributes)):
        attributes: Any = {attribute.name: value for attribute, value in zip(op.attributes, values, strict=True)}
        program = op.program(attributes)
        if not program.exact:
            continue
        params = {slot.name: _numbers(random, slot.type, (5,), 1.5) for slot in program.params}
        if "threshold" in params:  # several spikes per step: a threshold is above 0, or a check stops the run
            params["threshold"] = np.abs(random.normal(1, 0.3, 5)).astype(np.float32) + np.float32(0.1)
        inputs = {slot.name: _numbers(random, slot.type, (40, 2, 5), 1.0) for slot in program.inputs}
        if op.name.startswith("sinabs."):  # a check stops what has more than 2**24 spikes, or fewer than none
            params = {name: random.uniform(0.1, 0.9, 5).astype(array.dtype) for name, array in params.items()}
            inputs = {name: array.clip(-1000, 1000) for name, array in inputs.items()}
        steps = run_both(program, params, inputs)
        # slayer's integers: a check stops what random numbers reach and networks do not
        assert steps == 40 or (op.name.startswith("slayer.") and steps > 0)


def _numbers(random: np.random.Generator, type_: NumType, shape: tuple[int, ...], size: float) -> Array:
    """Numbers of a type, some of them edge values where the type is a float."""
    if type_.is_int:
        low, high = (max(-4000, type_.range[0]), min(4000, type_.range[1]))
        return random.integers(low, high + 1, shape)
    if type_.is_bool:
        return random.random(shape) < 0.5
    array = random.normal(size, 1, shape).astype(FLOATS[type_])
    if size == 1.0:
        edges = edge_floats(type_)
        strange = random.random(shape) < 0.02
        array[strange] = random.choice(edges[np.abs(edges) < 1e30], int(strange.sum()))
    return array


UNARY: list[Any] = [t.floor, t.ceil, t.trunc, t.rint, abs, lambda a: -a]
BINARY: list[Any] = [
    lambda a, b: a + b,
    lambda a, b: a - b,
    lambda a, b: a * b,
    lambda a, b: a / b,
    t.minimum,
    t.maximum,
    lambda a, b: t.where(a >= b, a, b * 0.5),
    lambda a, b: t.where((a < b) | (a == b), b, a),
]
TERNARY: list[Any] = [t.fma, lambda a, b, c: t.where(a > b, b, c), lambda a, b, c: t.minimum(t.maximum(a, b), c)]


@settings(max_examples=60)
@given(
    st.sampled_from([F32, F64]),
    st.lists(st.tuples(st.integers(0, 16), *[st.integers(0, 99)] * 3), min_size=3, max_size=25),
    st.integers(0, 2**20),
)
def test_random_programs(type_: NumType, picks: list[tuple[int, int, int, int]], seed: int) -> None:
    """Straight-line code of random operations over an input, a parameter and a state that feeds back."""
    from snnhub.ir.program import State

    def body(x: t.Value, state: Any, param: Any) -> Any:
        values = [x, state.v, param.p]
        for pick, *where in picks:
            chosen = (UNARY + BINARY + TERNARY)[pick]
            count = 1 if pick < len(UNARY) else 2 if pick < len(UNARY) + len(BINARY) else 3
            values.append(chosen(*(values[-1 - place % len(values)] for place in where[:count])))
        return {"v": values[-1]}, {"s": values[-1] >= param.p, "y": values[-2]}

    program = t.trace(body, [Slot("x", type_)], [Slot("p", type_)], [State("v", type_, 0.25)])
    random = np.random.default_rng(seed)
    shape = (4, 2, 3)
    x = _numbers(random, type_, shape, 1.0)
    run_both(program, {"p": _numbers(random, type_, (), 0.5)}, {"x": x})
