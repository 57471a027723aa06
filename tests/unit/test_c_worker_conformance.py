"""The worker in C passes every case of the integer ops that it declares, all in one file of at most 300 lines."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from snnhub.ops.registry import REGISTRY
from snnhub_conformance import suite
from snnhub_conformance.outcome import Status
from snnhub_conformance.session import measure

from tests.conftest import ROOT
from tests.reports import compiled

FOLDER = ROOT / "docs" / "examples" / "c_worker"
FAMILY = "op.integer"


def test_every_case_of_the_integer_ops_passes(tmp_path: Path) -> None:
    """R4, every bit of every state. Ops with several inputs get theirs through transforms, which it does not
    declare to run: those cases are unsupported, for that reason and in the report, and no others.
    """
    if shutil.which("cc") is None:
        pytest.skip("no C compiler")
    report = measure("worker", str(compiled(tmp_path)), families=[FAMILY])
    cases = suite.load().select(families=[FAMILY]).by_id
    through = {key for key, case in cases.items() if "core.Dense/1" in case.requires.ops}
    assert len(cases) - len(through) > 500
    assert report.level == "R4"
    status = {item.id: item.status for item in report.outcomes}
    assert {key for key, found in status.items() if found is Status.UNSUPPORTED} == through
    assert {found for key, found in status.items() if key not in through} == {Status.PASS}
    assert (report.counts["pass"], report.counts["total"]) == (len(cases) - len(through), len(cases))


def test_it_is_one_small_file_that_names_no_op() -> None:
    text = (FOLDER / "worker.c").read_text()
    assert sorted(path.name for path in FOLDER.iterdir()) == ["README.md", "worker.c"]
    assert text.count("\n") <= 300
    assert max(map(len, text.splitlines())) <= 115
    assert [op.name for op in REGISTRY.all() if op.name in text] == []
    system = {f"#include <{name}.h>" for name in ("inttypes", "setjmp", "stdio", "stdlib", "string")}
    assert {line for line in text.splitlines() if line.startswith("#include")} == system
