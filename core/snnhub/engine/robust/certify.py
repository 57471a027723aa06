"""Whether every order of summation gives the same spikes, for a graph and an input."""

from __future__ import annotations

from collections.abc import Mapping

from snnhub.engine.reference import Progress, check
from snnhub.engine.robust.certificate import Robustness, integers
from snnhub.engine.robust.plan import BoundedPlan
from snnhub.ir.analysis import analyse
from snnhub.ir.graph import Graph
from snnhub.ir.op import OpLookup
from snnhub.ir.tensor import Array
from snnhub.ops.registry import REGISTRY


def certify(
    graph: Graph,
    stimulus: Array | Mapping[str, Array],
    *,
    steps: int | None = None,
    lookup: OpLookup = REGISTRY,
    progress: Progress | None = None,
) -> Robustness:
    """Run ``graph`` over ``stimulus`` (time, batch, features…) or (time, features…) with radii.

    Raises what ``snnhub.engine.reference.prepare`` and ``Plan.run`` raise, and ``UnsupportedError`` for an op
    whose sums have no rule.
    """
    check(graph, lookup)
    if has_no_floats(graph, lookup):
        return integers(0)
    plan = BoundedPlan(graph, lookup)
    plan.run(stimulus, record=(), steps=steps, progress=progress)
    return plan.ledger.certificate()


def has_no_floats(graph: Graph, lookup: OpLookup = REGISTRY) -> bool:
    """Whether no port, parameter, state or instruction of the graph is a float."""
    analysis = analyse(graph, lookup)
    programs = {node.program for node in graph.nodes if node.program is not None}
    return not (
        any(type_.is_float for type_ in analysis.types.values())
        or any(type_.is_float for _, type_ in analysis.states.values())
        or any(tensor.type.is_float for node in graph.nodes for _, tensor in node.params)
        or any(instr.type.is_float for program in programs for instr in program.code)
    )
