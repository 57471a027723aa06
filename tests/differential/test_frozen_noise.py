"""The tutorial's network with its trained weights, in Rockpool and here; and SciPy's Student t."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import snnhub
from snnhub.api.distribution import count_spikes
from snnhub.api.options import ImportOptions
from snnhub.compare.rate_ratio import rate_ratio
from snnhub.compare.student import student_cdf, student_quantile

from tests.conftest import ROOT, SHARED
from tests.differential.dynapse2_reference import python

pytestmark = pytest.mark.peer
EXAMPLE = ROOT / "docs" / "examples" / "dynapse2_frozen_noise"
WEIGHTS = SHARED / "rockpool"
DOCUMENTED = [[49, 1], [8, 49]]
"""Spikes that the tutorial's network answers its two samples with."""


@pytest.fixture(scope="module")
def theirs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Counts of Rockpool: float, and quantised by three runs of its autoencoder."""
    if not (WEIGHTS / "w_in_optimized.npy").is_file():
        pytest.skip("the trained weights are not here")
    out = tmp_path_factory.mktemp("rockpool") / "counts.npz"
    command = [str(python()), str(EXAMPLE / "with_rockpool.py"), str(WEIGHTS), str(out), "--runs=3"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    with np.load(out) as file:
        return {name: file[name].astype(int) for name in file.files}


@pytest.fixture(scope="module")
def modules() -> Any:
    """``noise.py`` and ``network.py`` of the example."""
    sys.path.insert(0, str(EXAMPLE))
    import network  # type: ignore[import-not-found]
    import noise  # type: ignore[import-not-found]

    sys.path.remove(str(EXAMPLE))
    return noise, network


def test_the_documented_counts_and_all_hundred_others(
    theirs: dict[str, Any], modules: Any, tmp_path: Path
) -> None:
    """Ours without Rockpool, from the two weight files alone, fires as often as DynapSim in every sample."""
    noise, network = modules
    assert theirs["float_known"][0].tolist() == DOCUMENTED
    graph = snnhub.load(network.save(tmp_path / "float.npz", *network.weights(WEIGHTS)))
    for part, which in (("known", noise.KNOWN), ("unknown", noise.UNKNOWN)):
        ours = count_spikes(graph, noise.frozen_noise(*which))
        assert (ours == theirs[f"float_{part}"][0]).all()


def test_the_board_keeps_more_of_the_decision_than_the_autoencoder(
    theirs: dict[str, Any], modules: Any, tmp_path: Path
) -> None:
    noise, network = modules
    network.save(tmp_path / "float.npz", *network.weights(WEIGHTS))
    snnhub.convert(tmp_path / "float.npz", tmp_path / "dynapse2.json", to="dynapse2")
    counts = count_spikes(snnhub.load(tmp_path / "dynapse2.json"), noise.frozen_noise(*noise.KNOWN))
    ours = [rate_ratio(row) for row in counts]
    assert [item.winner for item in ours] == [0, 1]
    best = np.array([[rate_ratio(row).ratio for row in run] for run in theirs["autoencoder_known"]])
    print(f"ours {ours[0]}, {ours[1]}; autoencoder {best.round(2).tolist()}")
    assert ours[0].ratio > best[:, 0].max()
    assert ours[1].ratio > best[:, 1].max()
    before = snnhub.load(tmp_path / "float.npz")
    result = snnhub.distribution(before, tmp_path / "dynapse2.json", noise.frozen_noise(*noise.UNKNOWN))
    assert result.passed


def test_students_t_is_scipys() -> None:
    """SciPy is in Rockpool's environment."""
    code = """
import json
from scipy.stats import t
df, at, p = [1, 2.5, 9, 37.2, 1000, 2e4], [-8, -1.7, 0, 0.3, 2, 20], [0.01, 0.6, 0.9, 0.95, 0.975, 0.9999]
both = [[[t.cdf(x, d) for x in at], [t.ppf(x, d) for x in p]] for d in df]
print(json.dumps([df, at, p, both]))
"""
    done = subprocess.run([str(python()), "-c", code], capture_output=True, text=True, timeout=120, check=True)
    df, at, p, both = json.loads(done.stdout)
    for d, (cdf, quantiles) in zip(df, both, strict=True):
        assert [student_cdf(x, d) for x in at] == pytest.approx(cdf, abs=1e-11)
        assert [student_quantile(x, d) for x in p] == pytest.approx(quantiles, rel=1e-9)


def test_a_factory_against_dynapsim_itself(theirs: dict[str, Any], modules: Any) -> None:
    """Side B is the live peer: rates of our engine and of DynapSim, in pairs of the same samples."""
    x = modules[0].frozen_noise(*modules[0].UNKNOWN)[:, :12]
    result = snnhub.distribution(
        f"{ROOT / 'tests' / 'networks' / 'dynapsim_nets.py'}:seed",
        None,
        x,
        against="dynapsim",
        from_="dynapse2",
        options=ImportOptions(settings={"folder": str(WEIGHTS)}),
    )
    assert result.b.startswith("dynapsim: ")
    assert result.passed
    assert [row.a.spikes for row in result.verdict.rows] == [row.b.spikes for row in result.verdict.rows]
    assert result.verdict.rows[0].b.spikes == theirs["float_unknown"][0, :12, 0].sum()
