"""A network of a torch framework to a graph: it is run on random input, watched, and read from what it did."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from snnhub.api.options import ImportOptions, InputShapeMissingError
from snnhub.errors import GraphError, UnsupportedError, UsageError
from snnhub.findings import Finding, Severity, error, info, of_severity, ordered
from snnhub.ir.graph import Graph
from snnhub.torchnet import kinds
from snnhub.torchnet.faithful import check
from snnhub.torchnet.framework import Framework
from snnhub.torchnet.layout import Kind
from snnhub.torchnet.moments import Moments
from snnhub.torchnet.network import Prepared, prepare
from snnhub.torchnet.plan import Plan
from snnhub.torchnet.probe import SEED, Probe, probe
from snnhub.torchnet.ranks import first_rank
from snnhub.torchnet.returned import OPTION, Returned
from snnhub.torchnet.signals import RefusedError
from snnhub.torchnet.walk import Walk

TAKES = {
    Kind.STEP: "one step (N, …) per call",
    Kind.TIME_FIRST: "a whole sequence (T, N, …)",
    Kind.BATCH_FIRST: "a whole sequence (N, T, …)",
    Kind.MERGED: "a whole sequence (N*T, …)",
    Kind.FRAME: "one frame (N, …), and loops over time itself",
}


@dataclass(frozen=True)
class Traced:
    """A network that was run and walked: nothing of it was refused unless ``errors`` says so."""

    prepared: Prepared
    probe: Probe
    walk: Walk
    returned: Returned

    @property
    def errors(self) -> tuple[Finding, ...]:
        """What cannot be held."""
        return of_severity(self.walk.builder.findings, Severity.ERROR)


def import_network(framework: Framework, source: Any, options: ImportOptions) -> Graph:
    """The graph of a factory reference (text) or of a live ``torch.nn.Module``.

    Raises ``UsageError`` if the factory, its settings, the weights, the input shape or an option do not fit, and
    ``UnsupportedError`` with every module and function that cannot be held.
    """
    prepared = prepare(framework, source, options)
    traced = trace(framework, prepared, options)
    if traced.errors:
        raise unsupported(traced.errors)
    walk = traced.walk
    try:
        graph = walk.builder.graph(
            decoder=walk.decoder, dt=framework.dt(prepared.net), provenance=prepared.provenance
        )
    except GraphError as problem:
        raise unsupported(problem.findings) from None
    wrong, spikes = check(graph, walk, traced.probe.stimulus, options.lookup, SEED)
    if wrong:
        raise unsupported(wrong)
    return graph.with_findings([spikes])


def trace(framework: Framework, prepared: Prepared, options: ImportOptions) -> Traced:
    """Run the network on random input and walk what it did. Refusals are findings of the walk's builder.

    Raises ``UsageError`` if the input shape is missing or the network does not run.
    """
    refused = list(_refused(framework, prepared))
    if options.input_shape is None:
        if refused:
            raise unsupported(refused)
        raise InputShapeMissingError(
            "the network does not say how large its input is",
            rank=first_rank(prepared.net.modules()),
            where=prepared.name,
            remedy="Pass --input-shape, such as 1,28,28 (no time, no batch).",
        )
    try:
        found = probe(framework, prepared.net, options)
    except UsageError:
        if refused:  # a layer that cannot be held may not even run
            raise unsupported(refused) from None
        raise
    moments = Moments(framework, found.recorder, found.layout)
    returned = Returned(moments, options.integer(OPTION, 0))
    walk = Walk(Plan(moments, [returned.value] if returned.value else []), options.input_shape, options.lookup)
    walk.builder.name = prepared.name.rpartition(":")[2]
    walk.builder.findings += [*prepared.findings, _taken(found), *returned.others(), *found.recorder.problems]
    walk.run(returned.value, returned.decoder)
    walk.builder.findings[:] = ordered(walk.builder.findings)
    return Traced(prepared, found, walk, returned)


def _taken(found: Probe) -> Finding:
    words = f"the network takes {TAKES[found.layout.kind]}, as {found.layout.steps} steps of random input showed"
    return info("SNN-3525", "input", words, remedy="Say otherwise with --option layout=.")


def _refused(framework: Framework, prepared: Prepared) -> Iterable[Finding]:
    """Leaves anywhere in the network that cannot be held, whether they are called or not."""
    inside: set[int] = set()
    for path, module in prepared.net.named_modules():
        if id(module) in inside or not kinds.is_leaf(framework, module):
            continue
        inside |= {id(part) for part in module.modules()}
        try:
            kinds.check(framework, module)
        except RefusedError as problem:
            yield error(problem.code, path.replace(".", "/"), str(problem), remedy=problem.remedy)


def unsupported(findings: Sequence[Finding]) -> UnsupportedError:
    """One error for all that cannot be held."""
    first = findings[0]
    more = f" (and {len(findings) - 1} more)" if len(findings) > 1 else ""
    return UnsupportedError(f"{first.message}{more}", where=first.place, remedy=first.remedy, findings=findings)
