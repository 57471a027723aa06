"""Neurons whose potential nobody takes, as the ops of the profile ``snntorch-1`` where these compute the same."""

from __future__ import annotations

from dataclasses import replace

from snnhub.ir.graph import Graph, Node
from snnhub.ir.op import OpLookup, StepOp

SHORTER = {
    ("snntorch.LeakyMem", "subtract"): "snntorch.Leaky",
    ("snntorch.LeakyMem", "zero"): "snntorch.Leaky",
    ("snntorch.SynapticMem", "zero"): "snntorch.Synaptic",
}
"""Without a delay of the reset, and without grades: a NIR file that says so is read as this very op."""


def shortened(graph: Graph, lookup: OpLookup) -> Graph:
    """``graph`` with these ops: the same numbers, fewer outputs. Where the op is not installed, all stays."""
    read = {edge.src for edge in graph.edges}
    decided = graph.decoder.quantity if graph.decoder is not None else ""
    nodes = []
    for node in graph.nodes:
        taken = {src.name for src in read if src.node == node.id} - {"s"}
        short = None if taken or decided.startswith(f"{node.id}/") else _short(node, lookup)
        nodes.append(short or node)
    return replace(graph, nodes=tuple(nodes))


def _short(node: Node, lookup: OpLookup) -> Node | None:
    choices = node.attribute
    name = SHORTER.get((node.op, str(choices.get("reset"))))
    op = lookup(name, 1) if name is not None else None
    if choices.get("reset_delay") or choices.get("graded") or not isinstance(op, StepOp):
        return None
    kept = {item.name: choices[item.name] for item in op.attributes}
    return replace(node, op=op.name, version=1, attributes=tuple(kept.items()), program=op.program(kept))
