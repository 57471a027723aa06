"""Runs of live Rockpool that its tests share: networks by factory or file, recordings, what differs."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Any

from snnhub.api.options import ImportOptions
from snnhub.api.remote import import_with
from snnhub.api.request import RunRequest
from snnhub.compare.verdict import differing
from snnhub.engine.reference import prepare
from snnhub.engine.stimulus import read_stimulus
from snnhub.ir.builder import GraphBuilder
from snnhub.ir.graph import Edge, Graph, Node, Port
from snnhub.ir.numtype import F32
from snnhub.ir.recording import Recording
from snnhub.ir.tensor import Array
from snnhub.ops.registry import REGISTRY
from snnhub.peers.env import interpreter, own_packages
from snnhub.peers.protocol import Worker
from snnhub.peers.recipe import read_recipe
from snnhub_rockpool import ENVIRONMENT
from snnhub_rockpool.importer import HERE
from snnhub_rockpool.runner import run_in

from tests.conftest import ROOT
from tests.networks.rockpool_files import counts

NETS = ROOT / "tests" / "networks" / "rockpool_nets.py"
OWN = NETS.with_name("rockpool_own.py")
STEPS, SAMPLES = 120, 4


def inside(*arguments: str) -> str:
    """Run Rockpool's interpreter; what it printed."""
    folders = os.pathsep.join(sorted({str(Path(folder).parent) for folder in own_packages().values()}))
    command = [str(interpreter(read_recipe(ENVIRONMENT.path()))), *arguments]
    environment = {**os.environ, "PYTHONPATH": folders}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout


def bring(
    worker: Worker, factory: str, file: Path = NETS, given: dict[str, str] | None = None, **settings: Any
) -> tuple[Graph, ImportOptions, str]:
    """A network by factory: its graph, and what ``recorded`` takes. ``given``: options of the importer."""
    options = ImportOptions(settings={name: str(value) for name, value in settings.items()}, given=given or {})
    source = f"{file}:{factory}"
    return import_with(worker, HERE, source, options), options, source


def recorded(worker: Worker, graph: Graph, options: ImportOptions, source: Any, x: Array) -> Recording:
    """Everything that Rockpool records of a run."""
    return run_in(worker, RunRequest(graph, read_stimulus(x, graph.inputs[0]), ("*",), source, options))


def stimulus(steps: int = STEPS, seed: int = 0, channels: int = 16) -> Array:
    """Counts (steps, 4, channels)."""
    return counts(steps, SAMPLES, channels, seed)


def differences(graph: Graph, theirs: Recording, x: Array) -> dict[str, int]:
    """Values that differ, by record key. Everything that the engine records, Rockpool recorded too."""
    ours, _ = prepare(graph, REGISTRY).run(x, record=list(theirs))
    assert {f"{n.id}/{name}" for n in graph.nodes if n.program for name in n.program.names} <= set(theirs)
    return {key: int(differing(ours[key], theirs[key]).sum()) for key in theirs}


def spikes_of(found: dict[str, int]) -> int:
    """Spike bins that differ."""
    return sum(count for key, count in found.items() if key.endswith("/s"))


def alone(graph: Graph, theirs: Recording) -> dict[str, int]:
    """Each layer of neurons alone in the reference engine, fed with what Rockpool fed it: values that differ."""
    found = {}
    for node in graph.nodes:
        if node.op == "core.MultiSpikeLIF":
            piece, sources = _piece(graph, node)
            inputs = {f"in_{port}": theirs[f"{src.node}/{src.name}"] for port, src in sources.items()}
            names = node.program.names if node.program else ()
            ours, _ = prepare(piece, REGISTRY).run(inputs, record=[f"{node.id}/{name}" for name in names])
            found[node.id] = sum(int(differing(ours[key], theirs[key]).sum()) for key in ours)
    return found


def _piece(graph: Graph, node: Node) -> tuple[Graph, dict[str, Port]]:
    """A layer of neurons with an input for each port, and where these come from."""
    sources = {edge.dst.name: edge.src for edge in graph.feeding(node.id)}
    builder = GraphBuilder(node.id, REGISTRY)
    builder.nodes.append(node)
    size = next(array.shape[0] for array in (graph.node[src.node].param["weight"] for src in sources.values()))
    for port in sources:
        builder.edges.append(Edge(builder.input((size,), F32, f"in_{port}"), Port(node.id, port)))
    builder.output(Port(node.id, "s"))
    return builder.graph(), sources
