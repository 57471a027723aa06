"""Cases of the conformance suite that Rockpool and xylosim made, put before both again."""

from __future__ import annotations

import pytest
from snnhub_conformance import suite
from snnhub_conformance.session import measure

pytestmark = pytest.mark.peer
ROCKPOOL = (
    "LIFTorch, two synapses",
    "LIFTorch, recurrent",
    "LIFBitshiftTorch",
    "Residual",
    "own module by its graph",
)


def test_xylosim_passes_every_core(xylosim: None) -> None:
    report = measure("runner", "xylosim", families=["xylo"])
    assert report.counts["pass"] == report.counts["total"] >= 30


def test_rockpool_passes_its_own_networks(rockpool: None) -> None:
    """Some of them: each is run in a process of its own."""
    ids = [c.id for c in suite.load().cases if c.family == "importer.rockpool" and c.title in ROCKPOOL]
    report = measure("runner", "rockpool", level="R3", ids=ids)
    assert report.counts["pass"] == report.counts["total"] == len(ROCKPOOL)


def test_the_importer_refuses_what_it_must(rockpool: None) -> None:
    cases = [c for c in suite.load().cases if c.family == "importer.rockpool" and c.title.startswith("refused")]
    report = measure("importer", "rockpool", level="F0", ids=[case.id for case in cases])
    assert report.counts["pass"] == report.counts["total"] == len(cases) >= 6
