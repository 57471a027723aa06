"""spyx 1.0.0: the network in steps that ``from_nir(nir.read(path), input, dt)`` builds and runs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np
from snnhub.errors import GraphError, ProgramError, UnsupportedError
from snnhub.findings import Finding, error, loss
from snnhub.ir.builder import GraphBuilder
from snnhub.ir.continuous import GRAPH
from snnhub.ir.ct_names import ROOT
from snnhub.ir.graph import Graph, Node, Origin, Port
from snnhub.ir.numtype import F32
from snnhub.ir.op import Shape, StepOp
from snnhub.ops.registry import REGISTRY

from snnhub_profiles.layer import Op
from snnhub_profiles.official import read
from snnhub_profiles.ops.spyx_layers import channels_last
from snnhub_profiles.rules import spyx_images, spyx_layers
from snnhub_profiles.rules.spyx_chain import Module, Recurrent, path
from snnhub_profiles.rules.spyx_layers import Made
from snnhub_profiles.source import ALONE, REFUSED, AloneError, Item, RefusedError, Source

LEFT = "SNN-2605"
Make = Callable[[Item, Shape, float], Made]
MAKES: dict[str, Make] = {
    "Linear": spyx_layers.dense,
    "Affine": spyx_layers.dense,
    "Conv2d": spyx_images.conv,
    "SumPool2d": spyx_images.sum_pool,
    "Flatten": spyx_images.flatten,
    **dict.fromkeys(("IF", "LIF", "CubaLIF"), spyx_layers.neuron),
}
"""Of every other type spyx builds nothing."""


def build(graph: Graph, dt: float) -> Graph:
    """The network. Raises ``UnsupportedError`` with the reason where spyx, or the reader before it, raises."""
    place = graph.name or "network"
    try:
        top = read(graph)
        entry = _entry(top)
        modules = path(top)
    except RefusedError as problem:
        raise _refused([_error(place, problem)]) from problem
    made, refusals = _layers(modules, channels_last(tuple(int(size) for size in np.ravel(entry["shape"]))), dt)
    if refusals:
        raise _refused(refusals)
    builder = GraphBuilder(graph.name, REGISTRY)
    terminal = builder.input(tuple(int(size) for size in np.ravel(entry["shape"])), F32, _terminal(graph))
    last = terminal
    for layer in made:
        last = _place(builder, layer, last)
    builder.output(last, graph.outputs[0].id if len(graph.outputs) == 1 else "output")
    try:
        whole = builder.graph(dt=dt)
    except (GraphError, ProgramError) as problem:
        places = [error(REFUSED, item.place, item.message) for item in getattr(problem, "findings", ())]
        raise _refused(places or [error(REFUSED, place, str(problem))]) from problem
    findings = (*graph.findings, *_left(graph, made), *(each for layer in made for each in layer.findings))
    return replace(whole, findings=findings, provenance=graph.provenance)


def _error(place: str, problem: RefusedError) -> Finding:
    return error(ALONE if isinstance(problem, AloneError) else REFUSED, place, str(problem))


def _refused(refusals: list[Finding]) -> UnsupportedError:
    words = f"spyx-1 refuses this network: {refusals[0].message}"
    return UnsupportedError(words, where=refusals[0].place, findings=refusals)


def _entry(top: Source) -> Item:
    """The node ``input``, or the Input that says what shape arrives."""
    inputs = top.of("Input")
    if not inputs:
        raise AloneError("there is no node, so no Input that says what shape arrives, and spyx takes any")
    return next((item for item in inputs if item.name == "input"), inputs[0])


def _terminal(graph: Graph) -> str:
    """The graph's own name of its input; ``input`` where it has several."""
    return graph.inputs[0].id if len(graph.inputs) == 1 else "input"


def _layers(modules: tuple[Module, ...], shape: Shape, dt: float) -> tuple[list[Made], list[Finding]]:
    """Layers along the path; a refusal is the last, since nothing is known of shapes behind it."""
    made: list[Made] = []
    for module in modules:
        try:
            layer = _layer(module, shape, dt)
        except RefusedError as problem:
            return made, [_error(_place_of(module), problem)]
        if layer is not None:
            made.append(layer)
            shape = layer.shape
    return made, []


def _layer(module: Module, shape: Shape, dt: float) -> Made | None:
    if isinstance(module, Recurrent):
        return spyx_layers.recurrent(module, shape, dt)
    if isinstance(module, tuple):
        return spyx_layers.unit(module, shape, dt)
    make = MAKES.get(module.type)
    return None if make is None else make(module, shape, dt)


def _place_of(module: Module) -> str:
    if isinstance(module, Recurrent):
        return module.place
    return module[0].id if isinstance(module, tuple) else module.id


def _place(builder: GraphBuilder, layer: Made, source: Port) -> Port:
    """Add a layer's ops; the last has the node's id."""
    item = layer.nodes[0]
    for index, op in enumerate(layer.ops):
        name = item.id if index == len(layer.ops) - 1 else f"{item.id}/{index}"
        source = _add(builder, name, op, source, item)
    if layer.feedback is not None:
        weight = layer.nodes[1]
        back = _add(builder, weight.id, layer.feedback, source, weight)
        builder.edge(back, Port(item.id, "f"), 1)
    return source


def _add(builder: GraphBuilder, name: str, op: Op, source: Port, item: Item) -> Port:
    """Add an op. A neuron with NaN or infinity, which no registered op takes, brings its program."""
    origin, attributes = Origin("nir", path=item.name), dict[str, Any](op.attributes)
    schema = REGISTRY(op.op, 1)
    if isinstance(schema, StepOp) and not all(tensor.finite for tensor in op.params.values()):
        program, kind = schema.program(op.attributes), f"odd.{op.op}"
        builder.nodes.append(Node(name, kind, 1, (), tuple(op.params.items()), program, origin))
        builder.edge(source, Port(name, schema.ports.inputs[0]))
        return Port(name, schema.ports.outputs[0])
    return builder.node(name, op.op, source, params=dict(op.params), origin=origin, **attributes)


def _left(graph: Graph, made: list[Made]) -> Iterator[Finding]:
    """Nodes that are in the file and of which spyx builds nothing."""
    ran = {item.id for layer in made for item in layer.nodes}
    for node in graph.nodes:
        kind = node.op.removeprefix("ct.")
        if node.id != ROOT and node.op != GRAPH and kind not in ("Input", "Output") and node.id not in ran:
            yield loss(LEFT, node.id, f"{kind} is left out by the importer")
