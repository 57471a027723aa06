"""Runs a network of one Xylo core in xylosim and returns a recording with the keys of snnhub's own graph."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from snnhub.api.request import RunRequest
from snnhub.errors import UnsupportedError, UsageError
from snnhub.findings import error, info
from snnhub.ir.analysis import analyse
from snnhub.ir.graph import TERMINAL_PORT, Graph, Node, Port
from snnhub.ir.recording import Recording
from snnhub.ir.tensor import Array
from snnhub.ir.verify import recordable
from snnhub.ops.registry import REGISTRY
from snnhub.peers.capabilities import Capabilities
from snnhub.peers.env import interpreter, worker_command
from snnhub.peers.protocol import Worker
from snnhub.peers.recipe import read_recipe

from snnhub_xylo import CAPABILITIES, ENVIRONMENT
from snnhub_xylo.core import Core

EVERYTHING = "*"
RECORDED_AS = {"pending": "s"}
"""The spikes that are still to be delivered are those of the step."""


def run_xylosim(request: RunRequest) -> Recording:
    """Run the core of the request's graph. Record keys: ``output``, spikes and every state.

    Raises ``MissingPeerError`` without the environment, ``UnsupportedError`` with every reason for a graph that is
    no single core, ``UsageError`` for keys and options that xylosim does not have.
    """
    ensure_single_core(request.graph)
    with open_worker() as worker:
        return run_in(worker, request)


def open_worker() -> Worker:
    """Start the worker; it can serve many runs."""
    python = interpreter(read_recipe(ENVIRONMENT.path()))
    return Worker(ENVIRONMENT.name, worker_command(python, ENVIRONMENT.worker))


def run_in(worker: Worker, request: RunRequest) -> Recording:
    """Run a request in a worker that is open."""
    if request.options:
        raise UsageError("xylosim has no options", found=", ".join(request.options))
    node = ensure_single_core(request.graph)
    keys = _keys(request, node)
    values = _padded(request)
    found = _call(worker, Core.of(node), values, sorted(set(keys.values())), request)
    analysis = analyse(request.graph, REGISTRY)
    types = {port.name: type_ for port, type_ in analysis.types.items() if port.node == node.id}
    types |= {port.name: type_ for port, (_, type_) in analysis.states.items()}
    arrays = {key: found[name].astype(types[name].numpy) for key, name in keys.items()}
    if not request.stimulus.batched:
        arrays = {key: array[:, 0] for key, array in arrays.items()}
    versions = worker.identity.get("environment", {})
    words = ", ".join(f"{name} {version}" for name, version in versions.items())
    notes = [info("SNN-6001", "xylosim", f"ran in {words}")]
    if values.shape[1] > 1:
        words = f"{values.shape[1]} samples one after the other, everything reset between them"
        notes.append(info("SNN-6002", "xylosim", words))
    return Recording(arrays, request.stimulus.batched, "xylosim", tuple(notes))


def ensure_single_core(graph: Graph) -> Node:
    """The node of a graph that is one core between input and outputs. Raises ``UnsupportedError`` for others."""
    missing = list(Capabilities.read(CAPABILITIES, "xylosim").missing(graph, REGISTRY))
    for output in graph.outputs:
        edges = graph.into[Port(output.id, TERMINAL_PORT)]
        if len(edges) != 1 or edges[0].src.node not in graph.node:
            missing.append(error("SNN-4202", output.id, "an output that is not one port of the core"))
    if missing:
        raise UnsupportedError(
            "xylosim runs one Xylo core and nothing else",
            where=missing[0].place,
            remedy="Convert the network to Xylo first.",
            findings=missing,
        )
    return graph.nodes[0]


def _keys(request: RunRequest, node: Node) -> dict[str, str]:
    """Record keys, with the name under which the worker records them."""
    known = {f"{node.id}/{name}": RECORDED_AS.get(name, name) for name in recordable(node, REGISTRY)}
    for output in request.graph.outputs:
        known[output.id] = request.graph.into[Port(output.id, TERMINAL_PORT)][0].src.name
    if EVERYTHING in request.record:
        return known
    missing = [key for key in request.record if key not in known]
    if missing:
        raise UsageError("xylosim does not record this", found=", ".join(missing[:3]), allowed=", ".join(known))
    return {key: known[key] for key in request.record}


def _padded(request: RunRequest) -> Array:
    """The stimulus (time, samples, channels), zeros after its end."""
    values = request.stimulus.values[: request.length]
    missing = request.length - values.shape[0]
    return np.concatenate([values, np.zeros((missing, *values.shape[1:]), values.dtype)]) if missing else values


def _call(worker: Worker, core: Core, values: Array, names: list[str], request: RunRequest) -> Mapping[str, Array]:
    folder = Path(tempfile.mkdtemp(dir=worker.folder))
    np.savez(folder / "core.npz", allow_pickle=False, **core.arrays)
    np.save(folder / "input.npy", values, allow_pickle=False)
    answer = worker.call(
        "run",
        {
            "model": str(folder / "core.npz"),
            "core": core.version,
            "input": str(folder / "input.npy"),
            "record": names,
            "folder": str(folder),
        },
        progress=request.progress,
    )
    arrays = {name: np.load(path, allow_pickle=False) for name, path in answer["arrays"].items()}
    shutil.rmtree(folder)
    return arrays
