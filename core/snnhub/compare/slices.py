"""Smaller graphs that compute the same numbers: one neuron of a layer, some of its inputs, what leads up to it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from snnhub.ir.analysis import analyse
from snnhub.ir.graph import TERMINAL_PORT, Edge, Graph, Node, Output, Port
from snnhub.ir.op import OpLookup
from snnhub.ir.tensor import Array, tensor

DENSE, CONV, FLATTEN = "core.Dense", "core.Conv", "core.Flatten"
OUTPUT = "output"


def prefix(graph: Graph, port: Port) -> Graph:
    """Everything that leads up to ``port``, which becomes the output."""
    kept, pending = {port.node}, [port.node]
    while pending:
        for edge in graph.feeding(pending.pop()):
            if edge.src.node not in kept:
                kept.add(edge.src.node)
                pending.append(edge.src.node)
    edges = [edge for edge in graph.edges if edge.dst.node in kept]
    return Graph(
        port.node,
        tuple(node for node in graph.nodes if node.id in kept),
        (*edges, Edge(port, Port(OUTPUT, TERMINAL_PORT))),
        tuple(item for item in graph.inputs if item.id in kept),
        (Output(OUTPUT),),
        graph.dt,
    )


def one_of(graph: Graph, name: str, index: int, lookup: OpLookup) -> Graph | None:
    """The graph with only entry ``index`` of the first axis of node ``name``: one neuron of a dense layer, one
    channel of a convolution. The node must be the last one, and weights or elementwise and fed by weights alone;
    else None.
    """
    node, shape = graph.node[name], _shape(graph, name, lookup)
    if not shape or shape[0] == 1 or any(edge.dst.node in graph.node for edge in graph.fed_by(name)):
        return None
    if node.program is None:
        if not _has_rows(graph, name, "", len(shape)):
            return None
        return replace(graph, nodes=tuple(_rows(node, index) if item is node else item for item in graph.nodes))
    feeding = {edge.src.node for edge in graph.feeding(name)}
    if not all(_has_rows(graph, source, name, len(shape)) for source in feeding):
        return None
    changed = {source: _rows(graph.node[source], index) for source in feeding}
    changed[name] = _elements(node, shape, index)
    return replace(graph, nodes=tuple(changed.get(item.id, item) for item in graph.nodes))


def _shape(graph: Graph, name: str, lookup: OpLookup) -> tuple[int, ...]:
    """Shape of what a node gives."""
    program = graph.node[name].program
    port = Port(name, program.outputs[0][0] if program is not None else "y")
    return analyse(graph, lookup).shapes.get(port, ())


def _has_rows(graph: Graph, source: str, target: str, rank: int) -> bool:
    """Whether a node computes the entries of its first axis apart from each other, for one target alone."""
    node = graph.node.get(source)
    if node is None or any(
        edge.dst.node in graph.node and edge.dst.node != target for edge in graph.fed_by(source)
    ):
        return False
    if node.op == DENSE:
        return rank == 1
    return node.op == CONV and node.attribute.get("groups") == 1


def _rows(node: Node, index: int) -> Node:
    return node.with_params(**{name: tensor(node.param[name].array[index : index + 1]) for name in node.param})


def _elements(node: Node, shape: Sequence[int], index: int) -> Node:
    """Parameters of one entry; those that are shared stay."""
    own = {
        name: tensor(value.array[index : index + 1])
        for name, value in node.params
        if len(value.shape) == len(shape) and value.shape[0] == shape[0]
    }
    return node.with_params(**own) if own else node


def some_inputs(graph: Graph, item: str, keep: Sequence[int]) -> Graph | None:
    """The graph with some entries of the first axis of an input that feeds nothing but weights; else None."""
    targets = [edge.dst.node for edge in graph.fed_by(item)]
    nodes = [graph.node.get(target) for target in targets]
    rank = len(graph.input[item].shape)
    if not keep or len(set(targets)) != len(targets):
        return None
    changed: dict[str, Node] = {}
    for node in nodes:
        if node is None or len(graph.feeding(node.id)) != 1:
            return None
        if not (node.op == DENSE and rank == 1) and not (node.op == CONV and node.attribute.get("groups") == 1):
            return None
        weight = np.ascontiguousarray(node.param["weight"].array[:, list(keep)])
        changed[node.id] = node.with_params(weight=tensor(weight))
    inputs = tuple(
        replace(found, shape=(len(keep), *found.shape[1:])) if found.id == item else found
        for found in graph.inputs
    )
    return replace(graph, nodes=tuple(changed.get(node.id, node) for node in graph.nodes), inputs=inputs)


@dataclass(frozen=True)
class Window:
    """What one place of a convolution sees of input ``item``: ``size`` entries from ``start`` per spatial axis."""

    item: str
    start: tuple[int, ...]
    size: tuple[int, ...]

    def of(self, values: Array) -> Array:
        """The window of an array (time, samples, channels, *spatial), zeros where it reaches over the edge."""
        for axis, (start, size) in enumerate(
            zip(self.start, self.size, strict=True), values.ndim - len(self.size)
        ):
            before, after = max(0, -start), max(0, start + size - values.shape[axis])
            edge = [(0, 0)] * values.ndim
            edge[axis] = (before, after)
            padded = np.pad(values, edge)
            values = np.take(padded, range(start + before, start + before + size), axis)
        return values


def one_place(graph: Graph, name: str, place: Sequence[int], lookup: OpLookup) -> tuple[Graph, Window] | None:
    """The graph with one spatial place of node ``name``, which a convolution of one input feeds; else None."""
    node, feeding, shape = graph.node[name], graph.feeding(name), _shape(graph, name, lookup)
    conv = node if node.op == CONV else graph.node.get(feeding[0].src.node) if len(feeding) == 1 else None
    if conv is None or conv.op != CONV or (conv is not node and node.program is None):
        return None
    if len(place) != len(shape) - 1 or set(shape[1:]) == {1}:
        return None
    into = graph.feeding(conv.id)
    outside = any(edge.dst.node in graph.node for edge in graph.fed_by(name))
    if outside or len(graph.fed_by(conv.id)) != 1 or len(into) != 1 or into[0].src.node not in graph.input:
        return None
    item = into[0].src.node
    if len(graph.fed_by(item)) != 1:
        return None
    strides, paddings, dilations = (conv.integers(key) for key in ("stride", "padding", "dilation"))
    kernel = conv.param["weight"].shape[2:]
    start = tuple(at * stride - edge for at, stride, edge in zip(place, strides, paddings, strict=True))
    size = tuple(step * (taps - 1) + 1 for taps, step in zip(kernel, dilations, strict=True))
    attributes = {**conv.attribute, "padding": (0,) * len(place)}
    changed = {name: _at(node, shape, place)} if conv is not node else {}
    changed[conv.id] = replace(conv, attributes=tuple(attributes.items()))
    inputs = tuple(
        replace(found, shape=(found.shape[0], *size)) if found.id == item else found for found in graph.inputs
    )
    nodes = tuple(changed.get(found.id, found) for found in graph.nodes)
    return replace(graph, nodes=nodes, inputs=inputs), Window(item, start, size)


def _at(node: Node, shape: Sequence[int], place: Sequence[int]) -> Node:
    """Parameters at one place; those that are shared stay."""
    own = {}
    for name, value in node.params:
        array = value.array
        if array.ndim == len(shape):
            for axis, at in enumerate(place, 1):
                array = array if array.shape[axis] == 1 else np.take(array, [at], axis)
            own[name] = tensor(np.ascontiguousarray(array))
    return node.with_params(**own) if own else node


def without_flatten(graph: Graph, lookup: OpLookup) -> Graph | None:
    """The graph with inputs in the shape that they are flattened to; None if no input is flattened first."""
    shapes = analyse(graph, lookup).shapes
    for item in graph.inputs:
        first = graph.fed_by(item.id)
        node = graph.node.get(first[0].dst.node) if len(first) == 1 else None
        if node is None or node.op != FLATTEN:
            continue
        behind = [
            replace(edge, src=first[0].src, delay=edge.delay + first[0].delay) for edge in graph.fed_by(node.id)
        ]
        edges = [edge for edge in graph.edges if node.id not in (edge.src.node, edge.dst.node)]
        flat = replace(item, shape=shapes[Port(node.id, "y")])
        inputs = tuple(flat if found is item else found for found in graph.inputs)
        nodes = tuple(other for other in graph.nodes if other is not node)
        return replace(graph, nodes=nodes, edges=(*behind, *edges), inputs=inputs)
    return None
