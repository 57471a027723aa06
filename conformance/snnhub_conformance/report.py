"""The report of a run: JSON for machines, Markdown for people, a badge, and what changed since another report."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from snnhub.errors import FormatError

from snnhub_conformance import SUITE
from snnhub_conformance.diagnose import Suspect, suspects
from snnhub_conformance.outcome import BAD, Outcome, Status, count
from snnhub_conformance.suite import Suite

SCHEMA = "snnhub-report/1"
COLUMNS = ("passed", "failed", "error", "xfail", "unsupported", "unavailable", "total")
"""Heads of the table by family."""
SHOWN = 20
"""Failures that the Markdown lists one by one; the JSON has all."""


@dataclass(frozen=True)
class Report:
    """Outcomes of one subject. ``families``: the digest of every family as it was run."""

    subject: str
    kind: str
    level: str
    environment: Mapping[str, str]
    outcomes: tuple[Outcome, ...]
    families: Mapping[str, str]
    day: str

    @property
    def counts(self) -> dict[str, int]:
        return count(self.outcomes)

    @property
    def failed(self) -> tuple[Outcome, ...]:
        return tuple(item for item in self.outcomes if item.status in BAD)

    @property
    def suspects(self) -> list[Suspect]:
        return suspects(self.outcomes)

    def family(self, name: str) -> dict[str, int]:
        """Counts of one family."""
        return count(item for item in self.outcomes if item.family == name)

    def row(self, name: str) -> tuple[int, ...]:
        """Counts of one family as the table shows them, by ``COLUMNS``: an unexpected pass is a failure."""
        counts = self.family(name)
        failed = counts["fail"] + counts["xpass"]
        return (counts["pass"], failed, *(counts[status] for status in COLUMNS[2:]))

    def to_json(self) -> dict[str, Any]:
        return {
            "schema": SCHEMA,
            "suite": SUITE,
            "subject": {"kind": self.kind, "name": self.subject},
            "level": self.level,
            "date": self.day,
            "environment": dict(self.environment),
            "counts": self.counts,
            "families": {
                name: {"digest": digest, **self.family(name)} for name, digest in sorted(self.families.items())
            },
            "suspects": [
                {
                    "flag": s.name,
                    "mistake": s.mistake,
                    "failed": s.failed,
                    "noticing": s.noticing,
                    "others": s.others,
                }
                for s in self.suspects
            ],
            "results": [
                {**item.to_json(), **({"repeat": self.repeat(item)} if item.status in BAD else {})}
                for item in self.outcomes
            ],
        }

    def repeat(self, outcome: Outcome) -> str:
        """The command that runs one case again."""
        return f"snnhub conformance run --{self.kind} {self.subject} --level {self.level} --case {outcome.id}"


def compact(report: Report) -> dict[str, Any]:
    """The JSON without the cases that passed: what is kept in a repository."""
    data = report.to_json()
    data["results"] = [item for item in data["results"] if item["status"] != Status.PASS.value]
    return data


def make(
    suite: Suite, subject: str, kind: str, level: str, environment: Mapping[str, str], outcomes: Iterable[Outcome]
) -> Report:
    """A report of today."""
    found = tuple(outcomes)
    names = dict.fromkeys(item.family for item in found)
    whole = {name: suite.digest(name) for name in names}
    return Report(subject, kind, level, environment, found, whole, date.today().isoformat())


def markdown(report: Report) -> str:
    """A table by family, the failures, and what is probably wrong."""
    counts = report.counts
    lines = [
        f"# {report.subject}: {counts['pass']} of {counts['total']} at {report.level}",
        "",
        f"suite {SUITE}, {report.day}, " + ", ".join(f"{k} {v}" for k, v in report.environment.items()),
        "",
        f"| family | {' | '.join(COLUMNS)} |",
        "|" + " --- |" * (1 + len(COLUMNS)),
        *(f"| {name} | " + " | ".join(map(str, report.row(name))) + " |" for name in sorted(report.families)),
    ]
    if report.suspects:
        lines += ["", "## Probably wrong", "", *(f"- {suspect}" for suspect in report.suspects)]
    if report.failed:
        lines += ["", "## Failures", ""]
        lines += [
            f"- `{item.id}` {item.status.value}: {item.detail}. `{report.repeat(item)}`"
            for item in report.failed[:SHOWN]
        ]
        if len(report.failed) > SHOWN:
            lines.append(f"- … and {len(report.failed) - SHOWN} more in report.json")
    return "\n".join(lines) + "\n"


def badge(report: Report) -> dict[str, Any]:
    """The endpoint form of shields.io. Green only if every case passed; what was not measured is grey."""
    counts = report.counts
    unmeasured = counts["unavailable"] or not counts["total"]
    message = "not measured" if unmeasured else f"{counts['pass']}/{counts['total']} at {report.level}"
    whole = counts["pass"] == counts["total"]
    colour = "lightgrey" if unmeasured else "red" if report.failed else "brightgreen" if whole else "yellow"
    return {
        "schemaVersion": 1,
        "label": f"snnhub conformance: {report.subject}",
        "message": message,
        "color": colour,
    }


def write(report: Report, folder: Path) -> None:
    """``report.json``, ``report.md`` and ``badge.json``."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "report.json").write_text(json.dumps(report.to_json(), indent=1) + "\n")
    (folder / "report.md").write_text(markdown(report))
    (folder / "badge.json").write_text(json.dumps(badge(report)) + "\n")


def read(path: Path) -> dict[str, Any]:
    """The JSON of a report. Raises ``FormatError`` for anything else."""
    try:
        data: dict[str, Any] = json.loads(path.read_text())
        if data["schema"] != SCHEMA:
            raise FormatError(
                "not a conformance report", where=str(path), found=str(data["schema"]), allowed=SCHEMA
            )
    except (OSError, ValueError, KeyError, TypeError) as problem:
        raise FormatError("not a conformance report", where=str(path), found=repr(problem)) from None
    return data


def diff(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[dict[str, str]]:
    """Cases whose status changed, worst first: what passed and does no more, then the rest."""
    before = {item["id"]: item["status"] for item in old["results"]}
    after = {item["id"]: item["status"] for item in new["results"]}
    changes = [
        {"id": name, "old": before.get(name, "absent"), "new": after.get(name, "absent")}
        for name in sorted({*before, *after})
        if before.get(name) != after.get(name)
    ]
    return sorted(changes, key=lambda item: (item["old"] != Status.PASS.value, item["id"]))


def worsened(changes: Sequence[Mapping[str, str]]) -> list[Mapping[str, str]]:
    """Changes away from a pass."""
    return [item for item in changes if item["old"] == Status.PASS.value]
