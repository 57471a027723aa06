"""The cases of the conformance suite as tests of pytest, one each."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import pytest
from snnhub.hub.catalogue import find, register_ops
from snnhub.hub.loader import load
from snnhub.hub.objects import Runner
from snnhub_formats import container

from snnhub_conformance import RELEASED, suite
from snnhub_conformance.case import Case
from snnhub_conformance.contracts.plugin import PluginContract
from snnhub_conformance.execute import is_probe, run_case
from snnhub_conformance.expected import Expected, expected_failures
from snnhub_conformance.outcome import Status, excused
from snnhub_conformance.subjects import HubRunner


class SuiteTests(PluginContract):
    """``test_case`` runs for every case that the runner's capabilities cover, at the level that it claims, and for
    some that they do not cover, which it must refuse.
    """

    table = "runners"

    def cases(self) -> Sequence[Case]:
        """Cases for runners. Override to put fewer, or cases of your own (``suite.load(folder)``)."""
        return [case for case in suite.load().cases if case.kind == "runner"]

    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        """One test per case; called by pytest when it collects."""
        if "case" in metafunc.fixturenames:
            register_ops()
            runner = load().runners.get(self.name())  # one that is missing fails elsewhere, with better words
            cases = [case for case in self.cases() if runner is None or is_probe(case) or not lacks(runner, case)]
            metafunc.parametrize("case", cases, ids=[case.id for case in cases])

    def test_case(self, case: Case) -> None:
        """Passed, refused as declared, or expected to fail; a failure says how to repeat it."""
        item = self.usable()
        outcome = run_case(HubRunner(item), case, item.level or "R4")
        if entry := _expected(item.name).get(case.id):
            outcome = excused(outcome, entry.reason)
        if outcome.status is Status.XFAIL:
            pytest.xfail(outcome.detail)
        if outcome.status is Status.UNSUPPORTED and not lacks(item, case):
            pytest.skip("refused, and the declared capabilities do not say so")
        if outcome.status not in (Status.PASS, Status.UNSUPPORTED):
            again = f"snnhub conformance run --runner {item.name} --case {case.id}"
            words = f"{case.id} {outcome.status.value}: {case.title}\n{outcome.detail}\nrepeat: {again}"
            pytest.fail(words, pytrace=False)

    def test_expected_failures_are_cases(self) -> None:
        known = {case.id for case in suite.load().cases}
        lost = [entry.case for entry in expected_failures(self.item()) if entry.case not in known]
        assert lost == [], "expected failures that name no case"


def lacks(runner: Runner, case: Case) -> str:
    """Why a case lies beyond what the runner declares; empty if it does not."""
    if case.expect.result == "invalid":
        return HubRunner(runner).cannot_take(case)
    if runner.capabilities is None:
        return ""
    return HubRunner(runner).lacks(case, container.load(case.path(case.subject["snn"])))


@cache
def _expected(runner: str) -> dict[str, Expected]:
    """Expected failures of a runner by case, less those that have expired."""
    register_ops()
    entries = expected_failures(find(load().runners, runner, "runner"))
    return {entry.case: entry for entry in entries if entry.expires >= RELEASED}
