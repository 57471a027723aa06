"""The part of NIR that every importer reads alike: no subgraphs, plain names, every field in full.

Single numbers become arrays of one number per neuron, fields that older versions left out are written with the
value that NIR gives them, the input is called ``input`` and the output ``output``. Nothing of it changes what a
network computes; each kind of change is one finding.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace

import numpy as np
from snnhub.findings import Finding, note
from snnhub.ir.analysis import analyse
from snnhub.ir.continuous import METADATA
from snnhub.ir.ct_flat import flat
from snnhub.ir.ct_names import ROOT, node_id, node_path
from snnhub.ir.graph import Edge, Graph, Node, Port
from snnhub.ir.op import Shape
from snnhub.ir.tensor import Array, Tensor, tensor
from snnhub.ops.registry import REGISTRY

NEURONS = ("ct.I", "ct.IF", "ct.LI", "ct.LIF", "ct.CubaLI", "ct.CubaLIF", "ct.Scale", "ct.Threshold", "ct.Delay")
DEFAULTS = {
    "ct.IF": ("v_reset",),
    "ct.LIF": ("v_reset",),
    "ct.CubaLI": ("w_in",),
    "ct.CubaLIF": ("v_reset", "w_in"),
}
LIKE = {"v_reset": ("v_threshold", 0), "w_in": ("v_leak", 1)}
"""The field whose shape and dtype a missing one gets, and its value."""
LISTED = 6
SPATIAL = 3
"""Axes of what a pool over two takes: channels first."""


def rewritten(graph: Graph) -> tuple[Graph, tuple[Finding, ...]]:
    """The graph in the common part, and what was changed.

    Raises ``GraphError`` for a subgraph that cannot be laid flat.
    """
    level = _without_inner_terminals(flat(graph))
    shapes = analyse(level, REGISTRY).shapes
    nodes: list[Node] = []
    told: dict[str, list[str]] = {"full": [], "filled": [], "renamed": []}
    for node in level.nodes:
        changed = _filled(node, shapes.get(Port(node.id, "x")), shapes.get(Port(node.id, "y")))
        if changed.params != node.params:
            told["filled" if len(changed.params) > len(node.params) else "full"].append(node.id)
        nodes.append(changed)
    root = [graph.node[ROOT]] if ROOT in graph.node else []
    level = replace(level, nodes=(*root, *nodes))
    table = _plain_names(level)
    told["renamed"] = [f"{node.id} -> {table[node.id]}" for node in level.nodes if table[node.id] != node.id]
    findings = tuple(_told(told, len(level.nodes) < len(graph.nodes)))
    return _renamed(level, table), findings


def without_linear(graph: Graph) -> tuple[Graph, tuple[Finding, ...]]:
    """Every Linear as an Affine with a bias of zeros, for importers that know only that."""
    linear = [node.id for node in graph.nodes if node.op == "ct.Linear"]
    nodes = tuple(_affine(node) if node.op == "ct.Linear" else node for node in graph.nodes)
    words = f"Linear written as Affine with a bias of zeros: {', '.join(linear[:LISTED])}"
    found = (note("SNN-4505", "file", words + (" …" if len(linear) > LISTED else "")),) if linear else ()
    return replace(graph, nodes=nodes), found


def without_means(graph: Graph) -> tuple[Graph, tuple[Finding, ...]]:
    """Means over windows as convolutions, for importers that know only those: of windows of a power of two, whose
    parts are exact. One channel each would be groups, which NIR 1.0.8 takes for a type error: zeros connect all.
    """
    shapes = analyse(graph, REGISTRY).shapes
    nodes = tuple(_mean(node, shapes.get(Port(node.id, "x"), ())) for node in graph.nodes)
    changed = [new.id for old, new in zip(graph.nodes, nodes, strict=True) if old is not new]
    words = f"AvgPool2d written as Conv2d: {', '.join(changed[:LISTED])}"
    found = (note("SNN-4505", "file", words + (" …" if len(changed) > LISTED else "")),) if changed else ()
    return replace(graph, nodes=nodes), found


def _mean(node: Node, arriving: Shape) -> Node:
    if node.op != "ct.AvgPool2d" or len(arriving) != SPATIAL:
        return node
    sizes = {name: np.broadcast_to(node.param[name].array, 2) for name in ("kernel_size", "stride", "padding")}
    count, channels = int(sizes["kernel_size"].prod()), arriving[0]
    if count & (count - 1):
        return node
    one = np.full(sizes["kernel_size"], 1 / count, np.float32)
    weight = np.einsum("oi,hw->oihw", np.eye(channels, dtype=np.float32), one)
    numbers = {name: sizes[name] for name in ("stride", "padding")} | {"dilation": np.ones(2, np.int64)}
    numbers |= {"groups": np.array(1), "input_shape": np.array(arriving[1:])}
    numbers |= {"weight": weight, "bias": np.zeros(channels, np.float32)}
    kept = tuple(item for item in node.params if item[0].startswith(METADATA))
    params = (*kept, *((name, tensor(np.array(value))) for name, value in numbers.items()))
    return replace(node, op="ct.Conv2d", params=params)


def _affine(node: Node) -> Node:
    weight = node.param["weight"].array
    bias = tensor(np.zeros(weight.shape[:-1], weight.dtype))
    return replace(node, op="ct.Affine", params=(*node.params, ("bias", bias)))


def _told(told: Mapping[str, list[str]], flattened: bool) -> Iterator[Finding]:
    words = {
        "full": "single numbers written for every neuron, or shapes that were worked out",
        "filled": "fields written that the graph leaves to NIR",
        "renamed": "nodes renamed",
    }
    for kind, places in told.items():
        if places:
            more = f" and {len(places) - LISTED} more" if len(places) > LISTED else ""
            yield note("SNN-4505", "file", f"{words[kind]}: {', '.join(places[:LISTED])}{more}")
    if flattened:
        yield note("SNN-4505", "file", "subgraphs laid flat")


def _without_inner_terminals(graph: Graph) -> Graph:
    """Inputs and outputs of what were subgraphs taken out: what comes in goes straight on, in order."""
    inner = [n.id for n in graph.nodes if n.op in ("ct.Input", "ct.Output") and len(node_path(n.id)) > 1]
    edges = list(graph.edges)
    for name in inner:
        into = [edge for edge in edges if edge.dst.node == name]
        passed: list[Edge] = []
        for edge in edges:
            if edge.src.node == name:
                passed += [Edge(source.src, edge.dst) for source in into]
            elif edge.dst.node != name:
                passed.append(edge)
        edges = passed
    nodes = tuple(node for node in graph.nodes if node.id not in set(inner))
    return replace(graph, nodes=nodes, edges=tuple(edges))


def _filled(node: Node, arriving: Shape | None, leaving: Shape | None) -> Node:
    params: dict[str, Tensor] = dict(node.params)
    for name in DEFAULTS.get(node.op, ()):
        if name not in params:
            like, value = LIKE[name]
            params[name] = tensor(np.full(params[like].shape, value, params[like].dtype))
    if node.op in NEURONS and leaving:
        for name, item in params.items():
            if item.shape == () and not name.startswith(METADATA):
                params[name] = _repeated(item.array, leaving)
    if node.op in ("ct.Conv1d", "ct.Conv2d") and "input_shape" not in params and arriving:
        space = arriving[1:] if node.op == "ct.Conv2d" else arriving[1]
        params["input_shape"] = tensor(np.array(space))
    if node.op == "ct.Flatten" and "input_type" not in params and arriving:
        params["input_type"] = tensor(np.array(arriving))
    return replace(node, params=tuple(params.items()))


def _repeated(value: Array, shape: Shape) -> Tensor:
    return tensor(np.full(shape, value, value.dtype))


def _plain_names(graph: Graph) -> dict[str, str]:
    """New ids by old ones: letters, digits and underscores; ``input`` and ``output`` for one of each."""
    table: dict[str, str] = {}
    taken: set[str] = set()
    for op, name in (("ct.Input", "input"), ("ct.Output", "output")):
        ends = [node.id for node in graph.nodes if node.op == op]
        if len(ends) == 1:
            table[ends[0]] = node_id((name,))
        taken.add(name)
    for node in graph.nodes:
        if node.id == ROOT or node.id in table:
            table.setdefault(node.id, node.id)
            continue
        plain = re.sub(r"\W", "_", "_".join(node_path(node.id)), flags=re.ASCII)
        free, number = plain, 1
        while free in taken:
            number += 1
            free = f"{plain}_{number}"
        taken.add(free)
        table[node.id] = node_id((free,))
    return table


def _renamed(graph: Graph, table: Mapping[str, str]) -> Graph:
    def moved(port: Port) -> Port:
        return Port(table.get(port.node, port.node), port.name)

    nodes = tuple(replace(node, id=table[node.id]) for node in graph.nodes)
    return replace(graph, nodes=nodes, edges=tuple(Edge(moved(e.src), moved(e.dst)) for e in graph.edges))
