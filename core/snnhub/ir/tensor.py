"""Tensors: shape, dtype, digest and statistics that can be read without the numbers themselves.

The numbers come from a function that is called on first use, so a graph of a 400 MiB file opens without
touching its weights. Two tensors are equal if shape, dtype, bytes, quantisation and recipe are.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from snnhub.errors import FormatError
from snnhub.ir.numtype import NumType, Quantisation, of_dtype

STORED_DTYPES = frozenset(
    {
        "float16",
        "float32",
        "float64",
        "int8",
        "int16",
        "int32",
        "int64",
        "uint8",
        "uint16",
        "uint32",
        "uint64",
    }
)
"""A tensor may be stored in any of these; arithmetic knows f32, f64 and integers only."""

Array = NDArray[Any]


@dataclass(frozen=True, slots=True)
class Statistics:
    """What ``inspect`` shows of a tensor. ``levels``: number of distinct values. Empty tensors: all 0."""

    min: int | float
    max: int | float
    levels: int
    zeros: int
    finite: bool


@dataclass(frozen=True)
class Known:
    """Digest and statistics as a file states them, so that they need not be computed again."""

    sha256: str
    statistics: Statistics


@dataclass(frozen=True, eq=False)
class Tensor:
    """A named-by-use array. ``recipe`` says how a derived coefficient was computed, in words."""

    shape: tuple[int, ...]
    dtype: np.dtype[np.generic]
    load: Callable[[], Array]
    quantisation: Quantisation | None = None
    recipe: str = ""
    known: Known | None = None

    @cached_property
    def array(self) -> Array:
        """The numbers, read-only, C-contiguous."""
        array = np.ascontiguousarray(self.load()).reshape(self.shape)
        if array.dtype != self.dtype:
            raise FormatError(
                "tensor has another dtype than declared", found=str(array.dtype), allowed=str(self.dtype)
            )
        view = array.view()
        view.flags.writeable = False
        return view

    @cached_property
    def sha256(self) -> str:
        """Hexadecimal SHA-256 of the bytes (little-endian, C order)."""
        return self.known.sha256 if self.known else self.compute_sha256()

    @cached_property
    def statistics(self) -> Statistics:
        return self.known.statistics if self.known else self.compute_statistics()

    @cached_property
    def finite(self) -> bool:
        """No NaN and no infinity. Costs one pass where ``statistics``, which counts levels, sorts the numbers."""
        if self.known or "statistics" in vars(self):
            return self.statistics.finite
        return self.dtype.kind != "f" or bool(np.isfinite(self.array).all())

    def compute_sha256(self) -> str:
        """The digest of the numbers themselves, whatever a file claims."""
        little = self.array.astype(self.dtype.newbyteorder("<"), copy=False)
        return hashlib.sha256(little.data if little.size else b"").hexdigest()

    def compute_statistics(self) -> Statistics:
        """The statistics of the numbers themselves. Minimum and maximum leave NaN and infinities out."""
        if not self.array.size:
            return Statistics(0, 0, 0, 0, True)
        finite = np.isfinite(self.array)
        numbers = self.array if finite.all() else self.array[finite]
        if not numbers.size:
            return Statistics(0, 0, 0, 0, False)
        to_python: type[int] | type[float] = float if self.dtype.kind == "f" else int
        return Statistics(
            to_python(numbers.min()),
            to_python(numbers.max()),
            int(np.unique(numbers).size),
            int(numbers.size - np.count_nonzero(numbers)),
            bool(finite.all()),
        )

    @property
    def keeps_its_word(self) -> bool:
        """Whether the numbers lie in the range that a file states for them, and are finite if it says so.

        Programs are proved and kernels chosen by that range; this costs one pass over the numbers, no digest.
        """
        if self.known is None or not self.array.size:
            return True
        said, numbers = self.known.statistics, self.array
        if self.dtype.kind == "f" and not np.isfinite(numbers).all():
            return not said.finite
        return bool(said.min <= numbers.min() and numbers.max() <= said.max)

    @property
    def type(self) -> NumType:
        """Arithmetic type; for integers the range is that of the values."""
        if self.dtype.kind in "iu":
            return of_dtype(self.dtype, int(self.statistics.min), int(self.statistics.max))
        return of_dtype(self.dtype)

    @property
    def size(self) -> int:
        return int(np.prod(self.shape, dtype=np.int64))

    @property
    def nbytes(self) -> int:
        return self.size * self.dtype.itemsize

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Tensor):
            return NotImplemented
        if (self.shape, self.dtype, self.quantisation, self.recipe) != (
            other.shape,
            other.dtype,
            other.quantisation,
            other.recipe,
        ):
            return False
        return self.load is other.load or self.sha256 == other.sha256  # no need to hash what is one array

    def __hash__(self) -> int:
        return hash(self._key())

    def _key(self) -> tuple[object, ...]:
        return self.shape, self.dtype.str, self.sha256, self.quantisation, self.recipe

    def __repr__(self) -> str:
        return f"Tensor({self.dtype.name}{list(self.shape)})"

    def bare(self) -> Tensor:
        """The numbers alone, without quantisation and recipe."""
        return (
            self if self.quantisation is None and not self.recipe else replace(self, quantisation=None, recipe="")
        )

    def described(self, recipe: str) -> Tensor:
        """The same tensor with a recipe: how it was derived, with the precision of every operation."""
        return replace(self, recipe=recipe)


def tensor(
    values: ArrayLike,
    dtype: str | np.dtype[np.generic] | None = None,
    *,
    quantisation: Quantisation | None = None,
) -> Tensor:
    """A tensor that owns a read-only copy of ``values``. A scalar stays 0-d.

    Raises ``FormatError`` for a dtype that cannot be stored (bool, complex, objects, strings).
    """
    array = np.array(values, dtype=dtype, order="C")
    if array.dtype.name not in STORED_DTYPES:
        raise FormatError(
            "dtype cannot be stored", found=str(array.dtype), allowed=", ".join(sorted(STORED_DTYPES))
        )
    array.flags.writeable = False
    return Tensor(array.shape, array.dtype, lambda: array, quantisation)


def smallest_integer(values: Array) -> Tensor:
    """A tensor of integers in the smallest signed dtype that holds them: the same numbers, fewer bytes."""
    low, high = (int(values.min()), int(values.max())) if values.size else (0, 0)
    for dtype in (np.int8, np.int16, np.int32):
        info = np.iinfo(dtype)
        if info.min <= low and high <= info.max:
            return tensor(values.astype(dtype))
    return tensor(values.astype(np.int64))


def broadcastable(shape: Sequence[int], onto: Sequence[int]) -> bool:
    """Whether a parameter of ``shape`` fits elements of ``onto``: 0-d, or same rank with 1s where shared."""
    return len(shape) == 0 or (
        len(shape) == len(onto) and all(a in (1, b) for a, b in zip(shape, onto, strict=True))
    )
