"""Inside a worker: runs importers and runners of snnhub's own packages where their framework lives.

A worker adds ``HANDLERS`` to its own methods. Graphs come and go as ``.snn`` files, arrays as ``.npy`` files.
"""

from __future__ import annotations

import importlib
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from snnhub_formats import container

from snnhub.api.options import ImportOptions
from snnhub.api.request import RunRequest
from snnhub.engine.stimulus import Stimulus
from snnhub.hub.objects import resolve
from snnhub.ops.registry import REGISTRY
from snnhub.peers.env import own_packages
from snnhub.peers.worker import Handler, Report


def import_graph(params: Mapping[str, Any], report: Report) -> dict[str, Any]:
    """Method ``import``. ``importer``: ``module:function``; ``source``: a factory reference or a path.

    Answers ``{"graph": path}`` of a ``.snn`` file with all findings; raises what the importer raises.
    """
    register_own_ops()
    graph = resolve(params["importer"])(params["source"], import_options(params["options"]))
    path = Path(tempfile.mkdtemp(dir=params["folder"])) / "graph.snn"
    container.save(graph, path)
    return {"graph": str(path)}


def run(params: Mapping[str, Any], report: Report) -> dict[str, Any]:
    """Method ``run`` for a runner of ours. ``runner``: ``module:function``; ``graph``: the ``.snn`` file whose
    record keys are asked for; ``input``: ``.npy`` (time, samples, features…).

    Answers ``{"arrays": {key: path}, "findings": […]}``.
    """
    register_own_ops()
    values = np.load(params["input"], allow_pickle=False)
    request = RunRequest(
        container.load(Path(params["graph"])),
        Stimulus(values, bool(params["batched"]), ""),
        tuple(params["record"]),
        params["source"],
        import_options(params["import_options"]),
        params["options"],
        params["steps"],
        report,
    )
    recording = resolve(params["runner"])(request)
    folder = Path(tempfile.mkdtemp(dir=params["folder"]))
    paths = {key: str(folder / f"{number}.npy") for number, key in enumerate(recording)}
    for key, path in paths.items():
        np.save(path, recording[key], allow_pickle=False)
    return {"arrays": paths, "findings": [finding.to_json() for finding in recording.findings]}


HANDLERS: Mapping[str, Handler] = {"import": import_graph, "run": run}


def import_options(given: Mapping[str, Any]) -> ImportOptions:
    """Importer options as they travel: texts, and numbers for the input shape."""
    weights, shape = given.get("weights"), given.get("input_shape")
    return ImportOptions(
        Path(weights) if weights else None,
        dict(given.get("settings") or {}),
        tuple(int(size) for size in shape) if shape is not None else None,
        dict(given.get("given") or {}),
    )


def register_own_ops() -> None:
    """Add the ops of our packages. Here they are not installed, so no entry point leads to them."""
    for name in own_packages():
        hook = getattr(importlib.import_module(name), "snnhub_register_ops", None)
        for op in hook() if hook is not None else ():
            REGISTRY.add(op)
