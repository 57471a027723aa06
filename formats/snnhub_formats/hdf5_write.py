"""Arrays into HDF5, as every reader of it takes them: shuffled, and deflated by several threads at once."""

from __future__ import annotations

import os
import zlib
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import product
from math import prod

import h5py
import numpy as np
from snnhub.errors import UsageError
from snnhub.ir.tensor import Array

COMPRESSIONS = ("gzip", "lzf", "none")
SMALL = 2**12
"""Bytes up to which an array is stored plainly: it would only grow."""
CHUNK = 2**20
LEVEL = 1
"""Of deflate. On shuffled weights higher levels save 1 % and cost three times as long."""
AHEAD = 16


def write_array(group: h5py.Group, name: str, array: Array, compression: str = "gzip") -> None:
    """A dataset ``name`` with these numbers, dtype and shape; a scalar stays one.

    Raises ``UsageError`` for an unknown compression.
    """
    if compression not in COMPRESSIONS:
        raise UsageError("unknown compression", found=compression, allowed=", ".join(COMPRESSIONS))
    if array.nbytes <= SMALL or compression == "none" or array.dtype.kind not in "iuf":
        group.create_dataset(name, data=array)
    elif compression == "lzf":
        group.create_dataset(name, data=array, chunks=_chunk(array), compression="lzf", shuffle=True)
    else:
        settings = {"compression": "gzip", "compression_opts": LEVEL, "shuffle": True}
        item = group.create_dataset(name, array.shape, array.dtype, chunks=_chunk(array), **settings)
        for corner, data in _deflated(array, item.chunks):
            item.id.write_direct_chunk(corner, data)


def _chunk(array: Array) -> tuple[int, ...]:
    """About ``CHUNK`` bytes: whole rows, or a part of one."""
    left = max(1, CHUNK // array.itemsize)
    sizes = []
    for size in reversed(array.shape):
        sizes.append(max(1, min(size, left)))
        left = max(1, left // max(1, size))
    return tuple(reversed(sizes))


def _deflated(array: Array, chunks: tuple[int, ...]) -> Iterator[tuple[tuple[int, ...], bytes]]:
    grid = [range(0, size, step) for size, step in zip(array.shape, chunks, strict=True)]
    waiting: deque[tuple[tuple[int, ...], Future[bytes]]] = deque()
    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        for corner in product(*grid):
            part = array[tuple(slice(at, at + step) for at, step in zip(corner, chunks, strict=True))]
            waiting.append((corner, pool.submit(_packed, part, chunks)))
            if len(waiting) >= AHEAD:
                place, task = waiting.popleft()
                yield place, task.result()
        for place, task in waiting:
            yield place, task.result()


def _packed(part: Array, chunks: tuple[int, ...]) -> bytes:
    if part.shape != chunks:  # at the edge: HDF5 stores whole chunks
        whole = np.zeros(chunks, part.dtype)
        whole[tuple(slice(0, size) for size in part.shape)] = part
        part = whole
    flat = np.ascontiguousarray(part).reshape(-1)
    planes = flat.view(np.uint8).reshape(prod(chunks), part.dtype.itemsize).T
    return zlib.compress(np.ascontiguousarray(planes).data, LEVEL)
