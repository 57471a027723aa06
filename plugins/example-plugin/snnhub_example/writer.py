"""The exporter: from a graph to a file that the reader reads back as the same graph."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from snnhub.files import replacing
from snnhub.findings import Finding, loss
from snnhub.ir.graph import Decoder, Graph

from snnhub_example.chain import Pair, chain
from snnhub_example.document import FORMAT, VERSION
from snnhub_example.op import NUMBERS

SYNAPSE = "/synapse"


def write(graph: Graph, path: Path) -> Sequence[Finding]:
    """Write a graph, whole or not at all. Returns a finding for everything that the format cannot hold.

    Raises ``UnsupportedError`` with every reason for a graph that is no chain of our neurons, ``UsageError`` if
    the file cannot be written.
    """
    layers = [_layer(pair) for pair in chain(graph, "SNN-4104")]
    document = {"format": FORMAT, "version": VERSION, "name": graph.name, "layers": layers}
    with replacing(path) as file:
        file.write((json.dumps(document, indent=1) + "\n").encode())
    return _lost(graph)


def _layer(pair: Pair) -> dict[str, object]:
    """A float32 is a float64 exactly, and Python's JSON writes a float64 so that it is read back exactly."""
    row: dict[str, object] = {"name": pair.neuron.id, "reset": str(pair.neuron.attribute["reset"])}
    row |= {key: float(pair.neuron.param[key].array) for key in NUMBERS}
    row["weight"] = [[float(value) for value in line] for line in pair.synapse.param["weight"].array]
    return row


def _lost(graph: Graph) -> list[Finding]:
    found = []
    if graph.decoder != Decoder("sum"):
        found.append(loss("SNN-4104", "decoder", "the file means the sum over time", old=str(graph.decoder)))
    if graph.dt is not None:
        found.append(loss("SNN-4104", "dt", "the file has no length of a step", old=f"{graph.dt} s"))
    return [*found, *(_renamed(pair) for pair in chain(graph, "SNN-4104") if pair.synapse.id != _synapse(pair))]


def _synapse(pair: Pair) -> str:
    return f"{pair.neuron.id}{SYNAPSE}"


def _renamed(pair: Pair) -> Finding:
    return loss("SNN-4104", pair.synapse.id, "the file has no names of synapses", new=_synapse(pair))
