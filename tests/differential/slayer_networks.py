"""Runs of whole networks of live slayer that tests share."""

from __future__ import annotations

from typing import Any

import numpy as np
from snnhub.api.options import ImportOptions
from snnhub.api.remote import import_with, run_with
from snnhub.api.request import RunRequest
from snnhub.compare.verdict import differing
from snnhub.engine.reference import prepare
from snnhub.engine.stimulus import read_stimulus
from snnhub.ir.graph import Graph
from snnhub.ir.recording import Recording
from snnhub.ir.tensor import Array
from snnhub.ops.registry import REGISTRY
from snnhub.peers.protocol import Worker
from snnhub_lavadl import importer, runner

from tests.conftest import ROOT

NETS = ROOT / "tests" / "networks" / "slayer_nets.py"
STEPS, SAMPLES = 40, 3
PICTURES = {
    "convolution": (2, 12, 12),
    "delayed_channels": (2, 8, 8),
    "pooled": (2, 7, 9),
    "convt": (3, 4, 5),
    "decoder": (2, 6, 6),
    "unpool": (2, 4, 5),
}


def options(kind: str, seed: int) -> ImportOptions:
    return ImportOptions(settings={"kind": kind, "seed": str(seed)}, input_shape=PICTURES.get(kind, (20,)))


def stimulus(kind: str, seed: int) -> Array:
    """0 and 1 (time, samples, features…); real numbers for what encodes them."""
    random = np.random.default_rng((3301, seed))
    shape = (STEPS, SAMPLES, *PICTURES.get(kind, (20,)))
    if kind.startswith("sigma_delta"):
        return random.normal(0, 1, shape).astype(np.float32)
    return (random.random(shape) < 0.3).astype(np.float32)


def bring(worker: Worker, kind: str, seed: int) -> Graph:
    return import_with(worker, importer.HERE, f"{NETS}:net", options(kind, seed))


def recorded(worker: Worker, graph: Graph, kind: str, seed: int) -> Recording:
    """Everything that slayer records of a run."""
    x = read_stimulus(stimulus(kind, seed), graph.inputs[0])
    request = RunRequest(graph, x, ("*",), f"{NETS}:net", options(kind, seed))
    return run_with(worker, runner.HERE, request)


def differences(graph: Graph, theirs: Recording, x: Array) -> dict[str, int]:
    """Words that differ, by record key."""
    ours, _ = prepare(graph, REGISTRY).run(x, record=list(theirs))
    return {key: int(differing(ours[key], theirs[key]).sum()) for key in theirs}


def fired(recording: Recording) -> int:
    """Values of any layer that are not 0."""
    keys: list[Any] = [key for key in recording if key.endswith("/s") or key == "output"]
    return sum(int(np.count_nonzero(recording[key])) for key in keys)
