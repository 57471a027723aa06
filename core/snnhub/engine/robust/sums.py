"""How far the order of its terms can move a float sum.

Source: N. J. Higham, Accuracy and Stability of Numerical Algorithms (2nd edition, SIAM 2002), section 4.2: for a
sum added in any order, as any tree, the error is at most the sum over the additions of the rounding error of each
partial sum; equations (4.3) and (4.4). Section 3.1, lemma 3.1: gamma_n = n u / (1 - n u).
"""

from __future__ import annotations

import numpy as np

from snnhub.engine.exact import F64
from snnhub.engine.robust.rounding import NEXT, PAD, known, smallest, spacing, unit
from snnhub.ir.tensor import Array

DIGITS = {np.dtype(np.float32): 24, np.dtype(np.float64): 53}
SMALLEST = {np.dtype(np.float32): -149, np.dtype(np.float64): -1074}
"""Exponent of the smallest number above 0."""
PIECE = 2**15
"""Sums that are bounded together: what stays in the cache."""


def sum_radius(
    total: Array,
    terms: Array,
    size: Array,
    spread: Array | float,
    *,
    rounded_products: bool,
    grid: Array | int | None = None,
) -> F64:
    """Bound on the difference between ``total``, an exact sum rounded once, and the same sum in its type in any
    order.

    ``terms``: how many terms are not 0. ``size``: sum of their absolute values, which may be rounded. ``spread``:
    by how much the exact sum moves because its inputs do. ``rounded_products``: whether a product of a weight and
    an input may need rounding before it is added. ``grid``: every term is a multiple of 2**grid, for all sums or
    one for each along the last axes (without samples); None if that is not known.

    The partial sums of any subset of the terms lie between minus the sum N of the negative ones and the sum P of
    the positive ones; P + N is ``size`` and P - N is ``total``. So each addition rounds a number of at most max(P,
    N), and the error of n - 1 of them is at most (n - 1) half spacings there; gamma_n covers that partial sums
    carry errors themselves. Products add u (P + N), the engine's one rounding half a spacing of its result.
    """
    if total.ndim == 0:
        return _radius(total, terms, size, np.asarray(spread), grid, rounded_products)
    result = np.empty(total.shape)
    rows = max(1, PIECE * len(total) // max(1, total.size))
    for start in range(0, len(total), rows):
        part = slice(start, start + rows)
        own = [_part(item, part, total) for item in (terms, size, np.asarray(spread))]
        result[part] = _radius(total[part], own[0], own[1], own[2], grid, rounded_products)
    return result


def _part(item: Array, part: slice, total: Array) -> Array:
    return item[part] if item.ndim == total.ndim and len(item) == len(total) else item


def _radius(
    total: Array, terms: Array, size: Array, spread: Array, grid: Array | int | None, rounded_products: bool
) -> F64:
    dtype = np.dtype(total.dtype)
    u, moved = unit(dtype), bool(spread.any())
    absolute = np.abs(total).astype(np.float64)
    size = size.astype(np.float64)
    part = np.minimum(terms * u, 0.5)
    growth = np.where(part < 0.5, (1 + 2 * part / (1 - part)) * NEXT, np.inf)
    largest = size + absolute
    largest *= NEXT**2 / 2
    if moved:
        largest += spread
    largest *= growth
    added = np.maximum(terms - 1, 0) * spacing(largest, dtype)
    added += spacing(absolute, dtype)
    added *= 0.5 * NEXT
    if rounded_products:
        added += (size + spread) * (u * NEXT**2) + terms * smallest(dtype)
    if moved:
        added += spread
    added *= PAD
    same = terms <= (1 if rounded_products else 2)  # the same one rounding on both sides
    if grid is not None:
        exponent = np.asarray(grid)
        limit = np.where(exponent >= SMALLEST[dtype], np.ldexp(1.0, DIGITS[dtype] + exponent), 0.0)
        if largest.min(initial=np.inf) <= limit.max(initial=0.0):
            same = same | (largest <= limit)  # nothing is rounded
    return np.where(same & (spread == 0), 0.0, known(added))
