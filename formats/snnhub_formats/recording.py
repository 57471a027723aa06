"""Recordings on disk: ``.npz`` files (a stored zip of ``.npy``), written whole, read without unpickling."""

from __future__ import annotations

import tokenize
import zipfile
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import IO

import numpy as np
from snnhub.errors import FormatError, UsageError
from snnhub.files import replacing
from snnhub.ir.recording import Recording
from snnhub.ir.tensor import Array

DATE = (1980, 1, 1, 0, 0, 0)
BROKEN = (
    ValueError,
    OSError,
    EOFError,
    TypeError,
    OverflowError,
    MemoryError,
    RuntimeError,
    SyntaxError,
    NotImplementedError,
    tokenize.TokenError,
    zipfile.BadZipFile,
    zlib.error,
)
"""What NumPy and zipfile raise for broken files."""
INFLATED_BYTES = 2**32
"""What all compressed arrays of one file may unpack to: deflate makes a thousand bytes of one."""
MAX_ARRAYS = 100_000


def save_recording(recording: Recording, path: Path) -> None:
    """Write every array under its record key. Memory-mapped arrays are streamed. Same arrays, same bytes."""
    with replacing(path) as file, zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
        for key, array in recording.items():
            info = zipfile.ZipInfo(f"{key}.npy", DATE)
            info.external_attr = 0o644 << 16
            with archive.open(info, "w", force_zip64=array.nbytes > 2**31 - 2**16) as member:
                np.lib.format.write_array(member, np.asanyarray(array), allow_pickle=False)


def load_array(path: Path) -> Array:
    """A ``.npy`` array, or the only array of a ``.npz`` file, memory-mapped where possible.

    Raises ``UsageError`` if there is no such file, ``FormatError`` for anything but a plain numeric array:
    objects, truncated files, and sizes declared beyond the file.
    """
    if not path.is_file():
        raise UsageError("no such file", where=str(path))
    with path.open("rb") as file:
        head = file.read(6)
    if head[:4] == b"PK\3\4":
        arrays = load_arrays(path)
        if len(arrays) != 1:
            raise UsageError("needs a file with one array", where=str(path), found=", ".join(arrays) or "none")
        return next(iter(arrays.values()))
    if head != b"\x93NUMPY":
        raise FormatError(
            "not a NumPy array", where=str(path), found=f"begins with {head!r}", allowed=".npy, .npz"
        )
    try:
        return np.asanyarray(np.load(path, mmap_mode="r", allow_pickle=False))
    except BROKEN as problem:
        raise FormatError("not a readable array", where=str(path), found=_first_line(problem)) from None


def load_arrays(path: Path) -> dict[str, Array]:
    """Every array of a ``.npz`` file by key. Raises like ``load_array``."""
    if not path.is_file():
        raise UsageError("no such file", where=str(path))
    arrays: dict[str, Array] = {}
    try:
        with zipfile.ZipFile(path) as archive:
            _refuse_bombs(archive.infolist(), path)
            for item in archive.infolist():
                if not item.filename.endswith(".npy"):
                    raise FormatError("not an array", where=f"{path}:{item.filename}")
                with archive.open(item) as member:
                    arrays[item.filename.removesuffix(".npy")] = _read(
                        member, item.file_size, f"{path}:{item.filename}"
                    )
    except BROKEN as problem:
        raise FormatError("not a readable .npz file", where=str(path), found=_first_line(problem)) from None
    return arrays


def _refuse_bombs(items: Sequence[zipfile.ZipInfo], path: Path) -> None:
    """Members that overlap or inflate make a small file large: both are counted before anything is read."""
    stored = sum(item.compress_size for item in items)
    inflated = sum(item.file_size for item in items if item.compress_type != zipfile.ZIP_STORED)
    if (
        len(items) > MAX_ARRAYS
        or stored > path.stat().st_size
        or len({item.filename for item in items}) < len(items)
    ):
        raise FormatError(
            "members overlap, repeat or are too many", where=str(path), found=f"{len(items)} members"
        )
    if inflated > INFLATED_BYTES:
        raise FormatError(
            "compressed arrays unpack to too much",
            where=str(path),
            found=f"{inflated} bytes",
            allowed=f"{INFLATED_BYTES} bytes",
            remedy="Save the array as .npy, which is read from the disk as needed.",
        )


def _read(member: IO[bytes], size: int, where: str) -> Array:
    """One member, its declared shape compared with its size before anything is allocated."""
    version = np.lib.format.read_magic(member)
    reader = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    shape, fortran, dtype = reader(member)
    if dtype.hasobject:
        raise FormatError("array needs unpickling", where=where)
    count = int(np.prod(shape, dtype=object)) if shape else 1
    if count * dtype.itemsize > size:
        raise FormatError("declared size is beyond the file", where=where, found=f"{list(shape)} {dtype}")
    data = member.read(count * dtype.itemsize)
    return np.frombuffer(data, dtype, count).reshape(shape, order="F" if fortran else "C")


def load_recording(path: Path, batched: bool) -> Recording:
    """A recording that ``save_recording`` wrote; ``batched``: whether its arrays have a batch axis."""
    return Recording(load_arrays(path), batched, str(path))


def _first_line(problem: BaseException) -> str:
    return str(problem).strip().splitlines()[0][:120] if str(problem).strip() else type(problem).__name__
