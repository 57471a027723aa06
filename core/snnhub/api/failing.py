"""A comparison that fails, as a piece that can be made smaller."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from snnhub.api.sides import AgainstPeer, TwoNetworks, run_against
from snnhub.api.verify import judge_same
from snnhub.compare.align import align, key_of, spike_keys
from snnhub.compare.isolate import Sources, recorded_sources
from snnhub.compare.piece import Piece
from snnhub.compare.verdict import Divergence, judge
from snnhub.errors import CheckFailedError
from snnhub.ir.graph import TERMINAL_PORT, Graph, Match, Port
from snnhub.ir.op import OpLookup
from snnhub.ir.recording import Recording


@dataclass(frozen=True)
class Case:
    """A comparison that was run and failed: names, the whole piece, and what is needed to make it smaller.

    ``first``: the divergence in the whole; ``sources``: what the reference run fed every port in that sample.
    """

    names: tuple[str, str]
    first: Divergence
    piece: Piece
    sources: Sources
    matches: Sequence[Match]
    lookup: OpLookup
    samples: int
    steps: int
    run: AgainstPeer | None = None


def peer_case(run: AgainstPeer) -> Case:
    """A network against a runner. Where only outputs of a sample were compared, that sample runs again."""
    graph, lookup = run.loaded.graph, run.loaded.options.lookup
    verdict = judge_same(graph, run.ours, run.theirs, run.whole, run.shown, None)
    names = f"engine: {run.loaded.source.name}", f"{run.runner.name}: {run.loaded.source.name}"
    first = _failing(verdict.first)
    if first.sample >= run.shown.values.shape[1]:
        one = run.prepared.values[:, first.sample : first.sample + 1]
        source, options = run.loaded.source, run.loaded.options
        name, given = source.importer.name, dict(run.given)
        again = run_against(source.value, run.runner.name, one, name, options, given, None)
        case = peer_case(again)
        return replace(case, first=replace(case.first, sample=first.sample), samples=run.samples)
    key = _behind(graph, first.key, run.theirs)
    sample = slice(first.sample, first.sample + 1)
    theirs = _only(run.theirs, sample)
    values = run.shown.values[:, sample]
    item = graph.inputs[0].id
    piece = Piece(graph, None, {item: values}, key, key, run.steps, expected=theirs.with_batch(key))
    sources = recorded_sources(graph, theirs, values)
    return Case(names, first, piece, sources, (), lookup, run.samples, run.steps, run)


def network_case(run: TwoNetworks) -> Case:
    """Two networks in the engine."""
    a, b, lookup = run.first.graph, run.second.graph, run.first.options.lookup
    pairs, problems = align(run.left, run.right, run.matches, spike_keys(a), run.steps)
    first = _failing(judge(pairs, comparable_states=run.same, problems=problems).first)
    match = next(item for item in run.matches if key_of(item.old) == first.key)
    sample = slice(first.sample, first.sample + 1)
    left, values = _only(run.left, sample), run.prepared.values[:, sample]
    piece = Piece(
        a,
        b,
        {a.inputs[0].id: values},
        _behind(a, first.key, run.left),
        _behind(b, key_of(match.new), run.right),
        run.steps,
        match.lag,
        match.select,
        {b.inputs[0].id: a.inputs[0].id},
    )
    names = run.first.source.name, run.second.source.name
    samples = int(run.prepared.values.shape[1])
    return Case(names, first, piece, recorded_sources(a, left, values), run.matches, lookup, samples, run.steps)


def _failing(first: Divergence | None) -> Divergence:
    if first is None:
        raise CheckFailedError(
            "nothing differs on this input: there is no failing piece", remedy="Check with snnhub verify."
        )
    return first


def _only(recording: Recording, samples: slice) -> Recording:
    arrays = {key: recording.with_batch(key)[:, samples] for key in recording}
    return replace(recording, arrays=arrays, batched=True)


def _behind(graph: Graph, key: str, recording: Recording) -> str:
    """The quantity that an output shows, if it is one alone, undelayed; other keys as they are."""
    edges = graph.into.get(Port(key, TERMINAL_PORT), ()) if "/" not in key else ()
    if len(edges) != 1 or edges[0].delay or key_of(edges[0].src) not in recording:
        return key
    return key_of(edges[0].src)
