"""Spacings of floats, and the factors that keep a bound computed in f64 on the safe side.

A float result z is carried with a radius r: whatever order sums are added in, the result lies in z - r .. z + r.
"""

from __future__ import annotations

import numpy as np

from snnhub.engine.exact import F64
from snnhub.ir.tensor import Array

PAD = 1 + 2.0**-40
"""Bounds are made larger by this, more than the f64 rounding of the few operations that compute one."""
SLACK = 2.0**-49
"""Part of a radius that is added for the f64 rounding of the slopes that it was computed with."""
NEXT = 1 + 2.0**-22
"""Takes a bound of numbers before rounding to one of numbers after it (f32 or f64)."""


def unit(dtype: np.dtype[np.generic]) -> float:
    """The unit roundoff u: the largest relative error of one rounding to nearest (Higham, section 2.1)."""
    return 2.0**-53 if dtype == np.float64 else 2.0**-24


def smallest(dtype: np.dtype[np.generic]) -> float:
    """The smallest number above 0."""
    return 2.0**-1074 if dtype == np.float64 else 2.0**-149


def gamma(terms: float, u: float) -> float:
    """``n u / (1 - n u)`` (Higham, lemma 3.1); infinity where that says nothing."""
    return terms * u / (1 - terms * u) if terms * u < 0.5 else np.inf


def above(radius: F64, dtype: np.dtype[np.generic]) -> Array:
    """A radius in another float type, never smaller."""
    return np.where(radius == 0, dtype.type(0), np.nextafter(radius.astype(dtype), dtype.type(np.inf)))


def spacing(size: Array, dtype: np.dtype[np.generic]) -> F64:
    """The distance of neighbours among the floats of ``dtype`` in the binade of ``size`` (not negative), in f64.

    Half of it bounds the error of one rounding of a number up to ``size``. Infinity where ``size`` is too large or
    not a number: nothing is known there.
    """
    if dtype == np.float64:
        bits = np.asarray(size, np.float64).view(np.int64) & np.int64(0x7FF0000000000000)
        power = bits.view(np.float64)
    else:
        bits32 = np.asarray(size, np.float64).astype(np.float32).view(np.int32) & np.int32(0x7F800000)
        power = bits32.view(np.float32).astype(np.float64)
    return np.maximum(power * (2 * unit(dtype)), smallest(dtype))


def two_roundings(value: Array, radius: F64, dtype: np.dtype[np.generic]) -> F64:
    """What one rounding on each side adds to a difference: half a spacing for the engine, half for the other
    order.

    ``radius`` bounds the difference before rounding. Where it is 0 both sides round the same number: nothing.
    """
    return np.where(radius == 0, 0.0, spacing((np.abs(value) + radius) * NEXT, dtype))


def overflow(value: Array, radius: F64) -> F64:
    """Infinity where another run may leave the range of the dtype of ``value``, else 0."""
    return np.where(np.abs(value) + radius > np.finfo(value.dtype).max, np.inf, 0.0)


def known(radius: Array) -> F64:
    """A radius with infinity instead of NaN."""
    return np.where(np.isnan(radius), np.inf, radius)


def endpoints(value: Array, radius: F64) -> tuple[Array, Array]:
    """Two numbers of the dtype of ``value`` (f32, f64, int64) that enclose ``value`` give or take ``radius``."""
    if value.dtype.kind == "i":
        reach, limits = np.minimum(np.floor(radius), 2.0**61).astype(np.int64), np.iinfo(np.int64)
        low = np.where((value < -(2**62)) & (reach > 0), limits.min, value - reach)
        return low, np.where((value > 2**62) & (reach > 0), limits.max, value + reach)
    wide = value.astype(np.float64)
    low, high = (wide - radius).astype(value.dtype), (wide + radius).astype(value.dtype)
    exact = radius == 0
    ends = np.nextafter(low, -np.inf, dtype=value.dtype), np.nextafter(high, np.inf, dtype=value.dtype)
    return np.where(exact, value, ends[0]), np.where(exact, value, ends[1])
