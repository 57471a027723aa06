"""The entries of the built-in importer, exporter and runner."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from snnhub_formats import container

from snnhub.api.options import ImportOptions
from snnhub.api.request import RunRequest
from snnhub.engine.reference import prepare
from snnhub.errors import UsageError
from snnhub.findings import Finding
from snnhub.ir.graph import Graph
from snnhub.ir.recording import Recording

EVERYTHING = "*"


def import_snn(path: Path, options: ImportOptions) -> Graph:
    """Read a ``.snn`` file. Takes no options: everything is in the file."""
    return container.load(path)


def export_snn(graph: Graph, path: Path) -> Sequence[Finding]:
    """Write a ``.snn`` file. Nothing is lost."""
    container.save(graph, path)
    return ()


def run_engine(request: RunRequest) -> Recording:
    """Run the graph of the request in the reference engine."""
    if request.options:
        raise UsageError("the engine has no options of its own", found=", ".join(request.options))
    plan = prepare(request.graph, request.import_options.lookup)
    keys = plan.record_keys() if EVERYTHING in request.record else request.record
    values = request.stimulus.values if request.stimulus.batched else request.stimulus.values[:, 0]
    recording, _ = plan.run(values, record=keys, steps=request.steps, progress=request.progress)
    return Recording(
        recording.arrays,
        recording.batched,
        "engine",
        (*request.stimulus.findings, *recording.findings),
        recording.keep,
    )
