"""Spike counts of one side of a statistical comparison: networks in the engine, or a network in a runner."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from snnhub.api.draws import DRAWS, draws, told
from snnhub.api.load import Loaded, load_graph
from snnhub.api.options import ImportOptions
from snnhub.api.run import run_loaded
from snnhub.api.source import Source
from snnhub.compare.verdict import spike_counts
from snnhub.engine.reference import prepare
from snnhub.engine.stimulus import read_stimulus
from snnhub.errors import UsageError
from snnhub.findings import Finding, info
from snnhub.hub.loader import load
from snnhub.hub.objects import Runner
from snnhub.ir.graph import Graph
from snnhub.ir.recording import Recording
from snnhub.ir.tensor import Array
from snnhub.ir.timing import lag_to_output
from snnhub.ops.registry import REGISTRY

OUTPUT = "output"
Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Mismatch:
    """Draws that stand for the network: ``runs`` of them, from ``seed``, of ``percent`` (0.05 for 5 %)."""

    percent: float
    runs: int = DRAWS
    seed: int = 0


@dataclass(frozen=True)
class Wanted:
    """What to run and count. ``stimulus``: (time, samples, features…) or (time, features…); ``record``: the key
    whose spikes are counted.
    """

    stimulus: Array
    record: str = OUTPUT
    progress: Progress | None = None


@dataclass(frozen=True)
class Counts:
    """Spikes of one side: int64 (runs, samples, neurons), after ``reading`` the input so. A run is a network, or a
    repeat of a runner. ``seconds``: length of a sample, None without dt.
    """

    name: str
    spikes: Array
    seconds: float | None
    reading: str
    findings: tuple[Finding, ...]

    @property
    def runs(self) -> int:
        return int(self.spikes.shape[0])

    def flat(self) -> Array:
        """(runs · samples, neurons), samples running fastest."""
        return self.spikes.reshape(-1, self.spikes.shape[-1])


@dataclass(frozen=True)
class Side:
    """``graphs``: one network, or several that stand for one. ``loaded``: how a single one was imported."""

    name: str
    graphs: tuple[Graph, ...]
    loaded: Loaded | None = None

    @property
    def single(self) -> Graph:
        """The one network. Raises ``UsageError`` for several."""
        if len(self.graphs) > 1:
            raise UsageError("this is said of one network", where=self.name, found=f"{len(self.graphs)} networks")
        return self.graphs[0]


def take(given: Any, stimulus: Array, *, from_: str | None = None, options: ImportOptions | None = None) -> Side:
    """A side from a graph, several graphs, or a source. Raises ``UsageError`` for no graph at all, and what
    imports raise.
    """
    if isinstance(given, Graph):
        return Side(given.name, (given,))
    if isinstance(given, list | tuple | Iterator):
        graphs = tuple(given)
        if not graphs or not all(isinstance(graph, Graph) for graph in graphs):
            raise UsageError("a side without networks", found=f"{len(graphs)} objects", allowed="graphs")
        return Side(graphs[0].name, graphs)
    loaded = load_graph(given, importer=from_, options=options, stimulus=stimulus)
    return Side(loaded.source.name, (loaded.graph,), loaded)


def count_side(label: str, side: Side, wanted: Wanted, mismatch: Mismatch | None = None) -> Counts:
    """Count in the engine; with ``mismatch``, draws of the network. ``label``: of the side, in messages.

    Raises ``UsageError`` for mismatch of what is several networks already, and where no spikes are recorded.
    """
    graphs, findings = side.graphs, list(side.graphs[0].findings)
    if mismatch is not None:
        graphs = draws(side.single, mismatch.runs, mismatch.percent, mismatch.seed)
        findings.append(told(label, side.single, mismatch.runs, mismatch.percent, mismatch.seed))
    read = read_stimulus(wanted.stimulus, graphs[0].inputs[0])
    counted = []
    for number, graph in enumerate(graphs):
        counted.append(count_graph(graph, wanted.stimulus, wanted.record))
        if wanted.progress is not None:
            wanted.progress(number + 1, len(graphs))
    if len({item.shape for item in counted}) > 1:
        found = ", ".join(str(item.shape[-1]) for item in counted)
        raise UsageError("networks of one side differ in their number of neurons", where=label, found=found)
    dt = graphs[0].dt
    seconds = None if dt is None else dt * len(read.values)
    return Counts(side.name, np.stack(counted), seconds, read.reading, (*findings, *read.findings))


def count_graph(graph: Graph, stimulus: Array, record: str) -> Array:
    """Spikes (samples, neurons) of a record key, int64. It runs until all of the input has reached the output."""
    read = read_stimulus(stimulus, graph.inputs[0])
    steps = len(read.values) + lag_to_output(graph, REGISTRY)
    recording, _ = prepare(graph, REGISTRY).run(read.values, record=[record], steps=steps)
    return _summed(replace(recording, batched=True), record, graph.name)


def count_runner(
    side: Side,
    runner: Runner,
    given: Mapping[str, str],
    wanted: Wanted,
    runs: int,
    mismatch: Mismatch | None = None,
) -> Counts:
    """Count a network in a runner with its options ``given``: once, or ``runs`` times where the runner is not
    deterministic.

    Raises ``UsageError`` for mismatch, or a network made here, in a runner that does not run graphs: it would have
    to make the network itself.
    """
    graph = side.single
    if runner.takes != "graph" and (mismatch is not None or side.loaded is None):
        words = "draws of mismatch and networks made here are graphs, and this runner runs none"
        remedy = "Draw it for side A, give a runner of graphs, or the network's own source."
        raise UsageError(words, where=runner.name, found=f"runs {runner.takes}", remedy=remedy)
    loaded = side.loaded or Loaded(graph, Source(load().importers["snn"], graph.name), ImportOptions())
    graphs: tuple[Graph, ...] = (graph,)
    findings = list(graph.findings)
    if mismatch is not None:
        graphs = draws(graph, mismatch.runs, mismatch.percent, mismatch.seed)
        findings.append(told("B", graph, mismatch.runs, mismatch.percent, mismatch.seed))
    elif not runner.deterministic:
        graphs = graphs * runs
        words = f"B: {runs} runs, since the runner does not give the same every time; a run has all samples"
        findings.append(info("SNN-5406", runner.name, words))
    read = read_stimulus(wanted.stimulus, graph.inputs[0])
    steps = len(read.values) + lag_to_output(graph, REGISTRY)
    counted = []
    for number, item in enumerate(graphs):
        ready = replace(loaded, graph=item)
        recording = run_loaded(ready, runner, read, (wanted.record,), given, steps=steps)
        counted.append(_summed(recording, wanted.record, runner.name))
        findings += recording.findings
        if wanted.progress is not None:
            wanted.progress(number + 1, len(graphs))
    seconds = None if graph.dt is None else graph.dt * len(read.values)
    return Counts(f"{runner.name}: {side.name}", np.stack(counted), seconds, read.reading, tuple(findings))


def _summed(recording: Recording, record: str, where: str) -> Array:
    values = recording.with_batch(record)
    if values.dtype.kind not in "bu":
        raise UsageError("no spikes there", where=f"{where}: {record}", found=str(values.dtype))
    found: Array = spike_counts(values).astype(np.int64).sum(axis=0).reshape(values.shape[1], -1)
    return found
