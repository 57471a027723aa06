"""Whether a node diverges by itself: run alone, fed with what the reference run fed it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace

import numpy as np

from snnhub.compare.align import align, key_of, spike_keys
from snnhub.compare.verdict import Divergence, Verdict, differing, row
from snnhub.engine.reference import prepare
from snnhub.ir.analysis import analyse, ports_of
from snnhub.ir.graph import TERMINAL_PORT, Edge, Graph, Input, Match, Output, Port
from snnhub.ir.numtype import SPIKE, NumType
from snnhub.ir.op import OpLookup
from snnhub.ir.recording import Recording
from snnhub.ir.tensor import Array

Sources = Callable[[Port], "Array | None"]
"""What a port gave in the reference run (time, samples, features…); None where nobody knows."""


def isolated(
    graph: Graph, divergence: Divergence, reference: Recording, stimulus: Array, lookup: OpLookup
) -> bool | None:
    """Run the diverging node of ``graph`` on the inputs that ``reference`` recorded; whether it still differs.

    ``reference`` has the keys of ``graph``; ``stimulus``: (time, samples, features…). None if the inputs were
    not recorded.
    """
    if divergence.key not in reference:
        return None
    sources = recorded_sources(graph, reference, stimulus)
    recording = run_alone(graph, divergence.key, sources, lookup)
    if recording is None:
        return None
    wanted, found = reference.with_batch(divergence.key), recording[divergence.key]
    count = min(found.shape[0], wanted.shape[0])
    return bool(differing(found[:count], wanted[:count]).any())


def recorded_sources(graph: Graph, reference: Recording, stimulus: Array) -> Sources:
    """Feeds a part of ``graph`` with what ``reference``, which has the keys of ``graph``, recorded."""

    def values(source: Port) -> Array | None:
        if source.node in graph.input:
            return stimulus
        return np.asarray(reference.with_batch(key_of(source))) if key_of(source) in reference else None

    return values


def matched_sources(
    graph: Graph, own: Recording, reference: Recording, matches: Iterable[Match], stimulus: Array
) -> Sources:
    """Feeds a part of ``graph`` with what the network that it was made from fed the same part, at its lag.

    ``own``: a recording of ``graph`` itself, of which elements without a counterpart are taken.
    """
    table = {match.new: match for match in matches}

    def values(source: Port) -> Array | None:
        if source.node in graph.input:
            return stimulus
        match = table.get(source)
        if match is None or key_of(match.old) not in reference or key_of(source) not in own or match.scale is None:
            return None
        theirs, made = reference.with_batch(key_of(match.old)), own.with_batch(key_of(source)).copy()
        place = made if match.select is None else made[:, :, match.select[0] : match.select[1]]
        if int(np.prod(place.shape[1:])) != int(np.prod(theirs.shape[1:])):
            return None
        count = min(theirs.shape[0], place.shape[0] - match.lag)
        place[match.lag : match.lag + count] = theirs[:count].reshape(count, *place.shape[1:])
        return np.asarray(made)

    return values


def run_alone(
    graph: Graph, key: str, sources: Sources, lookup: OpLookup, steps: int | None = None
) -> Recording | None:
    """Record ``key``, a quantity of a spiking node, with that node cut out and fed from ``sources``.

    None if the node cannot be cut out, or if somewhere nobody knows what to feed it with.
    """
    name = key.rpartition("/")[0]
    part = cut_out(graph, name, lookup) if name in graph.node else None
    if part is None:
        return None
    alone, ports = part
    fed = {item: sources(port) for item, port in ports.items()}
    inputs = {item: values for item, values in fed.items() if values is not None}
    if len(inputs) < len(fed) or not inputs:
        return None
    recording, _ = prepare(alone, lookup).run(inputs, record=[key], steps=steps)
    return replace(recording, batched=True)


def with_isolated(
    verdict: Verdict,
    graph: Graph,
    matches: Iterable[Match],
    reference: Recording,
    sources: Sources,
    lookup: OpLookup,
    steps: tuple[int, int],
    progress: Callable[[int, int], None] | None = None,
) -> Verdict:
    """The verdict with the overlap of every layer of neurons of ``graph`` alone, fed from ``sources``.

    ``matches`` lead from the keys of ``reference`` to those of ``graph``. ``steps``: how many are compared, and
    how many are run.
    """
    table = {(key_of(match.old), key_of(match.new)): match for match in matches}
    rows = list(verdict.rows)
    for number, item in enumerate(rows):
        match = table.get((item.a_key, item.b_key))
        if item.spikes and match is not None and match.new.node in graph.node:
            found = run_alone(graph, item.b_key, sources, lookup, steps[1])
            if found is not None:
                pairs, _ = align(reference, found, [match], frozenset({item.a_key}), steps[0])
                rows[number] = replace(item, alone=row(pairs[0]).overlap if pairs else None)
        if progress is not None:
            progress(number + 1, len(rows))
    first = verdict.first
    match = next((match for keys, match in table.items() if first is not None and keys[0] == first.key), None)
    if first is None or first.alone is not None or match is None or match.new.node not in graph.node:
        return replace(verdict, rows=tuple(rows))
    found = run_alone(graph, key_of(match.new), sources, lookup, steps[1])
    pairs = [] if found is None else align(reference, found, [match], frozenset(), steps[0])[0]
    tried = bool(differing(pairs[0].a, pairs[0].b).any()) if pairs else None
    return replace(verdict, rows=tuple(rows), first=replace(first, alone=tried))


def cut_out(graph: Graph, name: str, lookup: OpLookup) -> tuple[Graph, dict[str, Port]] | None:
    """The node with everything between it and the spiking nodes (or inputs) that feed it, as a graph.

    Returns the graph and, by input id, the port whose values it takes.
    """
    spiking = spike_keys(graph)
    analysis = analyse(graph, lookup)
    kept, edges, pending = {name}, list[Edge](), [name]
    sources: dict[str, Port] = {}
    inputs: list[Input] = []
    while pending:
        for edge in graph.feeding(pending.pop()):
            source = edge.src
            if source.node in graph.input or (key_of(source) in spiking and source.node != name):
                label = f"in{len(inputs)}"
                inputs.append(Input(label, analysis.shapes[source], _wire(analysis.types[source])))
                sources[label] = source
                edges.append(replace(edge, src=Port(label, TERMINAL_PORT)))
                continue
            edges.append(edge)
            if source.node not in kept:
                kept.add(source.node)
                pending.append(source.node)
    ports = ports_of(graph.node[name], lookup)
    port = Port(name, ports.outputs[0] if ports else "y")
    edges.append(Edge(port, Port("output", TERMINAL_PORT)))
    nodes = tuple(node for node in graph.nodes if node.id in kept)
    return Graph(name, nodes, tuple(edges), tuple(inputs), (Output("output"),)), sources


def _wire(type_: NumType) -> NumType:
    return SPIKE if type_.is_bool else type_
