"""Frameworks with a NIR importer, live, in the environment ``nir-frameworks``."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from snnhub.engine.torch_engine.plan import prepare_torch
from snnhub.engine.torch_engine.settings import Mode, Settings
from snnhub.ir.graph import Graph
from snnhub.ir.tensor import Array
from snnhub.peers.env import interpreter, status, worker_command
from snnhub.peers.protocol import Worker
from snnhub.peers.recipe import read_recipe
from snnhub_profiles import ENVIRONMENT

FRAMEWORK = {
    "snntorch-1": "snntorch",
    "norse-1": "norse",
    "spikingjelly-2": "spikingjelly",
    "sinabs-3": "sinabs",
    "spyx-1": "spyx",
    "rockpool-3": "rockpool",
    "nengo-4": "nengo",
}
CALL = Settings(Mode("s"), 1, "cpu", 1)
"""The protocol's call shape: one call per step, batch 1, one thread."""


def frameworks_interpreter() -> Path:
    """The Python that has all of them; skips without the environment, or fails where peers are required."""
    recipe = read_recipe(ENVIRONMENT.path())
    if status(recipe).state != "ready":
        words = f"environment {recipe.name} is {status(recipe).state}. Run: snnhub env create {recipe.name}"
        if os.environ.get("SNNHUB_REQUIRE_PEERS") == "1":
            pytest.fail(words)
        pytest.skip(words)
    return interpreter(recipe)


def open_frameworks() -> Worker:
    """A worker with all of them; skips without the environment, or fails where peers are required."""
    return Worker(ENVIRONMENT.name, worker_command(frameworks_interpreter(), ENVIRONMENT.worker))


def theirs(worker: Worker, framework: str, path: Path, x: Array, dt: float, limit: float = 20.0) -> Array | str:
    """The framework's output (time, features…), or the words in which it refused the file. ``limit``: seconds of
    its process that its importer may take.
    """
    given = worker.folder / "x.npy"
    np.save(given, x)
    asked = {"framework": framework, "model": str(path), "input": str(given), "dt": dt, "limit": limit}
    answer = worker.call("run", {**asked, "folder": str(worker.folder), "name": "y"}, timeout=300)
    return str(answer["refused"]) if "refused" in answer else np.asarray(np.load(answer["output"]))


def in_their_call_shape(graph: Graph, x: Array) -> Array:
    """Our output with the torch engine, called as the protocol says."""
    recording, _ = prepare_torch(graph, CALL).run(x, record=["output"])
    return np.asarray(recording["output"])
