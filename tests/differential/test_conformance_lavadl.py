"""Cases of the conformance suite that live lava-dl made, put before it again."""

from __future__ import annotations

import pytest
from snnhub_conformance import suite
from snnhub_conformance.session import measure

pytestmark = pytest.mark.peer
NETWORKS = ("Dense, delay", "Conv", "Recurrent", "CUBA, decays per channel", "bootstrap", "sigma-delta")


def test_slayer_passes_its_own_networks(lava: None) -> None:
    """Some of them, in every word: each is run in a process of its own."""
    ids = [c.id for c in suite.load().cases if c.family == "importer.lava-dl" and c.title in NETWORKS]
    report = measure("runner", "lava-dl", level="R4", ids=ids)
    assert report.counts["pass"] == report.counts["total"] == len(NETWORKS)


def test_the_importer_refuses_what_it_must(lava: None) -> None:
    refused = [c.id for c in suite.load().cases if c.family == "importer.lava-dl" and c.level == "F0"]
    report = measure("importer", "lava-dl", level="F0", ids=refused[::3])
    assert report.counts["pass"] == report.counts["total"] == len(refused[::3]) >= 4
