"""Checked access to HDF5: nothing outside the file is ever read, and nothing is allocated on its word alone.

External and soft links, external storage and virtual datasets are refused, sizes are compared with what
is stored before anything is read, and the tree is walked without recursion.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import h5py
import numpy as np
from snnhub.errors import FormatError, UsageError
from snnhub.ir.tensor import Array

MAX_OBJECTS = 100_000
MAX_DEPTH = 16
MAX_BYTES = 2**32
MAX_RATIO = 1100
"""Deflate cannot do better than about 1032 to 1; a dataset that claims more was not written honestly."""
FILL_ONLY_BYTES = 2**16
"""A dataset of which nothing is stored may be this large; beyond, its size is only a claim."""


@contextmanager
def opened(path: Path) -> Iterator[h5py.File]:
    """An HDF5 file whose whole tree has been checked. Raises ``UsageError`` or ``FormatError``."""
    try:
        file = h5py.File(path, "r")
    except FileNotFoundError:
        raise UsageError("no such file", where=str(path)) from None
    except OSError as problem:
        detail = str(problem).splitlines()[0][:120]
        raise FormatError("not a readable HDF5 file", where=str(path), found=detail) from None
    with file:
        try:
            try:
                check_tree(file, str(path))
            except TypeError as problem:  # h5py's word for types that HDF5 does not have
                raise ValueError(problem) from None
            yield file
        except (RuntimeError, KeyError, ValueError, OSError) as problem:
            raise FormatError("broken HDF5", where=str(path), found=str(problem)[:120]) from None


def looks_like_netx(path: Path) -> bool:
    """Whether the file has ``/layer/0/type`` as a hard link inside itself. Never raises."""
    try:
        with h5py.File(path, "r") as file:
            group: h5py.Group = file
            for name in ("layer", "0", "type"):
                if not isinstance(group.get(name, getlink=True), h5py.HardLink):
                    return False
                group = group[name]
            return True
    except (OSError, KeyError, RuntimeError, AttributeError, TypeError, ValueError):
        return False


def check_tree(root: h5py.Group, where: str) -> None:
    """Walk every object once. Raises ``FormatError`` at the first thing that is not plain HDF5 data."""
    seen: set[int] = set()
    pending = [("", root, 0)]
    links = total = 0
    while pending:
        prefix, group, depth = pending.pop()
        for name in group:
            place, links = f"{prefix}/{name}", links + 1
            if depth >= MAX_DEPTH or links > MAX_OBJECTS or total > MAX_BYTES:
                raise FormatError("HDF5 tree is too deep or too large", where=f"{where}:{prefix}")
            link = group.get(name, getlink=True)
            if not isinstance(link, h5py.HardLink):
                raise FormatError(
                    "HDF5 link leads elsewhere; links are never followed",
                    where=f"{where}:{place}",
                    found=type(link).__name__,
                    allowed="hard links",
                )
            item = group[name]
            address = h5py.h5o.get_info(item.id).addr
            if isinstance(item, h5py.Group):
                if address in seen:
                    raise FormatError("HDF5 group is linked twice", where=f"{where}:{place}")
                pending.append((place, item, depth + 1))
            elif isinstance(item, h5py.Dataset):
                total += check_dataset(item, f"{where}:{place}")  # a dataset of many names is read under each
            else:
                raise FormatError("named HDF5 types have no place here", where=f"{where}:{place}")
            seen.add(address)


def check_dataset(item: h5py.Dataset, where: str) -> int:
    """The declared size in bytes. Raises ``FormatError`` if it cannot be real, or the data lie elsewhere."""
    if item.is_virtual or item.external:
        raise FormatError(
            "HDF5 data outside the file are never read",
            where=where,
            found="virtual dataset" if item.is_virtual else "external storage",
        )
    if item.shape is None:
        raise FormatError("empty HDF5 dataset", where=where)
    size = int(np.prod(item.shape, dtype=object)) * int(item.dtype.itemsize)
    stored = item.id.get_storage_size()
    compressed = item.chunks is not None and item.compression is not None
    allowed = max(FILL_ONLY_BYTES, stored * (MAX_RATIO if compressed else 1))
    if size > min(allowed, MAX_BYTES):
        raise FormatError(
            "declared size is far beyond what is stored",
            where=where,
            found=f"{list(item.shape)} {item.dtype}, {size} bytes",
            allowed=f"{stored} bytes are stored",
        )
    return size


def text(item: h5py.Dataset, where: str) -> str:
    """A string: scalar or of length 1, fixed or variable. Raises ``FormatError`` otherwise."""
    if item.size != 1:
        raise FormatError("needs one string", where=where, found=str(list(item.shape)))
    value = item[()]
    if isinstance(value, np.ndarray):
        value = value.reshape(-1)[0]
    if isinstance(value, bytes):
        try:
            return value.decode("ascii")
        except UnicodeDecodeError:
            raise FormatError("string is not ASCII", where=where, found=repr(value)) from None
    if isinstance(value, str):
        return value
    raise FormatError("needs a string", where=where, found=str(item.dtype))


def integers(item: h5py.Dataset, where: str) -> Array:
    """Whole numbers as int64, whatever numeric dtype stores them.

    Raises ``FormatError`` for NaN, infinities and fractions, which Lava would truncate without a word.
    """
    if item.dtype.kind not in "iufb":
        raise FormatError("needs numbers", where=where, found=str(item.dtype))
    array = np.asarray(item[()])
    if array.dtype.kind == "f":
        wrong = ~np.isfinite(array) | (array != np.rint(array)) | (np.abs(array) > 2.0**53)
        if wrong.any():
            first = tuple(int(i) for i in np.argwhere(wrong)[0]) if array.ndim else ()
            raise FormatError(
                f"{int(np.count_nonzero(wrong))} of {array.size} values are not whole numbers",
                where=f"{where}{list(first) if first else ''}",
                found=str(array[first]),
                allowed="integers (Lava would truncate the rest without a word)",
            )
    return array.astype(np.int64)


def truncated(item: h5py.Dataset, where: str) -> tuple[Array, int, float]:
    """Numbers cut toward zero to int64, how many of them were not whole, and the first of those (0 if none).

    Raises ``FormatError`` for NaN, infinities and numbers beyond 2^53.
    """
    if item.dtype.kind not in "iufb":
        raise FormatError("needs numbers", where=where, found=str(item.dtype))
    array = np.asarray(item[()], np.float64)
    if not (np.abs(array) <= 2.0**53).all():
        raise FormatError("numbers are NaN, infinite or too large", where=where, allowed="finite numbers")
    broken = array[array != np.trunc(array)]
    return np.trunc(array).astype(np.int64), broken.size, float(broken[0]) if broken.size else 0.0
