"""Max pooling of spikes in live Lava: float network to NetX file, every spike equal and as late as predicted."""

from __future__ import annotations

from pathlib import Path

import pytest
import snnhub
from snnhub.ir.rung import Rung

from tests.build import spikes
from tests.networks.pooled import SHAPE, WINDOWS, pooled

pytestmark = [pytest.mark.peer, pytest.mark.usefixtures("lava")]


@pytest.mark.parametrize("name", WINDOWS)
def test_pooled_spikes(name: str, tmp_path: Path) -> None:
    """Engine against Lava: bits. Float network against the file: spikes, with the lag of three synapses."""
    snnhub.save(pooled(WINDOWS[name]), tmp_path / "a.snn")
    made = snnhub.convert(tmp_path / "a.snn", tmp_path / "a.net", lowering={"maxpool": "or-layer"})
    assert "SNN-2114" in {finding.code for finding in made.findings}
    x = spikes((20, 2, *SHAPE), 0.3)
    lava = snnhub.verify(tmp_path / "a.net", stimulus=x, against="lava")
    assert lava.passed
    assert lava.verdict.reached is Rung.BITS
    assert {row.a_key: row.a_spikes for row in lava.verdict.rows}["layer2/s"]
    neutral = snnhub.verify(tmp_path / "a.snn", tmp_path / "a.net", stimulus=x)
    assert neutral.passed
    assert neutral.verdict.reached is Rung.SPIKES_LAG
