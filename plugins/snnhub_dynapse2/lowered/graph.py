"""The graph that a configured board runs: weights as sums of bases, currents as codes give them, factors from
these. The lowering and the reader of files make it with the same function.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from snnhub.errors import FormatError
from snnhub.findings import Finding
from snnhub.ir.builder import GraphBuilder
from snnhub.ir.correspondence import Table, identity
from snnhub.ir.graph import Graph, Origin, Port
from snnhub.ir.numtype import F32
from snnhub.ir.op import OpLookup
from snnhub.ir.tensor import Array, Tensor, tensor

from snnhub_dynapse2.build import stored
from snnhub_dynapse2.config import LATCHED, Configuration, flowing
from snnhub_dynapse2.dac import BASES, PARAMETERS, amps
from snnhub_dynapse2.derive import F, derived
from snnhub_dynapse2.limits import CORES
from snnhub_dynapse2.lowered.adapter import layout_of
from snnhub_dynapse2.lowered.biases import CONSTANTS
from snnhub_dynapse2.lowered.choice import TENSOR, Choice, choice_of, recipe
from snnhub_dynapse2.lowered.layers import WEIGHTS, port_of
from snnhub_dynapse2.lowered.shape import Layer, Link, Shape
from snnhub_dynapse2.lowered.weights import weight_of
from snnhub_dynapse2.network import CURRENTS, Floats, Ints
from snnhub_dynapse2.parameters import BIASES, names

RECIPE = "from the currents of codes (dac-v1): exp in f64, rounded once to f32"
SOURCE = "dynapse2.json"


@dataclass(frozen=True, eq=False)
class Wires:
    """Synapses of a board by place in its network: ``source`` (inputs first), ``target``, and ``counts`` (n, 4):
    how many entries have each base, below 0 for GABA.
    """

    source: Ints
    target: Ints
    counts: Ints


def graph_of(held: Configuration, shape: Shape, wires: Wires, lookup: OpLookup, name: str) -> Graph:
    """The network of a board, whose map names the neurons of ``shape``. Raises ``FormatError`` for synapses that
    no node of weights holds, and for currents that are not set.
    """
    choice = choice_of(held)
    matrix = _matrix(held, shape, wires, choice)
    currents = _currents(held, shape)
    builder = GraphBuilder(name, lookup)
    source = builder.input((shape.n_in,), F32, shape.input)
    for node in shape.nodes:
        if isinstance(node, Link):
            weight = matrix[_rows(shape, node), shape.columns(node.target)]
            builder.node(
                node.id,
                "core.Dense",
                source if node.source == shape.input else port_of(node.source),
                params={"weight": tensor(np.ascontiguousarray(weight.T), "float32")},
                origin=Origin(SOURCE, "", node.id),
                delay=node.delay,
                bias=False,
                accumulate="exact",
                shift=0,
            )
        else:
            params = _params(held, shape, node, currents, choice)
            origin = Origin(SOURCE, "", node.id)
            builder.node(node.id, "dynapse2.DynapSim", {}, params=params, origin=origin, biases=True)
    for link in shape.links:
        builder.edge(Port(link.id, "y"), Port(link.target, "x"))
    builder.output(port_of(shape.reads), shape.output)
    return builder.graph(decoder=shape.decoder, dt=held.dt)


def _rows(shape: Shape, link: Link) -> slice:
    rows = shape.rows(link)
    return rows if link.source == shape.input else slice(rows.start + shape.n_in, rows.stop + shape.n_in)


def _matrix(held: Configuration, shape: Shape, wires: Wires, choice: Choice) -> Array:
    """(n_in + n, n) f32. Raises ``FormatError`` for a synapse that no node of weights holds."""
    core = np.array([choice.core_of[label] for label in shape.labels])
    bases = bases_of(held)
    matrix = np.zeros((shape.n_in + core.size, core.size), F)
    for number, chosen in choice.cores.items():
        own = np.flatnonzero(core[wires.target] == number)
        if own.size:
            values = weight_of(wires.counts[own], bases[number], chosen.iscale)
            matrix[wires.source[own], wires.target[own]] = values
    held_by = np.zeros(matrix.shape, np.bool_)
    for link in shape.links:
        held_by[_rows(shape, link), shape.columns(link.target)] = True
    outside = np.argwhere((matrix != 0) & ~held_by)
    if outside.size:
        source, target = outside[0].tolist()
        names = [f"input {source}" if source < shape.n_in else str(shape.labels[source - shape.n_in])]
        words = "synapses between layers that no node of weights connects"
        raise FormatError(words, where="graph", found=f"{names[0]} to {shape.labels[target]}")
    return matrix


def bases_of(held: Configuration) -> dict[int, Floats]:
    """Currents of the base weights by core, A; 0 for those that are not set."""
    return {
        CORES * chip.id + core.id: np.array(
            [amps(name, core.parameters[name]) if name in core.parameters else 0.0 for name in BASES]
        )
        for chip in held.chips
        for core in chip.cores
    }


def _currents(held: Configuration, shape: Shape) -> dict[str, Floats]:
    """(n,) A of every current and of iscale, as the core and the neuron's switches have them."""
    cores = {(chip.id, core.id): core for chip in held.chips for core in chip.cores}
    latches = {(c, k, neuron.id): neuron.latches for (c, k), core in cores.items() for neuron in core.neurons}
    address = held.address_of
    where = [address[label] for label in shape.labels]
    found = {TENSOR: np.array([cores[place[:2]].iscale for place in where])}
    for name in CURRENTS:
        parameter = PARAMETERS[name][0]
        of_core = {}
        for place, core in cores.items():
            if parameter not in core.parameters:
                words = "a current of the model is not set"
                raise FormatError(words, where=f"chip {place[0]} core {place[1]}", found=parameter)
            of_core[place] = amps(parameter, core.parameters[parameter])
        values = np.array([of_core[place[:2]] for place in where])
        if name in LATCHED:
            values = np.array([flowing(name, of_core[place[:2]], latches[place]) for place in where])
        found[name] = values
    return found


def _params(
    held: Configuration, shape: Shape, layer: Layer, currents: Mapping[str, Floats], choice: Choice
) -> dict[str, Tensor]:
    """Parameters of a layer: bias currents, constants, and what follows from them."""
    own = shape.columns(layer.id)
    constants = layout_of(held.layout)
    raw = {name: np.asarray(currents[name][own], F) for name in CURRENTS}
    raw |= {name: np.full(layer.size, constants[name], F) for name in CONSTANTS}
    iscale = np.asarray(currents[TENSOR][own], F)
    values = derived(raw, iscale, held.dt)
    found = {key: stored(key, raw[key], "") for key in names(BIASES)}
    found |= {key: stored(key, array, RECIPE) for key, array in values.items()}
    scale = found[TENSOR]
    found[TENSOR] = Tensor(scale.shape, scale.dtype, scale.load, recipe=recipe(choice, layer.id, layer.size))
    return found


def table_of(graph: Graph, lookup: OpLookup) -> Table:
    """Which quantity of the network before is which of this one: inputs, outputs, spikes and states of neurons."""
    weights = {node.id for node in graph.nodes if node.op == WEIGHTS}
    return tuple(match for match in identity(graph, lookup) if match.new.node not in weights)


def with_records(graph: Graph, findings: tuple[Finding, ...], lookup: OpLookup) -> Graph:
    """The graph of a file with its correspondence and findings."""
    return replace(graph, correspondence=table_of(graph, lookup), findings=findings)
