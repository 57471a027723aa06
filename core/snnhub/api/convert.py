"""Convert: import, lower, export; everything that was changed is in the result."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from snnhub.api.digests import ensure_digests
from snnhub.api.load import load_graph
from snnhub.api.lower import ensure_known_programs, ensure_options, lower, passes_for
from snnhub.api.options import ImportOptions
from snnhub.errors import LossError, UsageError
from snnhub.findings import Finding, Severity, count, of_severity, ordered
from snnhub.hub.catalogue import find, require
from snnhub.hub.loader import load
from snnhub.hub.objects import Exporter
from snnhub.ir.graph import Graph
from snnhub.ir.tensor import Array
from snnhub.passes.base import PassContext


@dataclass(frozen=True)
class ConvertResult:
    """``graph``: what was written (or would be, on a dry run). ``tables``: reports of passes, rows by name."""

    source: str
    importer: str
    exporter: str
    output: Path | None
    graph: Graph
    tables: Mapping[str, list[dict[str, Any]]]
    findings: tuple[Finding, ...]

    def to_json(self) -> dict[str, Any]:
        return {
            "source": self.source,
            "from": self.importer,
            "to": self.exporter,
            "output": None if self.output is None else str(self.output),
            "nodes": len(self.graph.nodes),
            "passes": [[s.name, s.version, dict(s.options)] for s in self.graph.provenance.stages],
            "tables": {name: list(rows) for name, rows in self.tables.items()},
            "counts": count(self.findings),
            "findings": [finding.to_json() for finding in self.findings],
        }


def convert(
    source: Any,
    output: str | Path | None = None,
    *,
    from_: str | None = None,
    to: str | None = None,
    options: ImportOptions | None = None,
    calibration: Array | None = None,
    lowering: Mapping[str, str] | None = None,
    strict: bool = False,
    dry_run: bool = False,
    progress: Callable[[str, int, int], None] | None = None,
) -> ConvertResult:
    """Convert a network and write it.

    ``from_`` and ``to`` may be left out where the content of the source and the suffix of ``output`` tell.
    ``lowering``: options of the target, such as ``{"maxpool": "or-layer"}``.
    ``dry_run`` writes nothing. ``strict`` refuses every ``loss``: raises ``LossError`` before writing.
    Raises ``UsageError``, ``FormatError``, ``UnsupportedError`` (with every reason) or ``MissingPeerError``.
    """
    path = Path(output) if output is not None else None
    exporter = choose_exporter(path, to)
    ensure_options(exporter, lowering or {})
    if path is None and not dry_run:
        raise UsageError("say where to write", allowed="-o FILE, or --dry-run")
    if path is not None and not dry_run:
        check_writable(path)
    loaded = load_graph(source, importer=from_, options=options, stimulus=calibration)
    graph, context = loaded.graph, PassContext()
    ensure_digests(graph, loaded.source.name)
    if not exporter.keeps_programs:
        ensure_known_programs(graph)
    passes = passes_for(exporter)
    if passes:
        graph, context = lower(graph, passes, calibration, progress, lowering)
    findings = ordered(graph.findings)
    losses = of_severity(findings, Severity.LOSS)
    if strict and losses:
        raise LossError(
            f"{len(losses)} losses under --strict; the first: {losses[0].message}",
            where=losses[0].place,
            findings=findings,
        )
    if path is not None and not dry_run:
        findings = ordered((*findings, *exporter.resolve()(graph, path)))
    written = None if dry_run else path
    return ConvertResult(
        loaded.source.name, loaded.source.importer.name, exporter.name, written, graph, context.tables, findings
    )


def choose_exporter(path: Path | None, name: str | None) -> Exporter:
    """The exporter of that name, or the one whose suffix ``path`` has. Raises ``UsageError`` if neither tells."""
    exporters = load().exporters
    if name is not None:
        chosen = find(exporters, name, "exporter")
    else:
        fitting = [item for item in exporters.values() if path is not None and path.suffix in item.formats]
        if len(fitting) != 1:
            raise UsageError(
                "cannot tell what to convert to",
                found=str(path) if path else "no --to and no output",
                allowed=", ".join(sorted(exporters)),
                remedy="Pass --to",
            )
        chosen = fitting[0]
    require(chosen)
    return chosen


def check_writable(path: Path) -> None:
    """Raise ``UsageError`` now rather than after minutes of work if the file could not be written."""
    folder = path.parent
    if not folder.is_dir():
        raise UsageError("folder does not exist", where=str(folder), remedy=f"Make it: mkdir -p {folder}")
    if path.is_dir():
        raise UsageError("is a folder", where=str(path), remedy="Give a file name")
    if not os.access(folder, os.W_OK):
        raise UsageError("folder cannot be written", where=str(folder))
