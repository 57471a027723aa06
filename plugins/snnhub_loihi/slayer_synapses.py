"""Synapses of slayer as Loihi's: the same weights in units of 1/64, and how far they can drive neurons."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from snnhub.engine.kernels.synapse import outputs_first
from snnhub.findings import Finding, error
from snnhub.ir.graph import Graph, Node
from snnhub.ir.tensor import Array, smallest_integer

from snnhub_loihi import slayer_input
from snnhub_loihi.admit import SYNAPSES
from snnhub_loihi.ops import ALIGN, DECAY_UNITY

TRANSPOSED = "core.ConvTranspose"
"""Becomes a matrix where it is small, in a pass of its own behind this one."""
UNIT = 1 << ALIGN
GRID = "slayer's own quantize_8bit puts them there; leave pre_hook_fx to the block."


@dataclass(frozen=True)
class Range:
    """Bounds of what goes into u in one step, per neuron, in units of the states."""

    low: Array
    high: Array

    def times(self, decay: Array) -> Range | None:
        """Bounds of a state that loses ``decay`` of 4096 per step; None where it can grow for ever."""
        if np.any(decay == 0):
            return None
        return Range(self.low * DECAY_UNITY / decay, self.high * DECAY_UNITY / decay)


def refused_synapses(graph: Graph, node: Node) -> Iterator[Finding]:
    """Why what leads to these neurons has no equal on Loihi."""
    for edge in graph.feeding(node.id):
        synapse = graph.node.get(edge.src.node)
        if synapse is not None and synapse.op == slayer_input.INPUT:
            yield from slayer_input.problems(graph, edge)
        elif synapse is None or synapse.op not in (*SYNAPSES, TRANSPOSED) or edge.delay:
            found = synapse.kind if synapse else "the graph input"
            yield error("SNN-2135", node.id, "neurons take their input from a dense or convolution", old=found)
        elif "bias" in synapse.param and np.any(synapse.param["bias"].array):
            remedy = "Train without KWTA."
            yield error("SNN-2135", synapse.id, "a constant beside recurrence, as in KWTA", remedy=remedy)
        elif np.any(np.rint(weights(synapse) * UNIT) != weights(synapse) * UNIT):
            yield error("SNN-2135", synapse.id, "weights that are no multiples of 1/64", remedy=GRID)
        elif {out.dst.node for out in graph.fed_by(synapse.id)} != {node.id}:
            yield error("SNN-2135", synapse.id, "a synapse that feeds several layers")


def weights(synapse: Node) -> Array:
    """The weights, f64."""
    weight: Array = synapse.param["weight"].array.astype(np.float64)
    return weight


def rows(synapse: Node) -> Array:
    """Loihi's integers with the axis of outputs first."""
    array = outputs_first(synapse) if synapse.op == TRANSPOSED else synapse.param["weight"].array
    return np.rint(array.astype(np.float64) * UNIT).astype(np.int64)


def added(drive: Range, weight: Array, rank: int) -> Range:
    """Bounds with those of another synapse: all inputs of one sign at once."""
    rows = weight.reshape(len(weight), -1) * UNIT
    shape = (-1, *[1] * (rank - 2))
    low, high = (fn(rows, 0).sum(axis=1).reshape(shape) for fn in (np.minimum, np.maximum))
    return Range(drive.low + low, drive.high + high)


def integer_synapse(synapse: Node, weight: Array) -> Node:
    """The synapse with its weights times 64; a convolution wraps to 24 bits, as Lava's does."""
    attributes = dict(synapse.attributes) | {"bias": False}
    if synapse.op == "core.Conv":
        attributes["accumulate"] = "wrap24"
    params = (("weight", smallest_integer(weight)),)
    return replace(synapse, attributes=tuple(attributes.items()), params=params)
