"""Runs of live DynapSim that its tests share."""

from __future__ import annotations

from typing import Any

import numpy as np
from snnhub.api.options import ImportOptions
from snnhub.api.remote import import_with
from snnhub.api.request import RunRequest
from snnhub.engine.reference import prepare
from snnhub.engine.stimulus import read_stimulus
from snnhub.ir.graph import Graph
from snnhub.ir.recording import Recording
from snnhub.ir.tensor import Array
from snnhub.ops.registry import REGISTRY
from snnhub.peers.protocol import Worker
from snnhub_dynapse2.importer import HERE
from snnhub_dynapse2.runner import run_in

from tests.conftest import ROOT

NETS = ROOT / "tests" / "networks" / "dynapsim_nets.py"
STATES = ("isyn", "iahp", "imem", "vmem")
EXACT = 1e-5
"""Share by which XLA's f32 and ours may differ where spikes are equal: last bits of exp and log, and of sums."""


def bring(
    worker: Worker, factory: str, given: dict[str, str] | None = None, **settings: Any
) -> tuple[Graph, ImportOptions, str]:
    """A network by factory: its graph, and what ``recorded`` takes. ``given``: options of the importer."""
    options = ImportOptions(settings={name: str(value) for name, value in settings.items()}, given=given or {})
    source = f"{NETS}:{factory}"
    return import_with(worker, HERE, source, options), options, source


def recorded(worker: Worker, graph: Graph, options: ImportOptions, source: Any, x: Array) -> Recording:
    """Everything that DynapSim records of a run."""
    return run_in(worker, RunRequest(graph, read_stimulus(x, graph.inputs[0]), ("*",), source, options))


def ours(graph: Graph, theirs: Recording, x: Array) -> Recording:
    """The same keys from the reference engine."""
    found, _ = prepare(graph, REGISTRY).run(x, record=list(theirs))
    return found


def raster(steps: int, channels: int, seed: int, rate: float = 0.05) -> Array:
    """Spikes (steps, channels), f32."""
    return (np.random.default_rng(seed).random((steps, channels)) < rate).astype(np.float32)


def spikes_differing(a: Recording, b: Recording) -> int:
    """Bins of all layers whose spikes differ."""
    return sum(int((a[key] != b[key]).sum()) for key in b if key.endswith("/s"))


def first_difference(a: Recording, b: Recording) -> int:
    """The first step at which any spike differs; the number of steps if none does."""
    steps = b.steps
    for key in b:
        if key.endswith("/s"):
            wrong = (a[key] != b[key]).reshape(steps, -1).any(axis=1)
            steps = min(steps, int(np.argmax(wrong))) if wrong.any() else steps
    return steps


def off(a: Recording, b: Recording, until: int) -> dict[str, float]:
    """Largest relative difference of each kind of state, before the step ``until``."""
    found = dict.fromkeys(STATES, 0.0)
    for key in b:
        name = key.rpartition("/")[2]
        if name in found and until:
            left, right = (array[key][:until].astype(np.float64) for array in (a, b))
            scale = np.maximum(np.abs(right), np.abs(right).max() * 1e-12 + 1e-30)
            found[name] = max(found[name], float((np.abs(left - right) / scale).max()))
    return found
