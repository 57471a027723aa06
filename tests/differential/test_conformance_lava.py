"""Live Lava on the conformance families that it can run: bits of every current, potential and spike."""

from __future__ import annotations

import pytest
from snnhub.errors import RunError
from snnhub_conformance.execute import run_cases
from snnhub_conformance.outcome import Status
from snnhub_conformance.packing import Packed
from snnhub_conformance.session import measure
from snnhub_conformance.subjects import HubRunner
from snnhub_conformance.suite import load
from snnhub_formats import container
from snnhub_lava import runner

pytestmark = [pytest.mark.peer, pytest.mark.usefixtures("lava")]


def test_lava_reaches_r4_on_the_loihi_family() -> None:
    cases = [case for case in load().cases if case.family == "loihi"]
    subject = Packed(HubRunner.named("lava"), cases)
    outcomes = run_cases(subject, cases, "R4")
    assert [f"{item.id}: {item.detail}" for item in outcomes if item.status is not Status.PASS] == []
    assert len(outcomes) >= 55
    assert subject.failed == []
    assert max(subject.runs) >= 10


def test_what_lava_declares_not_to_run_is_unsupported_or_refused() -> None:
    report = measure("runner", "lava", families=["network"])
    status = {item.id: item.status for item in report.outcomes}
    titles = {case.title: status[case.id] for case in load().cases if case.family == "network"}
    for title, found in titles.items():
        held = title.startswith("Loihi") and "skip" not in title
        assert found is (Status.PASS if held else Status.UNSUPPORTED), title


def test_one_worker_serves_all_runs_until_one_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    case = next(case for case in load().cases if case.family == "loihi")
    graph, keys = container.load(case.path(case.subject["snn"])), tuple(case.expect.records)
    subject = HubRunner.named("lava")
    subject.run(case, graph, keys)
    (first,) = runner._KEPT
    subject.run(case, graph, keys)
    assert [first] == runner._KEPT

    def fails(*_: object) -> None:
        raise RunError("gone")

    with monkeypatch.context() as patch:
        patch.setattr(runner, "run_in", fails)
        with pytest.raises(RunError):
            subject.run(case, graph, keys)
    assert runner._KEPT == []
    assert set(subject.run(case, graph, keys)) == set(keys)
    runner.close_kept()
    assert runner._KEPT == []
