"""Folds batch normalisation into the Dense or Conv before it."""

from __future__ import annotations

import numpy as np

from snnhub.findings import Finding, note
from snnhub.ir.graph import Graph, Node, Port
from snnhub.ir.rewrite import Rewriter
from snnhub.ir.rung import Rung
from snnhub.ir.tensor import Array, tensor
from snnhub.passes.base import ALMOST, Pass, PassContext, PassResult, Promise

SYNAPSES = ("core.Dense", "core.Conv")


def run(graph: Graph, context: PassContext) -> PassResult:
    """Weight * scale and bias * scale + shift, each rounded once to f32.

    Where there is no synapse right before it, the node stays: another pass may bring it there.
    """
    rewriter = Rewriter(graph, context.lookup)
    found = [_fold(node, rewriter) for node in graph.nodes if node.op == "core.BatchNorm"]
    return PassResult(
        rewriter.graph(), rewriter.correspondence(), tuple(item for item in found if item is not None)
    )


def _fold(norm: Node, rewriter: Rewriter) -> Finding | None:
    feeding = rewriter.into(norm.id)
    synapse = rewriter.nodes.get(feeding[0].src.node)
    alone = synapse is not None and len(feeding) == 1 and len(rewriter.out_of(synapse.id)) == 1
    if synapse is None or synapse.op not in SYNAPSES or not alone or feeding[0].delay:
        return None
    if not _along_outputs(norm, synapse):
        return None
    scale, shift = (_per_output(norm.param[name].array) for name in ("scale", "shift"))
    weight = synapse.param["weight"].array.astype(np.float64)
    bias = synapse.param["bias"].array.astype(np.float64) if "bias" in synapse.param else np.zeros(weight.shape[0])
    rows = scale.reshape(-1, *[1] * (weight.ndim - 1)) if scale.size > 1 else scale
    folded = (weight * rows).astype(np.float32)
    offset = (bias * scale + shift).astype(np.float32) * np.ones(weight.shape[0], np.float32)
    attributes = {**synapse.attribute, "bias": True}
    new = Node(
        synapse.id,
        synapse.op,
        synapse.version,
        tuple(attributes.items()),
        (
            ("weight", tensor(folded).described(f"weight * {norm.id}.scale, rounded to f32")),
            ("bias", tensor(offset).described(f"bias * {norm.id}.scale + {norm.id}.shift, rounded to f32")),
        ),
        origin=synapse.origin,
    )
    rewriter.put(new)
    rewriter.bypass(norm.id)
    rewriter.drop(Port(synapse.id, "y"))
    rewriter.match(Port(norm.id, "y"), Port(synapse.id, "y"))
    return note("SNN-2002", norm.id, f"folded into {synapse.id}", bound="one f32 rounding per weight and bias")


def _along_outputs(norm: Node, synapse: Node) -> bool:
    """Whether the norm's channels are the synapse's outputs: a dense layer's lie on the last axis, and a norm
    over (channels, length) behind one has its channels elsewhere.
    """
    for name in ("scale", "shift"):
        shape = norm.param[name].shape
        axis = len(shape) - 1 if synapse.op == "core.Dense" else 0
        if any(size != 1 for place, size in enumerate(shape) if place != axis):
            return False
    return True


def _per_output(values: Array) -> Array:
    return values.astype(np.float64).reshape(-1) if values.size > 1 else values.astype(np.float64).reshape(())


FOLD_NORM = Pass(
    "fold batch norm",
    1,
    Promise(Rung.BOUNDED, ALMOST),
    "batch normalisation becomes weights and biases",
    run,
    tolerant=True,
)
