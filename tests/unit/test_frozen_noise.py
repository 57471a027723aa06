"""The example of frozen noise: our own network from numbers to a board's file and back, without any peer."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import snnhub
from snnhub.api.distribution import count_spikes
from snnhub.api.draws import draws
from snnhub.compare.rate_ratio import rate_ratio
from snnhub.ir.graph import Graph
from snnhub.ir.rung import Rung

from tests.conftest import ROOT

EXAMPLE = ROOT / "docs" / "examples" / "dynapse2_frozen_noise"
FLOAT, MAPPED = [[35, 4], [3, 32]], [[35, 4], [3, 32]]
"""Spikes of both neurons in both known samples."""


@pytest.fixture(scope="module")
def example() -> tuple[ModuleType, ModuleType]:
    """``noise.py`` and ``network.py`` of the example."""
    found = []
    for name in ("noise", "network"):
        spec = importlib.util.spec_from_file_location(f"frozen_{name}", EXAMPLE / f"{name}.py")
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        found.append(module)
    return found[0], found[1]


@pytest.fixture(scope="module")
def networks(
    example: tuple[ModuleType, ModuleType], tmp_path_factory: pytest.TempPathFactory
) -> tuple[Graph, Graph]:
    """The float network, and the one that ``dynapse2.json`` holds."""
    folder = tmp_path_factory.mktemp("frozen")
    network = example[1]
    network.save(folder / "float.npz", *network.weights())
    snnhub.convert(folder / "float.npz", folder / "dynapse2.json", to="dynapse2")
    return snnhub.load(folder / "float.npz"), snnhub.load(folder / "dynapse2.json")


def test_the_noise_is_what_numpy_draws_sample_by_sample(example: tuple[ModuleType, ModuleType]) -> None:
    """As the tutorial draws it: seed, then one call for all samples of (samples, steps, channels)."""
    noise = example[0]
    np.random.seed(2022)  # noqa: NPY002  the tutorial's
    drawn = np.random.poisson(0.05, (2, 500, 60))  # noqa: NPY002
    known = noise.frozen_noise(*noise.KNOWN)
    assert (known.swapaxes(0, 1) == drawn).all()
    assert (known.shape, known.dtype) == ((500, 2, 60), np.float32)
    assert known.mean() / noise.DT == pytest.approx(50, rel=0.05)
    assert noise.frozen_noise(*noise.UNKNOWN).shape == (500, 100, 60)


def test_own_weights_decide_before_and_after_the_board(
    example: tuple[ModuleType, ModuleType], networks: tuple[Graph, Graph]
) -> None:
    noise = example[0]
    known = noise.frozen_noise(*noise.KNOWN)
    assert [count_spikes(graph, known).tolist() for graph in networks] == [FLOAT, MAPPED]
    for graph in networks:
        for copy in draws(graph, 3, 0.05, 1):
            runs = [rate_ratio(row) for row in count_spikes(copy, known)]
            assert [run.winner for run in runs] == [0, 1]
            assert min(run.ratio for run in runs) > 3


def test_rates_stay_the_same_and_bits_are_not_claimed(
    example: tuple[ModuleType, ModuleType], networks: tuple[Graph, Graph]
) -> None:
    noise = example[0]
    x = noise.frozen_noise(30, 2023)
    result = snnhub.distribution(*networks, x)
    assert result.reached is Rung.DISTRIBUTION
    assert result.verdict.paired
    assert max(row.ratio for row in result.verdict.rows) < 1.1
    assert all(ratio.least > 5 for side in result.ratios for ratio in side)


def test_the_demo_runs(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    command = [sys.executable, str(EXAMPLE / "demo.py"), "--out", str(tmp_path), "--draws=2", "--unknown=8"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    assert "| float | 35/4 = 8.75 | 3" in done.stdout
    report = json.loads((tmp_path / "report.json").read_text())
    assert [row["known"][0] for row in report["networks"][:2]] == [FLOAT, MAPPED]
    assert [row["right"] for row in report["networks"]] == [2, 2, 4, 4]
    assert (tmp_path / "ratios.png").stat().st_size > 5000
    assert (tmp_path / "dynapse2.json").is_file()
