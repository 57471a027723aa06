"""Tensor payloads: written by the safetensors library, mapped by a strict header reader of ours.

The library opens whole files only; here the payload is a member of a larger file and stays on disk.
"""

from __future__ import annotations

import json
import mmap
import struct
from collections.abc import Callable, Mapping
from math import prod
from typing import Any, BinaryIO

import numpy as np
from safetensors.numpy import save
from snnhub.errors import FormatError
from snnhub.ir.tensor import Array

from snnhub_formats.zipread import Member

HEADER_LIMIT = 2**26
MAX_RANK = 32
DTYPES = {
    "F16": "float16",
    "F32": "float32",
    "F64": "float64",
    "I8": "int8",
    "I16": "int16",
    "I32": "int32",
    "I64": "int64",
    "U8": "uint8",
    "U16": "uint16",
    "U32": "uint32",
    "U64": "uint64",
}


def encode(arrays: Mapping[str, Array]) -> bytes:
    """Safetensors bytes. Same arrays, same bytes: the library orders them by dtype and name."""
    return save({name: np.asarray(array, order="C") for name, array in arrays.items()})


def data_offset(payload: bytes) -> int:
    """Where the numbers begin inside safetensors bytes."""
    size: int = struct.unpack_from("<Q", payload)[0]
    return 8 + size


class Payload:
    """The tensors of a member of an open file, memory-mapped and read-only."""

    def __init__(self, file: BinaryIO, member: Member, where: str) -> None:
        self._where = f"{where}:{member.name}"
        header, start = _header(file, member, self._where)
        self._entries = _entries(header, member.size - start, self._where)
        self._start = member.offset + start
        self._map = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) if member.size > start else None

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(self._entries)

    def describe(self, name: str) -> tuple[tuple[int, ...], np.dtype[Any]]:
        """Shape and dtype. Raises ``FormatError`` for a tensor that is not there."""
        if name not in self._entries:
            raise FormatError("tensor is missing from the payload", where=self._where, found=name)
        dtype, shape, _ = self._entries[name]
        return shape, dtype

    def loader(self, name: str) -> Callable[[], Array]:
        """A function that returns the numbers as a view of the mapped file."""
        dtype, shape, begin = self._entries[name]
        if self._map is None or prod(shape) == 0:
            return lambda: np.zeros(shape, dtype)
        mapped, offset = self._map, self._start + begin
        return lambda: np.frombuffer(mapped, dtype.newbyteorder("<"), prod(shape), offset).reshape(shape)


def _header(file: BinaryIO, member: Member, where: str) -> tuple[dict[str, Any], int]:
    file.seek(member.offset)
    prefix = file.read(min(8, member.size))
    size = struct.unpack("<Q", prefix)[0] if len(prefix) == 8 else -1
    if not 0 < size <= min(HEADER_LIMIT, member.size - 8):
        raise FormatError("broken or oversized safetensors header", where=where, found=f"{size} bytes")
    try:
        header = json.loads(file.read(size), object_pairs_hook=_unique)
    except (ValueError, RecursionError) as problem:
        raise FormatError("safetensors header is not JSON", where=where, found=str(problem)[:80]) from None
    if not isinstance(header, dict):
        raise FormatError("safetensors header is not an object", where=where)
    return header, 8 + size


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    table = dict(pairs)
    if len(table) != len(pairs):
        raise ValueError("duplicate key")
    return table


Entry = tuple[np.dtype[Any], tuple[int, ...], int]


def _entries(header: dict[str, Any], available: int, where: str) -> dict[str, Entry]:
    """Dtype, shape and begin by name; every byte of the payload belongs to exactly one tensor."""
    found: dict[str, Entry] = {}
    spans: list[tuple[int, int]] = []
    for name, entry in header.items():
        place = f"{where}:{name}"
        if not isinstance(entry, dict) or set(entry) != {"dtype", "shape", "data_offsets"}:
            raise FormatError("broken tensor entry", where=place)
        shape, offsets, dtype_name = entry["shape"], entry["data_offsets"], entry["dtype"]
        if dtype_name not in DTYPES:
            raise FormatError("unknown dtype", where=place, found=str(dtype_name), allowed=", ".join(DTYPES))
        if not _sizes(shape) or len(shape) > MAX_RANK or not _sizes(offsets) or len(offsets) != 2:
            raise FormatError("broken shape or offsets", where=place)
        dtype = np.dtype(DTYPES[dtype_name])
        begin, end = offsets
        if end - begin != prod(shape) * dtype.itemsize or end > available:
            raise FormatError("tensor size does not fit its offsets", where=place, found=f"{shape}, {offsets}")
        found[name] = (dtype, tuple(shape), begin)
        spans.append((begin, end))
    position = 0
    for begin, end in sorted(spans):
        if begin != position:
            raise FormatError("hole or overlap between tensors", where=where, found=f"byte {begin}")
        position = end
    if position != available:
        raise FormatError("bytes after the last tensor", where=where, found=str(available - position))
    return found


def _sizes(values: Any) -> bool:
    return isinstance(values, list) and all(
        isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**48 for value in values
    )
