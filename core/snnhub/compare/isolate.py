"""Whether a node diverges by itself: run alone, fed with what the reference run fed it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from snnhub.compare.align import key_of, spike_keys
from snnhub.compare.verdict import Divergence, differing
from snnhub.engine.reference import prepare
from snnhub.ir.analysis import analyse
from snnhub.ir.graph import TERMINAL_PORT, Edge, Graph, Input, Output, Port
from snnhub.ir.numtype import SPIKE, NumType
from snnhub.ir.op import OpLookup
from snnhub.ir.recording import Recording
from snnhub.ir.tensor import Array


def isolated(
    graph: Graph, divergence: Divergence, reference: Recording, stimulus: Array, lookup: OpLookup
) -> bool | None:
    """Run the diverging node of ``graph`` on the inputs that ``reference`` recorded; whether it still differs.

    ``reference`` has the keys of ``graph``; ``stimulus``: (time, samples, features…). None if the inputs were
    not recorded.
    """
    name = divergence.key.rpartition("/")[0]
    if name not in graph.node or divergence.key not in reference:
        return None
    part = cut_out(graph, name, lookup)
    if part is None:
        return None
    alone, sources = part
    inputs: dict[str, Array] = {}
    for item, source in sources.items():
        if source.node in graph.input:
            inputs[item] = stimulus
        elif key_of(source) in reference:
            inputs[item] = np.asarray(reference.with_batch(key_of(source)))
        else:
            return None
    recording, _ = prepare(alone, lookup).run(inputs, record=[divergence.key])
    wanted = reference.with_batch(divergence.key)
    found = recording[divergence.key]
    count = min(found.shape[0], wanted.shape[0])
    return bool(differing(found[:count], wanted[:count]).any())


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
    program = graph.node[name].program
    port = Port(name, program.outputs[0][0] if program else "y")
    edges.append(Edge(port, Port("output", TERMINAL_PORT)))
    nodes = tuple(node for node in graph.nodes if node.id in kept)
    return Graph(name, nodes, tuple(edges), tuple(inputs), (Output("output"),)), sources


def _wire(type_: NumType) -> NumType:
    return SPIKE if type_.is_bool else type_
