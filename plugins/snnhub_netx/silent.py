"""Weight matrices that Lava's packing would damage are made mixed by one weight from a neuron that never fires.

Lava loses weights of dense matrices without a positive entry, and cannot load one that is all zero (see
``packing``). A silent neuron (no input, no bias, threshold not below 0) is added to the layer before, with
a weight of 2 to the first neuron of the damaged layer: nothing changes, and the packing becomes lossless.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from snnhub.findings import Finding, Severity, error, note
from snnhub.ir.correspondence import identity
from snnhub.ir.graph import Graph, Match, Node
from snnhub.ir.tensor import Array, smallest_integer
from snnhub.passes.base import PassContext, PassResult, unchanged

from snnhub_netx.chain import Block, Chain, FlattenBlock, LayerBlock
from snnhub_netx.complex_block import ComplexBlock
from snnhub_netx.packing import survives

WeightedBlock = LayerBlock | ComplexBlock
KEEPER = 2
"""The weight that makes a matrix mixed."""


def make_safe(graph: Graph, context: PassContext) -> PassResult:
    """Every dense matrix survives Lava's packing afterwards, or an ``error`` finding says why it cannot."""
    chain = Chain(graph)
    if chain.findings:
        return unchanged(graph, context, chain.findings)
    nodes = dict(graph.node)
    findings: list[Finding] = []
    widths: dict[str, int] = {}
    # A widened layer gets a row of zeros, which may bring its own matrix into danger: look until all is well.
    while failing := [position for position, block in enumerate(chain.blocks) if _in_danger(block, nodes)]:
        position = failing[-1]
        block = chain.blocks[position]
        if isinstance(block, LayerBlock | ComplexBlock):
            findings.append(_repair(block, _layer_before(chain.blocks, position), nodes, widths))
        if findings[-1].severity is Severity.ERROR:
            break
    matches = tuple(_selected(match, widths) for match in identity(graph, context.lookup))
    return PassResult(
        replace(graph, nodes=tuple(nodes[node.id] for node in graph.nodes)), matches, tuple(findings)
    )


def _in_danger(block: Block, nodes: dict[str, Node]) -> bool:
    return isinstance(block, LayerBlock | ComplexBlock) and block.kind != "conv" and bool(_lost(block, nodes))


def _lost(block: WeightedBlock, nodes: dict[str, Node]) -> set[str]:
    """The synapses whose matrices Lava's packing would damage."""
    return {name for name, weight, back in block.matrices(nodes) if not survives(weight, back)}


def _layer_before(blocks: list[Block], position: int) -> WeightedBlock | None:
    """The layer whose neurons feed this one, looking through a flatten; None if that is the graph input."""
    for block in reversed(blocks[:position]):
        if not isinstance(block, FlattenBlock):
            return block if isinstance(block, LayerBlock | ComplexBlock) else None
    return None


def _selected(match: Match, widths: dict[str, int]) -> Match:
    return replace(match, select=(0, widths[match.new.node])) if match.new.node in widths else match


def _repair(
    block: WeightedBlock, before: WeightedBlock | None, nodes: dict[str, Node], widths: dict[str, int]
) -> Finding:
    lost = _lost(block, nodes)
    place = sorted(lost)[0]
    trial = nodes[place].param["weight"].array.astype(np.int64)
    if before is None or before.synapse.attribute.get("groups", 1) != 1 or _restless(before.neuron):
        return error(
            "SNN-4102",
            place,
            "Lava's weight packing would change these weights, and no silent neuron can be added "
            "before this layer",
            remedy="Give the matrix a positive entry, or another scale.",
        )
    added = trial.shape[1] // _widen(before, nodes, widths)
    for synapse in block.synapses:
        wider = np.pad(nodes[synapse.id].param["weight"].array.astype(np.int64), ((0, 0), (0, added)))
        if synapse.id in lost:
            wider[0, trial.shape[1]] = KEEPER
        nodes[synapse.id] = _with_weight(nodes[synapse.id], wider)
    if _lost(block, nodes):
        return error(
            "SNN-4102",
            place,
            "Lava's weight packing would change these weights whatever is added",
            remedy="Even weights in -256 .. 254 always survive.",
        )
    return note(
        "SNN-4103",
        place,
        f"a silent neuron was added to {before.neuron.id}: without it "
        "Lava's weight packing would change these weights",
        bound="exact: the neuron never fires",
    )


def _restless(neuron: Node) -> bool:
    """Whether a neuron without input fires: a resonator after Izhikevich does, at a threshold of 0."""
    return neuron.op == "loihi.RFIzhikevich" and not neuron.param["vThMant"].array.all()


def _widen(before: WeightedBlock, nodes: dict[str, Node], widths: dict[str, int]) -> int:
    """Add one neuron (dense) or channel (conv) without input. Returns how many there were before."""
    neuron = nodes[before.neuron.id]
    for item in before.synapses:
        weight = nodes[item.id].param["weight"].array.astype(np.int64)
        nodes[item.id] = _with_weight(nodes[item.id], np.concatenate([weight, np.zeros_like(weight[:1])]))
        widths.setdefault(item.id, weight.shape[0])
    widths.setdefault(neuron.id, weight.shape[0])
    wider = {name: _one_more(tensor.array, name) for name, tensor in neuron.param.items()}
    nodes[neuron.id] = neuron.with_params(**{name: smallest_integer(array) for name, array in wider.items()})
    if before.recurrent is not None:
        square = nodes[before.recurrent.id].param["weight"].array.astype(np.int64)
        nodes[before.recurrent.id] = _with_weight(nodes[before.recurrent.id], np.pad(square, ((0, 1), (0, 1))))
        widths.setdefault(before.recurrent.id, square.shape[0])
    return int(weight.shape[0])


def _one_more(values: Array, name: str) -> Array:
    """Per-channel parameters get an entry for the new channel: its neighbour's, and no bias."""
    if values.ndim == 0:
        return values
    last = np.zeros_like(values[-1:]) if name == "bias" else values[-1:]
    return np.concatenate([values, last])


def _with_weight(node: Node, weight: Array) -> Node:
    old = node.param["weight"]
    return node.with_params(
        weight=replace(smallest_integer(weight), quantisation=old.quantisation, recipe=old.recipe)
    )
