"""Stored reports and the table made from them: current for the engine, honest for everything else."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest
from snnhub_conformance import overview, suite

from tests.reports import ALL, FRAMEWORKS, README, REPORTS, table

SUITE = suite.load()
STORED = overview.load_reports(REPORTS)
PEERS = (
    *("torch", "spikingjelly", "lava", "rockpool", "dynapsim", "lava-dl", "xylosim"),
    *("importer:spikingjelly", "importer:rockpool", "importer:dynapse2", "importer:lava-dl"),
    *(f"framework:{name}" for name in FRAMEWORKS),
)
OURS = tuple(name.replace(":", " ") for name in ALL if name not in PEERS)
"""Subjects that need no other framework: their reports are made again whenever a family changes."""


def named(name: str) -> dict[str, Any]:
    return next(report for report in STORED if report["subject"]["name"] == name)


@pytest.mark.parametrize("name", OURS)
def test_reports_of_what_needs_no_peer_are_current(name: str) -> None:
    again = f"measure again: python -m tests.reports {name.replace(' ', ':')}"
    assert overview.stale(named(name), SUITE) == [], again


def test_every_subject_has_its_report() -> None:
    assert {report["subject"]["name"] for report in STORED} == {name.replace(":", " ") for name in ALL}


def test_the_engine_is_asked_everything_and_passes() -> None:
    report = named("engine")
    runners = {case.family for case in SUITE.cases if case.level.startswith("R")}
    assert set(report["families"]) == runners
    assert report["counts"]["pass"] == report["counts"]["total"]


def test_the_table_in_the_readme_is_made_from_them() -> None:
    assert table() in README.read_text(), "python -m tests.reports --table"


def test_an_older_suite_and_what_was_not_measured_show() -> None:
    report = deepcopy(named("engine"))
    family = next(iter(report["families"]))
    report["families"][family]["digest"] = "sha256:of another day"
    assert "older suite" in overview.cell(report, family, SUITE)
    assert overview.stale(report, SUITE) == [family]
    row = report["families"][family]
    row.update({"pass": 0, "unavailable": row["total"]})
    assert overview.cell(report, family, SUITE) == overview.UNMEASURED
    row.update({"pass": row["total"] - 1, "unavailable": 1})
    assert overview.cell(report, family, SUITE) == overview.UNMEASURED, "a part is not the whole"
    row.update({"unavailable": 0, "unsupported": 1})
    assert "1 unsupported" in overview.cell(report, family, SUITE)
    assert overview.cell(report, "no.such", SUITE) == ""
