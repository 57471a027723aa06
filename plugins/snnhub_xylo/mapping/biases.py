"""Biases of linear layers: a core has none, so each becomes a bias of the neurons that it reaches."""

from __future__ import annotations

import numpy as np
from snnhub.findings import Finding, loss
from snnhub.ir.graph import Graph, Node, Port
from snnhub.ir.rewrite import Rewriter
from snnhub.ir.tensor import Array, tensor
from snnhub.ops.multispike import unrolled
from snnhub.passes.base import PassContext, PassResult, unchanged

from snnhub_xylo.mapping.layers import DENSE, Network, read_network
from snnhub_xylo.mapping.promise import measured

SETTLED = 0.01
"""A current counts as settled when so much of it is missing."""


def run(graph: Graph, context: PassContext) -> PassResult:
    """A constant b into a synapse that keeps beta makes the current b beta / (1 - beta) in the end: that is the
    bias.
    """
    network, _ = read_network(graph, context.lookup)
    if not any(bias.any() for bias in network.biases.values()):
        return unchanged(graph, context)
    rewriter = Rewriter(graph, context.lookup)
    found = [_moved(layer, network, rewriter) for layer in network.ends]
    for node in graph.nodes:
        if node.op == DENSE and "bias" in node.param:
            _without(node, rewriter)
    after, noticed = rewriter.graph(), tuple(item for item in found if item is not None)
    return PassResult(after, rewriter.correspondence(), noticed, measured(graph, after, context))


def _moved(layer: Node, network: Network, rewriter: Rewriter) -> Finding | None:
    total = np.zeros(network.sizes[layer.id])
    transient = 0
    for synapse, name in enumerate(unrolled("beta", layer.attribute)):
        offset = network.biases.get((layer.id, synapse))
        if offset is None or not offset.any():
            continue
        beta = layer.param[name].array.astype(np.float64)
        total += offset * beta / (1 - beta)
        transient = max(transient, int(np.ceil(np.log(SETTLED) / np.log(beta.max()))))
    if not total.any():
        return None
    bias: Array = (layer.param["bias"].array.astype(np.float64) + total).astype(np.float32)
    rewriter.put(layer.with_params(bias=tensor(bias).described("bias + b beta / (1 - beta) of linear layers")))
    rewriter.drop(Port(layer.id, "vmem"))
    for name in unrolled("isyn", layer.attribute):
        rewriter.drop(Port(layer.id, name))
    return loss(
        "SNN-2412",
        layer.id,
        "biases of linear layers became biases of neurons",
        new=f"at most {float(np.abs(total).max()):.4g}",
        bound=f"right to 1 % after {transient} steps, too large before",
    )


def _without(node: Node, rewriter: Rewriter) -> None:
    attributes = {**node.attribute, "bias": False}
    params = {name: value for name, value in node.param.items() if name != "bias"}
    rewriter.put(
        Node(node.id, node.op, node.version, tuple(attributes.items()), tuple(params.items()), origin=node.origin)
    )
    rewriter.drop(Port(node.id, "y"))
