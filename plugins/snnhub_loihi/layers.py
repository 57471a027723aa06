"""Layers of a graph as the quantiser sees them: neurons with the synapses that feed them."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from snnhub.ir.graph import Edge, Graph, Node

from snnhub_loihi.admit import NEURONS
from snnhub_loihi.ops import ALIGN, DECAY_UNITY, STATE_LIMIT
from snnhub_loihi.scales import HIGHEST, LOWEST, LayerNumbers, exact_threshold


@dataclass(frozen=True)
class Layer:
    """``synapses``: with the edge from each into the neuron. ``recurrent`` ones are fed by the neuron itself."""

    neuron: Node
    synapses: tuple[Node, ...]
    edges: tuple[Edge, ...]

    def numbers(self) -> LayerNumbers:
        """What choosing a scale needs."""
        biases = [node.param["bias"].array for node in (*self.synapses, self.neuron) if "bias" in node.param]
        threshold = self.neuron.param["v_threshold"].array.reshape(-1)
        return LayerNumbers(
            tuple(s.param["weight"].array for s in self.synapses),
            np.asarray(np.sum(biases, axis=0, dtype=np.float64)) if biases else None,
            float(threshold[0]),
            str(self.neuron.attribute.get("compare", "ge")),
            self.neuron.op != "core.IF",
        )


def own_scale(layer: Layer) -> Fraction | None:
    """The scale at which fixed-point neurons compute what the chip does: the integers are then their own.

    None for other neurons, and where weights are no even integers at that scale, the threshold falls between two
    values, or the current could overflow.
    """
    neuron = layer.neuron
    if "scale" not in neuron.param or neuron.param["scale"].size > 1:
        return None
    scale = Fraction(float(neuron.param["scale"].array.reshape(-1)[0])) / (1 << ALIGN)
    if not exact_threshold(scale, layer.numbers()):
        return None
    decay = int(neuron.param["u_decay"].array.min())
    drive = 0.0
    for synapse in layer.synapses:
        weight = synapse.param["weight"].array.astype(np.float64) * float(scale)
        if np.any(weight % 2) or weight.min(initial=0) < LOWEST or weight.max(initial=0) > HIGHEST:
            return None
        drive += np.abs(weight).reshape(weight.shape[0], -1).sum(axis=1).max()
    return scale if decay and drive * (1 << ALIGN) * DECAY_UNITY / decay < STATE_LIMIT else None


def float_layers(graph: Graph) -> list[Layer]:
    """Layers that are still floats, in node order."""
    layers = []
    for node in graph.nodes:
        if node.op in NEURONS:
            edges = graph.feeding(node.id)
            layers.append(Layer(node, tuple(graph.node[edge.src.node] for edge in edges), edges))
    return layers
