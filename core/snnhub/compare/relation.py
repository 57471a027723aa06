"""How two states that differ are related: in another unit, shifted by a constant, or simply different."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from snnhub.ir.tensor import Array

SAME_UNIT = 1e-3
"""A factor this near to 1 is no other unit."""
EXPLAINS = 0.05
"""Share of the rms that may remain for a factor (and offset) to be called the relation of the two."""
THROUGHOUT = 1e-6
"""Remaining share up to which the relation holds for every value."""


@dataclass(frozen=True)
class Relation:
    """``b`` is about ``factor * a + offset``; ``rest``: rms of what that leaves, as a share of the rms of ``b``.

    ``largest`` and ``rms``: of b - a as they are. ``factor`` is None where no constant factor explains the values.
    """

    largest: float
    rms: float
    factor: float | None = None
    offset: float = 0.0
    rest: float | None = None

    @property
    def other_unit(self) -> bool:
        """Whether the values are in another unit or have another zero: related, and never counted as equal."""
        if self.factor is None:
            return False
        return abs(self.factor - 1) > max(SAME_UNIT, self.rest or 0.0) or self.offset != 0

    def __str__(self) -> str:
        plain = f"differs by at most {self.largest:.3g}, rms {self.rms:.3g}"
        if not self.other_unit or self.factor is None or self.rest is None:
            return plain
        shift = f" and an offset of {self.offset:.5g}" if self.offset else ""
        exact = "throughout" if self.rest <= THROUGHOUT else f"up to {self.rest:.2g} of its rms"
        return f"differs by a factor {self.factor:.5g}{shift}, {exact}"

    def to_json(self) -> dict[str, Any]:
        return {
            "largest": self.largest,
            "rms": self.rms,
            "factor": self.factor,
            "offset": self.offset,
            "rest": self.rest,
            "other_unit": self.other_unit,
        }


def relate(a: Array, b: Array) -> Relation | None:
    """The relation of two arrays of one shape; None if nothing in them is finite."""
    left, right = (np.asarray(values, np.float64).reshape(-1) for values in (a, b))
    finite = np.isfinite(left) & np.isfinite(right)
    if not finite.all():
        left, right = left[finite], right[finite]
    if not left.size:
        return None
    difference = right - left
    plain = Relation(float(np.abs(difference).max()), _rms(difference))
    size = _rms(right)
    if not size or not _rms(left):
        return plain
    factor = float(left @ right / (left @ left))
    rest = _rms(right - factor * left) / size
    if rest <= THROUGHOUT:
        return Relation(plain.largest, plain.rms, factor, 0.0, rest)
    slope, offset, less = _affine(left, right, size)
    if less <= EXPLAINS and less < rest / 2:
        return Relation(plain.largest, plain.rms, slope, offset, less)
    return Relation(plain.largest, plain.rms, factor, 0.0, rest) if rest <= EXPLAINS else plain


def _affine(a: Array, b: Array, size: float) -> tuple[float, float, float]:
    """Slope, offset, and the remaining share; no relation for an ``a`` that never moves."""
    mean_a, mean_b = float(a.mean()), float(b.mean())
    spread = float((a - mean_a) @ (a - mean_a))
    if not spread:
        return 1.0, 0.0, np.inf
    slope = float((a - mean_a) @ (b - mean_b)) / spread
    offset = mean_b - slope * mean_a
    return slope, offset, _rms(b - slope * a - offset) / size


def _rms(values: Array) -> float:
    return float(np.sqrt(values @ values / values.size))
