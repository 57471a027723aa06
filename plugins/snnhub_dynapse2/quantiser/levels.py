"""Weights that four bases can make, and the mean square error of rounding to them, for many sets of bases at
once.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from itertools import product

import numpy as np

from snnhub_dynapse2.limits import BASES, MASKS
from snnhub_dynapse2.network import Floats, Ints


@cache
def digits(depth: int) -> Floats:
    """(levels, 4): how often each base counts. ``depth`` 1: a mask, row = mask; 2: the sum of two masks."""
    rows = [row[::-1] for row in product(range(depth + 1), repeat=BASES)]
    found = np.array(rows, np.float64)
    found.flags.writeable = False
    return found


def masks_of(levels: Ints, depth: int) -> Ints:
    """(n, depth) masks of levels: a base that counts twice is in both, one that counts once in the first."""
    counts = digits(depth)[levels]
    bits = 2 ** np.arange(BASES)
    return np.stack([(counts > number) @ bits for number in range(depth)], axis=1).astype(np.int64)


@dataclass(frozen=True, eq=False)
class Sample:
    """Magnitudes (n,) ascending, and the sums of their first k (n + 1,)."""

    values: Floats
    sums: Floats
    squares: float

    @classmethod
    def of(cls, magnitudes: Floats) -> Sample:
        """Of any magnitudes."""
        values = np.sort(magnitudes)
        return cls(values, np.concatenate([[0.0], np.cumsum(values)]), float(np.square(values).sum()))


@dataclass(frozen=True, eq=False)
class Cells:
    """For sets of bases: ``count`` and ``total`` (sets, levels) of the magnitudes nearest to each level, ``error``
    (sets,) the mean square error.
    """

    count: Floats
    total: Floats
    error: Floats


def cells(sample: Sample, bases: Floats, depth: int) -> Cells:
    """Every magnitude to its nearest level. ``bases``: (sets, 4)."""
    sums = bases @ digits(depth).T
    order = np.argsort(sums, axis=1, kind="stable")
    sorted_sums = np.take_along_axis(sums, order, axis=1)
    middles = (sorted_sums[:, 1:] + sorted_sums[:, :-1]) / 2
    n = sample.values.size
    edges = np.empty((len(bases), sums.shape[1] + 1), np.int64)
    edges[:, 0], edges[:, -1] = 0, n
    edges[:, 1:-1] = np.searchsorted(sample.values, middles.ravel()).reshape(middles.shape)
    counts = np.diff(edges, axis=1).astype(np.float64)
    totals = np.diff(sample.sums[edges], axis=1)
    error = sample.squares - 2 * (totals * sorted_sums).sum(1) + (counts * sorted_sums**2).sum(1)
    count, total = np.empty_like(counts), np.empty_like(totals)
    np.put_along_axis(count, order, counts, axis=1)
    np.put_along_axis(total, order, totals, axis=1)
    return Cells(count, total, np.maximum(error, 0.0) / max(1, n))


def nearest(magnitudes: Floats, bases: Floats, depth: int) -> Ints:
    """The level (row of ``digits``) nearest to each magnitude; of equal ones that with the fewest and lowest
    bits.
    """
    sums = digits(depth) @ bases
    order = np.lexsort((np.arange(sums.size), digits(depth).sum(1), sums))
    ranked = sums[order]
    first = np.concatenate([[True], np.diff(ranked) > 0])
    ranked, order = ranked[first], order[first]
    return np.asarray(order[np.searchsorted((ranked[1:] + ranked[:-1]) / 2, magnitudes)], np.int64)


assert len(digits(1)) == MASKS  # noqa: S101  a mask is a level
