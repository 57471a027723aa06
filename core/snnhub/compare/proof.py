"""A conversion measured step by step: what each step promised, and what a stimulus shows of it.

The graph before a step is the graph after the one before it, so every graph runs once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from snnhub.compare.align import align, key_of, spike_keys
from snnhub.compare.verdict import Row, Verdict, judge
from snnhub.engine.reference import prepare
from snnhub.engine.stimulus import Stimulus, read_stimulus
from snnhub.errors import UsageError
from snnhub.findings import Finding, error, info
from snnhub.ir.correspondence import identity
from snnhub.ir.graph import Graph, Input, Match, Port
from snnhub.ir.op import OpLookup
from snnhub.ir.recording import Recording
from snnhub.ir.rung import Rung
from snnhub.ir.tensor import Array
from snnhub.ir.timing import lag_to_output
from snnhub.ops.registry import REGISTRY
from snnhub.passes.base import Applied, Promise

Progress = Callable[[str, int, int], None]
LOSSY = (Rung.DECISION, Rung.BOUNDED)
CALIBRATE = "Choose scales on input like this one: --calibrate."
REPORT = "Report the step to its author with the network and the input."
UNMEASURABLE = "a promise of equal statistics is not measured on one run"
NO_SPIKES = "there are no spikes to compare"
NO_DECISIONS = "the output has no classes, so there are no decisions to compare"


@dataclass(frozen=True)
class Step:
    """One step. ``kept``: whether it kept its contract; None if that was not measured, and ``note`` says why."""

    name: str
    promise: Promise | None
    verdict: Verdict | None = None
    kept: bool | None = None
    note: str = ""

    @property
    def worst(self) -> Row | None:
        """The layer with the smallest spike overlap."""
        rows = [row for row in self.verdict.rows if row.overlap is not None] if self.verdict else []
        return min(rows, key=lambda row: row.overlap or 0.0, default=None)

    def to_json(self) -> dict[str, Any]:
        worst = self.worst
        return {
            "step": self.name,
            "promised": None if self.promise is None else self.promise.rung.value,
            "promised_overlap": None if self.promise is None else self.promise.overlap,
            "kept": self.kept,
            "note": self.note,
            "worst_layer": None if worst is None else worst.a_key,
            "worst_overlap": None if worst is None else worst.overlap,
            "verdict": None if self.verdict is None else self.verdict.to_json(),
        }


@dataclass(frozen=True)
class Proof:
    """What was measured of a conversion on one stimulus. ``reading``: how the input array was understood."""

    reading: str
    steps: tuple[Step, ...]

    @property
    def broken(self) -> Step | None:
        """The first step that broke its contract."""
        return next((step for step in self.steps if step.kept is False), None)

    @property
    def passed(self) -> bool:
        return self.broken is None

    def findings(self) -> list[Finding]:
        """An error for the first broken contract, a remark for everything that was not measured."""
        found = [info("SNN-2302", step.name, step.note) for step in self.steps if step.kept is None]
        step = self.broken
        if step is None or step.verdict is None or step.promise is None:
            return found
        return [_broken(step, step.verdict, step.promise), *found]

    def to_json(self) -> dict[str, Any]:
        return {
            "input": self.reading,
            "passed": self.passed,
            "broken": None if self.broken is None else self.broken.name,
            "steps": [step.to_json() for step in self.steps],
        }


def _broken(step: Step, verdict: Verdict, promise: Promise) -> Finding:
    if verdict.silent:
        remedy = "Give an input that makes the network fire."
        return error("SNN-2303", step.name, "nothing fired before or after: equality shows nothing", remedy=remedy)
    worst, first = step.worst, verdict.first
    words = [] if worst is None else [f"smallest spike overlap {worst.overlap:.4f} at {worst.a_key}"]
    if first is not None:
        place = f"{first.key}{list(first.index)}"
        words.append(f"first divergence at step {first.step}, sample {first.sample}, {place}")
    words += verdict.problems
    return error(
        "SNN-2301",
        step.name,
        "; ".join(["broke its contract", *words]),
        old=_promised(promise),
        new=verdict.reached.value,
        remedy=f"Nothing was written. {CALIBRATE if promise.rung in LOSSY else REPORT}",
    )


def _promised(promise: Promise) -> str:
    bound = "" if promise.overlap is None else f", overlap at least {promise.overlap:.4f}"
    return promise.rung.value + bound


@dataclass
class Prover:
    """Runs each graph of a conversion once over ``stimulus`` and judges every step by its own contract."""

    stimulus: Array
    lookup: OpLookup
    progress: Progress | None = None
    steps: list[Step] = field(default_factory=list)
    _graph: Graph | None = field(default=None, init=False)
    _recording: Recording | None = field(default=None, init=False)
    _length: int = field(default=0, init=False)

    def start(self, graph: Graph, holds: Iterable[Input] = ()) -> Stimulus:
        """Read the input for the first graph. ``holds``: inputs of later graphs, which may hold frames.

        Raises ``UsageError`` for an input that the network does not take.
        """
        self.stimulus = held(self.stimulus, graph.inputs[0], *holds)
        prepared = read_stimulus(self.stimulus, graph.inputs[0])
        self._length = prepared.values.shape[0] + lag_to_output(graph, REGISTRY)
        return prepared

    def imported(self, graph: Graph, theirs: Recording, promise: Promise, following: Sequence[Match] = ()) -> None:
        """Judge the import: the recording of the source itself against the engine's."""
        spikes = spike_keys(graph)
        matches = own_table(graph, (key for key in theirs if key in spikes or key == "output"), self.lookup)
        ours = self._record(graph, [match.old for match in (*matches, *following)])
        self.steps.append(self._judged("import", graph, matches, promise, theirs, ours))

    def apply(self, item: Applied, following: Sequence[Match] = ()) -> None:
        """Judge one step. ``following``: the table of the next step, whose quantities are recorded as well."""
        matches = comparable(item)
        before = self._record(item.before, [match.old for match in matches])
        self._length += max((match.lag for match in matches), default=0)
        both = [*(match.new for match in matches), *(match.old for match in following)]
        after = self._record(item.after, both)
        self.steps.append(self._judged(item.name, item.before, matches, item.promise, before, after))

    def skip(self, name: str, note: str, promise: Promise | None = None) -> None:
        """A step that is not measured, and why."""
        self.steps.append(Step(name, promise, note=note))

    def _record(self, graph: Graph, ports: Iterable[Port]) -> Recording:
        """Record a graph over the input; the last recording is used again if it is of this network."""
        keys, kept = {key_of(port) for port in ports}, self._recording
        if kept is not None and self._graph is not None:
            enough = keys <= set(kept) and kept.steps >= self._length
            if enough and (graph is self._graph or graph.network() == self._graph.network()):
                return kept
        values = read_stimulus(self.stimulus, graph.inputs[0]).values
        report = None if self.progress is None else _reporter(self.progress, f"measuring {graph.name}")
        plan = prepare(graph, self.lookup)
        wanted = sorted(keys & set(plan.record_keys()))
        recording, _ = plan.run(values, record=wanted, steps=self._length, progress=report)
        self._graph, self._recording = graph, recording
        return recording

    def _judged(
        self,
        name: str,
        graph: Graph,
        matches: Sequence[Match],
        promise: Promise,
        before: Recording,
        after: Recording,
    ) -> Step:
        left, right = (replace(item, batched=True) for item in (before, after))
        spikes = spike_keys(graph)
        pairs, problems = align(left, right, matches, spikes, min(left.steps, self._length))
        verdict = judge(
            pairs,
            decoder=graph.decoder,
            overlap_bound=promise.overlap,
            comparable_states=promise.rung is Rung.BITS,
            problems=problems,
        )
        note = _unmeasured(promise, verdict)
        kept = None if note else verdict.reached.reaches(promise.rung) and not verdict.silent
        return Step(name, promise, verdict, kept, note)


def _reporter(progress: Progress, label: str) -> Callable[[int, int], None]:
    return lambda done, total: progress(label, done, total)


def comparable(item: Applied) -> list[Match]:
    """Rows to compare: spikes and outputs; all quantities of equal scale where every bit is promised."""
    spikes, ends = spike_keys(item.before), {output.id for output in item.before.outputs}
    rank = {node.id: position for position, node in enumerate(item.before.nodes)}
    inputs = {*item.before.input, *item.after.input}
    found = [
        match
        for match in item.correspondence
        if match.old.node not in inputs
        and (
            key_of(match.old) in spikes
            or match.old.node in ends
            or (item.promise.rung is Rung.BITS and match.scale == 1.0)
        )
    ]
    return sorted(found, key=lambda match: rank.get(match.old.node, len(rank)))


def own_table(graph: Graph, keys: Iterable[str], lookup: OpLookup) -> list[Match]:
    """Quantities of a graph matched with themselves, in node order."""
    wanted = set(keys)
    rows = [match for match in identity(graph, lookup) if key_of(match.old) in wanted]
    rank = {node.id: position for position, node in enumerate(graph.nodes)}
    return sorted(rows, key=lambda match: rank.get(match.old.node, len(rank)))


def _unmeasured(promise: Promise, verdict: Verdict) -> str:
    """Why a comparison says nothing about a promise; empty if it does."""
    if verdict.problems:
        return ""
    if promise.rung is Rung.DISTRIBUTION:
        return UNMEASURABLE
    if promise.rung is Rung.BITS or any(row.spikes for row in verdict.rows):
        needs_decisions = promise.rung is Rung.DECISION and verdict.decisions is None
        return NO_DECISIONS if needs_decisions and not verdict.reached.reaches(Rung.DECISION) else ""
    if promise.rung is Rung.DECISION and verdict.decisions is not None:
        return ""
    return NO_SPIKES


def held(stimulus: Array, *inputs: Input) -> Array:
    """A single frame in every step in which any of the networks shows it: the others may not hold frames.

    Raises ``UsageError`` if two of them hold it for different times.
    """
    if np.ndim(stimulus) <= len(inputs[0].shape) or stimulus.shape[0] != 1:
        return stimulus
    times = sorted({item.hold for item in inputs if item.hold})
    if len(times) > 1:
        raise UsageError(
            "the two networks hold a frame for different times",
            found=f"{' and '.join(map(str, times))} steps",
            remedy="Pass an input with one frame per step",
        )
    return np.repeat(stimulus, max([*times, 1]), axis=0)
