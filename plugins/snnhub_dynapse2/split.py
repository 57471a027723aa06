"""DynapSim to the model with separate synapses: weights above 0 go to AMPA, weights below 0 to GABA."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from snnhub.errors import UsageError
from snnhub.findings import info
from snnhub.ir.builder import GraphBuilder
from snnhub.ir.graph import Edge, Graph, Node, Port, Stage
from snnhub.ir.op import OpLookup, StepOp
from snnhub.ir.tensor import tensor

from snnhub_dynapse2.separate import of_kind

OP = "dynapse2.DynapSimSeparate"
WORDS = (
    "model with separate synapses: its equations come from publications, and were not verified on a chip; "
    "Rockpool has no such model"
)


def separated(graph: Graph, lookup: OpLookup) -> Graph:
    """The same network with every ``dynapse2.DynapSim`` as ``dynapse2.DynapSimSeparate``.

    A layer that no negative weight reaches computes the same bits as before. GABA has the
    factors of the one synapse that there was. Raises ``UsageError`` if a signal reaches a neuron without weights,
    or through a bias: those have no kind of synapse.
    """
    builder = GraphBuilder(graph.name, lookup)
    builder.inputs += graph.inputs
    builder.outputs += graph.outputs
    builder.findings += graph.findings
    shared = {node.id: node for node in graph.nodes}
    edges = list(graph.edges)
    for node in graph.nodes:
        if node.op != "dynapse2.DynapSim":
            continue
        found = info("SNN-3411", node.id, WORDS, old="dynapse2.DynapSim/1", new=f"{OP}/1")
        shared[node.id] = _separate(node, graph, shared, edges, lookup)
        builder.findings.append(found)
    builder.nodes += _ordered(graph, shared)
    builder.edges += edges
    stage = Stage("dynapse2 separate", "1")
    made = builder.graph(decoder=graph.decoder, dt=graph.dt, provenance=graph.provenance.after(stage))
    return replace(made, correspondence=graph.correspondence)


def _ordered(graph: Graph, shared: dict[str, Node]) -> list[Node]:
    """Nodes in their old order, what was added at the end."""
    old = [shared[node.id] for node in graph.nodes]
    return old + [node for name, node in shared.items() if name not in graph.node]


def _separate(node: Node, graph: Graph, nodes: dict[str, Node], edges: list[Edge], lookup: OpLookup) -> Node:
    """The node in its new form; the weights that reach it are parted in ``nodes`` and ``edges``."""
    for edge in graph.feeding(node.id):
        source = nodes.get(edge.src.node)
        if source is None or source.op != "core.Dense" or source.attribute["bias"] is True:
            remedy = "Give every input of the layer weights of its own, without a bias."
            raise UsageError("only weights have a kind of synapse", where=str(edge), remedy=remedy)
        if len(graph.fed_by(source.id)) > 1:
            remedy = "Give each layer weights of its own."
            raise UsageError("weights that several layers share are not parted", where=source.id, remedy=remedy)
        weight, name = source.param["weight"].array, f"{source.id}/gaba"
        zero = weight.dtype.type(0)
        nodes[name] = replace(source.with_params(weight=tensor(np.where(weight < 0, -weight, zero))), id=name)
        nodes[source.id] = source.with_params(weight=tensor(np.where(weight < 0, zero, weight)))
        edges += [replace(e, dst=Port(name, e.dst.name)) for e in graph.feeding(source.id)]
        edges.append(Edge(Port(name, "y"), Port(node.id, "x_gaba"), edge.delay))
    choice = {**node.attribute, "synapses": "ampa+gaba"}
    old = {"f_charge_gaba": "f_charge", "f_discharge_gaba": "f_discharge", "r_gaba": "r_syn"}
    params = {**node.param, **{own.name: node.param[old[own.name]] for own in of_kind("gaba")}}
    schema = lookup(OP, 1)
    program = schema.program(choice) if isinstance(schema, StepOp) else None
    return replace(node, op=OP, attributes=tuple(choice.items()), params=tuple(params.items()), program=program)
