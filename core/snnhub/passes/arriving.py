"""What can arrive at a port in one step: least and largest sum of the integer weights that spikes drive."""

from __future__ import annotations

import numpy as np

from snnhub.ir.graph import Graph, Node, Port
from snnhub.ir.tensor import Array


def arriving(graph: Graph, port: Port) -> tuple[Array, Array] | None:
    """Bounds (low, high) of the sum at ``port``, int64, per neuron or channel, if every source sends 0 or 1.

    All weights of one sign count together, so the bound is reached by some input of a dense layer, and by some
    input of a convolution away from its border. None where something other than integer synapses feeds the port.
    """
    low, high = np.zeros((), np.int64), np.zeros((), np.int64)
    for edge in graph.into.get(port, ()):
        source = graph.node.get(edge.src.node)
        if source is None or source.op not in ("core.Dense", "core.Conv"):
            return None
        if not source.param["weight"].type.is_int:
            return None
        least, most = _sums(source)
        low, high = low + least, high + most
    return low, high


def held(sums: tuple[Array, Array], lost: Array, unity: int) -> int | None:
    """The largest magnitude of a state that loses ``lost`` of ``unity`` per step, rounded toward 0, and gains such
    a sum: the sum times unity / lost. None if there is no bound, as nothing is lost where something arrives.
    """
    most, lost = np.broadcast_arrays(np.maximum(np.abs(sums[0]), np.abs(sums[1])), lost.astype(np.int64))
    if np.any((lost == 0) & (most > 0)):
        return None
    bounds = most.astype(object) * unity // np.where(lost == 0, 1, lost)
    return int(bounds.max()) if most.size else 0


def _sums(synapse: Node) -> tuple[Array, Array]:
    weight = synapse.param["weight"].array.astype(np.int64)
    axes = tuple(range(1, weight.ndim))
    least, most = np.minimum(weight, 0).sum(axis=axes), np.maximum(weight, 0).sum(axis=axes)
    bias = synapse.param["bias"].array.astype(np.int64).reshape(-1) if "bias" in synapse.param else 0
    shift = synapse.integer("shift") if synapse.attribute.get("shift") else 0
    shape = (-1, *[1] * (weight.ndim - 2))
    return ((least + bias) >> shift).reshape(shape), ((most + bias) >> shift).reshape(shape)
