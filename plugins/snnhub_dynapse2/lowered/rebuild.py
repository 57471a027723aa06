"""Rockpool's DynapSim from the numbers of a graph: its currents, constants and weights go in, its own factors come
out. Only where Rockpool and jax are.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from snnhub.errors import UsageError
from snnhub.findings import Finding, info
from snnhub.ir.graph import Graph, Node, Origin
from snnhub.ir.op import OpLookup
from snnhub.ir.tensor import Array

from snnhub_dynapse2.derive import RAW, F
from snnhub_dynapse2.lowered.layers import layers_of
from snnhub_dynapse2.lowered.shape import Layer, Link, Shape


def dynapsim_of(graph: Graph, lookup: OpLookup) -> tuple[Any, Graph, list[Finding]]:
    """A Sequential of LinearJax and DynapSim, the graph with the places of its nodes in it, and what was changed.

    Raises ``UsageError`` for layers that are not in a row, and for numbers without bias currents behind them.
    """
    from rockpool.nn.combinators import Sequential
    from rockpool.nn.modules.jax import LinearJax

    held, problems = layers_of(graph, lookup)
    if held is None:
        raise UsageError(problems[0].message, where=problems[0].place, remedy=problems[0].remedy)
    modules: list[Any] = []
    places: dict[str, str] = {}
    found: list[Finding] = []
    for layer, link, back in _row(held.shape):
        node = graph.node[layer.id]
        if node.attribute.get("biases") is not True:
            words = "DynapSim is built from bias currents, and this layer holds none"
            raise UsageError(words, where=layer.id, remedy="Convert it to dynapse2 first, or import its factory.")
        scale, said = one_iscale(node, layer.size)
        found += said
        weight = (held.weights[link.id] * scale).astype(F)
        places[link.id] = f"{len(modules)}_LinearJax"
        modules.append(LinearJax(shape=weight.shape, has_bias=False, weight=weight))
        places[layer.id] = f"{len(modules)}_DynapSim"
        w_rec = None if back is None else (held.weights[back.id] * scale).astype(F)
        modules.append(_module(node, layer.size, w_rec))
        if back is not None:
            places[back.id] = f"{places[layer.id]}/w_rec"
    nodes = tuple(replace(node, origin=Origin("rockpool", "", places[node.id])) for node in graph.nodes)
    return Sequential(*modules), replace(graph, nodes=nodes), found


def _row(shape: Shape) -> list[tuple[Layer, Link, Link | None]]:
    """Every layer with the weights before it, and those around it."""
    before, found = shape.input, []
    for layer in shape.layers:
        into = {link.source: link for link in shape.links if link.target == layer.id}
        first, back = into.pop(before, None), into.pop(layer.id, None)
        if first is None or first.delay or into:
            words = "DynapSim runs layers in a row, each fed by the one before it in the same step"
            raise UsageError(words, where=layer.id)
        found.append((layer, first, back))
        before = layer.id
    return found


def one_iscale(node: Node, size: int) -> tuple[Array, list[Finding]]:
    """(n,) factors of weights, where neurons differ in iscale: DynapSim has one number for all."""
    iscale = np.broadcast_to(node.param["Iscale"].array.astype(np.float64), (size,))
    if (iscale == iscale[0]).all():
        return np.ones(size), []
    words = (
        "DynapSim has one Iscale for a layer, and its cores have several: weights were scaled, and rounded again"
    )
    return iscale / iscale[0], [info("SNN-4406", node.id, words, new=f"{iscale[0]:.6g} A")]


def _module(node: Node, size: int, w_rec: Array | None) -> Any:
    from rockpool.devices.dynapse import DynapSim

    values = {name: np.broadcast_to(node.param[name].array, (size,)).astype(F) for name in RAW}
    iscale, dt = (float(node.param[name].array.ravel()[0]) for name in ("Iscale", "dt"))
    more = {} if w_rec is None else {"has_rec": True, "w_rec": w_rec}
    return DynapSim((size, size), **values, Iscale=iscale, dt=float(str(F(dt))), **more)
