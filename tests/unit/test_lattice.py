"""What the prover knows of floats on a lattice: true claims are taken, false ones are not."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from snnhub.ir.numtype import F32, signed
from snnhub.ir.program import Program, Slot
from snnhub.ir.trace import Value, cast, check, constant, floor, rint, trace, where
from snnhub_conformance.generate import prove
from snnhub_conformance.generate.lattice import exponents

SMALLEST = 2.0**-126
Rule = Callable[[Value, Value], Value]


def program(rule: Rule) -> Program:
    kinds = {"x": F32, "n": signed(48)}
    return trace(
        lambda x, n, state, param: ({}, {"y": rule(x, n)}), [Slot(k, t) for k, t in kinds.items()], [], []
    )


def flushed(value: Value) -> Value:
    return where(abs(value) < SMALLEST, 0.0, value)


EQUAL: dict[str, tuple[Rule, Rule]] = {
    "rounding of an integer": (lambda x, n: cast(n, "f32"), lambda x, n: floor(cast(n, "f32"))),
    "rounding of a checked one": (
        lambda x, n: cast(check(cast(n, "f32"), -9.0, 9.0), "int"),
        lambda x, n: cast(rint(check(cast(n, "f32"), -9.0, 9.0)), "int"),
    ),
    "flush of a scaled integer": (
        lambda x, n: cast(n, "f32") / 4096.0,
        lambda x, n: flushed(cast(n, "f32") / 4096.0),
    ),
    "flush of a sum of words": (
        lambda x, n: cast(n, "f32") + floor(x),
        lambda x, n: flushed(cast(n, "f32") + floor(x)),
    ),
    "power of two of a difference with an integer": (
        lambda x, n: (cast(n, "f32") / 4096.0 - x) * 4096.0,
        lambda x, n: 4096.0 * (cast(n, "f32") / 4096.0) - 4096.0 * x,
    ),
    "product with a reciprocal": (lambda x, n: x / 4096.0, lambda x, n: x * (1.0 / _like(x, 4096.0))),
}
DIFFERENT: dict[str, tuple[Rule, Rule]] = {
    "rounding of any float": (lambda x, n: x + 0.0, lambda x, n: floor(x + 0.0)),
    "rounding of a scaled integer": (lambda x, n: cast(n, "f32") / 2.0, lambda x, n: floor(cast(n, "f32") / 2.0)),
    "flush of any float": (lambda x, n: x * 4096.0, lambda x, n: flushed(x * 4096.0)),
    "flush of what is scaled below it": (
        lambda x, n: cast(n, "f32") * 2.0**-120 * 2.0**-20,
        lambda x, n: flushed(cast(n, "f32") * 2.0**-120 * 2.0**-20),
    ),
    "power of two of a difference of any floats": (
        lambda x, n: (x * x - x) * 4096.0,
        lambda x, n: x * x * 4096.0 - x * 4096.0,
    ),
    "half of a difference with an integer": (
        lambda x, n: (cast(n, "f32") - x) * 0.5,
        lambda x, n: cast(n, "f32") * 0.5 - x * 0.5,
    ),
    "three times a difference with an integer": (
        lambda x, n: (cast(n, "f32") - x) * 3.0,
        lambda x, n: cast(n, "f32") * 3.0 - x * 3.0,
    ),
    "power of two of a difference with a large integer": (
        lambda x, n: (cast(n, "f32") - x) * 2.0**80,
        lambda x, n: cast(n, "f32") * 2.0**80 - x * 2.0**80,
    ),
    "reciprocal of 3": (lambda x, n: x / 3.0, lambda x, n: x * (1.0 / _like(x, 3.0))),
}


def _like(x: Value, number: float) -> Value:
    """A constant of a program, which Python does not fold."""
    return Value(x.code, constant(x.code, number, F32))


def by_keys(a: Program, b: Program) -> bool:
    """Whether the texts of both programs agree, before any solver is asked."""
    ends = [prove._keys(each)[each.outputs[0][1]] for each in (a, b)]
    return ends[0] == ends[1]


@pytest.mark.parametrize("name", EQUAL)
def test_equal_programs_have_one_key(name: str) -> None:
    assert by_keys(*(program(rule) for rule in EQUAL[name]))


@pytest.mark.parametrize("name", DIFFERENT)
def test_different_programs_have_two(name: str) -> None:
    assert not by_keys(*(program(rule) for rule in DIFFERENT[name]))


def test_exponents_are_those_of_the_numbers() -> None:
    made = program(lambda x, n: where(x > 0.0, cast(n, "f32") / 64.0, 0.375))
    assert exponents(made)[made.outputs[0][1]] == -6
