"""Sums that do not depend on the order of their terms."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from snnhub.engine.exact import add_exactly, fused_multiply_add, grid_exponent, odd_sum, round_fraction
from snnhub.engine.kernels import matmul
from snnhub.engine.kernels.matmul import ExactProduct, cut
from snnhub.ir.numtype import F32, F64, SPIKE, integer, unsigned

SMALL = st.floats(-4, 4, width=32)
F32_DTYPE = np.dtype(np.float32)


def nearest_f32(value: Fraction) -> np.float32:
    """The f32 nearest to a rational number, ties to even, by comparing neighbours exactly."""
    guess = np.float32(float(value))
    around = [np.nextafter(guess, np.float32(-np.inf)), guess, np.nextafter(guess, np.float32(np.inf))]
    best = min(abs(Fraction(float(c)) - value) for c in around)
    winners = [c for c in around if abs(Fraction(float(c)) - value) == best]
    return winners[0] if len(winners) == 1 else next(c for c in winners if int(c.view(np.int32)) % 2 == 0)


@given(st.lists(SMALL, min_size=1, max_size=12))
def test_sums_are_exact_and_rounded_once(values: list[float]) -> None:
    found = add_exactly([np.array([value]) for value in values], F32_DTYPE)[0]
    assert found == nearest_f32(sum((Fraction(value) for value in values), Fraction(0)))


@given(SMALL, SMALL, SMALL)
def test_fused_multiply_add_rounds_once(a: float, b: float, c: float) -> None:
    found = fused_multiply_add(*(np.array([value], np.float32) for value in (a, b, c)))[0]
    assert found == nearest_f32(Fraction(a) * Fraction(b) + Fraction(c))


def test_double_rounding_is_avoided() -> None:
    """1 + 2^-24 + 2^-60 lies above the midpoint; rounded to f64 first it would look like the midpoint."""
    above = odd_sum(np.array([1.0 + 2.0**-24]), np.array([2.0**-60]))
    assert above.astype(np.float32)[0] == np.float32(1 + 2.0**-23)
    assert round_fraction(Fraction(1) + Fraction(1, 2**24) + Fraction(1, 2**60), F32_DTYPE) != 1.0


def test_grid_exponent() -> None:
    assert grid_exponent(np.array([0.75, 2.0, 0.0])) == -2
    assert grid_exponent(np.array([12.0])) == 2
    assert grid_exponent(np.zeros(3)) == 0


@given(
    arrays.arrays(np.float32, (3, 17), elements=SMALL),
    arrays.arrays(np.uint8, (4, 17), elements=st.integers(0, 3)),
)
def test_product_with_spikes_is_exact(rows: np.ndarray, x: np.ndarray) -> None:
    product = ExactProduct(rows, None, unsigned(2), F32)
    found = product(product.prepare(x))
    for sample in range(4):
        for row in range(3):
            exact = sum(
                (Fraction(float(w)) * int(s) for w, s in zip(rows[row], x[sample], strict=True)), Fraction(0)
            )
            assert found[sample, row] == nearest_f32(exact)


@given(
    arrays.arrays(np.float32, (2, 9), elements=SMALL),
    arrays.arrays(np.float32, (3, 9), elements=SMALL),
    arrays.arrays(np.float32, (2,), elements=SMALL),
)
def test_product_with_analog_input_is_exact(rows: np.ndarray, x: np.ndarray, bias: np.ndarray) -> None:
    product = ExactProduct(rows, bias, F32, F32)
    found = product(product.prepare(x))
    for sample in range(3):
        for row in range(2):
            terms = [Fraction(float(w)) * Fraction(float(v)) for w, v in zip(rows[row], x[sample], strict=True)]
            assert found[sample, row] == nearest_f32(sum(terms, Fraction(float(bias[row]))))


def test_wide_weights_are_cut_into_exact_slices() -> None:
    columns = np.array([[1.0, 3.0], [2.0**-60, 1.5], [2.0**-30, -1.0]])
    slices = cut(columns, 1)
    assert slices is not None
    assert len(slices) > 1
    np.testing.assert_array_equal(sum(slices), columns)


@pytest.mark.parametrize("largest", [1, 2**20, 2**40])
def test_integer_products_choose_a_container_that_is_exact(largest: int) -> None:
    random = np.random.default_rng(0)
    rows = random.integers(-(2**15), 2**15, (5, 40))
    x = random.integers(-largest, largest + 1, (7, 40))
    product = ExactProduct(rows, None, integer(-largest, largest), integer(-(2**62), 2**62))
    np.testing.assert_array_equal(product(product.prepare(x)), x @ rows.T)


def test_f64_sums_are_exact_too() -> None:
    terms = [np.array([1.0]), np.array([2.0**-53]), np.array([2.0**-53])]
    assert add_exactly(terms, np.dtype(np.float64))[0] == 1.0 + 2.0**-52
    assert F64.is_float


def test_fused_multiply_add_in_f64_beyond_the_largest_number_and_at_zero() -> None:
    largest, inf = np.finfo(np.float64).max, np.inf
    a = np.array([largest, -largest, largest, 1.0, -0.0, 2.0, inf])
    b = np.array([2.0, 2.0, 2.0, 1.0, 1.0, 3.0, 2.0])
    c = np.array([0.0, 0.0, -largest, -1.0, -0.0, -6.0, 1.0])
    with np.errstate(all="ignore"):
        found = fused_multiply_add(a, b, c)
    np.testing.assert_array_equal(found, [inf, -inf, largest, 0.0, -0.0, 0.0, inf])
    np.testing.assert_array_equal(np.signbit(found), [False, True, False, False, True, False, False])


@pytest.mark.parametrize("kind", ["spikes", "coarse floats", "floats"])
def test_the_first_product_of_a_large_matrix_has_the_same_bits(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    random = np.random.default_rng(0)
    rows = random.normal(0, 1, (70, 900)).astype(np.float32)
    bias = random.normal(0, 1, 70).astype(np.float32)
    x = random.normal(0, 1, (30, 900)).astype(np.float32) if kind == "floats" else random.random((30, 900)) < 0.4
    type_ = SPIKE if kind == "spikes" else F32
    whole = ExactProduct(rows, bias, type_, F32)
    expected = whole(whole.prepare(x))
    monkeypatch.setattr(matmul, "LARGE", 2**12)
    blocks = ExactProduct(rows, bias, type_, F32)
    np.testing.assert_array_equal(blocks(blocks.prepare(x)), expected)
    np.testing.assert_array_equal(blocks(blocks.prepare(x)), expected)
