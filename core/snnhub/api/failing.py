"""A comparison that fails, as a piece that can be made smaller."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from snnhub.api.sides import AgainstPeer, TwoNetworks, is_integer, run_against
from snnhub.api.verify import pairs_same
from snnhub.compare.align import Pair, align, key_of, spike_keys
from snnhub.compare.isolate import Sources, recorded_sources
from snnhub.compare.piece import Piece
from snnhub.compare.verdict import Divergence, first_divergence
from snnhub.errors import CheckFailedError, UsageError
from snnhub.ir.graph import TERMINAL_PORT, Graph, Match, Port
from snnhub.ir.op import OpLookup
from snnhub.ir.recording import Recording
from snnhub.ir.rung import Rung


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


def peer_case(run: AgainstPeer, expect: Rung | None = None) -> Case:
    """A network against a runner. Where only outputs of a sample were compared, that sample runs again.

    ``expect``: under ``bits`` any value that differs is a failure, else only spikes; by default as in ``verify``.
    """
    expect = expect or (Rung.BITS if is_integer(run.loaded.graph) else Rung.SPIKES)
    graph, lookup = run.loaded.graph, run.loaded.options.lookup
    pairs, problems = pairs_same(graph, run.ours, run.theirs, run.whole)
    names = f"engine: {run.loaded.source.name}", f"{run.runner.name}: {run.loaded.source.name}"
    first = _failing(pairs, problems, expect)
    if first.sample >= run.shown.values.shape[1]:
        one = run.prepared.values[:, first.sample : first.sample + 1]
        source, options = run.loaded.source, run.loaded.options
        name, given = source.importer.name, dict(run.given)
        again = run_against(source.value, run.runner.name, one, name, options, given, None)
        case = peer_case(again, expect)
        return replace(case, first=replace(case.first, sample=first.sample), samples=run.samples)
    key = _behind(graph, first.key, run.theirs)
    sample = slice(first.sample, first.sample + 1)
    theirs = _only(run.theirs, sample)
    values = run.shown.values[:, sample]
    item = graph.inputs[0].id
    piece = Piece(graph, None, {item: values}, key, key, run.steps, expected=theirs.with_batch(key))
    sources = recorded_sources(graph, theirs, values)
    return Case(names, first, piece, sources, (), lookup, run.samples, run.steps, run)


def network_case(run: TwoNetworks, expect: Rung | None = None) -> Case:
    """Two networks in the engine. States count where they mean the same, unless ``expect`` is below ``bits``."""
    expect = expect or (Rung.BITS if run.same else Rung.SPIKES)
    if expect is Rung.BITS and not run.same:
        raise UsageError("states of these two networks mean different things", found="bits", allowed="spikes")
    a, b, lookup = run.first.graph, run.second.graph, run.first.options.lookup
    pairs, problems = align(run.left, run.right, run.matches, spike_keys(a), run.steps)
    first = _failing(pairs, problems, expect)
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


def _failing(pairs: Sequence[Pair], problems: Sequence[str], expect: Rung) -> Divergence:
    """The first divergence that counts."""
    counted = [pair for pair in pairs if pair.spikes or expect is Rung.BITS]
    first = first_divergence(counted)
    if first is not None:
        return first
    others = first_divergence(pairs)
    found = "; ".join(problems)
    if others is not None and not found:
        found = f"all spikes equal; first other value at step {others.step}, {others.key}{list(others.index)}"
    raise CheckFailedError(
        "nothing differs on this input: there is no failing piece",
        found=found,
        remedy="Pass --expect bits for values that are no spikes." if others else "Check with snnhub verify.",
    )


def _only(recording: Recording, samples: slice) -> Recording:
    arrays = {key: recording.with_batch(key)[:, samples] for key in recording}
    return replace(recording, arrays=arrays, batched=True)


def _behind(graph: Graph, key: str, recording: Recording) -> str:
    """The quantity that an output shows, if it is one alone, undelayed; other keys as they are."""
    edges = graph.into.get(Port(key, TERMINAL_PORT), ()) if "/" not in key else ()
    if len(edges) != 1 or edges[0].delay or key_of(edges[0].src) not in recording:
        return key
    return key_of(edges[0].src)
