"""Micro-operations against Python's exact integers, and Loihi's neuron against an independent reading of Lava."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from snnhub.engine.interpreter import Interpreter
from snnhub.engine.reference import prepare
from snnhub.ir.builder import GraphBuilder
from snnhub.ir.numtype import integer, signed
from snnhub.ir.program import Slot
from snnhub.ir.ranges import shift_right_half_even, shift_right_trunc
from snnhub.ir.trace import (
    clip,
    maximum,
    minimum,
    shr_floor,
    shr_round_half_even,
    shr_trunc,
    trace,
    where,
    wrap,
)
from snnhub.ops.registry import REGISTRY

from tests.build import cuba

WIDE = st.integers(-(2**40), 2**40)
SHIFT = st.integers(0, 20)


def wrapped(value: int, bits: int) -> int:
    half = 1 << bits - 1
    return (value + half) % (1 << bits) - half


@pytest.mark.parametrize(
    ("traced", "exact"),
    [
        (lambda x, n: x + n, lambda x, n: x + n),
        (lambda x, n: x - n, lambda x, n: x - n),
        (lambda x, n: x * n, lambda x, n: x * n),
        (lambda x, n: -x, lambda x, n: -x),
        (lambda x, n: abs(x), lambda x, n: abs(x)),
        (lambda x, n: x // 7, lambda x, n: x // 7),
        (lambda x, n: x << n, lambda x, n: x << n),
        (shr_floor, lambda x, n: x >> n),
        (shr_trunc, shift_right_trunc),
        (shr_round_half_even, shift_right_half_even),
        (lambda x, n: wrap(x, 24), lambda x, n: wrapped(x, 24)),
        (lambda x, n: wrap(x, 32), lambda x, n: wrapped(x, 32)),
        (lambda x, n: clip(x, -1000, 4095), lambda x, n: min(max(x, -1000), 4095)),
        (lambda x, n: where(x > n, x, n), max),
        (minimum, min),
        (maximum, max),
    ],
)
@settings(max_examples=40)
@given(values=st.lists(st.tuples(WIDE, SHIFT), min_size=1, max_size=8))
def test_integer_operations_are_exact(
    traced: Callable[..., Any], exact: Callable[[int, int], int], values: list[tuple[int, int]]
) -> None:
    slots = [Slot("x", integer(-(2**40), 2**40)), Slot("n", integer(0, 20))]
    program = trace(lambda x, n, state, param: ({}, {"y": traced(x, n)}), slots, [], [])
    inputs = {"x": np.array([v for v, _ in values]), "n": np.array([n for _, n in values])}
    _, (found,) = Interpreter(program, {}).step(inputs, {})
    wanted = [exact(v, n) for v, n in values]
    assert found.tolist() == wanted
    type_ = program.output_type("y")
    assert all(type_.range[0] <= value <= type_.range[1] for value in wanted)


def test_rounding_shifts_at_ties() -> None:
    assert [shift_right_half_even(value, 1) for value in (-3, -1, 1, 3, 5)] == [-2, 0, 0, 2, 2]
    assert [shift_right_trunc(value, 2) for value in (-5, -4, -1, 3, 5)] == [-1, -1, 0, 0, 1]


def lava_step(u: int, v: int, a: int, p: dict[str, int]) -> tuple[int, int, int]:
    """One step of lava.proc.lif's fixed-point model, in Python integers with 32-bit wrapping where Lava has it."""
    decayed = wrapped(int(math.copysign(abs(u * (4096 - p["iDecay"])) >> 12, u)) if u else 0, 32)
    current = wrapped(decayed + wrapped(a << 6, 32), 32)
    if current > 2**23:
        current -= 2**24
    elif current <= -(2**23):
        current += 2**24
    leaked = int(math.copysign(abs(v * (4096 - p["vDecay"])) >> 12, v)) if v else 0
    total = wrapped(wrapped(leaked + current, 32) + (p["bias"] << 6), 32)
    v = min(max(total, -(2**23) + 1), 2**23 - 1)
    s = int(v > p["vThMant"] << 6)
    return current, 0 if s else v, s


@settings(max_examples=80)
@given(
    st.lists(
        st.one_of(st.integers(-300, 300), st.integers(-(2**19), 2**19), st.integers(-(2**31), 2**31 - 1)),
        min_size=1,
        max_size=30,
    ),
    st.fixed_dictionaries(
        {
            "iDecay": st.one_of(st.sampled_from([0, 1, 4095, 4096]), st.integers(0, 4096)),
            "vDecay": st.one_of(st.sampled_from([0, 1, 4095, 4096]), st.integers(0, 4096)),
            "vThMant": st.one_of(st.sampled_from([0, 1, 2**17]), st.integers(0, 2000)),
            "bias": st.integers(-(2**15), 2**15 - 1),
        }
    ),
)
def test_loihi_neuron_equals_an_independent_reading(currents: list[int], p: dict[str, int]) -> None:
    builder = GraphBuilder("one", REGISTRY)
    port = builder.input((1,), signed(32))
    builder.output(
        cuba(builder, "n", port, vth=p["vThMant"], i_decay=p["iDecay"], v_decay=p["vDecay"], bias=p["bias"])
    )
    recording, _ = prepare(builder.graph()).run(np.array(currents).reshape(-1, 1), record=["n/u", "n/v", "n/s"])
    u = v = 0
    for step, a in enumerate(currents):
        u, v, s = lava_step(u, v, a, p)
        assert [int(recording[f"n/{name}"][step, 0]) for name in "uvs"] == [u, v, s], step
