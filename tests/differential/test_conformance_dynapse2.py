"""Cases of the conformance suite that DynapSim made, put before it again."""

from __future__ import annotations

import pytest
from snnhub_conformance import suite
from snnhub_conformance.case import Case
from snnhub_conformance.session import measure

pytestmark = [pytest.mark.peer, pytest.mark.usefixtures("dynapse2")]
RUN = ("adaptation, recurrent", "Residual")
"""Some of them: each is run in a process of its own."""
IMPORTED = ("import: several spikes in a step", "refused: own module", "refused: a filter")


def ids(titles: tuple[str, ...]) -> list[str]:
    cases: list[Case] = [case for case in suite.load().cases if case.family == "importer.dynapse2"]
    return [case.id for case in cases if case.title in titles]


def test_dynapsim_passes_its_own_networks() -> None:
    report = measure("runner", "dynapsim", level="R3", ids=ids(RUN))
    assert report.counts["pass"] == report.counts["total"] == len(RUN)


def test_the_importer_finds_the_network_and_refuses_what_it_must() -> None:
    report = measure("importer", "dynapse2", ids=ids(IMPORTED))
    assert report.counts["pass"] == report.counts["total"] == len(IMPORTED)
