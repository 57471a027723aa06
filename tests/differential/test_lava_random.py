"""Live Lava on 200 random NetX files: every u, v and spike, in every step.

One worker serves all of them. A failure names the seed: ``random_netx(seed)`` is the file, on every machine.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from snnhub.peers.protocol import Worker
from snnhub_lava.runner import open_worker

from tests.build import spikes
from tests.differential.test_lava import same
from tests.networks.netx_files import write
from tests.networks.random_netx import BASE, KINDS, random_netx

pytestmark = [pytest.mark.peer, pytest.mark.usefixtures("lava")]
NETWORKS, STEPS = 200, 24
FIRED: dict[int, int] = {}
"""Spikes of every network that has run."""


@pytest.fixture(scope="module")
def worker(lava: None) -> Iterator[Worker]:
    """One Lava process for all runs."""
    with open_worker() as opened:
        yield opened


@pytest.mark.parametrize("seed", range(NETWORKS))
def test_random_netx_files(seed: int, worker: Worker, tmp_path: Path) -> None:
    net = random_netx(seed)
    print(f"base seed {BASE}, network {seed}: {', '.join(sorted(net.features))}; options {net.options}")
    path = write(tmp_path / "a.net", net.layers)
    FIRED[seed] = same(worker, path, spikes((STEPS, *net.shape), net.rate, seed), **net.options)


def test_the_random_networks_were_alive() -> None:
    """Equality of silence shows nothing: most networks of each kind fire, and a lot."""
    if len(FIRED) < NETWORKS:
        pytest.skip(f"{len(FIRED)} of {NETWORKS} networks have run")
    alive = Counter(KINDS[seed % len(KINDS)] for seed, count in FIRED.items() if count)
    assert all(alive[kind] >= NETWORKS // len(KINDS) // 2 for kind in KINDS), alive
    assert sum(FIRED.values()) > 20 * NETWORKS
