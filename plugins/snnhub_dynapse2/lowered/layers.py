"""A graph as layers of analog neurons and weights between them, with everything that is something else."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from snnhub.findings import Finding, Severity, error, info, of_severity
from snnhub.ir.analysis import analyse
from snnhub.ir.graph import Edge, Graph, Node, Port
from snnhub.ir.op import OpLookup

from snnhub_dynapse2.lowered.shape import Layer, Link, Shape
from snnhub_dynapse2.network import Floats

NEURONS, WEIGHTS, SEPARATE = "dynapse2.DynapSim", "core.Dense", "dynapse2.DynapSimSeparate"
MOST_DELAY = 1
"""A spike arrives in its own step or, where that would be a loop, in the next: the chip has no other delays."""
CODE = "SNN-2521"


@dataclass(frozen=True, eq=False)
class Layers:
    """``weights`` by id of a link: (sources, targets) f64."""

    shape: Shape
    weights: dict[str, Floats]


def layers_of(graph: Graph, lookup: OpLookup) -> tuple[Layers | None, list[Finding]]:
    """None, and every reason, if the graph holds something else than ``dynapse2.DynapSim`` and ``core.Dense``."""
    found = [*_ends(graph), *_kinds(graph)]
    if found:
        return None, found
    sizes = {port.node: size[0] for port, size in analyse(graph, lookup).shapes.items() if size}
    nodes: list[Layer | Link] = []
    weights: dict[str, Floats] = {}
    for node in graph.nodes:
        if node.op == NEURONS:
            for edge in graph.feeding(node.id):
                if edge.src.node in graph.node and graph.node[edge.src.node].op == WEIGHTS:
                    continue
                link, matrix = _direct(graph, edge, sizes[node.id])
                nodes.append(link)
                weights[link.id] = matrix
                found.append(_said(link))
            nodes.append(Layer(node.id, sizes[node.id]))
        else:
            found += _link(graph, node, nodes, weights)
    start, end = graph.inputs[0].id, graph.outputs[0].id
    reads = graph.feeding(end)[0].src.node
    shape = Shape(start, end, reads, graph.inputs[0].shape[0], tuple(nodes), graph.decoder)
    found += _pairs(shape)
    return (None if of_severity(found, Severity.ERROR) else Layers(shape, weights)), found


def _ends(graph: Graph) -> Iterator[Finding]:
    """One input of channels, one output of spikes."""
    if len(graph.inputs) != 1 or len(graph.inputs[0].shape) != 1 or graph.inputs[0].hold:
        shapes = ", ".join(f"{item.id} {list(item.shape)}" for item in graph.inputs)
        remedy = "Give the network one input whose axis is the channels, with an input for every step."
        yield error(CODE, "input", "a board takes one raster of channels", old=shapes, remedy=remedy)
    if len(graph.outputs) != 1:
        old, remedy = f"{len(graph.outputs)} outputs", "Read one layer; --monitor watches others."
        yield error(CODE, "output", "a board is read at one layer", old=old, remedy=remedy)
        return
    edges = graph.feeding(graph.outputs[0].id)
    source = graph.node.get(edges[0].src.node) if len(edges) == 1 and not edges[0].delay else None
    if source is None or source.op == WEIGHTS:
        old, remedy = ", ".join(map(str, edges)), "End the network with a layer of DynapSim."
        yield error(CODE, "output", "what leaves a board is spikes of one layer", old=old, remedy=remedy)


def _kinds(graph: Graph) -> Iterator[Finding]:
    """Nodes that a board does not have."""
    if not any(node.op in (NEURONS, SEPARATE) for node in graph.nodes):
        remedy = "Build the network of DynapSim and LinearJax, or convert it to them first."
        yield error(CODE, graph.name or "graph", f"the network has no {NEURONS}", remedy=remedy)
    for node in graph.nodes:
        if node.op == SEPARATE:
            remedy = (
                "Convert the network of DynapSim; the separate model can be made of what is read from the file."
            )
            yield error(CODE, node.id, "weights of separate synapses are not mapped", old=node.kind, remedy=remedy)
        elif node.op not in (NEURONS, WEIGHTS):
            remedy = "Build the network of DynapSim and LinearJax alone."
            yield error(
                CODE, node.id, "a board has analog neurons and their synapses", old=node.kind, remedy=remedy
            )


def _direct(graph: Graph, edge: Edge, size: int) -> tuple[Link, Floats]:
    """A signal that reaches neurons without weights: one synapse of weight 1 for each."""
    source, target = edge.src.node, edge.dst.node
    name = f"{target}/from/{source}"
    while name in graph.node:
        name += "_"
    return Link(name, source, target, edge.delay), np.eye(size)


def _said(link: Link) -> Finding:
    words = f"what comes from {link.source} has no weights: synapses of weight 1 stand for it"
    return info("SNN-2522", link.target, words, new=link.id)


def _link(graph: Graph, node: Node, nodes: list[Layer | Link], weights: dict[str, Floats]) -> Iterator[Finding]:
    """A node of weights between two layers; else why it is none."""
    into, out = graph.feeding(node.id), graph.fed_by(node.id)
    targets = [graph.node[edge.dst.node] for edge in out if edge.dst.node in graph.node]
    if len(into) != 1 or len(out) != 1 or not targets or targets[0].op != NEURONS:
        words = "weights lead from one layer, or the input, to one layer of neurons"
        old = f"from {', '.join(str(e.src) for e in into)} to {', '.join(str(e.dst) for e in out)}"
        yield error(CODE, node.id, words, old=old, remedy="Give each pair of layers weights of its own.")
        return
    source = into[0].src.node
    if source in graph.node and graph.node[source].op == WEIGHTS:
        words, remedy = "two layers of weights in a row", "Multiply them: a synapse has one weight."
        yield error(CODE, node.id, words, old=f"{source}, {node.id}", remedy=remedy)
    if node.attribute["bias"] is True and node.param["bias"].array.any():
        words, remedy = "weights with a bias: a synapse only acts on spikes", "Train without it, or set Idc."
        yield error(CODE, f"{node.id}/bias", words, remedy=remedy)
    if node.attribute.get("shift") or not node.param["weight"].finite:
        yield error(CODE, f"{node.id}/weight", "weights are shifted sums, or not finite")
    nodes.append(Link(node.id, source, targets[0].id, into[0].delay + out[0].delay))
    weights[node.id] = node.param["weight"].array.T.astype(np.float64)


def _pairs(shape: Shape) -> Iterator[Finding]:
    seen: dict[tuple[str, str], str] = {}
    for link in shape.links:
        if link.delay > MOST_DELAY:
            remedy = "Use delays of one step, or relay neurons."
            old, bound = f"delay {link.delay}", "0, or 1 where spikes arrive a step later"
            yield error(CODE, link.id, "a board has no delay lines", old=old, bound=bound, remedy=remedy)
        other = seen.setdefault((link.source, link.target), link.id)
        if other != link.id:
            words, remedy = f"{other} leads from {link.source} to {link.target} too", "Add the weights up."
            yield error(CODE, link.id, words, remedy=remedy)


def port_of(layer: str) -> Port:
    """Where the spikes of a layer come out."""
    return Port(layer, "s")
