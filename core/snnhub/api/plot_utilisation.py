"""Utilisation: how much of every limit of a target a network uses."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from snnhub.api.check import TargetReport, check
from snnhub.api.options import ImportOptions
from snnhub.api.plotted import Output, Plotted, finish, pictures_at
from snnhub.errors import UsageError
from snnhub.findings import Finding, Severity, info, of_severity
from snnhub.plot.bars import COLUMNS, Chip, Use, draw, table

BARS = 60
"""Most limits of one target in a picture; those that are used most come first where there are more."""


def plot_utilisation(
    source: Any,
    output: Output,
    targets: str | Iterable[str],
    *,
    from_: str | None = None,
    options: ImportOptions | None = None,
) -> Plotted:
    """Draw what ``check`` measures: a bar per limit of every target, red where there is too much.

    Raises ``UsageError`` without targets, and where this network uses nothing that any of them limits: mostly a
    network that is not lowered yet. ``MissingPeerError`` without matplotlib.
    """
    names = [targets] if isinstance(targets, str) else list(targets)
    if not names:
        raise UsageError("no target was named", allowed="--target loihi2, --target xylo-a2 …")
    pictures = pictures_at(output, COLUMNS, (source,))
    result = check(source, names, from_=from_, options=options)
    if not any(low or high for report in result.targets for _, low, high, _ in report.usage):
        refused = [finding for report in result.targets for finding in report.findings]
        raise UsageError(
            "the network uses nothing that a target limits",
            where=result.source,
            found=", ".join(f"{report.target}: {len(report.findings)} findings" for report in result.targets),
            remedy="Lower the network first: snnhub convert.",
            findings=refused,
        )
    findings: list[Finding] = [*result.findings]
    chips = []
    for report in result.targets:
        uses, rest = _uses(report)
        chips.append(Chip(report.target, _title(report, result.source), uses))
        findings += [*report.findings, *rest]
    draw(chips, pictures)
    rows = [
        {"target": chip.target, "fits": report.fits, "limits": [use.to_json() for use in chip.uses]}
        for chip, report in zip(chips, result.targets, strict=True)
    ]
    return finish("utilisation", [result.source], pictures, table(chips), rows, findings, passed=result.passed)


def _uses(report: TargetReport) -> tuple[tuple[Use, ...], list[Finding]]:
    found = [
        Use(place, low, high, (limit.low, limit.high), limit.share(low, high), limit.source)
        for place, low, high, limit in report.usage
    ]
    if len(found) <= BARS:
        return tuple(found), []
    ranked = sorted(found, key=lambda use: (use.fits, -use.share))[:BARS]
    words = f"{BARS} of {len(found)} limits are drawn: what breaks one, then those that are used most"
    return tuple(ranked), [info("SNN-6201", report.target, words, remedy="snnhub check prints them all.")]


def _title(report: TargetReport, source: str) -> str:
    """Whether it fits; where not, how many limits are broken and what else is wrong."""
    if report.fits:
        return f"{report.target}: {source} fits"
    broken = sum(
        not Use(place, low, high, (li.low, li.high), 0.0, "").fits for place, low, high, li in report.usage
    )
    others = len(_errors(report)) - broken
    parts = [f"{broken} of {len(report.usage)} limits exceeded"] if report.usage else []
    parts += [f"{others} other problem{'s' if others > 1 else ''}"] if others > 0 else []
    return f"{report.target}: {source} does not fit ({', '.join(parts)})"


def _errors(report: TargetReport) -> Sequence[Finding]:
    return of_severity(report.findings, Severity.ERROR)
