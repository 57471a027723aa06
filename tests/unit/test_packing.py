"""Lava's weight packing: what is lost, what survives, and the cure."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from snnhub_netx.packing import effective, effective_recurrent, loadable, pack, survives

EVEN = st.integers(-128, 127).map(lambda value: 2 * value)


def matrix(rows: list[list[int]]) -> np.ndarray:
    return np.array(rows, np.int64)


@pytest.mark.parametrize(
    ("weight", "becomes"),
    [
        ([[-2, -128]], [[-2, -126]]),
        ([[0, -128]], [[0, -64]]),
        ([[-8, -8], [-8, -8]], [[0, 0], [0, 0]]),
        ([[-2]], [[0]]),
        ([[300, 10]], [[0, 0]]),
        ([[300, -10]], [[254, -10]]),
        ([[-300, 10]], [[-256, 10]]),
    ],
)
def test_known_losses(weight: list[list[int]], becomes: list[list[int]]) -> None:
    """Measured in Lava: lateral inhibition of a uniform -8 vanishes."""
    found = effective(matrix(weight))
    np.testing.assert_array_equal(found.weight >> found.shift, becomes)
    assert not survives(matrix(weight))


@given(arrays.arrays(np.int64, (3, 4), elements=EVEN))
def test_even_mixed_and_non_negative_matrices_survive(weight: np.ndarray) -> None:
    if weight.any() and (weight.max() > 0):
        assert survives(weight)


@given(arrays.arrays(np.int64, (3, 4), elements=st.integers(-128, 0).map(lambda value: 2 * value)))
def test_one_weight_of_two_saves_any_matrix_without_positive_entry(weight: np.ndarray) -> None:
    keeper = np.zeros((3, 1), np.int64)
    keeper[0] = 2
    assert survives(np.hstack([weight, keeper]))


def test_all_zero_matrices_cannot_be_loaded() -> None:
    assert not loadable(matrix([[0, 0]]))
    assert not survives(matrix([[0, 0]]))


def test_odd_weights_of_one_sign_are_floored_on_the_sum() -> None:
    """[0, -1]: the exponent and the truncation disagree, and Lava shifts the sum: two spikes weigh as one."""
    found = effective(matrix([[0, -1, -1]]))
    assert found.shift > 0
    sums = [int((found.weight @ np.array(s)).item()) >> found.shift for s in ([0, 1, 0], [0, 1, 1])]
    assert sums == [-1, -1]


def test_recurrent_matrices_are_packed_together_and_multiplied_apart() -> None:
    first, second = effective_recurrent(matrix([[2, 4]]), matrix([[-6]]))
    np.testing.assert_array_equal(first.weight >> first.shift, [[2, 4]])
    np.testing.assert_array_equal(second.weight >> second.shift, [[-6]])
    assert survives(matrix([[2, 4]]), matrix([[-6]]))
    odd, _ = effective_recurrent(matrix([[145, 97]]), matrix([[-87]]))
    np.testing.assert_array_equal(odd.weight, [[0, 0]])


def test_packing_fills_eight_bits() -> None:
    packed = pack(matrix([[6, -4]]))
    assert packed.exponent == -5
    np.testing.assert_array_equal(packed.mantissas, [[192, -128]])
