"""Live xylosim on the suite: bits of every current, potential and spike of a core, and nothing else."""

from __future__ import annotations

import pytest
from snnhub_conformance.outcome import Status
from snnhub_conformance.session import measure

pytestmark = [pytest.mark.peer, pytest.mark.usefixtures("xylosim")]


def test_xylosim_reaches_r4_on_its_family() -> None:
    report = measure("runner", "xylosim", families=["kernel.xylo"])
    assert [f"{item.id}: {item.detail}" for item in report.outcomes if item.status is not Status.PASS] == []
    assert len(report.outcomes) >= 40


def test_networks_that_are_no_core_are_refused() -> None:
    report = measure("runner", "xylosim", families=["loihi", "network", "time"])
    assert {item.status for item in report.outcomes} == {Status.UNSUPPORTED}
    assert report.counts["total"] > 150
