"""Checked access to HDF5: nothing outside the file is ever read, and nothing is allocated on its word alone.

External and soft links, external storage, virtual datasets, references and filters other than gzip, lzf and
shuffle are refused; sizes are compared with what is stored before anything is read; the tree is walked without
recursion. Attributes are never read.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from math import prod
from pathlib import Path

import h5py
from snnhub.errors import FormatError, UsageError

SIGNATURE = b"\x89HDF\r\n\x1a\n"
MAX_RATIO = 1100
"""Deflate cannot do better than about 1032 to 1; a dataset that claims more was not written honestly."""
FILL_ONLY_BYTES = 2**16
"""A dataset of which nothing is stored may be this large; beyond, its size is only a claim."""
MAX_RANK = 32
FILTERS = {1: "gzip", 2: "shuffle", 32000: "lzf"}
"""By HDF5's numbers. Others may be code from elsewhere, or expand without a bound."""
CHUNK_FLOOR = 2**20
"""A chunk may be larger than its dataset up to this."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What a file may ask for. ``total``: bytes of all datasets. ``expansion``: bytes of all datasets per byte of
    the file, from ``modest`` bytes on; 0 for no such limit.
    """

    objects: int = 100_000
    depth: int = 16
    total: int = 2**32
    expansion: int = 0
    modest: int = 2**28

    def bytes_for(self, size: int) -> int:
        """The largest sum of datasets for a file of ``size`` bytes."""
        return min(self.total, max(self.modest, self.expansion * size)) if self.expansion else self.total


@contextmanager
def opened(path: Path, limits: Limits) -> Iterator[h5py.File]:
    """An HDF5 file whose whole tree has been checked. Raises ``UsageError`` or ``FormatError``.

    What goes wrong inside the block in HDF5 itself is a ``FormatError``, too.
    """
    try:
        file = h5py.File(path, "r")
    except FileNotFoundError:
        raise UsageError("no such file", where=str(path)) from None
    except (OSError, RuntimeError, ValueError, MemoryError) as problem:
        detail = (str(problem).splitlines() or [type(problem).__name__])[0][:120]
        raise FormatError("not a readable HDF5 file", where=str(path), found=detail) from None
    with file:
        try:
            try:
                check_tree(file, str(path), limits, path.stat().st_size)
            except TypeError as problem:  # h5py's word for types that HDF5 does not have
                raise ValueError(problem) from None
            yield file
        except (RuntimeError, KeyError, ValueError, OSError, MemoryError, OverflowError) as problem:
            detail = str(problem)[:120] or type(problem).__name__
            raise FormatError("broken HDF5", where=str(path), found=detail) from None


def begins_as_hdf5(head: bytes) -> bool:
    """Whether the first 4096 bytes are those of an HDF5 file, also behind a user block."""
    return any(head[at : at + len(SIGNATURE)] == SIGNATURE for at in (0, 512, 1024, 2048))


def has_hard_links(path: Path, *names: str) -> bool:
    """Whether the file has an object under these names, each a hard link within the one before. Never raises."""
    try:
        with h5py.File(path, "r") as file:
            group: h5py.Group = file
            for name in names:
                if not isinstance(group.get(name, getlink=True), h5py.HardLink):
                    return False
                group = group[name]
            return True
    except (OSError, KeyError, RuntimeError, AttributeError, TypeError, ValueError):
        return False


def check_tree(root: h5py.Group, where: str, limits: Limits, file_size: int) -> None:
    """Walk every object once. Raises ``FormatError`` at the first thing that is not plain HDF5 data."""
    seen: set[int] = set()
    pending = [("", root, 0)]
    links = total = 0
    largest = limits.bytes_for(file_size)
    while pending:
        prefix, group, depth = pending.pop()
        for name in group:
            place, links = f"{prefix}/{name}", links + 1
            if depth >= limits.depth or links > limits.objects:
                allowed = f"{limits.depth} levels, {limits.objects} links"
                raise FormatError("HDF5 tree is too deep or too large", where=f"{where}:{prefix}", allowed=allowed)
            item = _object(group, name, f"{where}:{place}")
            address = h5py.h5o.get_info(item.id).addr
            if isinstance(item, h5py.Group):
                if address in seen:
                    raise FormatError("HDF5 group is linked twice", where=f"{where}:{place}")
                pending.append((place, item, depth + 1))
            else:
                total += check_dataset(item, f"{where}:{place}")  # a dataset of many names is read under each
                if total > largest:
                    raise FormatError(
                        "HDF5 tree is too deep or too large: its datasets are more than the file can mean",
                        where=f"{where}:{place}",
                        found=f"{total} bytes in a file of {file_size}",
                        allowed=f"{largest} bytes",
                    )
            seen.add(address)


def _object(group: h5py.Group, name: str, place: str) -> h5py.Group | h5py.Dataset:
    link = group.get(name, getlink=True)
    if not isinstance(link, h5py.HardLink):
        raise FormatError(
            "HDF5 link leads elsewhere; links are never followed",
            where=place,
            found=type(link).__name__,
            allowed="hard links",
        )
    item = group[name]
    if not isinstance(item, h5py.Group | h5py.Dataset):
        raise FormatError("named HDF5 types have no place here", where=place)
    return item


def check_dataset(item: h5py.Dataset, where: str) -> int:
    """The declared size in bytes. Raises ``FormatError`` if it cannot be real, is not plain numbers or strings, or
    the data lie elsewhere.
    """
    if item.is_virtual or item.external:
        raise FormatError(
            "HDF5 data outside the file are never read",
            where=where,
            found="virtual dataset" if item.is_virtual else "external storage",
        )
    if item.shape is None:
        raise FormatError("empty HDF5 dataset", where=where)
    _check_type(item, where)
    filters = _filters(item, where)
    size = prod(item.shape) * int(item.dtype.itemsize)
    stored = item.id.get_storage_size()
    allowed = max(FILL_ONLY_BYTES, stored * (MAX_RATIO if {"gzip", "lzf"} & set(filters) else 1))
    if size > allowed:
        raise FormatError(
            "declared size is far beyond what is stored",
            where=where,
            found=f"{list(item.shape)} {item.dtype}, {size} bytes",
            allowed=f"{stored} bytes are stored",
        )
    if item.chunks is not None and prod(item.chunks) * int(item.dtype.itemsize) > max(CHUNK_FLOOR, size):
        raise FormatError(
            "chunks are larger than the dataset", where=where, found=str(item.chunks), allowed=str(item.shape)
        )
    return int(size)


def _check_type(item: h5py.Dataset, where: str) -> None:
    """Numbers, truth values and strings. Compounds, references, enumerations and sequences are refused."""
    dtype = item.dtype
    plain = dtype.kind in "iufbS" or (dtype.kind == "O" and h5py.check_string_dtype(dtype) is not None)
    if not plain or dtype.subdtype is not None or h5py.check_enum_dtype(dtype) is not None or item.ndim > MAX_RANK:
        raise FormatError("needs numbers or strings", where=where, found=str(dtype))


def _filters(item: h5py.Dataset, where: str) -> tuple[str, ...]:
    plan = item.id.get_create_plist()
    numbers = [plan.get_filter(index)[0] for index in range(plan.get_nfilters())]
    strange = [str(number) for number in numbers if number not in FILTERS]
    names = tuple(FILTERS[number] for number in numbers if number in FILTERS)
    if strange or len(set(names)) != len(names):
        raise FormatError(
            "HDF5 filter is never run",
            where=where,
            found=", ".join(strange or names),
            allowed=", ".join(FILTERS.values()),
        )
    return names
