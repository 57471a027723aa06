"""Which nodes of a network the approximations of Xylo would change."""

from __future__ import annotations

import numpy as np
from snnhub.ir.graph import Graph

from snnhub_xylo.mapping.layers import ADD
from snnhub_xylo.neuron_numbers import NEURONS


def hard_resets(graph: Graph) -> tuple[str, ...]:
    """Names of the neurons that a spike sets to a value."""
    return tuple(node.id for node in graph.nodes if node.op in NEURONS and node.attribute.get("reset") == "value")


def without_current(graph: Graph) -> tuple[str, ...]:
    """Names of the neurons whose input acts in its own step only."""
    return tuple(
        node.id
        for node in graph.nodes
        if node.op in NEURONS and ("u_factor" not in node.param or not np.any(node.param["u_factor"].array))
    )


def sums(graph: Graph) -> tuple[str, ...]:
    """Names of the sums of spikes, as residual blocks have."""
    return tuple(node.id for node in graph.nodes if node.op == ADD)
