"""What a refusal can offer instead: the nearest conversion that is not refused, and what it would cost."""

from __future__ import annotations

from collections.abc import Mapping

from snnhub.api.approximate import chosen_in, concerned, contradicts, target_of
from snnhub.api.approximation_cost import Cost, Data, cost_of
from snnhub.api.lower import lower, passes_for
from snnhub.errors import SnnhubError, UnsupportedError, UsageError
from snnhub.findings import Finding, Severity, info, of_severity
from snnhub.hub.objects import Approximation, Exporter
from snnhub.ir.graph import Graph
from snnhub.ir.op import OpLookup

SAMPLES = 16
"""The trial is one conversion and one run, on no more samples than these."""
UNMEASURED = "not measured"


def explained(
    problem: UnsupportedError,
    graph: Graph,
    exporter: Exporter,
    options: Mapping[str, str],
    data: Data | None,
    lookup: OpLookup,
) -> UnsupportedError:
    """The refusal of a lowering, with what can be done instead.

    Approximations that lift a refusal and have something to change are tried together, in one conversion. If that
    is not refused, it is the nearest one (SNN-5303), with its cost on a few samples of ``data``; otherwise what
    stands in its way is among the reasons too (SNN-5304).
    """
    tried = _candidates(graph, exporter, options)
    if not tried:
        return problem
    asked = " ".join(["--approximate", ",".join(item.name for item in tried)])
    chosen = {**options, **{name: value for item in tried for name, value in item.chosen.items()}}
    few = None if data is None else data.few(graph, SAMPLES)
    try:
        made, _ = lower(graph, passes_for(exporter), None if few is None else few.values, None, chosen)
    except UnsupportedError as again:
        return _more(problem, _also(problem, again, graph, asked))
    except UsageError as mismatch:
        return _more(problem, [_offer(graph, asked, tried, f"{UNMEASURED}: {mismatch}", few is not None)])
    cost, words = _measured(graph, made, tried, exporter, few, lookup)
    return _more(problem, [_offer(graph, asked, tried, words, cost is not None)])


def _candidates(graph: Graph, exporter: Exporter, options: Mapping[str, str]) -> list[Approximation]:
    """What could lift a refusal, has something to change, and is not decided already."""
    target = target_of(exporter)
    return [
        item
        for item in (target.approximations if target else ())
        if item.lifts
        and not chosen_in(item, options)
        and not contradicts(item, options)
        and concerned(item, graph)
    ]


def _measured(
    graph: Graph,
    made: Graph,
    tried: list[Approximation],
    exporter: Exporter,
    data: Data | None,
    lookup: OpLookup,
) -> tuple[Cost | None, str]:
    target = target_of(exporter)
    if data is None or target is None:
        return None, UNMEASURED
    try:
        cost = cost_of(graph, made, [item.name for item in tried], target.resolve()(), data, lookup)
    except SnnhubError as mismatch:
        return None, f"{UNMEASURED}: {mismatch}"
    return cost, cost.words()


def _offer(graph: Graph, asked: str, tried: list[Approximation], words: str, measured: bool) -> Finding:
    what = "; ".join(item.doc for item in tried)
    remedy = f"Pass {asked}." if measured else f"Pass {asked} with --calibrate X.npy to convert and measure it."
    return info("SNN-5303", graph.name or "network", f"nearest: {asked} ({what})", bound=words, remedy=remedy)


def _also(problem: UnsupportedError, again: UnsupportedError, graph: Graph, asked: str) -> list[Finding]:
    """Reasons that only show once the others are out of the way, and the word that there is nothing nearer."""
    known = {(item.code, item.place) for item in problem.findings}
    errors = of_severity(again.findings, Severity.ERROR)
    more = [item for item in errors if (item.code, item.place) not in known]
    words = f"refused with {asked} too: {len(errors)} reason{'s' if len(errors) > 1 else ''} stay"
    return [*more, info("SNN-5304", graph.name or "network", words)]


def _more(problem: UnsupportedError, findings: list[Finding]) -> UnsupportedError:
    return UnsupportedError(
        problem.message,
        where=problem.where,
        found=problem.found,
        allowed=problem.allowed,
        remedy=problem.remedy,
        findings=(*problem.findings, *findings),
    )
