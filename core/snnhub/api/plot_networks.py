"""Sides of a picture that are networks: one, two, or one and a runner. Everything is run here, states later."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np

from snnhub.api.load import load_graph
from snnhub.api.options import ImportOptions
from snnhub.api.plot_sides import Asked, Potential, Sides, not_drawn
from snnhub.api.run import split_options
from snnhub.api.sides import TwoNetworks, batched, correspondence, port_of, run_against, run_networks
from snnhub.api.verify import pairs_same
from snnhub.compare.align import align, key_of, spike_keys
from snnhub.engine.reference import prepare
from snnhub.engine.stimulus import read_stimulus
from snnhub.errors import UsageError
from snnhub.hub.catalogue import find
from snnhub.hub.loader import load
from snnhub.ir.graph import TERMINAL_PORT, Graph, Match, Port
from snnhub.ir.recording import Recording
from snnhub.ir.tensor import Array
from snnhub.ir.verify import recordable
from snnhub.ops.registry import REGISTRY
from snnhub.plot.couple import Couple
from snnhub.plot.threshold import membrane_suffix, threshold_of


def of_network(asked: Asked) -> Sides:
    """One network in the engine."""
    assert asked.stimulus is not None  # noqa: S101  take_sides has looked
    options, engine = asked.options or ImportOptions(), find(load().runners, "engine", "runner")
    for_import, _ = split_options(asked.a, asked.from_, engine, asked.given or {})
    options = replace(options, given={**options.given, **for_import})
    loaded = load_graph(asked.a, importer=asked.from_, options=options, stimulus=asked.stimulus)
    graph, lookup = loaded.graph, loaded.options.lookup
    prepared = read_stimulus(asked.stimulus, graph.inputs[0])
    plan = prepare(graph, lookup)
    keys = shown_keys(graph, asked.quantities)
    recording, _ = plan.run(prepared.values, record=keys, progress=asked.progress)
    spikes = tuple(Couple(key, batched(recording).with_batch(key)) for key in keys)

    def states(wanted: tuple[str, ...], sample: int) -> list[Potential]:
        found = states_of(graph, wanted)
        part, _ = plan.run(prepared.values[:, sample : sample + 1], record=found)
        couples = (Couple(key, batched(part).with_batch(key)) for key in found)
        return [Potential(couple, (_threshold(graph, couple.a_key, couple.a), None)) for couple in couples]

    findings = (*graph.findings, *prepared.findings)
    return Sides((loaded.source.name,), spikes, states, findings, prepared.reading)


def of_runner(asked: Asked, runner: str) -> Sides:
    """One network in the engine and in a runner, as ``verify`` runs them."""
    assert asked.stimulus is not None  # noqa: S101  take_sides has looked
    options, given = asked.options or ImportOptions(), dict(asked.given or {})
    run = run_against(asked.a, runner, asked.stimulus, asked.from_, options, given, asked.progress)
    graph = run.loaded.graph
    pairs, problems = pairs_same(graph, run.ours, run.theirs, None)
    keys = shown_keys(graph, asked.quantities)
    spikes = tuple(Couple.of(pair) for pair in pairs if pair.spikes and pair.a_key in keys)

    def states(wanted: tuple[str, ...], sample: int) -> list[Potential]:
        both = [Match(port_of(key), port_of(key)) for key in states_of(graph, wanted)]
        lined_up, _ = align(run.ours, run.theirs, both, frozenset(), run.steps)
        part = slice(sample, sample + 1)
        couples = [replace(Couple.of(pair), a=pair.a[:, part], b=pair.b[:, part]) for pair in lined_up]
        return [Potential(couple, (_threshold(graph, couple.a_key, couple.a),) * 2) for couple in couples]

    name = run.loaded.source.name
    names = (f"engine: {name}", f"{run.runner.name}: {name}")
    findings = (*graph.findings, *run.prepared.findings, *run.ours.findings, *run.theirs.findings)
    told = not_drawn(names, problems)
    few = int(run.shown.values.shape[1])
    if few < run.samples:
        told += not_drawn(names, [f"samples from {few} on: states of {run.samples} samples would be too large"])
    return Sides(names, spikes, states, (*findings, *told), run.prepared.reading)


def of_networks(asked: Asked, against: object) -> Sides:
    """Two networks in the engine, lined up by their correspondence."""
    assert asked.stimulus is not None  # noqa: S101  take_sides has looked
    options, given = asked.options or ImportOptions(), dict(asked.given or {})
    run = run_networks(asked.a, against, asked.stimulus, asked.from_, options, given, asked.progress)
    graph, keys = run.first.graph, shown_keys(run.first.graph, asked.quantities)
    matches = [match for match in run.matches if key_of(match.old) in keys]
    pairs, problems = align(run.left, run.right, matches, spike_keys(graph), run.steps)
    names = (run.first.source.name, run.second.source.name)

    def states(wanted: tuple[str, ...], sample: int) -> list[Potential]:
        return _matched_states(run, matches, wanted, sample)

    findings = (*graph.findings, *run.notes, *run.prepared.findings, *not_drawn(names, problems))
    return Sides(names, tuple(Couple.of(pair) for pair in pairs), states, findings, run.prepared.reading)


def _matched_states(
    run: TwoNetworks, spikes: Sequence[Match], wanted: tuple[str, ...], sample: int
) -> list[Potential]:
    """States of one sample, run again: comparing spikes did not record them."""
    a, b = run.first.graph, run.second.graph
    table = matching_states(a, b, spikes, states_of(a, wanted))
    part = slice(sample, sample + 1)
    first, second = prepare(a, run.first.options.lookup), prepare(b, run.second.options.lookup)
    left, _ = first.run(run.prepared.values[:, part], record={key_of(m.old) for m in table}, steps=run.steps)
    lag = max((match.lag for match in table), default=0)
    right, _ = second.run(run.other.values[:, part], record={key_of(m.new) for m in table}, steps=run.steps + lag)
    both = batched(left), batched(right)
    found = []
    for match in table:
        pairs, _ = align(*both, [match], frozenset(), run.steps)
        found += [Potential(Couple.of(pair), _thresholds(a, b, match, *both)) for pair in pairs]
    return found


def _thresholds(
    a: Graph, b: Graph, match: Match, left: Recording, right: Recording
) -> tuple[Array | None, Array | None]:
    values = right.with_batch(key_of(match.new))
    theirs = _threshold(b, key_of(match.new), values)
    if theirs is not None and match.select is not None:
        theirs = theirs.reshape(values.shape[2:])[match.select[0] : match.select[1]].reshape(-1)
    return _threshold(a, key_of(match.old), left.with_batch(key_of(match.old))), theirs


def _threshold(graph: Graph, key: str, values: Array) -> Array | None:
    node, _, name = key.rpartition("/")
    return threshold_of(graph.node[node], name, int(np.prod(values.shape[2:])))


def matching_states(a: Graph, b: Graph, spikes: Iterable[Match], wanted: Iterable[str]) -> list[Match]:
    """What of ``b`` each state of ``a`` is: as the correspondence says, with its scale; else the state of that
    name of the neuron that its spikes are matched with, or its membrane potential, in a unit that nobody knows.
    """
    known = {match.old: match for match in correspondence(a, b)[0]}
    neurons = {match.old.node: match for match in spikes}
    found = []
    for key in wanted:
        port = port_of(key)
        partner = neurons.get(port.node)
        if port in known:
            found.append(known[port])
        elif partner is not None and partner.new.node in b.node:
            names = recordable(b.node[partner.new.node], REGISTRY)
            alike = [name for name in names if membrane_suffix(name) == membrane_suffix(port.name) is not None]
            name = port.name if port.name in names else next(iter(alike), None)
            if name is not None:
                new = Port(partner.new.node, name)
                found.append(Match(port, new, partner.lag, None, partner.select))
    return found


def shown_keys(graph: Graph, wanted: Sequence[str] = ()) -> tuple[str, ...]:
    """Spike trains in the order of the nodes, then outputs; one that only repeats a neuron must be asked for."""
    spiking = spike_keys(graph)
    keys = [f"{node.id}/{name}" for node in graph.nodes for name in recordable(node, REGISTRY)]
    for output in graph.outputs:
        edges = graph.into.get(Port(output.id, TERMINAL_PORT), ())
        repeats = len(edges) == 1 and not edges[0].delay and key_of(edges[0].src) in keys
        if not repeats or output.id in wanted:
            keys.append(output.id)
    return tuple(key for key in keys if key in spiking)


def states_of(graph: Graph, wanted: Sequence[str]) -> tuple[str, ...]:
    """The record keys asked for, or every membrane potential of a neuron.

    Raises ``UsageError`` for a key that is no state of this network, and where it has no membrane potential.
    """
    spiking = {key.rpartition("/")[0] for key in spike_keys(graph)}
    states = [
        (node.id, name)
        for node in graph.nodes
        for name in recordable(node, REGISTRY)
        if f"{node.id}/{name}" not in spike_keys(graph)
    ]
    known = [f"{node}/{name}" for node, name in states]
    membranes = [
        f"{node}/{name}" for node, name in states if node in spiking and membrane_suffix(name) is not None
    ]
    unknown = [key for key in wanted if key not in known]
    if unknown or not (wanted or membranes):
        raise UsageError(
            "no state of this name" if unknown else "no neuron has a membrane potential that is known by its name",
            found=", ".join(unknown),
            allowed=", ".join((membranes or known)[:40]) or "none here",
            remedy="" if unknown else "Name the state: --quantity NODE/STATE.",
        )
    return tuple(wanted) or tuple(membranes)
