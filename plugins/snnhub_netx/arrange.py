"""The exporter's own passes: name nodes as NetX names layers, and keep Lava's weight packing from losing any."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from snnhub.findings import Finding
from snnhub.ir.correspondence import identity, rename
from snnhub.ir.graph import Edge, Graph, Node, Port
from snnhub.ir.rung import Rung
from snnhub.ir.tensor import smallest_integer
from snnhub.passes.base import Pass, PassContext, PassResult, Promise, unchanged

from snnhub_netx import relay
from snnhub_netx.chain import Chain
from snnhub_netx.sigma_delta_width import fit_arrival
from snnhub_netx.silent import make_safe


def passes() -> Sequence[Pass]:
    """What runs between the lowering to Loihi and the writer."""
    return (
        Pass(
            "netx relays",
            1,
            Promise(Rung.BITS),
            "delays that Lava's reader cannot hold go through layers of relays",
            relay.run,
        ),
        Pass(
            "netx safe packing",
            1,
            Promise(Rung.BITS),
            "adds a silent neuron where Lava would lose weights",
            make_safe,
        ),
        Pass(
            "netx layer names",
            1,
            Promise(Rung.BITS),
            "names nodes layer0, layer1 …, in the order of the chain",
            _arrange,
        ),
    )


def _arrange(graph: Graph, context: PassContext) -> PassResult:
    chain = Chain(graph)
    if chain.findings:
        return unchanged(graph, context, chain.findings)
    graph, fitted = fit_arrival(graph)
    chain = Chain(graph)
    names: dict[str, str] = {}
    order: list[Node] = []
    for index, block in chain.numbered():
        for suffix, node in block.nodes:
            names[node.id] = f"layer{index}{suffix}"
        order += [_canonical(replace(node, id=names[node.id])) for _, node in block.nodes]
    edges = tuple(_renamed(edge, names) for edge in graph.edges)
    decoder = graph.decoder
    if decoder is not None and decoder.quantity != "output":
        place, _, name = decoder.quantity.rpartition("/")
        decoder = replace(decoder, quantity=f"{names.get(place, place)}/{name}")
    arranged = replace(graph, nodes=tuple(order), edges=_chain_order(edges, order), decoder=decoder)
    findings: tuple[Finding, ...] = tuple(fitted)
    return PassResult(arranged, rename(identity(graph, context.lookup), names), findings)


def _canonical(node: Node) -> Node:
    """Integers as the reader would give them: smallest dtype, single numbers 0-d, no array of zeros for a bias."""
    params = {}
    for name, tensor in node.param.items():
        values = tensor.array
        if name == "bias" and not values.any():
            values = np.zeros((), np.int64)
        if name != "weight" and values.size == 1:
            values = values.reshape(())
        small = smallest_integer(values) if tensor.type.is_int else tensor
        params[name] = replace(small, quantisation=tensor.quantisation, recipe=tensor.recipe)
    return replace(node, params=tuple(params.items()))


def _renamed(edge: Edge, names: dict[str, str]) -> Edge:
    src, dst = (Port(names.get(port.node, port.node), port.name) for port in (edge.src, edge.dst))
    return Edge(src, dst, edge.delay)


def _chain_order(edges: tuple[Edge, ...], order: list[Node]) -> tuple[Edge, ...]:
    """Edges in the order in which the reader adds them: by target, the feed-forward ones first, by delay."""
    rank = {node.id: position for position, node in enumerate(order)}

    def key(edge: Edge) -> tuple[int, int, int]:
        target = rank.get(edge.dst.node, len(order))
        if edge.src.node.endswith("/synapse_rec"):
            return rank[edge.src.node], 1, 0
        return target, 0, rank.get(edge.src.node, 0)

    return tuple(sorted(edges, key=key))
