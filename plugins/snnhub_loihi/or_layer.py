"""Maximum pooling of spikes as one more layer of neurons, on request: ``--maxpool or-layer``.

The maximum of zeros and ones is whether any of them is a one. A depthwise convolution with weight 2 into neurons
that fire above 0 says just that. Such a neuron never keeps a potential: it fires, and is reset, whenever there is
one. Hence the result is exact, and one step later, as behind every synapse. Padding adds zeros, which never win.
"""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import numpy as np
from snnhub.findings import Finding, note
from snnhub.ir.analysis import analyse
from snnhub.ir.graph import AttributeValue, Edge, Graph, Node, Port
from snnhub.ir.op import OpLookup, StepOp
from snnhub.ir.rewrite import Rewriter
from snnhub.ir.tensor import tensor
from snnhub.passes.base import PassContext, PassResult, unchanged

from snnhub_loihi.admit import lowered, max_pool_problem
from snnhub_loihi.integers import IntegerLayer, to_integers
from snnhub_loihi.layers import Layer
from snnhub_loihi.ops import DECAY_UNITY

OPTION, REQUESTED = "maxpool", "or-layer"
SCALE = Fraction(2)
"""The smallest even weight: windows of up to 65,535 entries stay below the wrap of the current at 2^23."""
V_THRESHOLD = 0.5
"""Of the float neurons: below one spike. At ``SCALE`` it becomes vThMant 0."""


def run(graph: Graph, context: PassContext) -> PassResult:
    """Replace every ``core.MaxPool`` of spikes, if asked to; the others stay, and ``loihi admit`` refuses them."""
    pools = [node for node in graph.nodes if node.op == "core.MaxPool"]
    if context.options.get(OPTION) != REQUESTED or lowered(graph) or not pools:
        return unchanged(graph, context)
    rewriter = Rewriter(graph, context.lookup)
    findings: list[Finding] = []
    for pool in pools:  # one by one: a pool behind a pool stands behind spikes then
        now = rewriter.graph()
        if not max_pool_problem(now, pool, context.lookup):
            channels = analyse(now, context.lookup).shapes[Port(pool.id, "x")][0]
            findings.append(_replace(pool, channels, rewriter, context.lookup))
    return PassResult(rewriter.graph(), rewriter.correspondence(), tuple(findings))


def _replace(pool: Node, channels: int, rewriter: Rewriter, lookup: OpLookup) -> Finding:
    synapse = f"{pool.id}/synapse"
    while synapse in rewriter.nodes:
        synapse += "_"
    into, after = rewriter.into(pool.id)[0], rewriter.out_of(pool.id)
    rewriter.put(_neurons(pool, lookup))
    rewriter.insert_before(_depthwise(pool, synapse, channels), pool.id)
    for edge in after:
        rewriter.retarget(edge, replace(edge, src=Port(pool.id, "s")))
    rewriter.retarget(into, replace(into, dst=Port(synapse, "x")))
    rewriter.edges.insert(
        rewriter.edges.index(replace(into, dst=Port(synapse, "x"))) + 1, _onward(synapse, pool.id)
    )
    rewriter.match(Port(pool.id, "y"), Port(pool.id, "s"))
    return note(
        "SNN-2114",
        pool.id,
        "max pooling of spikes became a layer of neurons that fire when any input of their window does",
        new=f"depthwise convolution, window {list(pool.integers('kernel'))}, weight {SCALE}",
        bound="exact, one step later",
    )


def _onward(synapse: str, neuron: str) -> Edge:
    return Edge(Port(synapse, "y"), Port(neuron, "x"))


def _depthwise(pool: Node, name: str, channels: int) -> Node:
    weight = np.ones((channels, 1, *pool.integers("kernel")), np.float32)
    attributes: dict[str, AttributeValue] = {"bias": False, "accumulate": "exact", "groups": channels}
    attributes |= {key: pool.integers(key) for key in ("stride", "padding", "dilation")}
    params = (("weight", tensor(weight).described("1 for every entry of a pooling window")),)
    return Node(name, "core.Conv", 1, tuple(attributes.items()), params, origin=pool.origin)


def _neurons(pool: Node, lookup: OpLookup) -> Node:
    schema = lookup("core.IF", 1)
    if not isinstance(schema, StepOp):
        raise TypeError("core.IF/1 is not registered")
    attributes = {"reset": "value", "compare": "ge"}
    params = (("v_threshold", tensor(V_THRESHOLD, "float32")), ("v_reset", tensor(0.0, "float32")))
    program = schema.program(attributes)
    return Node(pool.id, "core.IF", 1, tuple(attributes.items()), params, program, pool.origin)


def is_or(layer: Layer) -> bool:
    """Whether a float layer has the form that ``run`` gives a pooling layer."""
    neuron, synapse = layer.neuron, layer.synapses[0]
    return (
        neuron.op == "core.IF"
        and neuron.attribute["compare"] == "ge"
        and neuron.param["v_threshold"].array.tolist() == V_THRESHOLD
        and len(layer.synapses) == 1
        and synapse.op == "core.Conv"
        and not synapse.attribute["bias"]
        and synapse.attribute["groups"] == synapse.param["weight"].shape[0]
        and bool((synapse.param["weight"].array == 1).all())
    )


def or_integers(layer: Layer, lookup: OpLookup) -> IntegerLayer:
    """The layer in integers: weight 2, threshold 0, and decays that leave nothing. No scale needs to be chosen."""
    made = to_integers(layer, SCALE, lookup)
    return replace(made, neuron=made.neuron.with_params(vDecay=tensor(DECAY_UNITY, "int16")))
