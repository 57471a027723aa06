"""Scales and thresholds: >= becomes > exactly, weights are even and in range, lossless grids are found."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from snnhub_loihi.scales import (
    FRACTION,
    LayerNumbers,
    candidates,
    even_integers,
    exact_threshold,
    largest_scale,
    lossless_scale,
    threshold,
)

THETA = st.floats(0.015625, 8, width=32)


def numbers(weight: list[float], theta: float = 1.0, compare: str = "ge", leaks: bool = False) -> LayerNumbers:
    return LayerNumbers((np.array([weight], np.float32),), None, theta, compare, leaks)


@given(THETA, st.fractions(1, 200), st.integers(-2000, 2000), st.sampled_from(["ge", "gt"]))
def test_without_decay_the_comparison_is_exact_for_every_integer(
    theta: float, scale: Fraction, v: int, compare: str
) -> None:
    layer = numbers([1.0], theta, compare)
    fires = v >= scale * Fraction(theta) if compare == "ge" else v > scale * Fraction(theta)
    assert (v > threshold(scale, layer)) == fires
    assert exact_threshold(scale, layer)


@given(THETA, st.integers(-100, 20000), st.sampled_from(["ge", "gt"]))
def test_with_decay_candidates_compare_exactly_on_the_grid_of_64ths(
    theta: float, sixty_fourths: int, compare: str
) -> None:
    layer = numbers([0.7, -0.3], theta, compare, leaks=True)
    v = Fraction(sixty_fourths, 64)
    for scale in candidates(layer, 5):
        assert exact_threshold(scale, layer)
        wanted = scale * Fraction(theta)
        assert (v > threshold(scale, layer)) == (v >= wanted if compare == "ge" else v > wanted)


def test_the_smallest_integer_is_not_missed() -> None:
    """0.1 as f32 is a little more than a tenth: in floating point 640 * 0.1f would round to 64 and lose a step."""
    layer = numbers([1.0], float(np.float32(0.1)))
    assert threshold(Fraction(640), layer) == 64
    assert threshold(Fraction(640), numbers([1.0], 0.125)) == 79


@given(st.lists(st.floats(-3, 3, width=32), min_size=1, max_size=6), THETA)
def test_nothing_is_clipped_at_the_candidates(weight: list[float], theta: float) -> None:
    assume(any(weight))
    layer = numbers(weight, theta)
    assume(largest_scale(layer) * Fraction(theta) >= 2)
    for scale in candidates(layer):
        values, clipped = even_integers(layer.weights[0], scale)
        assert clipped == 0
        assert values.min() >= -256
        assert values.max() <= 254
        assert not (values % 2).any()


@pytest.mark.parametrize(
    ("weight", "scale"),
    [([0.25, 0.25], 1016), ([0.25, -0.5, 1.0], 248), ([1.0, -1.0, 0.0], 254), ([0.1, 0.2], None), ([0.3], None)],
)
def test_lossless_scales(weight: list[float], scale: int | None) -> None:
    found = lossless_scale(numbers(weight))
    if scale is None:
        assert found is None or even_exactly(weight, found)
    else:
        assert found == scale


def even_exactly(weight: list[float], scale: Fraction) -> bool:
    return all((Fraction(float(np.float32(w))) * scale / 2).denominator == 1 for w in weight)


def test_a_ninth_is_lossless_too() -> None:
    """Average pooling over 3 x 3: all weights are the same f32 number."""
    ninth = float(np.float32(1) / np.float32(9))
    found = lossless_scale(numbers([ninth] * 4))
    assert found is not None
    assert found * Fraction(ninth) == 254


def test_zero_weights_have_a_scale() -> None:
    assert candidates(numbers([0.0, 0.0]))[0] > 0


def test_leaky_offset_is_a_64th() -> None:
    layer = numbers([0.9], 1.0, "ge", leaks=True)
    top = candidates(layer)[0]
    assert (top - FRACTION).denominator == 1
    assert math.floor(top) == threshold(top, layer)
