"""Files at which one would stop and a framework goes on, live: the same bins in the protocol's call shape, and the
same refusals. More by hand: ``profile_fuzz``.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from snnhub.api.agree import agree
from snnhub.peers.protocol import Worker

from tests.differential.nir_peer import open_frameworks
from tests.differential.profile_fuzz import compared, net_of
from tests.networks.nir_nets import DT, affine, chain, lif
from tests.networks.nir_odd_shapes import FAMILIES

pytestmark = [pytest.mark.peer]
PROFILES = ("norse-1", "spikingjelly-2", "snntorch-1", "sinabs-3", "rockpool-3")
SEEDS = range(1, 5)
PARTED = (
    ("norse-1", "several", 1020, "a weight that is NaN"),
    ("rockpool-3", "several", 1020, "the same before spikes that are NaN"),
    ("spikingjelly-2", "several", 28, "an infinite weight, after which potentials are NaN"),
    ("norse-1", "spatial", 20, "the padding of a SumPool2d"),
    ("sinabs-3", "spatial", 20, "the same before neurons that forget"),
    ("norse-1", "spatial", 38, "Flatten with the axis of samples"),
    ("sinabs-3", "several", 1047, "a Linear left out"),
    ("sinabs-3", "broken", 1004, "the same"),
    ("norse-1", "broken", 1014, "an input that the file does not say"),
    ("snntorch-1", "broken", 1023, "an input of another shape"),
    ("rockpool-3", "broken", 1038, "an input of one value for two"),
    ("snntorch-1", "nested", 1050, "a graph within that returns two values"),
    ("rockpool-3", "single", 1059, "r = -1, of which dt is infinite"),
    ("sinabs-3", "images", 50024, "thresholds of bytes, whose negatives wrap"),
    ("rockpool-3", "single", 45, "thresholds of 0 beside others"),
)
"""Profile, family, seed: each parted from its framework once, and why."""


@pytest.fixture(scope="module")
def worker() -> Iterator[Worker]:
    """One process for all frameworks."""
    with open_frameworks() as opened:
        yield opened


@pytest.mark.parametrize(("profile", "family", "seed", "why"), PARTED)
def test_files_that_parted(profile: str, family: str, seed: int, why: str, worker: Worker, tmp_path: Path) -> None:
    net = net_of(family, seed)
    result = compared(worker, profile, net.write(tmp_path / f"{family}_{seed}.nir"), net, seed)
    assert not result.wrong, f"{why}: {result.kind}: {result.words}"
    assert result.kind in ("equal", "silent")
    assert result.bins > 0


@pytest.mark.parametrize("profile", PROFILES)
def test_random_files_of_odd_shapes(profile: str, worker: Worker, tmp_path: Path) -> None:
    """Four seeds of every family of ``nir_odd_shapes``."""
    kinds = []
    for family in FAMILIES:
        for seed in SEEDS:
            net = net_of(family, seed)
            result = compared(worker, profile, net.write(tmp_path / f"{family}_{seed}.nir"), net, seed)
            assert not result.wrong, f"{profile} {family} seed {seed}: {result.kind}: {result.words}"
            kinds.append(result.kind)
    assert "equal" in kinds
    assert "refused" in kinds


def test_integers_in_a_conv1d_of_snntorch(worker: Worker, tmp_path: Path) -> None:
    net = net_of("spatial", 45)
    result = compared(worker, "snntorch-1", net.write(tmp_path / "spatial_45.nir"), net, 45)
    assert result.kind == "refused"
    assert "floating point" in result.words


@pytest.mark.parametrize("size", [66, 130])
def test_sums_where_a_step_lies_unaligned(size: int, worker: Worker, tmp_path: Path) -> None:
    """MKL adds in another order where data begin at an odd place, which a framework's never do."""
    random = np.random.default_rng(size)
    layer = affine(random.normal(0, 1, (9, size)).astype("f4"), random.normal(0, 1, 9).astype("f4"))
    net = chain(layer, shape=[size], out=[9])
    result = compared(worker, "norse-1", net.write(tmp_path / "n.nir"), net, 0)
    assert (result.kind, result.bins) == ("equal", 225)


def test_agree_on_an_input_of_another_shape(tmp_path: Path) -> None:
    """Frameworks broadcast it, and so do their profiles; those without torch refuse."""
    path = chain(lif(3, r=20.0, th=1.0), shape=[3]).write(tmp_path / "n.nir")
    x = np.random.default_rng(0).normal(20, 30, (30, 1)).astype("f4")
    with open_frameworks():
        pass
    names = ["norse-1", "snntorch-1", "sinabs-3", "spikingjelly-2", "nir-euler"]
    found = agree(path, x, DT, profiles=names, live=True, input_shape=(1,))
    assert {item.framework: item.verdict for item in found.frameworks} == {
        "norse": "equal",
        "sinabs": "equal",
        "snntorch": "equal",
        "spikingjelly": "equal",
    }
    assert [run.profile for run in found.runs if run.refused] == ["nir-euler"]
    codes = {item.code for run in found.runs for item in run.findings}
    assert {"SNN-2614", "SNN-2618"} <= codes
