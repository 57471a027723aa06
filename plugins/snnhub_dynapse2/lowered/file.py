"""``dynapse2.json`` to the graph that its board runs."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import snnhub
from snnhub.api.options import ImportOptions
from snnhub.errors import FormatError, UsageError
from snnhub.findings import Finding, loss
from snnhub.ir.graph import Graph, Provenance, Stage
from snnhub.ir.op import OpLookup
from snnhub_formats.strictjson import located

from snnhub_dynapse2.config import LATCHED, Configuration
from snnhub_dynapse2.decode import Decoded, decode
from snnhub_dynapse2.limits import BASES as BITS
from snnhub_dynapse2.lowered.graph import Wires, graph_of, with_records
from snnhub_dynapse2.lowered.mapping import PROMISE
from snnhub_dynapse2.lowered.shape import Shape, plain
from snnhub_dynapse2.reader import MAX_BYTES, read
from snnhub_dynapse2.restore import SIGNS, unmodelled

FLAGS = ("stp", "precise_delay", "mismatched_delay")


def import_dynapse2_json(path: Path, options: ImportOptions) -> Graph:
    """The network of a file. Raises ``FormatError`` naming the place, ``UsageError`` where there is no file."""
    if not path.is_file():
        raise UsageError("no such file", where=str(path))
    if not 0 < path.stat().st_size <= MAX_BYTES:
        raise FormatError("file is empty or too large", where=str(path), allowed=f"1 .. {MAX_BYTES} bytes")
    data = path.read_bytes()
    graph = located(str(path), network_of, data, options.lookup)
    stage = Stage("import dynapse2-json", snnhub.__version__)
    stages = (*graph.provenance.stages, stage)
    digest = hashlib.sha256(data).hexdigest()
    return replace(graph, name=path.stem, provenance=Provenance(stages, path.name, digest))


def network_of(data: bytes, lookup: OpLookup) -> Graph:
    """The network of a file's bytes, with findings of what the model does not have. Raises ``FormatError``."""
    held, decoded = read(data), decode(data)
    if not held.map:
        raise FormatError("no neurons", where="map")
    shape = held.shape or _plain(held, decoded)
    if odd := set(held.address_of) ^ set(shape.labels):
        node, index = min(odd)
        words = "graph and map do not name the same neurons"
        raise FormatError(words, where="model/graph", found=f"{node}[{index}]")
    graph = graph_of(held, shape, _wires(held, decoded, shape), lookup, "dynapse2")
    found = (*held.findings, *unmodelled(decoded), *_left_out(held))
    promised = (("contract", PROMISE.rung.value),)
    stage = Stage("dynapse2 map", str(held.provenance.get("tool", "")), promised)
    return replace(with_records(graph, tuple(dict.fromkeys(found)), lookup), provenance=Provenance((stage,)))


def _plain(held: Configuration, decoded: Decoded) -> Shape:
    """The shape of a file that does not say: a node for every name of the map."""
    counts = Counter(row.node for row in held.map)
    names = sorted(counts.items())
    for name, size in names:
        if {row.index for row in held.map if row.node == name} != set(range(size)):
            raise FormatError("the map leaves out neurons of a node", where="map", found=name)
    index = held.index_of
    pairs = {
        (None if isinstance(event.source, int) else index[event.source][0], index[event.target][0])
        for event in decoded.events
    }
    return plain(names, pairs, max(1, len(held.inputs)))


def _wires(held: Configuration, decoded: Decoded, shape: Shape) -> Wires:
    """Synapses by place in the graph, entries with the same ends added up."""
    address = held.address_of
    place = {address[label]: number for number, label in enumerate(shape.labels)}
    found: dict[tuple[int, int], list[int]] = {}
    for event, times in decoded.events.items():
        if event.dendrite not in SIGNS:
            continue
        row = event.source if isinstance(event.source, int) else shape.n_in + place[event.source]
        counts = found.setdefault((row, place[event.target]), [0] * BITS)
        for bit in range(BITS):
            counts[bit] += int(SIGNS[event.dendrite]) * times * (event.mask >> bit & 1)
    pairs = np.array(sorted(found), np.int64).reshape(-1, 2)
    counted = np.array([found[pair] for pair in sorted(found)], np.int64).reshape(-1, BITS)
    return Wires(pairs[:, 0], pairs[:, 1], counted)


def _left_out(held: Configuration) -> Iterator[Finding]:
    """Settings of the file that the model has nothing for."""
    neurons = [
        (f"chip {chip.id} core {core.id}", neuron)
        for chip in held.chips
        for core in chip.cores
        for neuron in core.neurons
    ]
    for flag in FLAGS:
        places = [place for place, neuron in neurons if any(getattr(entry, flag) for entry in neuron.cam)]
        if places:
            words = f"{len(places)} neurons have synapses with {flag}, which the model does not have"
            yield loss("SNN-4404", places[0], words)
    latches = {
        (name, place) for place, neuron in neurons for name in neuron.latches if name not in LATCHED.values()
    }
    for name in sorted({name for name, _ in latches}):
        count = sum(name in neuron.latches for _, neuron in neurons)
        first = min(place for other, place in latches if other == name)
        words = f"latch {name} is set in {count} neurons, and the model does not have it"
        yield loss("SNN-4405", first, words)
