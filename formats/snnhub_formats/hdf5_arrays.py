"""Numbers and strings of checked HDF5 datasets. Chunks under gzip are inflated here, to no more than they declare.

HDF5's own deflate filter goes on as long as the stream does, whatever the size of the chunk: a megabyte may become
a gigabyte. Here a chunk that is longer or shorter than declared is an error, and several are inflated at a time.
"""

from __future__ import annotations

import os
import zlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import product
from math import prod

import h5py
import numpy as np
from snnhub.errors import FormatError
from snnhub.ir.tensor import STORED_DTYPES, Array

DEFLATE = 1
SHUFFLE = 2
SMALL_CHUNKS = 2**16
"""So many chunks may be of any size; more need ``CHUNK_BYTES`` each."""
CHUNK_BYTES = 2**10
AHEAD = 16
"""Chunks that are held compressed at a time."""
TEXT_BYTES = 2**26
"""Memory for the strings of one dataset, and of one reading of a part of it."""


def numbers(item: h5py.Dataset, where: str) -> Array:
    """The numbers in the byte order of this machine, C order; a scalar is 0-d, truth values are bool.

    ``item`` has passed ``check_dataset``. Raises ``FormatError`` for strings, for widths that no tensor has, and
    for chunks that are not what they declare.
    """
    dtype = item.dtype.newbyteorder("=")
    if dtype.name not in STORED_DTYPES and dtype.kind != "b":
        raise FormatError(
            "needs numbers", where=where, found=str(item.dtype), allowed=", ".join(sorted(STORED_DTYPES))
        )
    plan = item.id.get_create_plist()
    filters = tuple(plan.get_filter(index)[0] for index in range(plan.get_nfilters()))
    if DEFLATE in filters and set(filters) <= {DEFLATE, SHUFFLE}:
        return _inflated(item, filters, where).astype(dtype, copy=False)
    array = np.empty(item.shape, dtype)
    if array.size:
        item.read_direct(array)
    return array


def _inflated(item: h5py.Dataset, filters: tuple[int, ...], where: str) -> Array:
    stored = item.id.dtype
    whole = np.empty(item.shape, stored)
    grid = [range(0, size, step) for size, step in zip(item.shape, item.chunks, strict=True)]
    bytes_each = prod(item.chunks) * stored.itemsize
    count = prod(len(axis) for axis in grid)
    if count > SMALL_CHUNKS and bytes_each < CHUNK_BYTES:
        raise FormatError("HDF5 chunks are too many and too small", where=where, found=f"{count} chunks")

    def place(corner: tuple[int, ...], mask: int, raw: bytes) -> None:
        data = _unfiltered(raw, mask, filters, bytes_each, stored.itemsize, f"{where}{list(corner)}")
        block = np.frombuffer(data, stored).reshape(item.chunks)
        ends = [min(at + step, size) for at, step, size in zip(corner, item.chunks, item.shape, strict=True)]
        target = tuple(slice(at, end) for at, end in zip(corner, ends, strict=True))
        whole[target] = block[tuple(slice(0, end - at) for at, end in zip(corner, ends, strict=True))]

    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        waiting = []
        for corner, chunk in _chunks(item, grid):
            if chunk is None:
                spots = tuple(slice(at, at + step) for at, step in zip(corner, item.chunks, strict=True))
                whole[spots] = item.fillvalue
                continue
            waiting.append(pool.submit(place, corner, *chunk))
            if len(waiting) >= AHEAD:
                waiting.pop(0).result()
        for task in waiting:
            task.result()
    return whole


def _chunks(item: h5py.Dataset, grid: list[range]) -> Iterator[tuple[tuple[int, ...], tuple[int, bytes] | None]]:
    """Corner, filter mask and stored bytes of every chunk; None for one that is not stored."""
    for corner in product(*grid):
        told = item.id.get_chunk_info_by_coord(corner)
        yield corner, None if told.byte_offset is None else item.id.read_direct_chunk(corner)


def _unfiltered(raw: bytes, mask: int, filters: tuple[int, ...], size: int, width: int, where: str) -> bytes:
    """The bytes of a chunk. Bit n of ``mask``: filter n was not applied. Filters are undone last to first."""
    data = raw
    for index, number in reversed(list(enumerate(filters))):
        if mask >> index & 1:
            continue
        if number == DEFLATE:
            data = _inflate(data, size, where)
        elif len(data) == size:
            data = np.frombuffer(data, np.uint8).reshape(width, -1).T.tobytes()
    if len(data) != size:
        raise FormatError("HDF5 chunk is not of its size", where=where, found=str(len(data)), allowed=str(size))
    return data


def _inflate(data: bytes, size: int, where: str) -> bytes:
    stream = zlib.decompressobj()
    try:
        found = stream.decompress(data, size)
        rest = b"" if stream.eof else stream.decompress(stream.unconsumed_tail, 1)
    except zlib.error as problem:
        raise FormatError("broken HDF5 chunk", where=where, found=str(problem)[:80]) from None
    if len(found) != size or rest or not stream.eof:
        words = "more" if rest else str(len(found))
        raise FormatError("HDF5 chunk is not of its size", where=where, found=words, allowed=f"{size} bytes")
    return found


def is_text(item: h5py.Dataset) -> bool:
    """Whether a dataset holds strings, of fixed or variable length."""
    return h5py.check_string_dtype(item.dtype) is not None


def strings(item: h5py.Dataset, where: str) -> list[str]:
    """All strings of a dataset in C order, decoded strictly as UTF-8.

    Many strings may be one and the same in the file: they are read in parts, so that memory stays bounded. Raises
    ``FormatError`` for other bytes than UTF-8, NUL characters, and more than ``TEXT_BYTES`` in all.
    """
    flat: list[str] = []
    total, each = 0, max(1, TEXT_BYTES // max(1, item.file.id.get_filesize()))
    rows = item.shape[0] if item.shape else 1
    each = max(1, each // max(1, prod(item.shape[1:])))
    for start in range(0, rows, each):
        part = np.asarray(item[start : start + each] if item.shape else item[()], object).reshape(-1)
        for value in part:
            text = _text(value, where)
            total += len(text)
            flat.append(text)
        if total > TEXT_BYTES:
            raise FormatError("too much text", where=where, allowed=f"{TEXT_BYTES} characters")
    return flat


def _text(value: object, where: str) -> str:
    try:
        text = value.decode("utf-8") if isinstance(value, bytes) else value
    except UnicodeDecodeError:
        raise FormatError("string is not UTF-8", where=where, found=repr(value)[:80]) from None
    if not isinstance(text, str) or "\0" in text:
        raise FormatError("string is not text", where=where, found=repr(value)[:80])
    try:
        text.encode()
    except UnicodeEncodeError:  # h5py's way to hand over bytes that are not UTF-8
        raise FormatError("string is not UTF-8", where=where, found=repr(value)[:80]) from None
    return text
