"""slayer's block of input with neurons: on Loihi the neurons take integers, 64 times what its transform gives.

The transform (round to 1/32, clip to 8 bits, times a weight, plus a bias) stays outside of the network: Lava's
reader of NetX applies none. Slayer's units are 1/64 here as everywhere, so a weight of halves keeps them whole.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
from snnhub.findings import Finding, error, loss
from snnhub.ir.graph import TERMINAL_PORT, Edge, Graph, Input, Node, Port
from snnhub.ir.numtype import signed
from snnhub.ir.rewrite import Rewriter
from snnhub.ir.tensor import Array

INPUT = "slayer.Input"
UNIT = 64
LOWEST, HIGHEST = -256, 254
"""Of the rounded input, in 1/64: ``quantize_8bit`` of lava-dl 0.6.0."""
INTEGERS = signed(32)
"""What neurons of the input take in Lava."""


def problems(graph: Graph, edge: Edge) -> Iterator[Finding]:
    """Why the transform on this edge into neurons cannot be left out of the network."""
    node = graph.node[edge.src.node]
    ends = {item.id for item in graph.inputs}
    before = graph.feeding(node.id)
    alone = [
        item.src.node in ends and item.delay == 0 and len(graph.fed_by(item.src.node)) == 1 for item in before
    ]
    if not all(alone) or len(graph.fed_by(node.id)) != 1 or edge.delay:
        words = "neurons of the input stand first, and nothing beside them hears the input"
        yield error("SNN-2135", node.id, words, remedy="Put the Input block first.")
    weight = _number(node, "weight")
    if 2 * weight != np.rint(2 * weight):
        words = "a weight of the input that leaves no multiples of 1/64"
        remedy = "Keep it at 1 in training (requires_grad_(False)), or another multiple of 1/2."
        yield error("SNN-2135", node.id, words, old=f"{weight:g}", remedy=remedy)


def removed(graph: Graph, node: Node, rewriter: Rewriter) -> tuple[Input, Finding]:
    """Take the transform out. Returns the input with its new type, and the finding that says what it must hold."""
    source = graph.feeding(node.id)[0].src.node
    rewriter.bypass(node.id)
    rewriter.drop(Port(source, TERMINAL_PORT))
    weight, bias = _number(node, "weight"), int(UNIT * _number(node, "bias"))
    rounded = "2 rint(32 x), clipped to -256 .. 254,"
    words = (
        "the neurons take integers: round, scale and shift the input before it comes in; Lava's reader does not"
    )
    found = loss(
        "SNN-5306",
        source,
        words,
        old="x",
        new=f"{rounded} times {weight:g} plus {bias}",
        bound="exact on input made so",
    )
    return replace(next(item for item in graph.inputs if item.id == source), type=INTEGERS), found


def bounds(node: Node) -> tuple[Array, Array]:
    """The smallest and largest integer that the transform gives."""
    weight, bias = _number(node, "weight"), UNIT * _number(node, "bias")
    ends = np.array([LOWEST * weight + bias, HIGHEST * weight + bias])
    return ends.min(), ends.max()


def _number(node: Node, name: str) -> float:
    return float(node.param[name].array.reshape(-1)[0])
