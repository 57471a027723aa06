"""The support matrix: a table of what was measured, from stored reports alone.

A cell is a fraction with the level and the day. What was unavailable, if in one case only, failed to start or
was never asked is *not measured*, never green. A report on an older state of a family is said to be that.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from snnhub_conformance.report import read
from snnhub_conformance.suite import Suite

UNMEASURED = "not measured"
RUNNERS = ("runner", "worker")


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
    absent = row["unavailable"] or not row["total"]
    if absent or (row["error"] and not row["pass"] + row["fail"]):
        return UNMEASURED
    words = f"{row['pass']}/{row['total']} {report['level']}"
    for name in ("fail", "error", "xfail", "xpass", "unsupported"):
        if row[name]:
            words += f", {row[name]} {name}"
    if row["digest"] != suite.digest(family):
        words += " (older suite)"
    return words


def table(reports: Sequence[Mapping[str, Any]], suite: Suite) -> str:
    """Markdown: a row per family. Runners have a column each; importers, exporters and targets are asked a
    family of their own. Below, where each report was made.
    """
    shown = [report for report in reports if report["families"]]
    runners = [report for report in shown if report["subject"]["kind"] in RUNNERS]
    others = [report for report in shown if report not in runners]
    lines = [*_runners(runners, suite), "", *_others(others, suite), ""]
    places: dict[str, list[str]] = {}
    for report in shown:
        where = ", ".join(f"{key} {value}" for key, value in report["environment"].items())
        places.setdefault(f"{report['date']}, {where}", []).append(report["subject"]["name"])
    return "\n".join([*lines, *(f"- {', '.join(names)}: {where}" for where, names in places.items())])


def _runners(reports: Sequence[Mapping[str, Any]], suite: Suite) -> list[str]:
    families = [name for name in suite.families if any(name in report["families"] for report in reports)]
    head = ["family", "cases", *(report["subject"]["name"] for report in reports)]
    rows = [
        [f"`{name}`", str(_asked(reports, name)), *(cell(report, name, suite) for report in reports)]
        for name in families
    ]
    return _markdown([head, *rows])


def _others(reports: Sequence[Mapping[str, Any]], suite: Suite) -> list[str]:
    rows = [
        [f"`{name}`", report["subject"]["name"], cell(report, name, suite)]
        for report in reports
        for name in report["families"]
    ]
    return _markdown([["family", "subject", "passed"], *rows])


def _asked(reports: Sequence[Mapping[str, Any]], family: str) -> int:
    return max(int(report["families"][family]["total"]) for report in reports if family in report["families"])


def _markdown(rows: Sequence[Sequence[str]]) -> list[str]:
    lines = ["| " + " | ".join(row) + " |" for row in rows]
    return [lines[0], "|" + " --- |" * len(rows[0]), *lines[1:]]
