"""Two arrays: how many numbers differ, by how much at most, and whether one is a multiple of the other."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from snnhub.ir.tensor import Array, Tensor

BLOCK = 1 << 20
"""Numbers that are compared at a time: a tensor of gigabytes needs no second one of its size."""
EXACT = 2.0**53
"""Integers beyond this do not pass into f64 unchanged."""
ALIKE = 4 * 2.0**-23
"""A multiple up to the rounding of f32: the largest rest, of the largest number."""
NEAR = 0.05
"""A multiple up to quantisation: the largest rest, of the largest number."""


@dataclass(frozen=True)
class Multiple:
    """B = ``factor`` * A by least squares; ``rest``: the largest |B - factor * A|, ``share`` of all |B|."""

    factor: float
    rest: float
    share: float

    @property
    def exact(self) -> bool:
        """Up to the rounding of f32."""
        return self.share <= ALIKE

    def __str__(self) -> str:
        if self.exact:
            return f"B = {self.factor:.8g} A"
        return f"B is about {self.factor:.6g} A, up to {self.rest:.3g} ({100 * self.share:.2g} % of the largest)"


@dataclass(frozen=True)
class Numbers:
    """``compared`` numbers, of which ``differing`` have other bytes (or another value, where the types differ).

    ``largest``: the largest |B - A| over finite numbers, at ``index`` of A, where ``old`` became ``new``; None
    where shapes keep numbers apart. ``unordered``: pairs that differ and are NaN or infinite on either side.
    """

    compared: int
    differing: int
    largest: int | float | None = None
    index: tuple[int, ...] = ()
    old: int | float | None = None
    new: int | float | None = None
    unordered: int = 0
    multiple: Multiple | None = None

    def to_json(self) -> dict[str, Any]:
        several = self.multiple
        return {
            "compared": self.compared,
            "differing": self.differing,
            "largest": self.largest,
            "index": list(self.index),
            "old": self.old,
            "new": self.new,
            "unordered": self.unordered,
            "multiple": None
            if several is None
            else {
                "factor": several.factor,
                "rest": several.rest,
                "share": several.share,
                "exact": several.exact,
            },
        }

    def __str__(self) -> str:
        if not self.compared:
            return ""
        text = f"{self.differing:,} of {self.compared:,} numbers differ"
        if self.largest is not None and self.differing:
            where = f" at {list(self.index)}" if self.index else ""
            text += f", at most by {self.largest:.6g}{where}: {self.old!r} -> {self.new!r}"
        if self.unordered:
            text += f", {self.unordered:,} of them NaN or infinite"
        return text + (f"; {self.multiple}" if self.multiple else "")


def compare_numbers(a: Tensor, b: Tensor) -> Numbers:
    """Every number of ``a`` against that of ``b``. Shapes must be equal, or one tensor must have one number, or
    both the same count of numbers in the same order; else nothing is compared.
    """
    if a.size == 0 or b.size == 0 or (a.size != b.size and 1 not in (a.size, b.size)):
        return Numbers(0, 0)
    one, other = a.array.reshape(-1), b.array.reshape(-1)
    size = max(a.size, b.size)
    differing = unordered = 0
    largest: int | float | None = None
    worst = 0
    for start, left, right in _blocks(one, other, size):
        changed = _differs(left, right)
        differing += int(np.count_nonzero(changed))
        places = np.flatnonzero(changed)
        gaps = _gaps(left[places], right[places])
        finite = _finite(gaps)
        unordered += int(np.count_nonzero(~finite))
        if finite.any():
            top = int(np.flatnonzero(finite)[np.argmax(gaps[finite])])
            if largest is None or gaps[top] > largest:
                largest, worst = (
                    gaps[top].item() if hasattr(gaps[top], "item") else gaps[top],
                    start + int(places[top]),
                )
    if not differing:
        return Numbers(size, 0)
    index = tuple(int(i) for i in np.unravel_index(worst, a.shape if a.size == size else b.shape))
    old, new = one[worst % a.size].item(), other[worst % b.size].item()
    if largest is None:
        return Numbers(size, differing, None, (), None, None, unordered)
    return Numbers(size, differing, largest, index, old, new, unordered, multiple_of(one, other, size))


def _blocks(a: Array, b: Array, size: int) -> Iterator[tuple[int, Array, Array]]:
    """Equal stretches of both; a single number stands for all."""
    for start in range(0, size, BLOCK):
        count = min(BLOCK, size - start)
        left, right = (
            np.broadcast_to(item, (count,)) if item.size == 1 else item[start : start + count] for item in (a, b)
        )
        yield start, left, right


def _differs(a: Array, b: Array) -> Array:
    """Where bytes differ; where dtypes do, where values do (NaN is NaN)."""
    if a.dtype == b.dtype:
        whole = f"u{a.dtype.itemsize}"
        return np.asarray(np.ascontiguousarray(a).view(whole) != np.ascontiguousarray(b).view(whole))
    left, right = _common(a, b)
    both_nan = _nan(left) & _nan(right)
    return np.asarray((left != right) & ~both_nan, bool)


def _nan(array: Array) -> Array:
    return np.isnan(array.astype(np.float64))


def _common(a: Array, b: Array) -> tuple[Array, Array]:
    """Both in one dtype that holds every number exactly: f64 or i64 where it does, else Python's own numbers."""
    wide = any(item.dtype.kind in "iu" and item.size and _reach(item) >= EXACT for item in (a, b))
    if not wide:
        return a.astype(np.float64), b.astype(np.float64)
    return a.astype(object), b.astype(object)


def _reach(array: Array) -> int:
    return max(abs(int(array.min())), abs(int(array.max())))


def _gaps(a: Array, b: Array) -> Array:
    """|b - a|, exact for integers."""
    left, right = _common(a, b)
    with np.errstate(invalid="ignore", over="ignore"):
        gaps = np.abs(right - left)
    integers = a.dtype.kind in "iu" and b.dtype.kind in "iu" and gaps.dtype != object
    return gaps.astype(np.int64) if integers else np.asarray(gaps)


def _finite(gaps: Array) -> Array:
    return np.isfinite(gaps.astype(np.float64))


def multiple_of(a: Array, b: Array, size: int) -> Multiple | None:
    """B as a multiple of A other than A itself, for two numbers or more, where at most ``NEAR`` is left over."""
    if size < 2 or a.size != b.size:
        return None
    squares = products = 0.0
    with np.errstate(all="ignore"):
        for _, left, right in _blocks(a, b, size):
            x, y = left.astype(np.float64), right.astype(np.float64)
            squares += float(x @ x)
            products += float(x @ y)
        factor = products / squares if squares else 0.0
        if not np.isfinite(factor) or factor == 0.0 or abs(factor - 1) <= ALIKE:
            return None
        rest = top = 0.0
        for _, left, right in _blocks(a, b, size):
            x, y = left.astype(np.float64), right.astype(np.float64)
            rest, top = max(rest, float(np.abs(y - factor * x).max())), max(top, float(np.abs(y).max()))
    if not np.isfinite(rest) or rest > NEAR * top:
        return None
    distinct = a.min() != a.max()
    return Multiple(factor, rest, rest / top) if distinct else None
