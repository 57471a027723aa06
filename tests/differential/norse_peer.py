"""norse, live, in the environment ``nir-frameworks``: imports and runs of networks named by their factory."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from snnhub.api.options import ImportOptions
from snnhub.api.remote import import_with, run_with
from snnhub.api.request import RunRequest
from snnhub.engine.stimulus import Stimulus
from snnhub.engine.torch_engine.plan import prepare_torch
from snnhub.engine.torch_engine.settings import Mode, Settings
from snnhub.ir.graph import Graph
from snnhub.ir.recording import Recording
from snnhub.ir.tensor import Array
from snnhub.peers.protocol import Worker

NETWORKS = Path(__file__).parents[1] / "networks"
EXAMPLES = Path(__file__).parents[2] / "docs" / "examples"
MODEL = EXAMPLES / "mnist_norse" / "model.py"
DIGITS = {"tutorial": 30, "boxed": 100}
STEPS = 12
IMPORTER, RUNNER = "snnhub_norse.importer:import_norse", "snnhub_norse.importer:run_norse"


def imported(worker: Worker, reference: str, options: ImportOptions) -> Graph:
    """The graph of ``file.py:factory``; files without a folder are those of tests/networks."""
    return import_with(worker, IMPORTER, placed(reference), options)


def placed(reference: str) -> str:
    return reference if "/" in reference else str(NETWORKS / reference)


def theirs(worker: Worker, reference: str, graph: Graph, x: Array, options: ImportOptions) -> Recording:
    """What norse gives on ``x`` (time, samples, features…): all that it can give."""
    request = RunRequest(graph, Stimulus(x, True, ""), ("*",), placed(reference), options, {}, None, None)
    return run_with(worker, RUNNER, request)


def ours(graph: Graph, x: Array, keys: list[str], mode: str = "s") -> Recording:
    """What the torch engine gives, in norse's call shape: one call per layer and step, all samples at once."""
    return prepare_torch(graph, Settings(Mode(mode), None, "cpu", 1)).run(x, record=keys)[0]


def words_apart(a: Any, b: Any) -> int:
    """f32 words that differ, signs of zeros included."""
    a, b = (np.asarray(values, np.float32) for values in (a, b))
    assert a.shape == b.shape
    return int(np.count_nonzero(a.view(np.uint32) != b.view(np.uint32)))


def digits(count: int) -> tuple[Array, Array]:
    """MNIST's first test images as spikes (STEPS, count, 1, 28, 28), with their labels."""
    import importlib.util

    place = EXAMPLES / "mnist_csnn"
    spec = importlib.util.spec_from_file_location("mnist_encoding", place / "encoding.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    stored = np.load(place / "digits.npz")
    spikes = module.encode(stored["images"][:count], STEPS).astype(np.float32)
    return spikes, stored["labels"][:count]
