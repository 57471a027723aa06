"""Rows times columns: the one product that Dense and Conv share, exact by construction.

Integers run through f32 or f64 BLAS when the largest possible sum proves that no partial sum is rounded,
else in int64. Floats: where the inputs lie on a coarse grid (spikes do), the weights are cut into slices
whose sums f64 holds exactly, and the slices are added with one rounding. Other inputs are summed in f64
with an error bound beside them, and the few results that the bound leaves in doubt are summed again in
rational arithmetic.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property

import numpy as np

from snnhub.engine.exact import (
    EPSILON,
    EXACT_F32,
    EXACT_F64,
    F64,
    add_exactly,
    grid_exponent,
    round_once,
    two_product,
    two_sum,
)
from snnhub.ir.numtype import NumType
from snnhub.ir.tensor import Array

MAX_SLICES = 3
EXACT_BITS = 53
SMALLEST_EXPONENT, LARGEST_EXPONENT = -1074, 970
"""Grids on which adding and taking away a large number rounds a f64 as it should."""
ALL_ONES = 2**64 - 1
LARGE = 2**22
"""Weights of more entries than this are cut in blocks when they are used for the first time."""
BLOCK = 2**16
"""Numbers looked at together: what stays in the cache."""
COARSE = 2**16
"""Inputs count as coarse when they are multiples of a power of two up to this many times."""


@dataclass(frozen=True)
class Prepared:
    """An input ready for the product: ``values * 2**exponent``; ``largest`` is None if the grid is fine. ``odd``:
    NaN and infinities of the input, which are 0 among ``values``, and 0 elsewhere; None where there are none.
    """

    values: Array
    exponent: int = 0
    largest: int | None = None
    odd: Array | None = None


class ExactProduct:
    """``x @ rows.T + bias`` for rows (out, terms): the exact result, rounded once where it is a float."""

    def __init__(self, rows: Array, bias: Array | None, x: NumType, out: NumType) -> None:
        self.rows = rows
        self.bias = bias
        self.integer = out.is_int
        self.dtype = out.numpy
        self.largest = max(abs(bound) for bound in x.range) if x.is_int else None
        self._types = x, out
        self._first = not self.integer and rows.size > LARGE
        self._slices: dict[int, list[F64] | None] = {}

    def prepare(self, x: Array) -> Prepared:
        """Put an input of any shape into the container that the product works in."""
        if self.integer:
            return Prepared(x.astype(self._columns.dtype))
        wide = x.astype(np.float64)
        if self.largest is not None:
            return Prepared(wide, 0, self.largest)
        if not np.isfinite(np.abs(wide).max(initial=0.0)):
            finite = np.isfinite(wide)
            return replace(self.prepare(np.where(finite, wide, 0.0)), odd=np.where(finite, 0.0, wide))
        grid = 0 if (np.rint(wide) == wide).all() else grid_exponent(wide)
        scaled = np.ldexp(wide, -grid)
        largest = int(np.abs(scaled).max()) if scaled.size else 0
        return Prepared(scaled, grid, largest) if largest <= COARSE else Prepared(wide)

    def __call__(self, x: Prepared) -> Array:
        """Product for x (samples, terms). Integers come as int64, floats in the dtype of the output."""
        if self.integer:
            whole = (x.values @ self._columns).astype(np.int64)
            return whole if self.bias is None else np.asarray(whole + self.bias.astype(np.int64))
        if x.odd is not None:
            with np.errstate(invalid="ignore", over="ignore"):
                return np.asarray(self(replace(x, odd=None)) + (x.odd @ self._columns).astype(self.dtype))
        if self._first:
            self._first = False
            return self._in_blocks(x)
        slices = None if x.largest is None else self._exact_slices(x.largest)
        if slices is None:
            return self._bounded(np.ldexp(x.values, x.exponent))
        totals: list[Array] = [np.ldexp(x.values @ part, x.exponent) for part in slices]
        if self.bias is not None:
            totals.append(np.broadcast_to(self.bias, totals[0].shape))
        return add_exactly(totals, self.dtype)

    def _in_blocks(self, x: Prepared) -> Array:
        """The same, some rows at a time and nothing kept: a short run needs the slices of a large matrix once, and
        filling fresh memory with them takes longer than the product.
        """
        count = max(1, LARGE // (4 * self.rows.shape[1]))
        parts = []
        for start in range(0, len(self.rows), count):
            bias = None if self.bias is None else self.bias[start : start + count]
            parts.append(ExactProduct(self.rows[start : start + count], bias, *self._types)(x))
        return np.concatenate(parts, axis=1)

    @cached_property
    def _columns(self) -> Array:
        """Weights (terms, out) in the smallest container that makes every sum exact."""
        if not self.integer:
            return self.rows.T.astype(np.float64)  # in the order of the rows: a transposed copy would take longer
        sizes = np.abs(self.rows.astype(np.int64)).sum(axis=1)
        reach = (int(sizes.max()) if sizes.size else 0) * (self.largest or 0)
        container = np.float32 if reach < EXACT_F32 else np.float64 if reach < EXACT_F64 else np.int64
        return np.ascontiguousarray(self.rows.T.astype(container))

    def _exact_slices(self, largest: int) -> list[F64] | None:
        """Weights (terms, out) cut so that sums over integers up to ``largest`` are exact; None if too many."""
        bucket = max(1, largest).bit_length()
        if bucket not in self._slices:
            self._slices[bucket] = cut(self._columns, 2**bucket, 24 if self.rows.dtype == np.float32 else 53)
        return self._slices[bucket]

    def _bounded(self, x: F64) -> Array:
        """Sums with a bound on their error; f64 results carry their rounding errors along to keep it small."""
        size = np.abs(x) @ np.abs(self._columns)
        if self.dtype == np.float64:
            total, rest = _with_errors(x, self._columns)
            bound = size * (4 * len(self._columns) ** 2 * EPSILON**2)
        else:
            total, rest = x @ self._columns, np.zeros_like(size)
            bound = size * ((len(self._columns) + 2) * EPSILON)
        if self.bias is not None:
            total, error = two_sum(total, np.broadcast_to(self.bias.astype(np.float64), total.shape))
            rest = rest + error

        def terms(index: tuple[int, ...]) -> Iterable[Fraction]:
            sample, row = index
            for term in np.flatnonzero(x[sample] * self._columns[:, row]):
                yield Fraction(float(x[sample, term])) * Fraction(float(self._columns[term, row]))
            if self.bias is not None:
                yield Fraction(float(self.bias[row]))

        return round_once(total, rest, bound, self.dtype, terms)


def _with_errors(x: F64, columns: F64) -> tuple[F64, F64]:
    """``x @ columns`` term by term, with the sum of all rounding errors beside it."""
    total, rest = np.zeros((len(x), columns.shape[1])), np.zeros((len(x), columns.shape[1]))
    for term, row in enumerate(columns):
        product, first = two_product(x[:, term, None], row[None])
        total, second = two_sum(total, product)
        rest += first + second
    total, rest = two_sum(total, rest)
    return total, rest


def cut(columns: F64, largest: int, digits: int = 53) -> list[F64] | None:
    """Slices that add up to ``columns`` (terms, out) exactly, each with exact f64 sums over integers up to
    ``largest``. None if more than ``MAX_SLICES`` would be needed. ``digits``: of the columns, 24 if they were f32.
    """
    slices: list[F64] = []
    size = np.abs(columns)
    reach = float(size.sum(axis=0).max(initial=0.0)) * largest
    rest, grid = columns, _grid_below(size, digits)
    while np.isfinite(reach):
        last = len(slices) == MAX_SLICES - 1
        if last:  # worth a closer look
            reach = float(np.abs(rest).sum(axis=0).max(initial=0.0)) * largest
            grid = max(grid, grid_exponent(rest))
        above = int(np.frexp(reach)[1])  # reach < 2**above
        if above - grid <= EXACT_BITS:
            return [*slices, rest]
        exponent = above - EXACT_BITS + 2
        if last or not SMALLEST_EXPONENT <= exponent <= LARGEST_EXPONENT:
            return None
        rounder = np.ldexp(1.5, exponent + EXACT_BITS - 1)  # adding and taking away rounds to 2**exponent
        part = np.add(rest, rounder, out=size if not slices else None)  # fresh memory is what takes the time here
        part -= rounder
        slices.append(part)
        rest, grid = rest - part, min(grid, exponent)
        reach = float(np.ldexp(len(columns), exponent - 1)) * largest
    return None


def _grid_below(size: F64, digits: int) -> int:
    """A ``g`` such that all numbers of these sizes, which have ``digits`` binary digits, are multiples of 2**g."""
    smallest = _smallest_above_zero(size)
    return 0 if smallest == np.inf else int(np.frexp(smallest)[1]) - digits


def _smallest_above_zero(size: F64) -> float:
    """Infinity if all are 0. Positive doubles are ordered as their bits; less one, zeros become the largest."""
    bits = size.ravel(order="K").view(np.uint64)
    parts = (bits[start : start + BLOCK] - np.uint64(1) for start in range(0, bits.size, BLOCK))
    smallest = min((int(part.min()) for part in parts), default=ALL_ONES)
    return np.inf if smallest == ALL_ONES else float(np.uint64(smallest + 1).view(np.float64))
