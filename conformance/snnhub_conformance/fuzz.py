"""Random networks in two runners: until they differ, then made as small as it still differs.

Beside the suite, never part of it: cases are fixed, this is a search. What it finds can be saved as a case.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from snnhub.api.load import Loaded
from snnhub.api.options import ImportOptions
from snnhub.api.run import run_loaded
from snnhub.api.source import Source
from snnhub.compare.align import Pair, spike_keys
from snnhub.compare.verdict import differing, first_divergence
from snnhub.engine.stimulus import read_stimulus
from snnhub.errors import MissingPeerError, SnnhubError, UnsupportedError, UsageError
from snnhub.hub.catalogue import find, register_ops, require
from snnhub.hub.loader import load
from snnhub.hub.objects import Runner
from snnhub.ir.graph import Graph
from snnhub.ir.tensor import Array

from snnhub_conformance.generate.write import Writer, runner_case
from snnhub_conformance.outcome import First

Progress = Callable[[int, int], None]
EVERYTHING = "*"


@dataclass(frozen=True)
class Finding:
    """A network on which the two differ, as small as it could be made. ``first``: the first difference, or None
    where one of them failed, and ``problem`` says how.
    """

    graph: Graph
    stimulus: Array
    first: First | None
    problem: str
    expected: Mapping[str, Array] = field(default_factory=dict)


@dataclass(frozen=True)
class Fuzzed:
    """``ran``: networks that both ran; ``skipped``: those that one of them refused."""

    a: str
    b: str
    graphs: str
    seed: int
    ran: int
    skipped: int
    found: Finding | None

    def to_json(self) -> dict[str, Any]:
        found = self.found
        return {
            "a": self.a,
            "b": self.b,
            "graphs": self.graphs,
            "seed": self.seed,
            "ran": self.ran,
            "skipped": self.skipped,
            "found": None
            if found is None
            else {
                "nodes": [f"{node.id}: {node.kind}" for node in found.graph.nodes],
                "steps": int(found.stimulus.shape[0]),
                "samples": int(found.stimulus.shape[1]),
                "first": None if found.first is None else str(found.first),
                "problem": found.problem,
            },
        }


def fuzz(
    a: str,
    b: str,
    *,
    graphs: str = "float",
    seed: int = 0,
    count: int = 100,
    spikes_only: bool = False,
    progress: Progress | None = None,
) -> Fuzzed:
    """Draw ``count`` networks with ``seed`` and run each in both runners, over all that both record.

    ``spikes_only``: states may differ.

    Raises ``UsageError`` for unknown names, ``MissingPeerError`` without hypothesis.
    """
    try:
        import hypothesis as h

        from snnhub_conformance.strategies import GRAPHS, stimuli
    except ImportError:
        raise MissingPeerError("fuzzing needs hypothesis", remedy="pip install 'snnhub[conformance]'") from None
    from hypothesis import strategies as st

    if graphs not in GRAPHS:
        raise UsageError("no such kind of network", found=graphs, allowed=", ".join(GRAPHS))
    register_ops()
    runners = [find(load().runners, name, "runner") for name in (a, b)]
    for runner in runners:
        require(runner)
    numbers, last = {"ran": 0, "skipped": 0}, list[Finding]()

    @h.seed(seed)
    @h.settings(
        max_examples=count,
        database=None,
        deadline=None,
        suppress_health_check=list(h.HealthCheck),
        print_blob=False,
    )
    @h.given(st.data())
    def differ(data: st.DataObject) -> None:
        graph = data.draw(GRAPHS[graphs]())
        stimulus = data.draw(stimuli(graph))
        found = _difference(runners, graph, stimulus, spikes_only)
        numbers["skipped" if found == "refused" else "ran"] += 1
        if progress is not None:
            progress(numbers["ran"] + numbers["skipped"], count)
        if isinstance(found, Finding):
            last.append(found)
            raise AssertionError(found.problem or str(found.first))  # noqa: TRY004  hypothesis shrinks what asserts

    try:
        differ()
    except AssertionError:
        return Fuzzed(a, b, graphs, seed, numbers["ran"], numbers["skipped"], last[-1])
    return Fuzzed(a, b, graphs, seed, numbers["ran"], numbers["skipped"], None)


def _difference(runners: list[Runner], graph: Graph, stimulus: Array, spikes_only: bool) -> Finding | str | None:
    """The difference, ``refused`` if one of the two does not take the network, or None."""
    records = []
    for runner in runners:
        try:
            records.append(_record(runner, graph, stimulus))
        except UnsupportedError:
            return "refused"
        except SnnhubError as problem:
            return Finding(graph, stimulus, None, f"{runner.name} failed: {problem}")
    spikes = spike_keys(graph)
    keys = [k for k in records[0] if k in records[1] and (k in spikes or "/" not in k or not spikes_only)]
    for key in keys:
        if records[0][key].shape != records[1][key].shape:
            return Finding(graph, stimulus, None, f"{key} differs in shape", records[0])
    pairs = [Pair(key, key, records[0][key], records[1][key], key in spikes) for key in keys]
    if not any(differing(pair.a, pair.b).any() for pair in pairs):
        return None
    found = first_divergence(pairs)
    if found is None:
        return None
    node, _, state = found.key.rpartition("/")
    first = First(
        found.step, found.sample, node or found.key, found.index, state if node else "x", found.a, found.b
    )
    return Finding(graph, stimulus, first, "", {key: records[0][key] for key in keys})


def _record(runner: Runner, graph: Graph, stimulus: Array) -> dict[str, Array]:
    prepared = read_stimulus(stimulus, graph.inputs[0])
    source = Source(find(load().importers, "snn", "importer"), Path("fuzz.snn"))
    loaded = Loaded(graph, source, ImportOptions())
    return dict(run_loaded(loaded, runner, prepared, (EVERYTHING,), {}).arrays)


def save(result: Fuzzed, folder: Path) -> Path:
    """The finding as a case of the family ``fuzz`` under ``folder``: the first runner gives the expectation.

    Raises ``UsageError`` if nothing was found, or nothing was recorded because a runner failed.
    """
    found = result.found
    if found is None or not found.expected:
        raise UsageError("there is nothing to save", found=found.problem if found else "no difference")
    writer = Writer(folder)
    integer = all(array.dtype.kind != "f" for array in found.expected.values())
    case, files = runner_case(
        "fuzz",
        f"{result.graphs} {result.seed} {result.ran}: {result.a} against {result.b}",
        f"found by fuzzing: {found.first}",
        found.graph,
        {found.graph.inputs[0].id: found.stimulus},
        found.expected,
        rung="bits" if integer else "spikes",
        level="R4" if integer else "R3",
        batched=True,
        source={"kind": "peer", "ref": result.a},
    )
    writer.add(case, files)
    folder.mkdir(parents=True, exist_ok=True)
    (written,) = writer.finish(set())
    return written.folder
