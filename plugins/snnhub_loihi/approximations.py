"""Which nodes of a network the approximations of Loihi would change."""

from __future__ import annotations

from snnhub.ir.graph import Graph

from snnhub_loihi.multispike import SOFT
from snnhub_loihi.multispike_rules import MULTI
from snnhub_loihi.of_sinabs import OP as SINABS


def soft_resets(graph: Graph) -> tuple[str, ...]:
    """Names of the neurons that subtract the threshold at a spike."""
    return tuple(
        node.id
        for node in graph.nodes
        if node.op == MULTI or (node.op in (*SOFT, SINABS) and node.attribute["reset"] == "subtract")
    )
