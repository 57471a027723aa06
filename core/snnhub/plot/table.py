"""The numbers of a picture, beside it: a ``.csv`` with the same stem."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from snnhub.errors import UsageError
from snnhub.files import check_writable, replacing

SUFFIX = ".csv"


@dataclass(frozen=True)
class Table:
    """``columns`` and ``rows``; floats are written so that reading them gives the same number back."""

    columns: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]

    def write(self, path: Path) -> None:
        """Raises ``UsageError`` if the folder cannot be written."""
        with replacing(path) as file:
            text = io.TextIOWrapper(file, encoding="utf-8", newline="")
            writer = csv.writer(text, lineterminator="\n")
            writer.writerow(self.columns)
            writer.writerows(self.rows)
            text.detach()


def beside(paths: Iterable[Path]) -> tuple[Path, ...]:
    """Where the table of each picture goes; ``a.png`` and ``a.svg`` share one."""
    return tuple(dict.fromkeys(path.with_suffix(SUFFIX) for path in paths))


def ensure_free(pictures: Sequence[Path], columns: Sequence[str], sources: Iterable[object]) -> None:
    """Raise ``UsageError`` where a picture or its table would replace what is drawn, or a file that is no table of
    such a picture: its name was not given, so nobody expects it to be gone.
    """
    used = {Path(item).resolve() for item in sources if isinstance(item, str | Path) and Path(item).is_file()}
    for path in (*pictures, *beside(pictures)):
        if path.resolve() in used:
            raise UsageError(
                "would replace what is drawn", where=str(path), remedy="Give the picture another name."
            )
    for path in beside(pictures):
        check_writable(path)
        if path.exists() and _heading(path) != list(columns):
            words = "the numbers of the picture go there, and a file of another kind is there already"
            raise UsageError(words, where=str(path), remedy="Give the picture another name, or move the file.")


def _heading(path: Path) -> list[str]:
    with path.open(encoding="utf-8", errors="replace", newline="") as file:
        return file.readline().rstrip("\r\n").split(",")
