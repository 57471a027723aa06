"""Layers of a graph as the quantiser sees them: neurons with the synapses that feed them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from snnhub.ir.graph import Edge, Graph, Node

from snnhub_loihi.admit import NEURONS
from snnhub_loihi.scales import LayerNumbers


@dataclass(frozen=True)
class Layer:
    """``synapses``: with the edge from each into the neuron. ``recurrent`` ones are fed by the neuron itself."""

    neuron: Node
    synapses: tuple[Node, ...]
    edges: tuple[Edge, ...]

    def numbers(self) -> LayerNumbers:
        """What choosing a scale needs."""
        biases = [s.param["bias"].array for s in self.synapses if "bias" in s.param]
        threshold = self.neuron.param["v_threshold"].array.reshape(-1)
        return LayerNumbers(
            tuple(s.param["weight"].array for s in self.synapses),
            np.asarray(np.sum(biases, axis=0, dtype=np.float64)) if biases else None,
            float(threshold[0]),
            str(self.neuron.attribute["compare"]),
            self.neuron.op == "core.LIF",
        )


def float_layers(graph: Graph) -> list[Layer]:
    """Layers that are still floats, in node order."""
    layers = []
    for node in graph.nodes:
        if node.op in NEURONS:
            edges = graph.feeding(node.id)
            layers.append(Layer(node, tuple(graph.node[edge.src.node] for edge in edges), edges))
    return layers
