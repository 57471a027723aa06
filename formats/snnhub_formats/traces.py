"""Recordings of any tool: arrays by name from ``.npz``, ``.npy`` and ``.csv``, read without unpickling.

What a file says of itself is kept apart: ``dt`` (seconds per step) and ``axes`` (names, time among them) as extra
arrays of a ``.npz``, names of columns in the first line of a ``.csv``.
"""

from __future__ import annotations

import io
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from snnhub.errors import FormatError, UsageError
from snnhub.ir.tensor import Array

from snnhub_formats.container import is_snn
from snnhub_formats.recording import load_array, load_arrays

CSV_BYTES = 2**28
"""Text takes ten times its size in memory; larger recordings belong into ``.npz``."""
ONLY = "output"
"""Name of the one array of a ``.npy`` file, as ``snnhub run`` names what it records."""
TOLD = ("dt", "axes")
"""Arrays of a ``.npz`` that say something about the others."""


@dataclass(frozen=True)
class Traces:
    """``arrays`` as stored. ``axes`` and ``dt``: what the file says of itself. ``named``: where the names come
    from, empty if the file has them.
    """

    arrays: dict[str, Array]
    axes: tuple[str, ...] = ()
    dt: float | None = None
    named: str = ""
    columns: tuple[str, ...] = field(default=())


def read_traces(path: Path, columns: tuple[str, ...] = ()) -> Traces:
    """Read one file by its content. ``columns``: names for a ``.csv`` without a heading.

    Raises ``UsageError`` if there is no such file or the columns do not fit, ``FormatError`` for anything but
    plain numbers.
    """
    if not path.is_file():
        raise UsageError("no such file", where=str(path))
    with path.open("rb") as file:
        start = file.read(64)
    if is_snn(start):
        raise UsageError("is a network, not a recording", where=str(path), remedy="Compare it with snnhub verify.")
    head = start[:6]
    if head[:4] == b"PK\3\4":
        return _archive(load_arrays(path), str(path))
    if head == b"\x93NUMPY":
        return Traces({ONLY: load_array(path)}, named=f"the one array is called {ONLY!r}")
    if b"\0" in head or path.suffix.lower() in (".npy", ".npz"):
        raise FormatError(
            "not a recording", where=str(path), found=f"begins with {head!r}", allowed=".npz, .npy, .csv"
        )
    return _table(path, columns)


def _archive(arrays: dict[str, Array], where: str) -> Traces:
    told = {name: arrays.pop(name) for name in TOLD if name in arrays}
    dt, axes = told.get("dt"), told.get("axes")
    if dt is not None and (dt.size != 1 or dt.dtype.kind not in "fiu" or not float(dt.reshape(-1)[0]) > 0):
        raise FormatError("dt is not one positive number", where=f"{where}:dt", found=str(list(dt.shape)))
    if axes is not None and axes.dtype.kind not in "US":
        raise FormatError("axes are not names", where=f"{where}:axes", found=str(axes.dtype))
    for name, array in arrays.items():
        if array.dtype.kind not in "fiub":
            raise FormatError("array does not hold numbers", where=f"{where}:{name}", found=str(array.dtype))
    if not arrays:
        raise FormatError("holds no recording", where=where, found=", ".join(told) or "no arrays")
    names = () if axes is None else tuple(str(name) for name in axes.reshape(-1).astype("U"))
    return Traces(arrays, names, None if dt is None else float(dt.reshape(-1)[0]))


def _table(path: Path, columns: tuple[str, ...]) -> Traces:
    """Columns of numbers, with or without one line of names."""
    size = path.stat().st_size
    if size > CSV_BYTES:
        remedy = "Save it as .npz."
        raise FormatError(
            "table is too large", where=str(path), found=f"{size} bytes", allowed=f"{CSV_BYTES}", remedy=remedy
        )
    try:
        text = path.read_text("utf-8-sig")
    except UnicodeDecodeError:
        raise FormatError("not a table of text", where=str(path), allowed=".npz, .npy, .csv") from None
    first = next((line for line in text.splitlines() if line.strip() and not line.startswith("#")), "")
    if not first:
        raise FormatError("table is empty", where=str(path))
    heading = () if _numbers(first) else tuple(part.strip().strip('"') for part in first.split(","))
    body = text.split(first, 1)[1] if heading else text
    if not any(line.strip() and not line.startswith("#") for line in body.splitlines()):
        raise FormatError("table has no rows", where=str(path))
    try:
        values = np.loadtxt(io.StringIO(body), delimiter=",", ndmin=2)
    except ValueError as problem:
        raise FormatError("not a table of numbers", where=str(path), found=str(problem)[:120]) from None
    names = columns or heading or tuple(f"column{number}" for number in range(values.shape[1]))
    if len(names) != values.shape[1] or len(set(names)) != len(names):
        raise UsageError(
            "names do not fit the columns",
            where=str(path),
            found=f"{len(set(names))} names: {', '.join(names)}",
            allowed=f"{values.shape[1]} different names",
            remedy="Pass --columns NAME,NAME,…",
        )
    named = "" if heading or columns else "no names in the file: columns are counted from 0"
    return Traces({name: values[:, i] for i, name in enumerate(names)}, named=named, columns=names)


def _numbers(line: str) -> bool:
    try:
        for part in line.split(","):
            float(part)
    except ValueError:
        return False
    return True
