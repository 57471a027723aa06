"""The numeric check of a rewrite: the part that was rewritten, before and after, on random spikes, in bits."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from snnhub.engine.reference import prepare
from snnhub.ir.analysis import analyse
from snnhub.ir.graph import TERMINAL_PORT, Edge, Graph, Input, Output, Port
from snnhub.ir.numtype import SPIKE
from snnhub.ir.op import OpLookup

SAMPLES, RATE, SPARE = 3, 0.3, 16
SOURCE, END = "source", "end"


class InexactError(Exception):
    """A rewrite would not compute the same."""


def cut(graph: Graph, source: Port, neuron: str, lookup: OpLookup) -> Graph:
    """What lies between ``source`` and ``neuron``, with an input for the source; loops at ``neuron`` stay."""
    analysis = analyse(graph, lookup)
    between = _reaching(graph, source, neuron)
    nodes = tuple(node for node in graph.nodes if node.id in between)
    entry = Port(SOURCE, TERMINAL_PORT)
    edges = [
        replace(edge, src=entry) if edge.src == source and edge.src.node not in between else edge
        for edge in graph.edges
        if edge.dst.node in between and (edge.src.node in between or edge.src == source)
    ]
    edges.append(Edge(Port(neuron, "s"), Port(END, TERMINAL_PORT)))
    inputs = (Input(SOURCE, analysis.shapes[source], SPIKE),)
    return Graph("cut", nodes, tuple(edges), inputs, (Output(END),))


def _reaching(graph: Graph, source: Port, neuron: str) -> set[str]:
    """Nodes on the ways from ``source`` to ``neuron``, backwards from there."""
    found, pending = {neuron}, [neuron]
    while pending:
        for edge in graph.feeding(pending.pop()):
            if edge.src != source and edge.src.node in graph.node and edge.src.node not in found:
                found.add(edge.src.node)
                pending.append(edge.src.node)
    return found


def prove(before: Graph, after: Graph, neuron: str, late: int, longest: int, lookup: OpLookup) -> None:
    """Every u, v and spike of ``neuron`` must be equal, ``late`` steps later. Raises ``InexactError``."""
    shape = before.inputs[0].shape
    steps = 2 * longest + SPARE
    stimulus = (np.random.default_rng(0).random((steps, SAMPLES, *shape)) < RATE).astype(np.uint8)
    keys = [f"{neuron}/{name}" for name in ("u", "v", "s")]
    old, _ = prepare(before, lookup).run(stimulus, record=keys)
    new, _ = prepare(after, lookup).run(stimulus, record=keys, steps=steps + late)
    for key in keys:
        same = np.array_equal(old[key].reshape(steps, SAMPLES, -1), new[key][late:].reshape(steps, SAMPLES, -1))
        if not same:
            raise InexactError(f"{key} differs on random spikes")
