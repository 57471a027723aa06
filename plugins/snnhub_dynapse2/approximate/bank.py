"""Many single neurons side by side in the engine, each with its own input: what a layer would do on its own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from snnhub.engine.reference import prepare
from snnhub.ir.builder import GraphBuilder
from snnhub.ir.graph import Graph
from snnhub.ir.numtype import F32, signed
from snnhub.ir.op import OpLookup
from snnhub.ir.tensor import Array, tensor

from snnhub_dynapse2.approximate.currents import ISCALE, rounded
from snnhub_dynapse2.approximate.layers import Layer
from snnhub_dynapse2.approximate.source import MULTI
from snnhub_dynapse2.build import stored
from snnhub_dynapse2.derive import RAW, derived
from snnhub_dynapse2.network import Floats

OP = "dynapse2.DynapSim"
INTEGER_BITS = 24
"""Width of what arrives at a neuron of Loihi, as a stimulus."""


def analog_spikes(biases: Mapping[str, Floats], x: Array, dt: float, lookup: OpLookup) -> Array:
    """Spikes (time, samples, neurons) of DynapSim neurons with these biases, each (neurons,), driven by ``x`` of
    the same shape: the sum of weights of what arrives.
    """
    found = rounded(biases)
    values = derived({name: found[name] for name in RAW}, ISCALE, dt, exact=True)
    builder = GraphBuilder("bank", lookup)
    source = builder.input((x.shape[2],), F32)
    params = {name: stored(name, array, "") for name, array in values.items()}
    builder.output(builder.node("bank", OP, source, params=params, biases=False))
    recording, _ = prepare(builder.graph(dt=float(str(np.float32(dt)))), lookup).run(np.asarray(x, np.float32))
    return recording["output"]


def source_spikes(graph: Graph, layer: Layer, neurons: Array, x: Floats, lookup: OpLookup) -> Array:
    """Spikes (time, samples, k) of the neurons ``neurons`` (k flat indices) of a layer of the source, driven by
    ``x`` alone, as sums of weights of what arrives.
    """
    node = graph.node[layer.name]
    if layer.filtered:
        x = _filtered(x, layer.source.factor[neurons])
    x = x + layer.offset[neurons]
    builder = GraphBuilder("bank", lookup)
    whole = node.op == "loihi.CubaLIF"
    source = builder.input((x.shape[2],), signed(INTEGER_BITS) if whole else F32)
    choice: dict[str, Any] = {**node.attribute, "recurrent": False} if node.op == MULTI else dict(node.attribute)
    params = {name: tensor(_picked(item.array, neurons)) for name, item in node.params}
    builder.output(builder.node("bank", node.op, source, params=params, version=node.version, **choice))
    given = np.rint(x).astype(np.int64) if whole else np.asarray(x, np.float32)
    recording, _ = prepare(builder.graph(), lookup).run(given)
    return recording["output"]


def _filtered(x: Floats, factor: Floats) -> Floats:
    """What a current before the neuron makes of what arrives."""
    made, state = np.empty_like(x), np.zeros(x.shape[1:])
    for step in range(len(x)):
        state = state * factor + x[step]
        made[step] = state
    return made


def _picked(array: Array, neurons: Array) -> Array:
    """A parameter of the picked neurons; one that all share stays one number."""
    return array.ravel()[neurons] if array.size > 1 else array.reshape(())
