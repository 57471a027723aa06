"""Runs a network and what several methods made of it over the same input, a few samples at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from snnhub.api.sides import batched, correspondence
from snnhub.api.target import Reach, TargetSpec
from snnhub.compare.align import Pair, align, key_of, spike_keys
from snnhub.compare.proof import held
from snnhub.compare.tally import Ends, Tallied, Tally
from snnhub.compare.verdict import DecisionCount, count_decisions
from snnhub.engine.reference import Plan, prepare
from snnhub.engine.stimulus import read_stimulus
from snnhub.ir.graph import Graph, Match, Port
from snnhub.ir.op import OpLookup
from snnhub.ir.recording import Recording
from snnhub.ir.tensor import Array

CHUNK_BYTES = 2**27
"""Recordings of a chunk of samples take about this much."""
Progress = Callable[[str, int, int], None]


@dataclass
class Side:
    """A lowered network next to the one that it was made of. ``matches``: what is compared, nearest copy first."""

    graph: Graph
    plan: Plan
    values: Array
    matches: tuple[Match, ...]
    reaches: Mapping[Port, tuple[Reach, ...]]
    tallies: dict[str, Tally] = field(default_factory=dict)
    decisions: list[DecisionCount] = field(default_factory=list)
    problems: tuple[str, ...] = ()

    @property
    def lag(self) -> int:
        return max((match.lag for match in self.matches), default=0)

    def keys(self) -> set[str]:
        """What is recorded of it."""
        states = {f"{port.node}/{reach.quantity}" for port, reaches in self.reaches.items() for reach in reaches}
        return {key_of(match.new) for match in self.matches} | (states & set(self.plan.record_keys()))


def measured(
    graph: Graph,
    lowered: Mapping[str, Graph],
    spec: TargetSpec,
    data: Array,
    lookup: OpLookup,
    progress: Progress | None = None,
) -> dict[str, Tallied]:
    """What ``data`` (time, batch, features…) show of every lowered network, by the name of its method.

    Raises ``UsageError`` for data that one of the networks does not take.
    """
    shown = held(data, graph.inputs[0], *(item.inputs[0] for item in lowered.values()))
    values = read_stimulus(shown, graph.inputs[0]).values
    plan = prepare(graph, lookup)
    sides = {name: _side(graph, item, spec, shown, lookup) for name, item in lowered.items()}
    keys = sorted({key_of(match.old) for side in sides.values() for match in side.matches})
    chunks = list(_chunks(values, [plan, *(side.plan for side in sides.values())]))
    for number, chunk in enumerate(chunks):
        before = batched(plan.run(values[:, chunk], record=keys)[0])
        for place, (name, side) in enumerate(sides.items()):
            if progress is not None:
                progress(f"measuring {name}", number * len(sides) + place, len(chunks) * len(sides))
            _count(graph, side, before, chunk)
    return {name: _tallied(side) for name, side in sides.items()}


def _side(graph: Graph, lowered: Graph, spec: TargetSpec, shown: Array, lookup: OpLookup) -> Side:
    table, _ = correspondence(graph, lowered)
    matches = tuple(_compared(graph, lowered, table))
    reaches = {
        match.new: tuple(
            reach
            for reach in spec.reaches
            if (reach.op, reach.spikes) == (lowered.node[match.new.node].op, match.new.name)
        )
        for match in matches
        if match.new.node in lowered.node
    }
    values = read_stimulus(shown, lowered.inputs[0]).values
    return Side(lowered, prepare(lowered, lookup), values, matches, reaches)


def _compared(graph: Graph, lowered: Graph, table: Sequence[Match]) -> Iterator[Match]:
    """Spikes, outputs, and what decisions are read from; of copies the one that acts first."""
    spikes = spike_keys(graph), spike_keys(lowered)
    ends = {output.id for output in graph.outputs}
    read = "" if graph.decoder is None else graph.decoder.quantity
    seen = set()
    for match in sorted(table, key=lambda match: match.lag):
        old, new = key_of(match.old), key_of(match.new)
        wanted = old in spikes[0] or new in spikes[1] or match.old.node in ends or old == read
        if match.old.node not in graph.input and wanted and old not in seen:
            seen.add(old)
            yield match


def _chunks(values: Array, plans: Sequence[Plan]) -> Iterator[slice]:
    sizes = max(sum(int(np.prod(shape)) for shape in plan.analysis.shapes.values()) for plan in plans)
    few = max(1, CHUNK_BYTES // max(1, 4 * sizes * values.shape[0]))
    for first in range(0, values.shape[1], few):
        yield slice(first, first + few)


def _count(graph: Graph, side: Side, before: Recording, chunk: slice) -> None:
    steps = before.steps
    recording, _ = side.plan.run(side.values[:, chunk], record=sorted(side.keys()), steps=steps + side.lag)
    after = batched(recording)
    spikes = spike_keys(graph) | {
        key_of(match.old) for match in side.matches if key_of(match.new) in spike_keys(side.graph)
    }
    pairs, problems = align(before, after, side.matches, spikes, steps)
    side.problems = tuple(problems)
    by_key = {key_of(match.old): match for match in side.matches}
    for pair in pairs:
        match = by_key[pair.a_key]
        if pair.spikes and match.old.node in graph.node:
            tally = side.tallies.setdefault(match.old.node, Tally())
            tally.add(pair)
            for reach in side.reaches.get(match.new, ()):
                _limited(tally, reach, match, pair, after)
    found = count_decisions(pairs, graph.decoder)
    if found is not None:
        side.decisions.append(found)


def _limited(tally: Tally, reach: Reach, match: Match, pair: Pair, after: Recording) -> None:
    """Count values at the ends of a range; of spikes those where the network before fired more often."""
    if reach.quantity == reach.spikes:
        wanted_more = int(np.count_nonzero((pair.b == reach.high) & (pair.a > reach.high)))
        tally.limited(reach.quantity, Ends(0, wanted_more, pair.b.size))
        return
    key = f"{match.new.node}/{reach.quantity}"
    if key not in after:
        return
    values = after.with_batch(key)[match.lag : match.lag + len(pair.a)]
    if match.select is not None:
        values = values[:, :, match.select[0] : match.select[1]]
    low, high = (int(np.count_nonzero(values == end)) for end in (reach.low, reach.high))
    tally.limited(reach.quantity, Ends(low, high, values.size))


def _tallied(side: Side) -> Tallied:
    parts = side.decisions
    ties = sum(part.ties[0] for part in parts), sum(part.ties[1] for part in parts)
    whole = DecisionCount(sum(part.total for part in parts), sum(part.equal for part in parts), ties)
    return Tallied(dict(side.tallies), whole if parts else None, side.problems)
