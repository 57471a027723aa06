"""sinabs' neurons that spike once per step, in the form that the lowering knows. Known by name alone.

``sinabs.Neuron``: h = alpha v + gain x, a spike where h >= v_threshold, then a reset to 0 or by subtraction. With
alpha 1 that is ``core.IF``, with less ``core.LIF`` of tau = 1 / (1 - alpha), whose input is added as it is.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
from snnhub.findings import Finding, Severity, error, note, of_severity
from snnhub.ir.graph import AttributeValue, Graph, Node, Port
from snnhub.ir.op import OpLookup, StepOp
from snnhub.ir.rewrite import Rewriter
from snnhub.ir.tensor import Array, Tensor, tensor
from snnhub.passes.base import PassContext, PassResult, unchanged

OP = "sinabs.Neuron"
MANY = ("sinabs.LIF", "sinabs.IAF")


def run(graph: Graph, context: PassContext) -> PassResult:
    """Replace every such neuron. Refuses, all at once, what Loihi's neurons do not do."""
    neurons = [node for node in graph.nodes if node.op == OP or node.op in MANY]
    findings = [finding for node in neurons for finding in _refused(node)]
    if not neurons or of_severity(findings, Severity.ERROR):
        return unchanged(graph, context, findings)
    rewriter = Rewriter(graph, context.lookup)
    notes = [_written(node, rewriter, context.lookup) for node in neurons]
    return PassResult(rewriter.graph(), rewriter.correspondence(), tuple(notes))


def _read(node: Node, name: str) -> Array:
    return node.param[name].array.astype(np.float64)


def _refused(node: Node) -> Iterator[Finding]:
    """Why a neuron has no equal."""

    def problem(words: str, remedy: str) -> Finding:
        return error("SNN-2611", node.id, words, remedy=remedy)

    if node.op in MANY or node.attribute["spikes"] != "single":
        yield problem("Loihi's neurons spike once per step", "Use spike_fn=SingleSpike.")
    if node.op == "sinabs.IAF" or node.attribute.get("floor"):
        yield problem("Loihi's potential has no floor", "Use min_v_mem=None.")
    if node.op in MANY:
        return
    if node.attribute["synapse"] != "none":
        yield problem("a synapse whose current decays after the input is added", "Use tau_syn=None.")
    if node.attribute["reset"] == "reset" and np.any(_read(node, "v_reset")):
        yield problem("Loihi's potential resets to 0", "Use MembraneReset(0).")
    if node.attribute["reset"] == "subtract" and np.any(_read(node, "v_subtract") != _read(node, "v_threshold")):
        yield problem("a spike takes away something else than the threshold", "Use MembraneSubtract().")
    if np.any(_read(node, "gain") != 1):
        yield problem("a gain of the input", "Use norm_input=False, and put it into the weights.")
    alpha = _read(node, "alpha")
    if not (np.all(alpha == 1) or np.all((alpha > 0) & (alpha < 1))):
        yield problem("potentials that leak beside some that do not, or grow", "Give the layer one tau_mem.")


def _written(node: Node, rewriter: Rewriter, lookup: OpLookup) -> Finding:
    leaks = bool(np.any(_read(node, "alpha") != 1))
    zero = node.attribute["reset"] == "reset"
    attributes: dict[str, AttributeValue] = {"reset": "value" if zero else "subtract", "compare": "ge"}
    params: dict[str, Tensor] = {"v_threshold": node.param["v_threshold"]}
    if zero:
        params["v_reset"] = tensor(0.0, "float32")
    if leaks:
        attributes["decay_input"] = False
        tau = (1 / (1 - _read(node, "alpha"))).astype(np.float32)
        params["tau"] = tensor(tau).described("1 / (1 - alpha), rounded to f32")
    schema = lookup("core.LIF" if leaks else "core.IF", 1)
    if not isinstance(schema, StepOp):
        raise TypeError("core.LIF/1 or core.IF/1 is not registered")
    rewriter.put(
        replace(
            node,
            op=schema.name,
            version=schema.version,
            attributes=tuple(attributes.items()),
            params=tuple(params.items()),
            program=schema.program(attributes),
        )
    )
    rewriter.match(Port(node.id, "v"), Port(node.id, "v"), 1.0)
    bound = "one f32 rounding of tau" if leaks else "equal"
    words = "written as a neuron of the core set"
    return note("SNN-2610", node.id, words, old=node.kind, new=f"{schema.name}/{schema.version}", bound=bound)
