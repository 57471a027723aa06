"""The numbers and strings of NetX files, as Lava reads them. Access to HDF5 itself is ``snnhub_formats.hdf5``."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import h5py
import numpy as np
from snnhub.errors import FormatError
from snnhub.ir.tensor import Array
from snnhub_formats import hdf5

MAX_OBJECTS = 100_000


@contextmanager
def opened(path: Path) -> Iterator[h5py.File]:
    """An HDF5 file whose whole tree has been checked. Raises ``UsageError`` or ``FormatError``."""
    with hdf5.opened(path, hdf5.Limits(objects=MAX_OBJECTS)) as file:
        yield file


def looks_like_netx(path: Path) -> bool:
    """Whether the file has ``/layer/0/type`` as a hard link inside itself. Never raises."""
    return hdf5.has_hard_links(path, "layer", "0", "type")


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
