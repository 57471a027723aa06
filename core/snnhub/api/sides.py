"""Both sides of a comparison, run on the same input: two networks, or one network and a peer that runs it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from snnhub.api.load import Loaded, load_beside, load_graph
from snnhub.api.options import ImportOptions
from snnhub.api.run import run_loaded, split_options
from snnhub.api.source import resolve
from snnhub.compare.align import by_order, key_of, spike_keys
from snnhub.compare.proof import held
from snnhub.engine.reference import Plan, prepare
from snnhub.engine.stimulus import Stimulus, read_stimulus
from snnhub.findings import Finding, info
from snnhub.hub.catalogue import find, require
from snnhub.hub.loader import load
from snnhub.hub.objects import Runner
from snnhub.ir.graph import TERMINAL_PORT, Graph, Match, Port
from snnhub.ir.recording import Recording
from snnhub.ir.tensor import Array
from snnhub.ir.timing import lag_to_output
from snnhub.ops.registry import REGISTRY

STATE_BYTES = 2**28
"""States are compared for as many samples as fit in this; outputs for all."""
Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class AgainstPeer:
    """A network in the engine and in a runner. ``ours`` and ``theirs`` have every quantity of the samples in
    ``shown``; ``whole`` the outputs of all samples, where those are more. ``given``: the runner's options.
    """

    loaded: Loaded
    runner: Runner
    given: Mapping[str, str]
    prepared: Stimulus
    shown: Stimulus
    steps: int
    ours: Recording
    theirs: Recording
    whole: tuple[Recording, Recording] | None

    @property
    def samples(self) -> int:
        """Number of all samples."""
        return int(self.prepared.values.shape[1])


def run_against(
    a: Any,
    against: str,
    stimulus: Array,
    from_: str | None,
    options: ImportOptions,
    given: dict[str, str],
    progress: Progress | None,
    engine: Runner | None = None,
) -> AgainstPeer:
    """Run ``a`` in the engine (or in ``engine``) and in the runner ``against``."""
    runner = find(load().runners, against, "runner")
    if not runner.only_replays(a):
        require(runner)
    for_import, for_runner = split_options(a, from_, runner, given, *([engine] if engine else []))
    loaded = load_graph(
        a, importer=from_, options=replace(options, given={**options.given, **for_import}), stimulus=stimulus
    )
    prepared = read_stimulus(stimulus, loaded.graph.inputs[0])
    plan = prepare(loaded.graph, loaded.options.lookup)
    few = _samples_with_states(plan, prepared)
    shown = _only(prepared, few)
    # so that all of the input reaches the output
    steps = prepared.values.shape[0] + lag_to_output(loaded.graph, REGISTRY)
    theirs = run_loaded(loaded, runner, shown, ("*",), for_runner, steps=steps, progress=progress)
    run_ours = _ours(loaded, plan, engine, given, steps)
    ours = run_ours(shown, tuple(key for key in plan.record_keys() if key in theirs))
    whole: tuple[Recording, Recording] | None = None
    if few < prepared.values.shape[1]:
        output = run_loaded(loaded, runner, prepared, ("output",), for_runner, steps=steps, progress=progress)
        whole = (run_ours(prepared, ("output",)), output)
    return AgainstPeer(loaded, runner, for_runner, prepared, shown, steps, ours, theirs, whole)


def _ours(
    loaded: Loaded, plan: Plan, engine: Runner | None, given: Mapping[str, str], steps: int
) -> Callable[[Stimulus, tuple[str, ...]], Recording]:
    """What runs our side: the plan of the reference engine, or another engine with those options that it knows."""
    if engine is None:
        return lambda part, keys: batched(plan.run(part.values, record=keys, steps=steps)[0])
    known = {option.name for option in engine.options}
    options = {name: value for name, value in given.items() if name in known}
    return lambda part, keys: run_loaded(loaded, engine, part, keys, options, steps=steps)


def batched(recording: Recording) -> Recording:
    """A recording of the engine as one with a batch axis, which it has whenever it was given one."""
    return replace(recording, batched=True)


def _samples_with_states(plan: Plan, stimulus: Stimulus) -> int:
    sizes = [int(np.prod(shape)) for shape in plan.analysis.shapes.values()]
    per_sample = 4 * sum(sizes) * stimulus.values.shape[0]
    return int(min(stimulus.values.shape[1], max(1, STATE_BYTES // max(1, per_sample))))


def _only(stimulus: Stimulus, samples: int) -> Stimulus:
    return replace(stimulus, values=stimulus.values[:, :samples])


def port_of(key: str) -> Port:
    """The port behind a record key."""
    node, _, name = key.rpartition("/")
    return Port(node, name) if node else Port(key, TERMINAL_PORT)


@dataclass(frozen=True)
class TwoNetworks:
    """Two networks in the reference engine. ``matches``: what of the second is what of the first, compared and
    recorded; ``same``: states can be compared too; ``steps`` are compared, the second ran ``lag`` steps longer.
    """

    first: Loaded
    second: Loaded
    prepared: Stimulus
    other: Stimulus
    matches: tuple[Match, ...]
    same: bool
    steps: int
    lag: int
    left: Recording
    right: Recording
    notes: tuple[Finding, ...]


def run_networks(
    a: Any,
    b: Any,
    stimulus: Array,
    from_: str | None,
    options: ImportOptions,
    given: dict[str, str],
    progress: Progress | None,
) -> TwoNetworks:
    """Run both networks over what is one input for both of them."""
    given, for_a = _for_second_and_first(a, b, from_, given)
    first = load_graph(
        a, importer=from_, options=replace(options, given={**options.given, **for_a}), stimulus=stimulus
    )
    second = load_beside(b, ImportOptions(given=given, lookup=options.lookup), options, stimulus)
    shown = held(stimulus, first.graph.inputs[0], second.graph.inputs[0])
    prepared, other = (read_stimulus(shown, item.graph.inputs[0]) for item in (first, second))
    matches, notes = correspondence(first.graph, second.graph)
    rank = {node.id: position for position, node in enumerate(first.graph.nodes)}
    recorded = [match for match in matches if match.old.node not in first.graph.input]
    matches = tuple(sorted(recorded, key=lambda match: rank.get(match.old.node, len(rank))))
    same = first.graph.network() == second.graph.network() or _same_meaning(first.graph, second.graph, matches)
    if not same:
        read = first.graph.decoder.quantity if first.graph.decoder is not None else ""
        kept = spike_keys(first.graph) | {read}
        matches = tuple(match for match in matches if key_of(match.old) in kept)
    lag = max((match.lag for match in matches), default=0)
    steps = prepared.values.shape[0]
    left, _ = prepare(first.graph).run(prepared.values, record={key_of(m.old) for m in matches}, progress=progress)
    right, _ = prepare(second.graph).run(
        other.values, record={key_of(m.new) for m in matches}, steps=steps + lag, progress=progress
    )
    both = batched(left), batched(right)
    return TwoNetworks(first, second, prepared, other, matches, same, steps, lag, *both, tuple(notes))


def _for_second_and_first(
    a: Any, b: Any, from_: str | None, given: dict[str, str]
) -> tuple[dict[str, str], dict[str, str]]:
    """Options go to the second network, except those that only the first one's importer knows."""
    ours, theirs = ({option.name for option in resolve(*item).importer.options} for item in ((a, from_), (b,)))
    first = {name for name in given if name in ours - theirs}
    return (
        {name: value for name, value in given.items() if name not in first},
        {name: given[name] for name in first},
    )


def correspondence(a: Graph, b: Graph) -> tuple[tuple[Match, ...], list[Finding]]:
    """What of ``b`` is what of ``a``: the table that ``b`` carries, equal names, or the order of layers."""
    names = {*a.node, *a.input, *(output.id for output in a.outputs)}
    known = tuple(match for match in b.correspondence if match.old.node in names)
    if any(match.old.node in a.node for match in known):
        return known, []
    from snnhub.ir.correspondence import identity

    shared = tuple(m for m in identity(a, REGISTRY) if m.old.node in b.node or m.old.node not in a.node)
    if all(node.id in b.node for node in a.nodes):
        return shared, []
    note = info(
        "SNN-5005",
        b.name,
        "no table leads from the first network to this one; layers of neurons are matched in order",
    )
    return by_order(a, b), [note]


def _same_meaning(a: Graph, b: Graph, matches: tuple[Match, ...]) -> bool:
    """Whether states can be compared bit by bit: integers on both sides at equal scale."""
    return is_integer(a) and is_integer(b) and all(match.scale == 1.0 for match in matches)


def is_integer(graph: Graph) -> bool:
    """Whether every parameter and input is an integer: such a graph can claim ``bits`` against a simulator."""
    params = all(tensor.type.is_int for node in graph.nodes for _, tensor in node.params)
    return params and all(item.type.is_int for item in graph.inputs)
