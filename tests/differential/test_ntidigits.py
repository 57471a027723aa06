"""The NTIDIGITS network that lava-dl ships among its tests: axonal delays, 3,000 steps, 22,572 spikes.

The files are read from the Lava environment and are no part of this project. Upstream's own test looks at one
column of the ground truth; here every spike is compared.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import snnhub
from snnhub.api.options import ImportOptions
from snnhub.errors import UnsupportedError
from snnhub.ir.rung import Rung
from snnhub.ir.tensor import Array
from snnhub.peers.env import interpreter
from snnhub.peers.recipe import read_recipe
from snnhub_lava import ENVIRONMENT

pytestmark = [pytest.mark.peer, pytest.mark.usefixtures("lava")]
SPIKES, STEPS, CLASSES = 22_572, 3_000, 242
FIVE = {"num_layers": "5"}
"""The sixth layer averages, which Lava's reader cannot load; upstream leaves it out in the same way."""


@pytest.fixture(scope="module")
def folder(lava: None) -> Path:
    """Where lava-dl's installed tests keep the network and its ground truth."""
    root = interpreter(read_recipe(ENVIRONMENT.path())).parent.parent
    (found,) = root.glob("lib/python3*/site-packages/tests/lava/lib/dl/netx/gts/ntidigits")
    return found


@pytest.fixture(scope="module")
def stimulus(folder: Path) -> Array:
    """(3000, 1, 1, 64) spikes; the file holds (64, 3000)."""
    spikes: Array = np.load(folder / "input.npy").T.reshape(STEPS, 1, 1, -1).astype(np.uint8)
    return spikes


def test_all_spikes_of_the_ground_truth(folder: Path, stimulus: Array) -> None:
    """The ground truth is what upstream's sink holds, which has every spike one step after the neuron fired."""
    truth = np.load(folder / "output.npy")
    result = snnhub.run(folder / "ntidigits.net", stimulus, options=ImportOptions(given=FIVE))
    ours = result.recording["output"].T
    assert truth.shape == ours.shape == (CLASSES, STEPS)
    assert int(truth.sum()) == int(ours.sum()) == SPIKES
    np.testing.assert_array_equal(ours[:, :-1], truth[:, 1:])
    assert not truth[:, 0].any()
    assert not ours[:, -1].any()
    assert result.decisions is None  # 242 neurons are no classes: 22 stand for one
    assert [f.code for f in result.findings if f.place == "/layer/5"] == ["SNN-3141"]


def test_every_u_and_v_as_in_lava(folder: Path, stimulus: Array) -> None:
    path = folder / "ntidigits.net"
    result = snnhub.verify(path, stimulus=stimulus[:600], against="lava", runner_options=FIVE)
    assert result.passed
    assert result.verdict.reached is Rung.BITS
    assert {row.a_key for row in result.verdict.rows} >= {"layer2/u", "layer3/v", "layer4/s", "output"}


def test_the_averaging_layer_is_refused_and_the_way_out_named(folder: Path) -> None:
    with pytest.raises(UnsupportedError) as caught:
        snnhub.inspect(folder / "ntidigits.net")
    assert "num_layers" in str(caught.value)
