"""Bias generator and quantiser of Dynap-SE2 against Rockpool's, in the same run, with the vendor's currents."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from snnhub_dynapse2.dac import BASES, PARAMETERS, SCALES, errors, nearest, span, table
from snnhub_dynapse2.quantiser.levels import digits
from snnhub_dynapse2.quantiser.weights import CoreWeights, quantise, uniform_error

from tests.conftest import SHARED
from tests.differential.dynapse2_reference import ask
from tests.networks.dynapse2_nets import DEFAULTS, matrices

pytestmark = pytest.mark.peer
NAMES = tuple(SCALES)
ISCALE = 1e-8
BASE_SCALE = SCALES[BASES[0]]
LIGHT, HEAVY, FASTER = 8, 7, 20


@pytest.fixture(scope="module")
def vendor(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    return ask(tmp_path_factory.mktemp("table"), "table", names=NAMES)


def test_the_model_is_as_far_off_as_it_says(vendor: dict[str, Any]) -> None:
    for kind, currents in zip("NP", vendor["currents"], strict=True):
        off = np.abs(table(kind) / currents - 1)
        assert off.max(axis=1) == pytest.approx([row[0] for row in errors()[kind]], rel=2e-3)
        assert np.median(off, axis=1) == pytest.approx([row[1] for row in errors()[kind]], rel=2e-3)
        assert off[2:].max() < 0.011
        assert off.max() < 0.1
    np.testing.assert_array_equal(vendor["scales"], list(SCALES.values()))


def test_codes_are_as_near_as_rockpools(tmp_path: Path, vendor: dict[str, Any]) -> None:
    """Judged by the vendor's table: from 10 pA on our code is as near as Rockpool's up to the model's error."""
    rng = np.random.default_rng(1)
    print("seed 1")
    names = [
        name
        for name in sorted({parameter for group in PARAMETERS.values() for parameter in group})
        for _ in range(20)
    ]
    values = np.array([np.exp(rng.uniform(np.log(1e-11), np.log(span(name)[1]))) for name in names])
    theirs = ask(tmp_path, "code", names=names, values=values)["codes"]
    currents = dict(zip("NP", vendor["currents"], strict=True))
    off = [
        abs(currents[n[-1]][nearest(n, v).coarse, nearest(n, v).fine] * SCALES[n] / v - 1)
        for n, v in zip(names, values, strict=True)
    ]
    best = [
        abs(currents[n[-1]][tuple(c)] * SCALES[n] / v - 1) for n, v, c in zip(names, values, theirs, strict=True)
    ]
    print(
        f"median {np.median(off):.4f} (Rockpool {np.median(best):.4f}), largest {max(off):.4f} ({max(best):.4f})"
    )
    assert np.median(off) < 0.005
    assert np.quantile(off, 0.95) < 0.02


def with_vendor(result: CoreWeights, weights: Any, vendor: dict[str, Any]) -> float:
    """Mean square error with the vendor's currents at our codes."""
    currents = dict(zip("NP", vendor["currents"], strict=True))["P"] * BASE_SCALE
    bases = np.array([currents[code.coarse, code.fine] for code in result.codes]) / result.iscale
    values = np.sign(weights) * (digits(1)[result.masks] @ bases).sum(axis=1)
    return float(np.square(values - weights).mean())


@pytest.mark.parametrize("name", list(matrices()))
def test_weights_are_nearer_than_the_autoencoders(name: str, tmp_path: Path, vendor: dict[str, Any]) -> None:
    matrix, heavy = matrices()[name]
    compare(name, matrix, heavy, tmp_path, vendor)


def test_the_trained_network_of_rockpools_documentation(tmp_path: Path, vendor: dict[str, Any]) -> None:
    path = SHARED / "rockpool" / "w_in_optimized.npy"
    if not path.exists():
        pytest.skip(f"{path} is not here")
    compare("trained", np.load(path).astype(np.float64), False, tmp_path, vendor)


def compare(name: str, matrix: Any, heavy: bool, folder: Path, vendor: dict[str, Any]) -> None:
    weights = matrix[matrix != 0]
    found = ask(folder, "autoencoder", w_in=matrix, iscale=ISCALE, runs=3, seed=0)
    theirs = [float(np.square(run - matrix)[matrix != 0].mean()) for run in found["weights"]]
    times = []
    for _ in range(5):
        start = time.perf_counter()
        result = quantise(weights, ISCALE, DEFAULTS["Igain_syn"])
        times.append(time.perf_counter() - start)
    ours = with_vendor(result, weights, vendor)
    uniform = uniform_error(weights)
    faster = float(found["seconds"].min()) / min(times)
    print(
        f"{name}: {weights.size} weights, ours {ours:.4g}, autoencoder {min(theirs):.4g} .. {max(theirs):.4g}",
        end="",
    )
    print(f" ({min(theirs) / ours:.1f} x), uniform {uniform:.4g}, {faster:.0f} x faster")
    assert ours <= min(theirs) / (HEAVY if heavy else LIGHT)
    assert ours <= uniform
    assert faster >= FASTER
    again = quantise(weights, ISCALE, DEFAULTS["Igain_syn"])
    assert (again.codes, again.iscale) == (result.codes, result.iscale)
    np.testing.assert_array_equal(again.masks, result.masks)
