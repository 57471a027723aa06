"""Live Lava on 200 random networks of each kind, twenty in one file: every state and spike, in every step.

Kind, regime and seed of a failure are in its name: ``packed_netx(kind, regime)`` is the file, on every machine.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from snnhub.api.options import ImportOptions
from snnhub.peers.protocol import Worker
from snnhub_lava.runner import open_worker
from snnhub_netx.reader import import_netx

from tests.build import spikes
from tests.differential.test_lava import same
from tests.networks.netx_files import write
from tests.networks.packed_netx import BASE, KINDS, REGIMES, TOGETHER, packed_netx

pytestmark = [pytest.mark.peer, pytest.mark.usefixtures("lava")]
BUDGET = 8 * 60
"""Seconds for all kinds together, on two cores with nothing else to do."""
QUIET = 2.0
"""Load per core up to which the time is looked at."""
TOOK: dict[tuple[str, str], float] = {}
FIRED: dict[tuple[str, str], int] = {}
FOUND: dict[tuple[str, str], set[str]] = {}
WANTED = {
    "negative": "SNN-3111",
    "beyond 8 bits": "SNN-3111",
    "not negative": "SNN-3111",
    "high threshold": "SNN-3138",
    "bias at 16 bits": "SNN-3112",
    "wide": "SNN-3136",
    "uniform and zero": "SNN-3111",
}
"""What the reader must say about files of a regime, of whatever kind."""
LATE = {"dense": "SNN-3115", "delay": "SNN-3115", "bias": "SNN-3115", "resonate": "SNN-3115", "conv": "SNN-3106"}


@pytest.fixture(scope="module")
def worker(lava: None) -> Iterator[Worker]:
    """One Lava process for all runs."""
    with open_worker() as opened:
        yield opened


@pytest.mark.parametrize("regime", REGIMES)
@pytest.mark.parametrize("kind", KINDS)
def test_twenty_networks(kind: str, regime: str, worker: Worker, tmp_path: Path) -> None:
    start, seed = time.perf_counter(), BASE + REGIMES.index(regime)
    group = packed_netx(kind, regime)
    print(f"base seed {BASE}, stimulus seed {seed}, {group.steps} steps of rate {group.rate:.2f}")
    path = write(tmp_path / "a.net", group.layers)
    FOUND[kind, regime] = {finding.code for finding in import_netx(path, ImportOptions()).findings}
    FIRED[kind, regime] = same(worker, path, spikes((group.steps, *group.shape), group.rate, seed))
    TOOK[kind, regime] = time.perf_counter() - start
    wanted = LATE.get(kind) if regime == "late" else WANTED.get(regime)
    assert wanted is None or wanted in FOUND[kind, regime]


def test_there_were_two_hundred_of_each_kind_alive_and_in_time() -> None:
    """Equality of silence shows nothing: nearly every file fires, a lot."""
    if len(FIRED) < len(KINDS) * len(REGIMES):
        pytest.skip(f"{len(FIRED)} of {len(KINDS) * len(REGIMES)} files have run")
    assert TOGETHER * len(REGIMES) == 200
    silent = [key for key, count in FIRED.items() if not count]
    assert len(silent) <= 3, silent
    print(f"{sum(FIRED.values())} spikes, {sum(TOOK.values()):.0f} s")
    load = os.getloadavg()[1] / (os.cpu_count() or 1)
    assert sum(TOOK.values()) < BUDGET or load > QUIET, f"load {load:.1f} per core"
