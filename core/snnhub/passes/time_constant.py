"""Writes a learned leak as a time constant, which is what lowerings know: LIFCoeff becomes LIF."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from snnhub.findings import Finding, note
from snnhub.ir.graph import Graph, Node, Port
from snnhub.ir.op import StepOp
from snnhub.ir.rewrite import Rewriter
from snnhub.ir.rung import Rung
from snnhub.ir.tensor import tensor
from snnhub.passes.base import ALMOST, Pass, PassContext, PassResult, Promise


def run(graph: Graph, context: PassContext) -> PassResult:
    """``(v - v_reset) leak`` becomes ``(v - v_reset) / tau`` with tau = 1 / leak. Leaks of 0 or less stay."""
    rewriter = Rewriter(graph, context.lookup)
    learned = [node for node in graph.nodes if node.op == "core.LIFCoeff" and np.all(node.param["leak"].array > 0)]
    findings = [_renamed(node, rewriter, context) for node in learned]
    return PassResult(rewriter.graph(), rewriter.correspondence(), tuple(findings))


def _renamed(node: Node, rewriter: Rewriter, context: PassContext) -> Finding:
    schema = context.lookup("core.LIF", 1)
    if not isinstance(schema, StepOp):
        raise TypeError("core.LIF/1 is not registered")
    leak = node.param["leak"].array.astype(np.float64)
    tau = (1 / leak).astype(np.float32)
    params = {name: value for name, value in node.params if name != "leak"}
    params["tau"] = tensor(tau).described("1 / leak, rounded to f32")
    rewriter.put(
        replace(node, op=schema.name, params=tuple(params.items()), program=schema.program(node.attribute))
    )
    rewriter.match(Port(node.id, "v"), Port(node.id, "v"), scale=None)
    return note(
        "SNN-2104",
        node.id,
        "learned leak written as a time constant",
        old=f"leak {float(leak.flat[0]):.9g}",
        new=f"tau {float(tau.flat[0]):.9g}",
        bound=f"leak off by at most {float(np.abs(1 / tau.astype(np.float64) - leak).max()):.2g} per step",
    )


TIME_CONSTANT = Pass(
    "leak to time constant",
    1,
    Promise(Rung.BOUNDED, ALMOST),
    "a learned leak becomes tau = 1 / leak",
    run,
    tolerant=True,
)
