"""Sums that do not depend on the order of their terms: the exact sum, rounded once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from snnhub.ir.tensor import Array

F64 = NDArray[np.float64]
EPSILON = 2.0**-53
EXACT_F32 = 2**24
EXACT_F64 = 2**53
Terms = Callable[[tuple[int, ...]], Iterable[Fraction]]


def grid_exponent(values: Array) -> int:
    """The largest ``g`` such that every value is a multiple of 2**g; 0 if all are zero.

    Values must be finite.
    """
    nonzero = values[values != 0].astype(np.float64)
    if not nonzero.size:
        return 0
    mantissa, exponent = np.frexp(nonzero)
    integer = np.abs(mantissa * 2.0**53).astype(np.int64)
    lowest = np.frexp((integer & -integer).astype(np.float64))[1] - 1
    return int((exponent - 53 + lowest).min())


def two_sum(a: F64, b: F64) -> tuple[F64, F64]:
    """``a + b`` rounded, and the exact error of that rounding (Knuth)."""
    total = a + b
    virtual = total - a
    return total, (a - (total - virtual)) + (b - virtual)


def odd_sum(a: F64, b: F64) -> F64:
    """``a + b`` rounded to odd: rounding it again to f32 gives the exact sum rounded once."""
    total, error = two_sum(a, b)
    even = (total.view(np.int64) & 1) == 0
    nudged = np.nextafter(total, np.where(error > 0, np.inf, -np.inf))
    return np.where((error != 0) & even & np.isfinite(total), nudged, total)


def round_fraction(value: Fraction, dtype: np.dtype[np.generic]) -> float:
    """A rational number rounded once, half to even, to f32 or f64."""
    near = float(value)
    if dtype == np.float64 or Fraction(near) == value:
        return near
    if not int(np.float64(near).view(np.int64)) & 1:  # to odd, which keeps the second rounding right
        near = float(np.nextafter(near, np.inf if value > Fraction(near) else -np.inf))
    return near


def round_sum(total: F64, rest: F64, dtype: np.dtype[np.generic]) -> Array:
    """``total + rest`` rounded once to f32 or f64."""
    return np.asarray(odd_sum(total, rest).astype(dtype) if dtype == np.float32 else total + rest)


def round_once(total: F64, rest: F64, bound: F64, dtype: np.dtype[np.generic], terms: Terms) -> Array:
    """``total + rest`` in ``dtype`` as if it had been exact. ``bound``: by how much each entry may be off.

    Where the bound leaves a doubt (about one entry in a million), ``terms(index)`` is asked for the exact
    terms of that entry, which are then added in rational arithmetic. NaN and infinite totals stay what they are.
    """
    odd = ~np.isfinite(total)
    if odd.any():
        sums, rest, bound = (np.where(odd, 0.0, part) for part in (total, rest, bound))
        return np.where(odd, total.astype(dtype), round_once(sums, rest, bound, dtype, terms))
    result = np.atleast_1d(round_sum(total, rest - bound, dtype))
    doubtful = result != np.atleast_1d(round_sum(total, rest + bound, dtype))
    for position in zip(*np.nonzero(doubtful), strict=True):
        index = tuple(int(axis) for axis in position)
        result[index] = round_fraction(sum(terms(index), Fraction(0)), dtype)
    return result.reshape(total.shape)


def add_exactly(terms: Sequence[Array], dtype: np.dtype[np.generic]) -> Array:
    """The sum of arrays of one shape, exact and rounded once to ``dtype`` (f32 or f64); with NaN and infinities as
    IEEE 754 adds them.
    """
    wide = [np.asarray(term, dtype=np.float64) for term in terms]
    if len(wide) == 1:
        return wide[0].astype(dtype)
    if len(wide) == 2:
        return round_sum(wide[0], wide[1], dtype)
    total, rest, size = wide[0], np.zeros_like(wide[0]), np.zeros_like(wide[0])
    with np.errstate(invalid="ignore"):
        for term in wide[1:]:
            total, error = two_sum(total, term)
            rest, size = rest + error, size + np.abs(error)
    odd = ~np.isfinite(total)
    if odd.any():  # NaN and infinities as IEEE 754 adds them
        exact = add_exactly([np.where(odd, 0.0, term) for term in wide], dtype)
        return np.where(odd, total.astype(dtype), exact)
    total, rest = two_sum(total, rest)
    bound = size * (len(wide) * EPSILON)
    return round_once(total, rest, bound, dtype, lambda index: (Fraction(float(term[index])) for term in wide))


def two_product(a: F64, b: F64) -> tuple[F64, F64]:
    """``a * b`` rounded, and the exact error of that rounding (Dekker, Veltkamp's splitting)."""
    product = a * b
    parts = []
    for factor in (a, b):
        wide = factor * (2.0**27 + 1)
        high = wide - (wide - factor)
        parts.append((high, factor - high))
    (a_high, a_low), (b_high, b_low) = parts
    error = ((a_high * b_high - product) + a_high * b_low + a_low * b_high) + a_low * b_low
    return product, error


def fused_multiply_add(a: Array, b: Array, c: Array) -> Array:
    """``a * b + c`` rounded once. f32 through f64 (the product is exact there), f64 through fractions."""
    if a.dtype == np.float32:
        product = a.astype(np.float64) * b.astype(np.float64)
        return odd_sum(*np.broadcast_arrays(product, c.astype(np.float64))).astype(np.float32)
    a, b, c = np.broadcast_arrays(a, b, c)
    plain = np.asarray(a * b + c)
    for position in np.ndindex(plain.shape):
        x, y, z = float(a[position]), float(b[position]), float(c[position])
        total = Fraction(x) * Fraction(y) + Fraction(z) if np.isfinite([x, y, z]).all() else Fraction(0)
        if total:  # a sum of exactly 0 keeps the sign that IEEE 754 gives it
            plain[position] = _nearest(total)
    return plain


def _nearest(value: Fraction) -> float:
    """The nearest f64, infinity where that is beyond the largest one."""
    try:
        return float(value)
    except OverflowError:
        return float(np.inf if value > 0 else -np.inf)
