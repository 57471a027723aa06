"""One file under one profile: its spike trains, whether the order of sums matters, or why it is refused."""

from __future__ import annotations

from dataclasses import dataclass, field
from importlib.util import find_spec
from typing import Any

import numpy as np

from snnhub.api.discretise import discretise
from snnhub.compare.align import COUNT, spike_keys
from snnhub.compare.quantity import Quantity
from snnhub.engine.reference import prepare
from snnhub.engine.robust.certificate import Robustness
from snnhub.engine.robust.certify import certify
from snnhub.engine.stimulus import read_stimulus
from snnhub.errors import RunError, UnsupportedError
from snnhub.findings import Finding, Severity
from snnhub.ir.graph import TERMINAL_PORT, Graph, Port
from snnhub.ir.tensor import Array

REFERENCE, CALL_SHAPE = "reference", "torch, one call per step, batch 1, one thread"
OUTPUT = "output"
CHANCE = "SNN-2616"


def finite_sum(values: Array) -> int:
    """Number of spikes, those of infinitely many at once left out."""
    return int(np.where(np.isfinite(values), values, 0).sum(dtype=np.float64))


@dataclass(frozen=True)
class ProfileRun:
    """A file under ``profile``. ``refused``: (place, reason) of each refusal; nothing ran then. ``trains``: the
    spikes of every neuron by record key, and the output if it holds no spikes. ``output``: (time, features…).
    ``chance``: refused since what the framework does is not determined.
    """

    profile: str
    refused: tuple[tuple[str, str], ...] = ()
    graph: Graph | None = None
    trains: tuple[Quantity, ...] = ()
    output: Array | None = field(default=None, repr=False)
    spiking: bool = False
    robust: Robustness | None = None
    undecided: str = ""
    findings: tuple[Finding, ...] = ()
    chance: bool = False

    @property
    def spikes(self) -> int:
        """Spikes of all neurons."""
        return sum(finite_sum(item.values) for item in self.trains if item.name != OUTPUT or self.spiking)

    @property
    def silent(self) -> bool:
        """Whether nothing came out that could be called equal: no spike, or, of values, nothing but zeros."""
        return not any(item.values.any() for item in self.trains)

    @property
    def losses(self) -> list[Finding]:
        """What this profile makes of the file otherwise than NIR's text says."""
        return [item for item in self.findings if item.severity is Severity.LOSS]

    def to_json(self) -> dict[str, Any]:
        return {
            "profile": self.profile,
            "refused": [{"place": place, "reason": reason} for place, reason in self.refused] or None,
            "spikes": None if self.refused else self.spikes,
            "output_spikes": None if self.output is None or not self.spiking else finite_sum(self.output),
            "silent": None if self.refused else self.silent,
            "order_robust": None if self.robust is None else self.robust.to_json(),
            "order_robust_unknown": self.undecided or None,
            "dt": None if self.graph is None else self.graph.dt,
            "losses": [item.to_json() for item in self.losses],
        }


def run_profile(source: Graph, profile: str, dt: float, values: Array, *, robust: bool = True) -> ProfileRun:
    """Run ``source``, a graph in continuous time, under a profile in the reference engine.

    ``values``: (time, features…); of another shape than the file says where the profile takes such. ``robust``:
    also tell whether the order of sums matters. What the profile or the engine refuses is data.
    """
    shape = tuple(values.shape[1:])
    try:
        graph = discretise(source, dt, profile)
        if graph.inputs[0].shape != shape:
            graph = discretise(source, dt, profile, shape)
    except UnsupportedError as problem:
        return ProfileRun(profile, _reasons(problem), chance=any(i.code == CHANCE for i in problem.findings))
    prepared = read_stimulus(values, graph.inputs[0]).values[:, 0]
    keys, spiking = _spike_trains(graph)
    try:
        recording, _ = prepare(graph).run(prepared, record=(*keys, OUTPUT))
    except (RunError, UnsupportedError) as problem:
        return ProfileRun(profile, _reasons(problem), graph, findings=graph.findings)
    order, undecided = _certificate(graph, prepared) if robust else (None, "")
    output = np.asarray(recording[OUTPUT])
    shown = keys if spiking or not keys else [*keys, OUTPUT]
    trains = tuple(_quantity(key, np.asarray(recording[key])) for key in shown or [OUTPUT])
    return ProfileRun(profile, (), graph, trains, output, spiking, order, undecided, graph.findings)


def call_shape_output(run: ProfileRun, values: Array) -> tuple[Array, str]:
    """The output as the protocol calls the framework: in torch's kernels where torch is installed here, else in
    the reference engine; and which of them it was.
    """
    assert run.graph is not None and run.output is not None  # noqa: S101, PT018  only of runs that were not refused
    if find_spec("torch") is None:
        return run.output, REFERENCE
    from snnhub.engine.torch_engine.plan import prepare_torch
    from snnhub.engine.torch_engine.settings import Mode, Settings

    prepared = read_stimulus(values, run.graph.inputs[0]).values[:, 0]
    recording, _ = prepare_torch(run.graph, Settings(Mode("s"), 1, "cpu", 1)).run(prepared, record=[OUTPUT])
    return np.asarray(recording[OUTPUT]), CALL_SHAPE


def _spike_trains(graph: Graph) -> tuple[list[str], bool]:
    """Record keys of every neuron's spikes, in the order of the graph, and whether the output is one of them.
    Counts without a stated bound (of neurons that may spike any number of times in a step) are spikes here, too.
    """
    told = spike_keys(graph)
    outputs = [
        (node, name) for node in graph.nodes if node.program is not None for name, _ in node.program.outputs
    ]
    keys = [f"{node.id}/{name}" for node, name in outputs if name == COUNT or f"{node.id}/{name}" in told]
    keys += sorted(key for key in told if "/" in key and key not in keys)
    edges = graph.into.get(Port(graph.outputs[0].id, TERMINAL_PORT), ())
    return keys, len(edges) == 1 and f"{edges[0].src.node}/{edges[0].src.name}" in keys


def _quantity(key: str, values: Array) -> Quantity:
    axes = ("neuron",) if values.ndim == 2 else tuple(f"axis{i}" for i in range(1, values.ndim))
    return Quantity(key, values, ("time", *axes), said=True)


def _certificate(graph: Graph, values: Array) -> tuple[Robustness | None, str]:
    try:
        return certify(graph, values), ""
    except UnsupportedError as problem:
        return None, str(problem)


def _reasons(problem: UnsupportedError | RunError) -> tuple[tuple[str, str], ...]:
    found = tuple((item.place, item.message) for item in problem.findings if item.severity is Severity.ERROR)
    return found or (("network", str(problem)),)
