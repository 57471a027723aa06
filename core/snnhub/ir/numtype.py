"""Numeric types: ``f32``, ``f64``, ``bool`` and integers with an explicit range, ``int[lo..hi]``."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum
from fractions import Fraction

import numpy as np
from numpy.typing import DTypeLike

from snnhub.errors import ProgramError

INT64_MIN, INT64_MAX = -(2**63), 2**63 - 1


class Kind(Enum):
    """The four families of numbers."""

    F32 = "f32"
    F64 = "f64"
    BOOL = "bool"
    INT = "int"


@dataclass(frozen=True, slots=True)
class NumType:
    """One numeric type. ``lo`` and ``hi`` (inclusive) are set exactly for integers.

    Integer arithmetic is exact: the range is a promise about every value, and the container that an
    engine uses (int32, int64, a float that holds integers exactly) never changes a result.
    Raises ``ProgramError`` for an empty range or one that does not fit 64 signed bits.
    """

    kind: Kind
    lo: int | None = None
    hi: int | None = None

    def __post_init__(self) -> None:
        if self.kind is Kind.INT:
            if self.lo is None or self.hi is None or self.lo > self.hi:
                raise ProgramError(
                    "an integer type needs a range", found=f"[{self.lo}..{self.hi}]", allowed="lo <= hi"
                )
            if self.lo < INT64_MIN or self.hi > INT64_MAX:
                raise ProgramError(
                    "integer range needs more than 64 bits",
                    found=f"int[{self.lo}..{self.hi}]",
                    allowed="-2^63 .. 2^63-1",
                    remedy="state the overflow with wrap(x, bits), clip(x, lo, hi) or check(x, lo, hi)",
                )
        elif self.lo is not None or self.hi is not None:
            raise ProgramError(f"{self.kind.value} has no range")

    @property
    def is_int(self) -> bool:
        return self.kind is Kind.INT

    @property
    def is_float(self) -> bool:
        return self.kind in (Kind.F32, Kind.F64)

    @property
    def is_bool(self) -> bool:
        return self.kind is Kind.BOOL

    @property
    def range(self) -> tuple[int, int]:
        """Inclusive range of an integer type; raises ``ProgramError`` for the others."""
        if self.lo is None or self.hi is None:
            raise ProgramError(f"{self} has no integer range")
        return self.lo, self.hi

    def holds(self, other: NumType) -> bool:
        """Whether every value of ``other`` is a value of this type, unchanged."""
        if self.is_int and other.is_int:
            return self.range[0] <= other.range[0] and other.range[1] <= self.range[1]
        return self.kind is other.kind

    def __str__(self) -> str:
        if self.lo is None or self.hi is None:
            return self.kind.value
        for bits in (1, 2, 3, 4, 5, 6, 7, 8, 16, 24, 32, 64):
            if self.hi == 2 ** (bits - 1) - 1 and self.lo == -(2 ** (bits - 1)):
                return f"i{bits}"
            if self.lo == 0 and self.hi == 2**bits - 1:
                return f"u{bits}"
        return f"int[{_power(self.lo)}..{_power(self.hi)}]"

    @property
    def numpy(self) -> np.dtype[np.generic]:
        """The smallest NumPy dtype that holds every value (bool: uint8, since spikes are stored as 0 and 1)."""
        if self.lo is None or self.hi is None:
            return np.dtype({Kind.F32: np.float32, Kind.F64: np.float64, Kind.BOOL: np.uint8}[self.kind])
        candidates: tuple[DTypeLike, ...] = (np.uint8, np.int8, np.int16, np.int32, np.int64)
        for candidate in candidates:
            info = np.iinfo(np.dtype(candidate))
            if int(info.min) <= self.lo and self.hi <= int(info.max):
                return np.dtype(candidate)
        raise AssertionError(self)


def _power(value: int) -> str:
    """``-(2^23-1)`` instead of -8388607: wide limits are powers of two and read better so."""
    size = abs(value)
    if size < 4096:
        return str(value)
    for offset, suffix in ((0, ""), (1, "-1"), (-1, "+1")):
        whole = size + offset
        if whole & (whole - 1) == 0:
            text = f"2^{whole.bit_length() - 1}{suffix}"
            return text if value > 0 else f"-({text})" if suffix else f"-{text}"
    return str(value)


F32 = NumType(Kind.F32)
F64 = NumType(Kind.F64)
BOOL = NumType(Kind.BOOL)


def integer(lo: int, hi: int) -> NumType:
    """``int[lo..hi]``, both ends included."""
    return NumType(Kind.INT, lo, hi)


def signed(bits: int) -> NumType:
    """``i<bits>``: two's complement of that width."""
    return integer(-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)


def unsigned(bits: int) -> NumType:
    """``u<bits>``."""
    return integer(0, 2**bits - 1)


SPIKE = unsigned(1)
"""What a bool output becomes on a wire: 0 or 1."""


def parse(text: str) -> NumType:
    """The type that ``str(type)`` printed, for people and JSON. Raises ``ProgramError`` for anything else."""
    simple = {"f32": F32, "f64": F64, "bool": BOOL}
    if text in simple:
        return simple[text]
    if match := re.fullmatch(r"([iu])(\d{1,2})", text):
        bits = int(match[2])
        if 1 <= bits <= 64:
            return signed(bits) if match[1] == "i" else unsigned(bits)
    if match := re.fullmatch(r"int\[(.+)\.\.(.+)\]", text):
        return integer(_parse_int(match[1]), _parse_int(match[2]))
    raise ProgramError("unknown numeric type", found=text, allowed="f32, f64, bool, i8, u5, int[lo..hi]")


def _parse_int(text: str) -> int:
    match = re.fullmatch(r"(-?)\(?2\^(\d{1,2})([+-]1)?\)?", text)
    if match:
        size = (1 << int(match[2])) + int(match[3] or 0)
        return -size if match[1] else size
    try:
        return int(text)
    except ValueError:
        raise ProgramError("unknown integer bound", found=text, allowed="-128, 2^23, -(2^23-1)") from None


def of_dtype(dtype: np.dtype[np.generic], lo: int = 0, hi: int = 0) -> NumType:
    """The arithmetic type of a stored array: floats by width, integers by the range of their values.

    f16 and bfloat-like dtypes have no arithmetic type: raises ``ProgramError``.
    """
    if dtype == np.float32:
        return F32
    if dtype == np.float64:
        return F64
    if dtype == np.bool_:
        return BOOL
    if dtype.kind in "iu":
        return integer(lo, hi)
    raise ProgramError("no arithmetic type for this dtype", found=str(dtype), allowed="f32, f64, bool, integers")


@dataclass(frozen=True, slots=True)
class Quantisation:
    """What an integer means: ``value = scale * integer``. ``scale`` is exact, a ratio of integers."""

    scale: Fraction

    def __str__(self) -> str:
        return f"x {float(self.scale):.6g}"
