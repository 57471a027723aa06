"""Weights cut into slices: they add up exactly, and sums over any integers up to the limit are exact in f64."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from snnhub.engine.exact import EXACT_F64, grid_exponent
from snnhub.engine.kernels.matmul import cut


@given(
    seed=st.integers(0, 2**32 - 1),
    spread=st.integers(0, 60),
    largest=st.sampled_from([1, 2, 3, 255, 2**16]),
    coarse=st.booleans(),
)
def test_slices_are_exact(seed: int, spread: int, largest: int, coarse: bool) -> None:
    random = np.random.default_rng(seed)
    weights = random.normal(0, 1, (17, 5)) * 2.0 ** random.integers(-spread, 1, (17, 5))
    weights = (np.rint(weights * 16) / 16 if coarse else weights).astype(np.float32)
    weights[random.random(weights.shape) < 0.2] = 0
    columns = weights.astype(np.float64)
    slices = cut(columns, largest, 24)
    if slices is None:
        assert spread > 30, "weights of one magnitude need no more slices than there are"
        return
    for index in np.ndindex(columns.shape):
        assert sum(Fraction(float(part[index])) for part in slices) == Fraction(float(columns[index]))
    for part in slices:
        reach = float(np.abs(part).sum(axis=0).max()) * largest
        assert reach * 2.0 ** -grid_exponent(part) <= EXACT_F64


@pytest.mark.parametrize(("size", "possible"), [(1e-300, False), (1e300, True), (5e-324, True), (np.inf, False)])
def test_extreme_weights_are_cut_exactly_or_not_at_all(size: float, possible: bool) -> None:
    columns = np.array([[size, 1.0], [0.0, size]])
    slices = cut(columns, 3)
    assert (slices is not None) == possible
    if slices is not None:
        np.testing.assert_array_equal(sum(slices), columns)
