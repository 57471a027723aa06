"""Everything in a network that a family does not have, all at once, before anything is changed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from snnhub.api.check import check_target
from snnhub.errors import SnnhubError
from snnhub.findings import Finding, Severity, error, of_severity
from snnhub.ir.graph import Graph
from snnhub.passes.base import PassContext, PassResult, run_passes, unchanged

from snnhub_xylo.document import graph_of
from snnhub_xylo.families import OP, Family
from snnhub_xylo.limits import core_spec
from snnhub_xylo.mapping.decays import refusals
from snnhub_xylo.mapping.layers import NEURONS, Network, read_network
from snnhub_xylo.mapping.mapped import mapped
from snnhub_xylo.measure import REMEDIES
from snnhub_xylo.quantiser.scales import quantise
from snnhub_xylo.steps import FRONT, mapping

Preview = tuple[Graph | None, Sequence[Finding]]


def preview(graph: Graph, family: Family) -> Preview:
    """The core that a network would become, with the plainest quantiser; None and every reason if it cannot."""
    context = PassContext()
    try:
        prepared = run_passes(graph, FRONT, context)
    except SnnhubError as problem:
        return None, _reasons(problem)
    return _mapped(prepared, family, context)


def _mapped(graph: Graph, family: Family, context: PassContext) -> Preview:
    network, found = read_network(graph, context.lookup)
    short = [item for node in graph.nodes if node.op == NEURONS for item in refusals(node)]
    if found or short:
        return None, (*found, *short, *_counts(network, family))
    try:
        steps = run_passes(graph, mapping(family), context)
        made, refused = mapped(read_network(steps, context.lookup)[0], family)
    except SnnhubError as problem:
        return None, (*_reasons(problem), *_counts(network, family))
    if refused:
        return None, (*refused, *_counts(network, family))
    return graph_of(quantise(made, "per-neuron").core, graph.dt), ()


def admit(graph: Graph, context: PassContext, family: Family) -> PassResult:
    """The pass: errors of a network that could not be mapped, or whose core would not fit."""
    if any(node.op == OP for node in graph.nodes):
        found = [
            item for item in check_target(graph, core_spec(family)).findings if item.severity is not Severity.INFO
        ]
        return unchanged(graph, context, found)
    inner = PassContext(options=context.options)
    core, found_first = _mapped(graph, family, inner)
    beyond = [] if core is None else check_target(core, core_spec(family)).findings
    return unchanged(graph, context, of_severity([*found_first, *beyond], Severity.ERROR))


def _reasons(problem: SnnhubError) -> Sequence[Finding]:
    known = of_severity(problem.findings, Severity.ERROR)
    return known or (error("SNN-2406", problem.where or "graph", str(problem), remedy=problem.remedy),)


def _counts(network: Network, family: Family) -> Iterator[Finding]:
    """What is too many even before relays are counted."""
    sizes = network.sizes
    counts = {
        "input channels": sizes.get(network.input, 0),
        "hidden neurons": sum(sizes[layer.id] for layer in network.layers),
        "output neurons": sizes[network.output.id] if network.output is not None else 0,
        "synapses per neuron": max((int(str(layer.attribute["n_syn"])) for layer in network.layers), default=0),
        "recurrent fan-out": max((int(fan.max(initial=0)) for fan in network.fan_outs().values()), default=0),
    }
    for name, value in counts.items():
        most, source = family.limits[name]
        if value > most:
            words = f"more {name} than {family.name} has"
            bound = f"at most {most} ({source})"
            yield error("SNN-2201", "network", words, old=str(value), bound=bound, remedy=REMEDIES[name])
