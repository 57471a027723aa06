"""What a picture command gives back: the files it wrote, the numbers in them, and what was left out."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from snnhub.errors import UsageError
from snnhub.findings import Finding, ordered
from snnhub.plot.canvas import ensure_drawable
from snnhub.plot.table import Table, beside, ensure_free

Output = str | Path | Iterable[str | Path]
"""One path or several; the suffix of each says what is written."""


@dataclass(frozen=True)
class Plotted:
    """``pictures`` and, beside them, ``tables`` were written. ``rows`` has the numbers of every panel, ``facts``
    those of the whole picture. ``names``: what is shown, one side or two.
    """

    kind: str
    names: tuple[str, ...]
    pictures: tuple[Path, ...]
    tables: tuple[Path, ...]
    rows: tuple[dict[str, Any], ...]
    findings: tuple[Finding, ...]
    facts: dict[str, Any] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        return {
            "kind": self.kind,
            "shown": list(self.names),
            "pictures": [str(path) for path in self.pictures],
            "tables": [str(path) for path in self.tables],
            **self.facts,
            "rows": list(self.rows),
            "findings": [finding.to_json() for finding in self.findings],
        }


def pictures_at(output: Output, columns: Sequence[str], sources: Iterable[object]) -> tuple[Path, ...]:
    """The paths of the pictures, checked before any work is done. ``sources``: what is drawn, which no file may
    replace. Raises ``UsageError`` and ``MissingPeerError`` as ``ensure_drawable`` and ``ensure_free`` do.
    """
    given = [output] if isinstance(output, str | Path) else list(output)
    paths = tuple(dict.fromkeys(Path(item) for item in given))
    if not paths:
        raise UsageError("no picture was asked for", allowed="a path that ends in .svg or .png")
    ensure_drawable(*paths)
    ensure_free(paths, columns, sources)
    return paths


def finish(
    kind: str,
    names: Sequence[str],
    pictures: tuple[Path, ...],
    table: Table,
    rows: Iterable[dict[str, Any]],
    findings: Iterable[Finding],
    **facts: Any,
) -> Plotted:
    """Write the table beside every picture."""
    tables = beside(pictures)
    for path in tables:
        table.write(path)
    return Plotted(kind, tuple(names), pictures, tables, tuple(rows), ordered(findings), facts)
