"""Check: is a file sound, and does its network fit a target? Everything at once."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from snnhub.api.digests import broken_digests
from snnhub.api.load import load_graph
from snnhub.api.options import ImportOptions
from snnhub.api.target import Limit, TargetSpec
from snnhub.findings import Finding, Severity, error, of_severity, ordered
from snnhub.hub.catalogue import find
from snnhub.hub.loader import load
from snnhub.ir.graph import Graph, Node
from snnhub.ir.verify import foreign_programs, verify
from snnhub.ops.registry import REGISTRY


@dataclass(frozen=True)
class TargetReport:
    """Findings of one target, and how much of each limit is used: (place, lowest, highest, limit)."""

    target: str
    findings: tuple[Finding, ...]
    usage: tuple[tuple[str, int | float, int | float, Limit], ...]

    @property
    def fits(self) -> bool:
        return not of_severity(self.findings, Severity.ERROR)


@dataclass(frozen=True)
class CheckResult:
    """``findings``: of the file itself. ``targets``: one report each."""

    source: str
    findings: tuple[Finding, ...]
    targets: tuple[TargetReport, ...]

    @property
    def passed(self) -> bool:
        return not of_severity(self.findings, Severity.ERROR) and all(report.fits for report in self.targets)

    def to_json(self) -> dict[str, Any]:
        return {
            "source": self.source,
            "passed": self.passed,
            "findings": [finding.to_json() for finding in self.findings],
            "targets": [
                {
                    "target": report.target,
                    "fits": report.fits,
                    "findings": [finding.to_json() for finding in report.findings],
                    "usage": [
                        {
                            "place": place,
                            "lowest": low,
                            "highest": high,
                            "limit": [limit.low, limit.high],
                            "source": limit.source,
                        }
                        for place, low, high, limit in report.usage
                    ],
                }
                for report in self.targets
            ],
        }


def check(
    source: Any,
    targets: str | Iterable[str] = (),
    *,
    from_: str | None = None,
    options: ImportOptions | None = None,
) -> CheckResult:
    """Check the graph, the digest of every tensor, and each target's limits (``targets``: one name or several)."""
    loaded = load_graph(source, importer=from_, options=options, continuous=True)
    graph = loaded.graph
    found = [*graph.findings, *verify(graph, REGISTRY), *broken_digests(graph)]
    names = [targets] if isinstance(targets, str) else targets
    reports = [check_target(graph, find(load().targets, name, "target").resolve()()) for name in names]
    return CheckResult(loaded.source.name, ordered(found), tuple(reports))


def check_target(graph: Graph, spec: TargetSpec) -> TargetReport:
    """Every violation of a target's allow-list and limits, and the use of each limit.

    A graph that the target does not run as it is is looked at as what it would become, where the target can tell.
    """
    if spec.lower is not None and not all(spec.runs(node) for node in graph.nodes):
        lowered, reasons = spec.lower(graph)
        inner = TargetReport(spec.name, (), ()) if lowered is None else check_target(lowered, spec)
        return replace(inner, findings=(*foreign_programs(graph, REGISTRY), *reasons, *inner.findings))
    found: list[Finding] = [*foreign_programs(graph, REGISTRY)]
    usage: list[tuple[str, int | float, int | float, Limit]] = []
    for node in graph.nodes:
        found += _node(node, spec, usage)
    found += _steps(graph, spec)
    readable = not of_severity(verify(graph, REGISTRY), Severity.ERROR)
    if spec.measures is not None and readable:
        _measure(graph, spec, found, usage)
    if spec.rules is not None and readable:
        found += spec.rules(graph)
    return TargetReport(spec.name, tuple(found), tuple(usage))


def _node(node: Node, spec: TargetSpec, usage: list[tuple[str, int | float, int | float, Limit]]) -> list[Finding]:
    """What the target does not have of a node; the ranges that it does have are added to ``usage``."""
    if not spec.runs(node):
        return [error("SNN-2101", node.id, f"{spec.name} does not run {node.kind}", remedy=spec.lowered_by)]
    found = []
    if node.op in spec.integer_synapses and not node.param["weight"].type.is_int:
        words = f"{spec.name} needs integer weights"
        found.append(error("SNN-2101", node.id, words, old=str(node.param["weight"].type)))
    for limit in spec.limits:
        if limit.op != node.op or limit.parameter not in node.param:
            continue
        facts = node.param[limit.parameter].statistics
        place = f"{node.id}/{limit.parameter}"
        usage.append((place, facts.min, facts.max, limit))
        if facts.min < limit.low or facts.max > limit.high:
            old, bound = f"{facts.min} .. {facts.max}", f"{limit.low} .. {limit.high} ({limit.source})"
            found.append(error("SNN-2201", place, "outside the range of the chip", old=old, bound=bound))
    return found


def _steps(graph: Graph, spec: TargetSpec) -> list[Finding]:
    """Edges into synapses that take fewer steps than the target's do."""
    words = f"a synapse of {spec.name} takes {spec.synapse_delay} step"
    return [
        error("SNN-2101", str(edge), words, old=f"delay {edge.delay}")
        for edge in graph.edges
        if edge.dst.node in graph.node
        and graph.node[edge.dst.node].op in spec.integer_synapses
        and edge.delay < spec.synapse_delay
    ]


def _measure(
    graph: Graph,
    spec: TargetSpec,
    found: list[Finding],
    usage: list[tuple[str, int | float, int | float, Limit]],
) -> None:
    """Counts that the target has limits for; what it counts beyond those is left out."""
    limits = {limit.parameter: limit for limit in spec.limits}
    for item in spec.measures(graph) if spec.measures is not None else ():
        limit = limits.get(item.limit)
        if limit is None:
            continue
        usage.append((f"{item.place}: {item.limit}", item.value, item.value, limit))
        if not limit.low <= item.value <= limit.high:
            most = f"at most {limit.high} ({limit.source})"
            words = f"more {item.limit} than {spec.name} has"
            found.append(error("SNN-2201", item.place, words, old=str(item.value), bound=most, remedy=item.remedy))
