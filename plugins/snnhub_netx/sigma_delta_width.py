"""How many bits a sum of graded spikes keeps on its way into sigma-delta neurons (``a_bits``).

Lava-DL's reader shifts a dense matrix up until it fills eight bits; Lava's dense synapse multiplies in 32-bit
words, which overflow, and shifts the sum down again (lava-nc 0.10.0, ``proc/dense/models.py``): where the shift is
5, a sum keeps 27 bits. A convolution, and a dense synapse with delays, are not shifted so.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from snnhub.findings import Finding, error, note
from snnhub.ir.graph import Graph, Node
from snnhub.ir.op import StepOp
from snnhub.ir.tensor import Array
from snnhub.ops.registry import REGISTRY

from snnhub_netx.chain import Chain, LayerBlock
from snnhub_netx.packing import loadable, pack
from snnhub_netx.sigma_delta_group import SIGMA, SIGMA_DELTA

WORD = 32


def shift_of(weight: Array) -> int:
    """By how much Lava's packing shifts weights up, and the 32-bit sum down again."""
    return max(0, -pack(weight).exponent) if loadable(weight) else 0


def arrival_bits(block: LayerBlock, nodes: Mapping[str, Node] | None = None) -> int:
    """Bits that sums of a layer keep on their way in once Lava has read it from a file."""
    if block.kind != "dense" or any(block.delays):
        return WORD
    return WORD - shift_of(block.weight(nodes))


def fit_arrival(graph: Graph) -> tuple[Graph, list[Finding]]:
    """``a_bits`` of every layer as Lava's packing of its weights makes it."""
    changed: dict[str, Node] = {}
    found: list[Finding] = []
    for block in Chain(graph).blocks:
        if not isinstance(block, LayerBlock) or block.neuron.op not in (SIGMA_DELTA, SIGMA):
            continue
        neuron, bits = block.neuron, arrival_bits(block)
        schema = REGISTRY(neuron.op, neuron.version)
        if neuron.attribute["a_bits"] != bits and isinstance(schema, StepOp):
            attributes = {**neuron.attribute, "a_bits": bits}
            program = schema.program(attributes)
            changed[neuron.id] = replace(neuron, attributes=tuple(attributes.items()), program=program)
            old, new = (f"{number} bits" for number in (neuron.attribute["a_bits"], bits))
            message = "sums overflow elsewhere: Lava shifts these weights up and their 32-bit sum down"
            bound = f"equal up to sums of {2 ** (min(bits, neuron.integer('a_bits')) - 1)}"
            found.append(note("SNN-4110", neuron.id, message, old=old, new=new, bound=bound))
    nodes = tuple(changed.get(node.id, node) for node in graph.nodes)
    return replace(graph, nodes=nodes), found


def check_block(block: LayerBlock) -> list[Finding]:
    """An ``error`` if the file would give sums another width."""
    if block.neuron.op not in (SIGMA_DELTA, SIGMA) or block.neuron.attribute["a_bits"] == arrival_bits(block):
        return []
    message = "Lava's packing of these weights gives sums another width"
    found, allowed = block.neuron.attribute["a_bits"], arrival_bits(block)
    return [error("SNN-4101", block.neuron.id, message, old=f"a_bits {found}", remedy=f"Use a_bits {allowed}.")]
