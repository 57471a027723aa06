"""The support matrix: a table of what was measured, from stored reports alone.

A cell is a fraction with the level and the day. What was unavailable, failed to start or was never asked is *not
measured*, never green. A report on an older state of a family is said to be that.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from snnhub_conformance.report import read
from snnhub_conformance.suite import Suite

UNMEASURED = "not measured"


def load_reports(folder: Path) -> list[dict[str, Any]]:
    """Every report in a folder, by name. Raises ``FormatError`` for a file that is none."""
    return [read(path) for path in sorted(folder.glob("*.json"))]


def stale(report: Mapping[str, Any], suite: Suite) -> list[str]:
    """Families whose cases changed since the report was made."""
    return [name for name, row in report["families"].items() if row["digest"] != suite.digest(name)]


def cell(report: Mapping[str, Any], family: str, suite: Suite) -> str:
    """What a report says of a family."""
    row = report["families"].get(family)
    if row is None:
        return ""
    unmeasured = row["unavailable"] or row["error"] or not row["total"]
    if unmeasured and not row["pass"] + row["fail"]:
        return UNMEASURED
    words = f"{row['pass']}/{row['total']} {report['level']}"
    for name in ("fail", "error", "xfail", "xpass", "unsupported", "unavailable"):
        if row[name]:
            words += f", {row[name]} {name}"
    if row["digest"] != suite.digest(family):
        words += " (older suite)"
    return words


def table(reports: Sequence[Mapping[str, Any]], suite: Suite) -> str:
    """Markdown: a row per family, a column per report, and a line on where each was made."""
    shown = [report for report in reports if report["families"]]
    names = [f"{report['subject']['name']}" for report in shown]
    families = [name for name in suite.families if any(name in report["families"] for report in shown)]
    lines = ["| family | cases | " + " | ".join(names) + " |", "| --- | --- |" + " --- |" * len(names)]
    for family in families:
        cases = sum(case.family == family for case in suite.cases)
        cells = [cell(report, family, suite) for report in shown]
        lines.append(f"| `{family}` | {cases} | " + " | ".join(cells) + " |")
    lines.append("")
    for name, report in zip(names, shown, strict=True):
        where = ", ".join(f"{key} {value}" for key, value in report["environment"].items())
        lines.append(f"- {name}: {report['date']}, {where}")
    return "\n".join(lines)
