"""Imports and runs in a peer's environment: a worker there does the work, graph and recording come back.

For networks that can only be built where their framework lives. ``hosted`` is the other end.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from snnhub_formats import container

from snnhub.api.options import ImportOptions
from snnhub.api.request import RunRequest
from snnhub.errors import UsageError
from snnhub.findings import info
from snnhub.hub.catalogue import find
from snnhub.hub.loader import load
from snnhub.ir.graph import Graph
from snnhub.ir.recording import Recording
from snnhub.peers.env import interpreter, worker_command
from snnhub.peers.faults import finding_from
from snnhub.peers.protocol import Worker
from snnhub.peers.recipe import read_recipe

OPTION = "environment"
"""Name of the importer and runner option that says where. The worker is not told."""


def open_worker(name: str) -> Worker:
    """Start the worker of an environment.

    Raises ``UsageError`` for an unknown environment or one that imports nothing, ``MissingPeerError`` with the
    command that makes it if it is not there.
    """
    environments = load().environments
    environment = find(environments, name, "environment")
    if not environment.worker:
        able = sorted(item.name for item in environments.values() if item.worker)
        raise UsageError("nothing is imported in this environment", found=name, allowed=", ".join(able))
    return Worker(name, worker_command(interpreter(read_recipe(environment.path())), environment.worker))


def import_in(name: str, importer: str, source: Any, options: ImportOptions) -> Graph:
    """Import ``source``, a factory reference, in environment ``name`` with ``importer`` (``module:function``).

    Raises what the importer raises there, with its findings, and what ``open_worker`` raises.
    """
    _ensure_reference(source)
    with open_worker(name) as worker:
        return import_with(worker, importer, source, options)


def import_with(worker: Worker, importer: str, source: str, options: ImportOptions) -> Graph:
    """Import in a worker that is open; a finding says where it happened."""
    params = {
        "importer": importer,
        "source": source,
        "options": _options(options),
        "folder": str(worker.folder),
    }
    graph = container.load(Path(worker.call("import", params)["graph"]))
    words = f"imported in environment {worker.name}: {_versions(worker)}"
    return graph.with_findings([info("SNN-6005", source, words)])


def run_in(name: str, runner: str, request: RunRequest) -> Recording:
    """Run a request in environment ``name`` with ``runner`` (``module:function``).

    Raises what the runner raises there, and what ``open_worker`` raises.
    """
    _ensure_reference(request.source)
    with open_worker(name) as worker:
        return run_with(worker, runner, request)


def run_with(worker: Worker, runner: str, request: RunRequest) -> Recording:
    """Run in a worker that is open."""
    graph, values = worker.folder / "request.snn", worker.folder / "input.npy"
    container.save(request.graph, graph)
    np.save(values, request.stimulus.values, allow_pickle=False)
    params = {
        "runner": runner,
        "source": request.source,
        "graph": str(graph),
        "input": str(values),
        "batched": request.stimulus.batched,
        "record": list(request.record),
        "steps": request.steps,
        "options": {key: value for key, value in request.options.items() if key != OPTION},
        "import_options": _options(request.import_options),
        "folder": str(worker.folder),
    }
    answer = worker.call("run", params, progress=request.progress)
    arrays = {key: np.load(path, allow_pickle=False) for key, path in answer["arrays"].items()}
    findings = tuple(finding_from(item) for item in answer.get("findings", ()))
    return Recording(arrays, request.stimulus.batched, worker.name, findings)


def _ensure_reference(source: Any) -> None:
    if not isinstance(source, str):
        raise UsageError(
            "a live object cannot be sent to another interpreter",
            found=type(source).__name__,
            allowed="path/file.py:factory or package.module:factory",
            remedy="Give its factory, or leave the environment out.",
        )


def _options(options: ImportOptions) -> dict[str, Any]:
    return {
        "weights": None if options.weights is None else str(options.weights.absolute()),
        "settings": dict(options.settings),
        "input_shape": None if options.input_shape is None else list(options.input_shape),
        "given": {key: value for key, value in options.given.items() if key != OPTION},
    }


def _versions(worker: Worker) -> str:
    found = worker.identity.get("environment") or {}
    return ", ".join(f"{name} {version}" for name, version in found.items())
