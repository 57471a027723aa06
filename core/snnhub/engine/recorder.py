"""Where recorded values go: arrays in memory, or files on disk when they would be large."""

from __future__ import annotations

import re
import shutil
import tempfile
import weakref
from collections.abc import Mapping
from math import prod
from pathlib import Path

import numpy as np

from snnhub.errors import UsageError
from snnhub.ir.tensor import Array

MEMORY_BYTES = 2**30
"""Recordings above this size go to files in a temporary folder and come back memory-mapped."""


class Folder:
    """A temporary folder that is removed when nothing refers to it any more."""

    def __init__(self) -> None:
        self.path = Path(tempfile.mkdtemp(prefix="snnhub-rec-"))
        self._remove = weakref.finalize(self, shutil.rmtree, self.path, True)


class Recorder:
    """Collects blocks by record key into arrays (time, samples, *features).

    ``folder`` must outlive the arrays; None if they are in memory.
    """

    def __init__(
        self, shapes: Mapping[str, tuple[tuple[int, ...], np.dtype[np.generic]]], steps: int, samples: int
    ) -> None:
        total = sum(prod((steps, samples, *shape)) * dtype.itemsize for shape, dtype in shapes.values())
        self.folder = Folder() if total > MEMORY_BYTES else None
        if self.folder is not None:
            free = shutil.disk_usage(self.folder.path).free
            if total > free:
                raise UsageError(
                    "the recording needs more room than there is",
                    where=str(self.folder.path),
                    found=f"{total} bytes",
                    allowed=f"{free} bytes are free",
                    remedy="Record less, run fewer steps or samples, or set TMPDIR to a larger disk.",
                )
        self.arrays: dict[str, Array] = {}
        for number, (key, (shape, dtype)) in enumerate(shapes.items()):
            self.arrays[key] = self._allocate(number, key, (steps, samples, *shape), dtype)

    def _allocate(self, number: int, key: str, shape: tuple[int, ...], dtype: np.dtype[np.generic]) -> Array:
        if self.folder is None or 0 in shape:
            return np.zeros(shape, dtype)
        name = re.sub(r"[^A-Za-z0-9]+", "-", key)
        path = self.folder.path / f"{number}-{name}.npy"
        return np.lib.format.open_memmap(path, mode="w+", dtype=dtype, shape=shape)

    def put(self, key: str, first_step: int, samples: slice, values: Array) -> None:
        """Store a block (time, samples, *features)."""
        self.arrays[key][first_step : first_step + values.shape[0], samples] = values
