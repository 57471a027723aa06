"""Live Lava: delays that differ between neurons, with everything they meet; and those that Lava cannot have."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from snnhub.api.options import ImportOptions
from snnhub.api.request import RunRequest
from snnhub.engine.stimulus import read_stimulus
from snnhub.errors import RunError
from snnhub.passes.base import PassContext, run_passes
from snnhub.peers.protocol import Worker
from snnhub_lava.runner import open_worker, run_in
from snnhub_netx.arrange import passes
from snnhub_netx.reader import import_netx
from snnhub_netx.writer import export_netx

from tests.build import spikes
from tests.differential.test_lava import same
from tests.networks.netx_files import CUBA, conv_layer, dense_layer, write
from tests.unit.test_delays import WEIGHT, parallel

pytestmark = [pytest.mark.peer, pytest.mark.usefixtures("lava")]


@pytest.fixture(scope="module")
def worker(lava: None) -> Iterator[Worker]:
    """One Lava process for all runs."""
    with open_worker() as opened:
        yield opened


@pytest.mark.parametrize(
    "delay",
    [[0.0, 2, 7], [3.0, 0, 3, 1], [[0.0, 1, 2, 3], [62, 0, 9, 9], [4, 4, 0, 61]], [1.75, 80, 0], 30.0],
    ids=["per output", "per input", "per synapse", "clamped and cut", "one"],
)
def test_delays_of_every_shape(delay: Any, worker: Worker, tmp_path: Path) -> None:
    """Long enough for the longest delay to arrive."""
    layer = dense_layer(WEIGHT, delay=np.array(delay, np.float32), neuron={**CUBA, "vThMant": 9})
    assert same(worker, write(tmp_path / "a.net", [layer]), spikes((75, 4), 0.5)) > 0


@pytest.mark.parametrize(
    "weight",
    [
        [[-8, -8], [-8, -8]],
        [[-2, -128], [-6, -4]],
        [[0, -1], [-1, -1]],
        [[300, -10], [3, 5]],
        [[-3, -5], [-7, -9]],
    ],
)
def test_the_shift_is_that_of_each_delay(weight: list[list[int]], worker: Worker, tmp_path: Path) -> None:
    """Damaged matrices: the sum is shifted back, rounding down, for each delay by itself."""
    second = dense_layer(weight, bias=np.array([70.0, 90.0]), delay=np.array([[0.0, 2], [1, 3]]))
    path = write(tmp_path / "a.net", [dense_layer([[80, 80], [90, 70]]), second])
    assert same(worker, path, spikes((30, 2), 0.6)) > 0


def test_with_resets_biases_and_recurrence(worker: Worker, tmp_path: Path) -> None:
    """A reset clears u and v, and not what is on its way; each block one step after the one before."""
    random = np.random.default_rng(5)
    recurrent = {"type": "dense_rec", "weight_rec": 2.0 * random.integers(-20, 12, (5, 5))}
    layers = [
        {"type": "input", "shape": np.array([2, 4, 4])},
        conv_layer(2 * random.integers(-9, 16, (4, 1, 2, 2)), (4, 3, 3), groups=2, bias=np.array([3.0, 0, -2, 9])),
        {"type": "flatten"},
        dense_layer(2 * random.integers(-9, 12, (6, 36)), delay=random.integers(0, 7, (6, 36)).astype(np.float32)),
        dense_layer(2 * random.integers(-9, 30, (5, 6)), bias=np.array([9.0, 2, 0, -4, 30]), **recurrent),
        dense_layer(2 * random.integers(-9, 30, (3, 5)), delay=np.array([4.0, 0, 1])),
    ]
    path = write(tmp_path / "a.net", layers)
    for offset in ("0", "1", "17"):
        fired = same(worker, path, spikes((40, 2, 4, 4), 0.5), reset_interval="7", reset_offset=offset)
        assert fired > 0


def test_an_input_block_read_and_written_back(worker: Worker, tmp_path: Path) -> None:
    """Neurons at the input, with decays per channel, before a grouped and dilated convolution."""
    random = np.random.default_rng(8)
    neuron = {**CUBA, "vThMant": 0, "vDecay": np.array([0, 2048])}
    layers: list[dict[str, Any]] = [
        {"type": "input", "shape": np.array([2, 6, 5]), "neuron": neuron},
        conv_layer(
            2 * random.integers(-9, 16, (4, 1, 2, 3)),
            (4, 2, 3),
            stride=np.array([2, 1]),
            padding=np.array([0, 1]),
            dilation=np.array([2, 2]),
            groups=2,
        ),
        {"type": "flatten"},
        dense_layer(2 * random.integers(-9, 12, (3, 24)), delay=np.array([2.0, 0, 5])),
    ]
    graph = import_netx(write(tmp_path / "a.net", layers), ImportOptions())
    assert export_netx(graph, tmp_path / "b.net") == []
    assert import_netx(tmp_path / "b.net", ImportOptions()).network() == graph.network()
    x = spikes((25, 2, 6, 5), 0.5)
    assert same(worker, tmp_path / "b.net", x, reset_interval="9", reset_offset="2") > 0


def test_parallel_synapses_written_as_delays(worker: Worker, tmp_path: Path) -> None:
    graph = parallel([(6, np.array([[0, 60], [-40, 0]])), (1, np.array([[20, 0], [0, 80]]))])
    export_netx(run_passes(graph, passes(), PassContext()), tmp_path / "a.net")
    assert same(worker, tmp_path / "a.net", spikes((30, 2), 0.5)) > 0


def lava(worker: Worker, path: Path, plain: Path) -> Any:
    """What Lava records of a file that the reader refuses; ``plain`` is the same without delays."""
    graph = import_netx(plain, ImportOptions())
    stimulus = read_stimulus(np.ones((6, 2), np.uint8), graph.inputs[0])
    return run_in(worker, RunRequest(graph, stimulus, ("*",), path))


@pytest.mark.parametrize("inputs", [2, 3])
def test_why_recurrent_layers_with_delays_are_refused(inputs: int, worker: Worker, tmp_path: Path) -> None:
    """Lava fails; where both matrices are square it runs, with weights of another scale."""
    weight = np.full((2, inputs), 8)
    recurrent = {"type": "dense_rec", "weight_rec": np.array([[0.0, -2], [4, 0]])}
    first = dense_layer(np.full((inputs, 2), 80))
    plain = write(tmp_path / "a.net", [first, dense_layer(weight, **recurrent)])
    path = write(tmp_path / "b.net", [first, dense_layer(weight, **recurrent, delay=np.array(0.0))])
    if inputs == 3:
        with pytest.raises(RunError):
            lava(worker, path, plain)
        return
    assert not np.array_equal(lava(worker, path, plain)["layer1/u"], lava(worker, plain, plain)["layer1/u"])


def test_why_negative_delays_are_refused(worker: Worker, tmp_path: Path) -> None:
    plain = write(tmp_path / "a.net", [dense_layer(np.full((2, 2), 8))])
    path = write(tmp_path / "b.net", [dense_layer(np.full((2, 2), 8), delay=np.array([0.0, -1]))])
    with pytest.raises(RunError):
        lava(worker, path, plain)
