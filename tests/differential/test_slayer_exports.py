"""Files that lava-dl's own blocks write: held to live Lava, and to the graph of the same blocks."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from snnhub.api.options import ImportOptions
from snnhub.api.remote import open_worker
from snnhub.engine.reference import prepare
from snnhub.ir.recording import Recording
from snnhub.ir.tensor import Array
from snnhub.passes.base import PassContext, run_passes
from snnhub.peers.protocol import Worker
from snnhub_netx.arrange import passes
from snnhub_netx.reader import import_netx
from snnhub_netx.writer import export_netx

from tests.conftest import ROOT
from tests.differential.slayer_networks import bring, stimulus
from tests.differential.slayer_runs import inside
from tests.differential.test_lava import same

pytestmark = [pytest.mark.peer, pytest.mark.usefixtures("lava")]
SEEDS = 3
RESONANT = ("rf", "rf_iz")
WORDS = {"s": ("s", 4096), "sigma": ("sigma", 2**18), "last": ("act", 2**18), "residue": ("residue", 2**18)}
"""slayer's states, Lava's, and how many of Lava's units are one of slayer's."""


@pytest.fixture(scope="module")
def worker(lava: None) -> Iterator[Worker]:
    """One Lava process for all runs and imports."""
    with open_worker("lava") as opened:
        yield opened


@pytest.fixture(scope="module")
def files(lava: None, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """``<kind>_<seed>.net``, by ``export_hdf5``."""
    folder = tmp_path_factory.mktemp("exported")
    inside(
        str(ROOT / "tests" / "networks" / "slayer_export.py"), str(folder), str(SEEDS), *RESONANT, "sigma_delta"
    )
    return folder


def words(worker: Worker, kind: str, seed: int) -> Recording:
    """Every state and spike of the graph of the same blocks."""
    ready = prepare(bring(worker, kind, seed))
    return ready.run(stimulus(kind, seed), record=list(ready.record_keys()))[0]


def late(theirs: Array, steps: int) -> Array:
    """Without the last steps, which the file's network reaches after the end."""
    return theirs[: len(theirs) - steps]


@pytest.mark.parametrize("seed", range(SEEDS))
@pytest.mark.parametrize("kind", RESONANT)
def test_resonators(kind: str, seed: int, files: Path, worker: Worker, tmp_path: Path) -> None:
    """The file has slayer's states and spikes, one step later. Lava has them once snnhub wrote the decays."""
    graph = import_netx(files / f"{kind}_{seed}.net", ImportOptions())
    assert {"SNN-3131"} <= {finding.code for finding in graph.findings}
    x = stimulus(kind, seed).astype(np.uint8)
    ready, slayer = prepare(graph), words(worker, kind, seed)
    ours, _ = ready.run(x, record=list(ready.record_keys()))
    spikes = 0
    for number in range(len(graph.nodes) // 3):
        for old, new in (("s", "s"), ("re", "real"), ("im", "imag")):
            expected = late(slayer[f"blocks/{number}/{old}"], 1)
            np.testing.assert_array_equal(ours[f"layer{number}/{new}"][1:], expected, err_msg=f"{number}/{old}")
        spikes += int(slayer[f"blocks/{number}/s"].sum())
    assert spikes > 100
    export_netx(run_passes(graph, passes(), PassContext()), tmp_path / "a.net")
    again, _ = prepare(import_netx(tmp_path / "a.net", ImportOptions())).run(x, record=["output"])
    np.testing.assert_array_equal(again["output"], ours["output"])
    assert same(worker, tmp_path / "a.net", x) > 100


@pytest.mark.parametrize("seed", range(SEEDS))
def test_sigma_delta(seed: int, files: Path, worker: Worker) -> None:
    """File and Lava in bits; and slayer's own words of every layer, as many steps later as there are synapses."""
    path = files / f"sigma_delta_{seed}.net"
    graph = import_netx(path, ImportOptions())
    assert graph.decoder is None
    real = stimulus("sigma_delta", seed)
    x = (np.clip(np.rint(real * 32), -128, 127) * 2).astype(np.int32)
    assert same(worker, path, x) != 0
    ready, slayer = prepare(graph), words(worker, "sigma_delta", seed)
    ours, _ = ready.run(x, record=list(ready.record_keys()))
    compared = 0
    for key in slayer:
        place, _, name = key.rpartition("/")
        if name not in WORDS:
            continue
        number = int(place.removeprefix("blocks/"))
        other, units = WORDS[name]
        expected = late(slayer[key].astype(np.float64) * units, number)
        np.testing.assert_array_equal(ours[f"layer{number}/{other}"][number:], expected, err_msg=key)
        compared += expected.size
    assert compared > 15_000
