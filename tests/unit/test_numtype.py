"""Numeric types: ranges, names, containers."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from snnhub.errors import ProgramError
from snnhub.ir.numtype import BOOL, F32, F64, INT64_MAX, INT64_MIN, integer, of_dtype, parse, signed, unsigned

BOUND = st.integers(INT64_MIN, INT64_MAX)


@given(BOUND, BOUND)
def test_text_round_trip(a: int, b: int) -> None:
    type_ = integer(min(a, b), max(a, b))
    assert parse(str(type_)) == type_


@pytest.mark.parametrize(
    ("text", "type_"),
    [
        ("i8", signed(8)),
        ("u5", unsigned(5)),
        ("int[-(2^23-1)..2^23-1]", integer(-(2**23 - 1), 2**23 - 1)),
        ("f32", F32),
        ("bool", BOOL),
    ],
)
def test_names(text: str, type_: object) -> None:
    assert str(type_) == text
    assert parse(text) == type_


@pytest.mark.parametrize("text", ["int[3..1]", "i65", "u0", "float", "int[a..b]", "int[0..2^64]"])
def test_bad_names_are_refused(text: str) -> None:
    with pytest.raises(ProgramError):
        parse(text)


@given(BOUND, BOUND)
def test_numpy_container_holds_both_ends_and_is_smallest(a: int, b: int) -> None:
    low, high = min(a, b), max(a, b)
    info = np.iinfo(integer(low, high).numpy.name)
    assert info.min <= low
    assert high <= info.max


def test_holds() -> None:
    assert signed(8).holds(unsigned(7))
    assert not signed(8).holds(unsigned(8))
    assert F32.holds(F32)
    assert not F64.holds(F32)
    assert not F32.holds(signed(8))


def test_half_precision_has_no_arithmetic() -> None:
    with pytest.raises(ProgramError, match="arithmetic type"):
        of_dtype(np.dtype(np.float16))
