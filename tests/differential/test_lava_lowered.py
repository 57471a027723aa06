"""Lowered layers in live Lava: float network to NetX file, every spike equal and as late as predicted."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import snnhub
from snnhub.ir.graph import Graph
from snnhub.ir.rung import Rung
from snnhub.ir.tensor import Array
from snnhub.peers.protocol import Worker
from snnhub_lava.runner import open_worker

from tests.build import spikes
from tests.differential.test_lava import same
from tests.networks.pooled import SHAPE, WINDOWS, pooled
from tests.unit.test_lowering import grouped

pytestmark = [pytest.mark.peer, pytest.mark.usefixtures("lava")]


@pytest.fixture(scope="module")
def worker(lava: None) -> Iterator[Worker]:
    """One Lava process for all runs."""
    with open_worker() as opened:
        yield opened


def through_lava(worker: Worker, graph: Graph, x: Array, folder: Path, **lowering: str) -> None:
    """Engine against Lava: bits. Float network against the file: spikes, with the predicted lag."""
    snnhub.save(graph, folder / "a.snn")
    snnhub.convert(folder / "a.snn", folder / "a.net", lowering=lowering)
    assert same(worker, folder / "a.net", x) > 0
    neutral = snnhub.verify(folder / "a.snn", folder / "a.net", stimulus=x[:, None])
    assert neutral.passed
    assert neutral.verdict.reached is Rung.SPIKES_LAG
    fired = {row.a_key: row.a_spikes for row in neutral.verdict.rows if row.a_key.endswith("/s")}
    assert len(fired) >= 2
    assert all(fired.values())


@pytest.mark.parametrize("name", WINDOWS)
def test_pooled_spikes(name: str, worker: Worker, tmp_path: Path) -> None:
    through_lava(worker, pooled(WINDOWS[name]), spikes((20, *SHAPE), 0.3), tmp_path, maxpool="or-layer")


def test_grouped_and_dilated_convolutions(worker: Worker, tmp_path: Path) -> None:
    through_lava(worker, grouped(), spikes((20, 4, 7, 6), 0.5), tmp_path)
