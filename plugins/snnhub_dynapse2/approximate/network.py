"""The graph of DynapSim nodes that fitted layers become, and what it does on the raster."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from snnhub.engine.reference import prepare
from snnhub.ir.analysis import analyse
from snnhub.ir.builder import GraphBuilder
from snnhub.ir.correspondence import Table
from snnhub.ir.graph import TERMINAL_PORT, Decoder, Graph, Match, Node, Port
from snnhub.ir.op import OpLookup
from snnhub.ir.tensor import Array, tensor

from snnhub_dynapse2.approximate.currents import ISCALE, rounded
from snnhub_dynapse2.approximate.fit import Fitted
from snnhub_dynapse2.approximate.layers import Layer, Link
from snnhub_dynapse2.approximate.raster import Taught, rates
from snnhub_dynapse2.build import stored
from snnhub_dynapse2.derive import RAW, derived
from snnhub_dynapse2.network import Floats

RECIPE = "from biases: exp and expm1 in f64, rounded once to f32"
ROUNDS = 4
"""How often the whole network is run and the gains of its neurons are corrected."""
STEP = 2.0
"""A neuron's gain changes by this factor at most in a round."""


@dataclass(frozen=True)
class Layout:
    """What of the source graph is kept: the frame of the new one."""

    graph: Graph
    layers: tuple[Layer, ...]
    dt: float


def build(layout: Layout, fitted: Mapping[str, Fitted], lookup: OpLookup) -> Graph:
    """The analog network: a Dense per pair of layers, a DynapSim per layer, the source's delays."""
    graph, dt = layout.graph, layout.dt
    builder = GraphBuilder(graph.name, lookup)
    builder.inputs += graph.inputs
    item = graph.inputs[0]
    start = Port(item.id, TERMINAL_PORT)
    if len(item.shape) > 1:
        start = builder.node(
            _free(graph, f"{item.id}/flat"), "core.Flatten", start, start=0, end=len(item.shape) - 1
        )
    for layer in layout.layers:
        _neurons(builder, graph, layer, fitted[layer.name], dt)
    for layer in layout.layers:
        chosen = fitted[layer.name].chosen(dt)
        for link in layer.links:
            source = start if link.source == item.id else Port(link.source, "s")
            weight = np.ascontiguousarray((link.weight * chosen.scale).T)
            name = _name(graph, layer, link)
            made = builder.node(
                name,
                "core.Dense",
                source,
                params={"weight": tensor(weight, "float32")},
                origin=graph.node[link.stages[-1]].origin if link.stages else graph.node[layer.name].origin,
                delay=link.delay,
                bias=False,
                accumulate="exact",
                shift=0,
            )
            builder.edge(made, Port(layer.name, "x"))
    builder.outputs += graph.outputs
    builder.edges += [edge for output in graph.outputs for edge in graph.feeding(output.id)]
    builder.nodes = _ordered(builder, layout)
    decoder = graph.decoder or Decoder("sum")
    return builder.graph(decoder=replace(decoder, quantity="output"), dt=_short(dt), provenance=graph.provenance)


def _neurons(builder: GraphBuilder, graph: Graph, layer: Layer, fitted: Fitted, dt: float) -> None:
    biases = rounded(fitted.chosen(dt).biases)
    values = derived({name: biases[name] for name in RAW}, ISCALE, dt, exact=True)
    params = {name: stored(name, array, RECIPE) for name, array in {**biases, **values}.items()}
    origin = graph.node[layer.name].origin
    builder.node(layer.name, "dynapse2.DynapSim", params=params, origin=origin, biases=True)


def _ordered(builder: GraphBuilder, layout: Layout) -> list[Node]:
    """Weights before the neurons that they lead to, as importers have them."""
    nodes = {node.id: node for node in builder.nodes}
    inner = [_name(layout.graph, layer, link) for layer in layout.layers for link in layer.links]
    first = [node for node in builder.nodes if node.op == "core.Flatten"]
    found = list(first)
    for layer in layout.layers:
        found += [nodes[name] for link in layer.links if (name := _name(layout.graph, layer, link)) in inner]
        found.append(nodes[layer.name])
    return found


def _name(graph: Graph, layer: Layer, link: Link) -> str:
    """The source's own name where one stage leads to one layer; else what it leads from and to."""
    if len(link.stages) == 1:
        own = link.stages[0]
        if {edge.dst.node for edge in graph.fed_by(own)} == {layer.name} and _alone(graph, layer, own):
            return own
    late = f"/{link.delay}" if link.delay else ""
    return _free(graph, f"{layer.name}/from/{link.source}{late}")


def _alone(graph: Graph, layer: Layer, stage: str) -> bool:
    return len(graph.feeding(stage)) == 1


def _free(graph: Graph, name: str) -> str:
    while name in graph.node or name in graph.input:
        name += "_"
    return name


def _short(dt: float) -> float:
    """The shortest decimal that is the stored f32, as importers of DynapSim have it."""
    return float(str(np.float32(dt)))


def table(layout: Layout, lookup: OpLookup) -> Table:
    """Input, outputs and spikes are what they were; currents and potentials are others, and spikes of layers with
    several axes have one.
    """
    graph = layout.graph
    names = [item.id for item in graph.inputs] + [item.id for item in graph.outputs]
    ports = [Port(name, TERMINAL_PORT) for name in names] + [Port(layer.name, "s") for layer in layout.layers]
    shapes = analyse(graph, lookup).shapes
    inputs = {item.id for item in graph.inputs}
    return tuple(Match(port, port) for port in ports if port.node in inputs or len(shapes.get(port, ())) == 1)


def run(graph: Graph, layers: Sequence[Layer], raster: Array, lookup: OpLookup) -> dict[str, Array]:
    """Spikes (time, samples, neurons) of every layer of an analog network on a flat raster."""
    shape = graph.inputs[0].shape
    given = raster.reshape(*raster.shape[:2], *shape).astype(graph.inputs[0].type.numpy)
    recording, _ = prepare(graph, lookup).run(given, record=[f"{layer.name}/s" for layer in layers])
    return {layer.name: recording[f"{layer.name}/s"] for layer in layers}


def closed(layout: Layout, fitted: Mapping[str, Fitted], seen: Taught, lookup: OpLookup) -> dict[str, Fitted]:
    """Gains corrected in the whole network, where neurons hear each other: kept only where it comes nearer."""
    best = dict(fitted)
    now, least = dict(fitted), np.inf
    for number in range(ROUNDS + 1):
        spikes = run(build(layout, now, lookup), layout.layers, seen.raster, lookup)
        off = error(layout, spikes, seen)
        if off < least:
            best, least = dict(now), off
        if number == ROUNDS or not off:
            break
        now = {name: _corrected(item, spikes[name], seen.spikes[name]) for name, item in now.items()}
    return best


def error(layout: Layout, spikes: Mapping[str, Array], seen: Taught) -> float:
    """Root mean square error of rates over all neurons and pieces of the raster, in Hz."""
    off = [
        rates(spikes[each.name], layout.dt) - rates(seen.spikes[each.name], layout.dt) for each in layout.layers
    ]
    return float(np.sqrt(np.mean(np.concatenate([item.ravel() for item in off]) ** 2)))


def _corrected(fitted: Fitted, found: Array, wanted: Array) -> Fitted:
    ours, theirs = (array.sum(axis=(0, 1), dtype=np.float64) + 1.0 for array in (found, wanted))
    step: Floats = np.clip((theirs / ours) ** 0.7, 1 / STEP, STEP)
    return replace(fitted, factor=fitted.factor * step)
