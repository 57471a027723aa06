"""Files that are written whole or not at all."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from snnhub.errors import UsageError

PREFIX = ".snnhub-"
"""Unfinished files are named so, in the folder of the file they were to become. A killed process leaves one."""
NAME_LENGTH = 64
"""Letters of the final name that go into the name of the unfinished file: file systems take 255 bytes."""


@contextmanager
def replacing(path: Path) -> Iterator[BinaryIO]:
    """A binary file that becomes ``path`` when the block ends well, and vanishes when it does not.

    Raises ``UsageError`` if the folder cannot be written.
    """
    temporary = ""
    try:
        handle, temporary = tempfile.mkstemp(prefix=f"{PREFIX}{path.name[:NAME_LENGTH]}.", dir=path.parent)
        with os.fdopen(handle, "w+b") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.chmod(temporary, 0o666 & ~_umask())
        os.replace(temporary, path)
        temporary = ""
    except OSError as problem:
        raise UsageError("cannot be written", where=str(path), found=problem.strerror or str(problem)) from None
    finally:
        if temporary and os.path.exists(temporary):
            os.unlink(temporary)


@contextmanager
def staged(path: Path | None, suffix: str = "") -> Iterator[Path]:
    """A place to write to that becomes ``path`` when the block ends well; nothing is kept where ``path`` is None.

    Raises ``UsageError`` if the folder cannot be written.
    """
    name, folder = (path.name, path.parent) if path is not None else (f"network{suffix}", None)
    try:
        place = tempfile.TemporaryDirectory(prefix=f"{PREFIX}{name[:NAME_LENGTH]}.", dir=folder)
    except OSError as problem:
        raise UsageError("cannot be written", where=str(path), found=problem.strerror or str(problem)) from None
    with place as made:
        staging = Path(made) / name
        yield staging
        if path is None:
            return
        try:
            for item in sorted(Path(made).iterdir(), key=lambda item: item == staging):
                os.replace(item, path.parent / item.name)
        except OSError as problem:
            raise UsageError("cannot be written", where=str(path), found=problem.strerror or "") from None


def check_writable(path: Path) -> None:
    """Raise ``UsageError`` now rather than after minutes of work if the file could not be written."""
    folder = path.parent
    if not folder.is_dir():
        raise UsageError("folder does not exist", where=str(folder), remedy=f"Make it: mkdir -p {folder}")
    if path.is_dir():
        raise UsageError("is a folder", where=str(path), remedy="Give a file name")
    if not os.access(folder, os.W_OK):
        raise UsageError("folder cannot be written", where=str(folder))


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
