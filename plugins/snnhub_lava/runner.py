"""Runs a NetX file in Lava and returns a recording with the keys of snnhub's own graph.

Lava has no batch. Samples run one after the other on one timeline with resets between them where that is
exact (feed-forward, no bias: a layer is at rest until its first input arrives), else each in a network of
its own.
"""

from __future__ import annotations

import atexit
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from snnhub.api.request import RunRequest
from snnhub.errors import UsageError
from snnhub.findings import info
from snnhub.hub.objects import Environment
from snnhub.ir.graph import TERMINAL_PORT, Graph, Node, Port
from snnhub.ir.recording import Recording
from snnhub.ir.tensor import Array
from snnhub.peers.env import interpreter, worker_command
from snnhub.peers.protocol import Worker
from snnhub.peers.recipe import read_recipe

from snnhub_lava import ENVIRONMENT
from snnhub_lava.decays import rounded_decays

RESONATOR = ("real", "imag")
STATES = {
    "loihi.CubaLIF": ("u", "v"),
    "loihi.Delta": ("act", "residue"),
    "loihi.SigmaDelta": ("sigma", "act", "residue"),
    "loihi.Sigma": ("sigma",),
    "loihi.RF": RESONATOR,
    "loihi.RFIzhikevich": RESONATOR,
}
"""Neurons that Lava's blocks have, and the names of their variables: those of the ops' states."""
GRADED = ("loihi.Delta", "loihi.SigmaDelta", "loihi.Sigma")
RESET = "loihi.CubaLIF"
"""The neurons that Lava can reset while it runs."""
EVERYTHING = "*"
HANDED_ON = ("reset_interval", "reset_offset", "num_layers")
"""Options of Lava's netx reader."""
BATCH_METHODS = ("auto", "reset", "restart")


@dataclass(frozen=True)
class Layout:
    """Lava's blocks in order with their lag, and what decides how samples may follow each other.

    ``records``: what can be recorded of each block, with its type as an array.
    """

    blocks: tuple[str, ...]
    records: dict[str, str]
    lags: dict[str, int]
    input_neuron: bool
    output: str
    resettable: bool
    flat_input: bool


def layout(graph: Graph) -> Layout:
    """Read the chain of neuron layers off a graph that came from a NetX file."""
    neurons = [node for node in graph.nodes if node.op in STATES]
    first = graph.out_of[Port(graph.inputs[0].id, TERMINAL_PORT)][0].dst.node
    input_neuron = graph.node[first].op in STATES
    plain = all(node.op == RESET and not node.param["bias"].array.any() for node in neurons)
    straight = len(graph.edges) == len(graph.nodes) + 1 and all(edge.delay <= 1 for edge in graph.edges)
    flat = graph.node[first].op == "core.Flatten"
    return Layout(
        tuple(node.id for node in neurons),
        {f"{node.id}/{name}": _type(node, name) for node in neurons for name in ("s", *STATES[node.op])},
        {node.id: position + (not input_neuron) for position, node in enumerate(neurons)},
        input_neuron,
        graph.edges[-1].src.node,
        plain and straight,
        flat,
    )


def _type(node: Node, name: str) -> str:
    """Plain spikes are unsigned integers; states and graded spikes are as Lava has them."""
    return "uint8" if name == "s" and node.op not in GRADED else "int32"


def run_lava(request: RunRequest) -> Recording:
    """Run the file of the request. Record keys: ``output``, and for layers of neurons ``<layer>/s``
    and their states (``STATES``).

    Raises ``MissingPeerError`` without the environment, ``UsageError`` for keys and options Lava does not
    have, ``RunError`` with Lava's words if it fails.

    The worker stays open for later runs of this process, since it takes longer to start than most runs take;
    after any failure the next run gets a fresh one.
    """
    if not _KEPT:
        _KEPT.append(open_worker())
    try:
        return run_in(_KEPT[0], request)
    except BaseException:
        close_kept()
        raise


def close_kept() -> None:
    """End the worker that is kept open, if there is one."""
    while _KEPT:
        _KEPT.pop().close()


_KEPT: list[Worker] = []
atexit.register(close_kept)


def open_worker() -> Worker:
    """Start the Lava worker, which takes some seconds; it can serve many runs."""
    environment: Environment = ENVIRONMENT
    python = interpreter(read_recipe(environment.path()))
    return Worker("lava", worker_command(python, environment.worker))


def run_in(worker: Worker, request: RunRequest) -> Recording:
    """Run a request in a worker that is open."""
    plan = layout(request.graph)
    keys = _keys(request, plan)
    method = _method(request, plan)
    stimulus = _padded(request, plan)
    session = _Session(worker, request, plan, sorted(set(keys.values())))
    found = session.together(stimulus) if method == "reset" else session.apart(stimulus)
    arrays = {key: found[name][: request.length].astype(plan.records[name]) for key, name in keys.items()}
    if not request.stimulus.batched:
        arrays = {key: array[:, 0] for key, array in arrays.items()}
    versions = worker.identity.get("environment", {})
    words = ", ".join(f"{name} {version}" for name, version in versions.items())
    notes = [info("SNN-6001", "lava", f"ran in {words}")]
    if stimulus.shape[1] > 1:
        notes.append(info("SNN-6002", "lava", _EXPLAIN[method].format(count=stimulus.shape[1])))
    notes += rounded_decays(request.graph, session.decays)
    return Recording(arrays, request.stimulus.batched, "lava", tuple(notes))


_EXPLAIN = {
    "reset": "{count} samples on one timeline with resets between them (exact: feed-forward, no bias); "
    "a layer's steps before its first input are at rest by construction",
    "restart": "{count} samples, each in a network of its own",
}


def _keys(request: RunRequest, plan: Layout) -> dict[str, str]:
    """Record keys, with the name under which the worker records them."""
    known = {key: key for key in plan.records}
    known["output"] = f"{plan.output}/s"
    if EVERYTHING in request.record:
        return known
    missing = [key for key in request.record if key not in known]
    if missing:
        raise UsageError("Lava does not record this", found=", ".join(missing[:3]), allowed=", ".join(known))
    return {key: known[key] for key in request.record}


def _method(request: RunRequest, plan: Layout) -> str:
    wanted = request.options.get("batch", "auto")
    if wanted not in BATCH_METHODS:
        raise UsageError("unknown batch method", found=wanted, allowed=", ".join(BATCH_METHODS))
    own_reset = "reset_interval" in request.options
    if wanted == "reset" and (not plan.resettable or own_reset):
        raise UsageError(
            "samples cannot be separated by resets here",
            found="bias, recurrence, delay, resonators, sigma-delta neurons or a reset_interval of its own",
            remedy="Use --option batch=restart",
        )
    many = request.stimulus.values.shape[1] > 1
    return (
        "reset"
        if wanted == "reset" or (wanted == "auto" and many and plan.resettable and not own_reset)
        else "restart"
    )


def _padded(request: RunRequest, plan: Layout) -> Array:
    """The stimulus (time, samples, features…), zeros after its end, flat where Lava's first block is dense."""
    values = request.stimulus.values
    missing = request.length - values.shape[0]
    if missing > 0:
        values = np.concatenate([values, np.zeros((missing, *values.shape[1:]), values.dtype)])
    values = values[: request.length]
    return values.reshape(*values.shape[:2], -1) if plan.flat_input else values


class _Session:
    """One worker and the runs that a request needs."""

    def __init__(self, worker: Worker, request: RunRequest, plan: Layout, names: list[str]) -> None:
        self.worker = worker
        self.request = request
        self.plan = plan
        self.names = names
        self.given = {name: request.integer(name, 0) for name in HANDED_ON if name in request.options}
        self.decays: dict[str, list[list[int]]] = {}

    def _timeline(self, values: Array, options: dict[str, int]) -> dict[str, Array]:
        """Run values (time, features…) and return recordings (time, features…)."""
        folder = Path(tempfile.mkdtemp(dir=self.worker.folder))
        np.save(folder / "input.npy", values)
        answer = self.worker.call(
            "run",
            {
                "model": str(Path(self.request.path()).resolve()),
                "input": str(folder / "input.npy"),
                "blocks": list(self.plan.blocks),
                "input_neuron": self.plan.input_neuron,
                "record": self.names,
                "folder": str(folder),
                "options": options,
            },
            progress=self.request.progress,
        )
        self.decays = answer.get("decays", {})
        arrays = {key: np.load(path, allow_pickle=False) for key, path in answer["arrays"].items()}
        shutil.rmtree(folder)
        return arrays

    def apart(self, stimulus: Array) -> dict[str, Array]:
        """Each sample in a network of its own."""
        runs = [self._timeline(stimulus[:, sample], self.given) for sample in range(stimulus.shape[1])]
        return {key: np.stack([run[key] for run in runs], axis=1) for key in self.names}

    def together(self, stimulus: Array) -> dict[str, Array]:
        """All samples on one timeline. Layer i of sample k runs from step k * interval + lag(i) on."""
        steps, samples = stimulus.shape[:2]
        tail = max(self.plan.lags.values())
        interval = steps + tail
        padded = np.concatenate([stimulus, np.zeros((tail, *stimulus.shape[1:]), stimulus.dtype)])
        timeline = padded.swapaxes(0, 1).reshape(samples * interval, *stimulus.shape[2:])
        # Lava resets block i at step reset_offset + i: where its first input arrives
        offset = int(not self.plan.input_neuron)
        found = self._timeline(timeline, {**self.given, "reset_interval": interval, "reset_offset": offset})
        result = {}
        for key in self.names:
            lag = self.plan.lags[key.rpartition("/")[0]]
            whole = found[key].reshape(samples, interval, *found[key].shape[1:]).swapaxes(0, 1)[:steps].copy()
            whole[:lag] = 0
            result[key] = whole
        return result
