"""Moves the division of a LIF neuron's input by tau into the weights before it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from snnhub.findings import Finding, error, note
from snnhub.ir.graph import Graph, Node, Port
from snnhub.ir.op import StepOp
from snnhub.ir.rewrite import Rewriter
from snnhub.ir.rung import Rung
from snnhub.ir.tensor import Array, Tensor, tensor
from snnhub.passes.base import ALMOST, Pass, PassContext, PassResult, Promise

SYNAPSES = ("core.Dense", "core.Conv")


def run(graph: Graph, context: PassContext) -> PassResult:
    """``v + (x - v) / tau`` becomes ``v - v / tau + x'`` with x' = x / tau made by the synapses."""
    rewriter = Rewriter(graph, context.lookup)
    leaky = [node for node in graph.nodes if node.op == "core.LIF" and node.attribute["decay_input"]]
    findings = [_fold(node, rewriter, context) for node in leaky]
    return PassResult(rewriter.graph(), rewriter.correspondence(), tuple(findings))


def _fold(node: Node, rewriter: Rewriter, context: PassContext) -> Finding:
    tau = node.param["tau"].array
    synapses = [rewriter.nodes.get(edge.src.node) for edge in rewriter.into(node.id)]
    per_channel = tau.ndim == 0 or all(size == 1 for size in tau.shape[1:])
    known = [s for s in synapses if s is not None and s.op in SYNAPSES and len(rewriter.out_of(s.id)) == 1]
    if len(known) != len(synapses) or not per_channel:
        return error(
            "SNN-2007",
            node.id,
            "decay of the input cannot be folded: the neuron is not fed by synapses of its own, "
            "or tau differs within a channel",
        )
    for synapse in known:
        rewriter.put(synapse.with_params(**{name: _divided(t, tau, node) for name, t in synapse.param.items()}))
        scale = None if tau.size > 1 else 1 / float(tau.reshape(-1)[0])
        rewriter.match(Port(synapse.id, "y"), Port(synapse.id, "y"), scale)
    attributes = {**node.attribute, "decay_input": False}
    schema = context.lookup(node.op, node.version)
    program = schema.program(attributes) if isinstance(schema, StepOp) else node.program
    rewriter.put(replace(node, attributes=tuple(attributes.items()), program=program))
    return note(
        "SNN-2008",
        node.id,
        f"division of the input by tau moved into {', '.join(s.id for s in known)}",
        bound="one f32 rounding per weight and bias",
    )


def _divided(values: Tensor, tau: Array, node: Node) -> Tensor:
    rows = tau.reshape(-1, *[1] * (len(values.shape) - 1)) if tau.size > 1 else tau.reshape(())
    quotient = (values.array.astype(np.float64) / rows.astype(np.float64)).astype(np.float32)
    return tensor(quotient).described(f"divided by {node.id}.tau, rounded to f32")


FOLD_DECAY = Pass(
    "fold input decay", 1, Promise(Rung.BOUNDED, ALMOST), "decay_input becomes smaller weights", run, tolerant=True
)
