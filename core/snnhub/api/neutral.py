"""The entries of the built-in importers, exporters and runner."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from snnhub_formats import container, graph_json

from snnhub.api.options import ImportOptions
from snnhub.api.request import RunRequest
from snnhub.engine.reference import prepare
from snnhub.errors import UsageError
from snnhub.findings import Finding, info
from snnhub.ir.graph import Graph, Origin, Provenance
from snnhub.ir.recording import Recording

EVERYTHING = "*"


def import_snn(path: Path, options: ImportOptions) -> Graph:
    """Read a ``.snn`` file. Takes no options: everything is in the file."""
    return container.load(path)


def export_snn(graph: Graph, path: Path) -> Sequence[Finding]:
    """Write a ``.snn`` file. Nothing is lost."""
    container.save(graph, path)
    return ()


def import_graph_json(path: Path, options: ImportOptions) -> Graph:
    """Read a graph-json file, its digest checked and the graph verified."""
    return graph_json.load(path, options.lookup)


def export_graph_json(graph: Graph, path: Path) -> Sequence[Finding]:
    """Write a graph-json file. Everything that computes is in it; a finding names the records that are not."""
    graph_json.save(graph, path)
    tensors = [tensor for node in graph.nodes for _, tensor in node.params]
    records = {
        "origins": any(node.origin != Origin() for node in graph.nodes),
        "recipes": any(tensor.recipe for tensor in tensors),
        "quantisation": any(tensor.quantisation is not None for tensor in tensors),
        "correspondence": graph.correspondence,
        "findings": graph.findings,
        "provenance": graph.provenance != Provenance(),
    }
    left_out = ", ".join(name for name, there in records.items() if there)
    if not left_out:
        return ()
    message = "records that compute nothing are left out"
    return (info("SNN-4201", path.name, message, old=left_out, remedy="Keep the .snn file beside it."),)


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
