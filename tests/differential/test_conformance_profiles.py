"""Cases of ``profile.*`` that were recorded from frameworks, put before them again."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from snnhub_conformance import suite
from snnhub_conformance.frameworks import Frameworks, FrameworkSubject
from snnhub_conformance.outcome import Status

from tests.differential.nir_peer import open_frameworks

pytestmark = [pytest.mark.peer]
SHOWN = (
    "LIF, r = tau / dt",
    "CubaLIF, v_leak",
    "two layers",
    "recurrent",
    "LIF, v_reset",
    "Conv2d",
    "LIF, v_leak",
)
"""Some of them, or their refusals; ``python -m tests.reports framework:norse`` asks all."""
CASES = [
    case
    for case in suite.load().select(families=["profile"]).cases
    if case.title.removeprefix("refused: ") in SHOWN
]


@pytest.fixture(scope="module")
def live() -> Iterator[Frameworks]:
    """One process for all; skipped, or failed, where the environment is not there."""
    with open_frameworks():
        pass
    with Frameworks() as opened:
        yield opened


@pytest.mark.parametrize("framework", ["norse", "snntorch", "spikingjelly", "sinabs", "spyx", "rockpool", "nengo"])
def test_a_framework_gives_what_was_recorded_of_it(framework: str, live: Frameworks) -> None:
    outcomes = FrameworkSubject.named(framework, live).run_cases(CASES)
    assert [f"{item.id}: {item.detail}" for item in outcomes if item.status is not Status.PASS] == []
    assert len(outcomes) >= 2
