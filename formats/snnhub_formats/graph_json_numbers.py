"""Numbers and types in graph-json, both ways: exact, and one text per value."""

from __future__ import annotations

import math
import re
from typing import Any

import numpy as np
from snnhub.errors import FormatError
from snnhub.ir.code import round_f32
from snnhub.ir.numtype import BOOL, F32, F64, Kind, NumType, integer
from snnhub.ir.tensor import STORED_DTYPES, Array, Tensor, tensor

from snnhub_formats.strictjson import EXACT, items, record, whole

FLOATS = {"f32": F32, "f64": F64, "bool": BOOL}
FLOAT_LETTERS = 24
"""The longest hexadecimal float, ``-0x1.0123456789abcp-1022``, has 24 letters."""
INT64 = -(2**63), 2**63 - 1
MAX_RANK = 32
MAX_ELEMENTS = 2**48


def write_int(value: int) -> int | str:
    """Decimal; as text beyond 2^53, where readers that use doubles would round."""
    return value if abs(value) <= EXACT else str(value)


def read_int(value: Any, noun: str, low: int = INT64[0], high: int = INT64[1]) -> int:
    """What ``write_int`` wrote. Raises ``FormatError`` for anything else."""
    if isinstance(value, str):
        if len(value) > 20 or not re.fullmatch(r"-?[1-9][0-9]{15,19}", value) or abs(int(value)) <= EXACT:
            raise FormatError(f"{noun} is not an integer", found=value[:40], allowed="text beyond 2^53 only")
        value = int(value)
    elif not isinstance(value, int) or isinstance(value, bool):
        raise FormatError(f"{noun} is not an integer", found=repr(value)[:40])
    if not low <= value <= high:
        raise FormatError(f"{noun} is out of range", found=str(value), allowed=f"{low} .. {high}")
    return int(value)


def read_float(value: Any, noun: str) -> float:
    """A float from the one hexadecimal text that it has: ``0x1.8000000000000p+1``, ``inf``, ``-inf``, ``nan``."""
    if isinstance(value, str) and len(value) <= FLOAT_LETTERS:
        try:
            number = float.fromhex(value)
        except (ValueError, OverflowError):
            number = 0.0
        if number.hex() == value:
            return number
    raise FormatError(f"{noun} is not a float", found=repr(value)[:40], allowed="0x1.8000000000000p+1, inf, nan")


def write_number(value: float | bool) -> int | str | bool:
    """A constant or initial value: ``true``, an integer, or a hexadecimal float."""
    if isinstance(value, bool):
        return value
    return write_int(value) if isinstance(value, int) else value.hex()


def read_number(value: Any, type_: NumType, noun: str) -> int | float | bool:
    """A value of ``type_``; an f32 must be one that f32 holds. Raises ``FormatError``."""
    if type_.is_bool:
        if not isinstance(value, bool):
            raise FormatError(f"{noun} is neither true nor false", found=repr(value)[:40])
        return value
    if type_.is_int:
        return read_int(value, noun)
    number = read_float(value, noun)
    if type_.kind is Kind.F32 and not math.isnan(number) and round_f32(number) != number:
        raise FormatError(f"{noun} is not an f32", found=str(value))
    return number


def write_type(type_: NumType) -> Any:
    """``"f32"``, ``"f64"``, ``"bool"`` or ``{"int": [lo, hi]}``."""
    return {"int": [write_int(bound) for bound in type_.range]} if type_.is_int else type_.kind.value


def read_type(value: Any) -> NumType:
    """Raises ``FormatError`` for anything else, ``ProgramError`` for an empty range."""
    if isinstance(value, str):
        if value not in FLOATS:
            raise FormatError("unknown type", found=value[:40], allowed=", ".join(FLOATS))
        return FLOATS[value]
    (bounds,) = record(value, ["int"], "type")
    low, high = items(bounds, "range", 2)
    return integer(read_int(low, "lo"), read_int(high, "hi"))


def write_tensor(item: Tensor) -> dict[str, Any]:
    """Dtype, shape, and the numbers in C order."""
    flat = item.array.ravel().tolist()
    data = [number.hex() for number in flat] if item.dtype.kind == "f" else [write_int(number) for number in flat]
    return {"dtype": item.dtype.name, "shape": list(item.shape), "data": data}


def read_tensor(value: Any) -> Tensor:
    """Raises ``FormatError`` unless there is exactly one number of the dtype for every element."""
    name, shape, data = record(value, ["dtype", "shape", "data"], "tensor")
    if not isinstance(name, str) or name not in STORED_DTYPES:
        raise FormatError("unknown dtype", found=repr(name)[:40], allowed=", ".join(sorted(STORED_DTYPES)))
    sizes, dtype = read_shape(shape, low=0), np.dtype(name)
    numbers = items(data, "data", _product(sizes))
    array = _floats(numbers, dtype) if dtype.kind == "f" else _integers(numbers, dtype)
    return tensor(array.reshape(sizes))


def _floats(numbers: list[Any], dtype: np.dtype[Any]) -> Array:
    wide = np.array([read_float(number, "data") for number in numbers], dtype=np.float64)
    with np.errstate(over="ignore"):
        array = wide.astype(dtype)
    if not np.array_equal(array.astype(np.float64), wide, equal_nan=True):
        raise FormatError(f"data hold a number that is not a {dtype.name}")
    return array


def _integers(numbers: list[Any], dtype: np.dtype[Any]) -> Array:
    info = np.iinfo(dtype)
    return np.array([read_int(number, "data", int(info.min), int(info.max)) for number in numbers], dtype=dtype)


def read_shape(value: Any, low: int = 1) -> tuple[int, ...]:
    """Sizes of at most 32 axes, all together at most 2^48 elements."""
    sizes = tuple(whole(size, "size", low, MAX_ELEMENTS) for size in items(value, "shape"))
    if len(sizes) > MAX_RANK or _product(sizes) > MAX_ELEMENTS:
        raise FormatError("shape is too large", found=f"{len(sizes)} axes", allowed="32 axes, 2^48 elements")
    return sizes


def _product(sizes: tuple[int, ...]) -> int:
    count = 1
    for size in sizes:
        count *= size
    return count
