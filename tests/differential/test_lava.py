"""Live Lava: every u, v and spike, on files by others, on the trained network, on random networks."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import snnhub
from snnhub.api.options import ImportOptions
from snnhub.api.request import RunRequest
from snnhub.api.verify import VerifyResult
from snnhub.engine.reference import prepare
from snnhub.engine.stimulus import read_stimulus
from snnhub.errors import RunError, UnsupportedError, UsageError
from snnhub.ir.builder import GraphBuilder
from snnhub.ir.graph import Graph
from snnhub.ir.numtype import SPIKE
from snnhub.ir.rung import Rung
from snnhub.ir.tensor import Array
from snnhub.ops.registry import REGISTRY
from snnhub.passes.base import PassContext, run_passes
from snnhub.peers.protocol import Worker
from snnhub_lava.runner import open_worker, run_in
from snnhub_netx.arrange import passes
from snnhub_netx.reader import import_netx
from snnhub_netx.writer import export_netx

from tests.build import conv, cuba, dense, spikes
from tests.golden.freeze import digits
from tests.golden.test_golden import CURRENT
from tests.networks.netx_files import dense_layer, write

pytestmark = [pytest.mark.peer, pytest.mark.usefixtures("lava")]
RANDOM = 24


@pytest.fixture(scope="module")
def worker(lava: None) -> Iterator[Worker]:
    """One Lava process for all short runs."""
    with open_worker() as opened:
        yield opened


def same(worker: Worker, path: Path, x: Array, **options: str) -> int:
    """Run a file in both and compare everything; returns the number of spikes, so that tests can see life."""
    imported = ImportOptions(given=options)
    graph = import_netx(path, imported)
    stimulus = read_stimulus(x, graph.inputs[0])
    theirs = run_in(worker, RunRequest(graph, stimulus, ("*",), path, imported, options))
    ours, _ = prepare(graph).run(x, record=list(theirs))
    for key in theirs:
        np.testing.assert_array_equal(ours[key], theirs[key], err_msg=key)
    return int(sum(theirs[key].sum() for key in theirs if key.endswith("/s")))


@pytest.mark.parametrize(
    ("network", "recording", "steps", "options"),
    [
        ("oxford.net", "oxford_real_input.npz", 120, {}),
        ("recurrent_example_test.net", "recurrent_test.npz", 60, {}),
        ("tiny.net", "tiny_reset.npz", 40, {"reset_interval": "16"}),
        ("pilotnet_snn.net", "pilotnet_snn.npz", 6, {}),
    ],
)
def test_files_by_others(
    network: str, recording: str, steps: int, options: dict[str, str], netx_data: Path, worker: Worker
) -> None:
    with np.load(netx_data / recording) as file:
        assert same(worker, netx_data / network, file["input"][:steps], **options) > 0


def test_the_trained_network_on_digits() -> None:
    """Outputs, and every u and v: bits. ``SNNHUB_THOROUGH``: of 100 digits, else of 40."""
    count = 100 if os.environ.get("SNNHUB_THOROUGH") else 40
    stimulus = digits("images", count)
    result: VerifyResult = snnhub.verify(CURRENT / "mnist_csnn.net", stimulus=stimulus, against="lava")
    assert result.passed
    assert result.expected is Rung.BITS
    assert result.verdict.reached is Rung.BITS
    assert result.samples == count
    assert result.state_samples >= 5
    assert {row.a_key for row in result.verdict.rows} >= {"layer1/u", "layer1/v", "layer7/u", "layer7/s", "output"}
    assert result.verdict.decisions_equal == count


def chain(seed: int) -> Graph:
    """A random network: dense or convolutional, recurrent or not, with biases and decays per channel."""
    random = np.random.default_rng((20261121, seed))
    builder = GraphBuilder(f"random{seed}", REGISTRY)
    shape: tuple[int, ...] = (2, 6, 5) if seed % 3 == 0 else (int(random.integers(3, 12)),)
    port = builder.input(shape, SPIKE)
    for index in range(int(random.integers(1, 4))):
        if len(shape) == 3 and index < 2:
            groups = 2 if index == 0 and seed % 2 else 1
            weight = (2 * random.integers(-50, 70, (4, shape[0] // groups, 3, 2))).astype(np.int16)
            changes: dict[str, Any] = {
                "stride": (int(random.integers(1, 3)), 1),
                "padding": (1, int(random.integers(0, 2))),
                "groups": groups,
            }
            port = conv(builder, f"s{index}", port, weight, 1, accumulate="wrap24", **changes)
            sizes = [
                (size + 2 * pad - kernel) // step + 1
                for size, pad, kernel, step in zip(
                    shape[1:], changes["padding"], (3, 2), changes["stride"], strict=True
                )
            ]
            shape = (4, *sizes)
        else:
            if len(shape) == 3:
                port = builder.node(f"f{index}", "core.Flatten", port, start=0, end=2)
                shape = (int(np.prod(shape)),)
            size = int(random.integers(2, 10))
            weight = (2 * random.integers(-60, 90, (size, shape[0]))).astype(np.int16)
            weight[0, 0] = 2
            port = dense(builder, f"s{index}", port, weight, 1)
            shape = (size,)
        rank = (shape[0], *[1] * (len(shape) - 1))
        bias = random.integers(-300, 500, rank) if seed % 4 == 1 else 0
        decay = random.integers(0, 4097, rank) if seed % 2 else int(random.integers(0, 4097))
        port = cuba(
            builder,
            f"n{index}",
            port,
            vth=int(random.integers(1, 400)),
            i_decay=int(random.choice([0, 900, 4096])),
            v_decay=decay,
            bias=bias,
        )
        if len(shape) == 1 and seed % 5 == 2:
            back = (2 * random.integers(-30, 30, (shape[0], shape[0]))).astype(np.int16)
            from snnhub.ir.graph import Port

            builder.edge(dense(builder, f"r{index}", port, back, 1), Port(f"n{index}", "a"))
    builder.output(port)
    return builder.graph()


@pytest.mark.parametrize("seed", range(RANDOM))
def test_random_networks(seed: int, worker: Worker, tmp_path: Path) -> None:
    graph = run_passes(chain(seed), passes(), PassContext())
    export_netx(graph, tmp_path / "a.net")
    x = spikes((25, *graph.inputs[0].shape), 0.4, seed)
    same(worker, tmp_path / "a.net", x)


def test_states_beyond_32_bits_wrap_as_in_lava(worker: Worker, tmp_path: Path) -> None:
    """Fan-in 2048 with weight 254 and no current decay: u leaves 32 bits after 132 steps."""
    neuron = {"type": "CUBA", "iDecay": 0, "vDecay": 0, "vThMant": 2**17, "refDelay": 1, "gradedSpike": False}
    weight = np.full((2, 2048), 254)
    weight[1] = -254
    path = write(tmp_path / "a.net", [dense_layer(weight, neuron=neuron)])
    same(worker, path, np.ones((150, 2048), np.uint8))


@pytest.mark.parametrize(
    "weight",
    [
        [[-8, -8], [-8, -8]],
        [[-2, -128], [-6, -4]],
        [[0, -128], [-2, 0]],
        [[0, -1], [-1, -1]],
        [[300, 10], [2, 4]],
        [[300, -10], [3, 5]],
        [[-3, -5], [-7, -9]],
    ],
)
def test_weights_that_lava_changes_are_read_as_lava_has_them(
    weight: list[list[int]], worker: Worker, tmp_path: Path
) -> None:
    second = dense_layer(weight, bias=np.array([70.0, 90.0]))
    path = write(tmp_path / "a.net", [dense_layer([[80, 80], [90, 70]]), second])
    assert same(worker, path, spikes((30, 2), 0.6)) > 0


def test_a_leading_flatten_and_a_plain_input_layer(worker: Worker, tmp_path: Path) -> None:
    layers: list[dict[str, Any]] = [
        {"type": "input", "shape": np.array([2, 3, 2])},
        {"type": "flatten"},
        dense_layer(2 * np.arange(-18, 18).reshape(3, 12)),
    ]
    assert same(worker, write(tmp_path / "a.net", layers), spikes((20, 2, 3, 2), 0.6)) > 0


@pytest.mark.parametrize("shape", [(), (3,), (4,), (3, 4)])
def test_a_uniform_delay(shape: tuple[int, ...], worker: Worker, tmp_path: Path) -> None:
    delay = np.full(shape, 5, np.float32)
    path = write(tmp_path / "a.net", [dense_layer(np.full((3, 4), 24), delay=delay)])
    assert same(worker, path, spikes((30, 4), 0.5)) > 0


def test_inhibition_is_saved_by_a_silent_neuron(worker: Worker, tmp_path: Path) -> None:
    builder = GraphBuilder("inhibit", REGISTRY)
    first = cuba(
        builder,
        "a",
        dense(builder, "d", builder.input((3,), SPIKE), np.array([[8, 2, 4], [2, 6, -2]], np.int8), 1),
        vth=4,
    )
    builder.output(
        cuba(builder, "b", dense(builder, "e", first, np.full((2, 2), -8, np.int8), 1), vth=10, bias=[11, 9])
    )
    graph = run_passes(builder.graph(), passes(), PassContext())
    export_netx(graph, tmp_path / "a.net")
    assert same(worker, tmp_path / "a.net", spikes((30, 3), 0.6)) > 0


def test_samples_by_reset_equal_samples_by_restart(tmp_path: Path) -> None:
    graph = run_passes(chain(4), passes(), PassContext())
    export_netx(graph, tmp_path / "a.net")
    x = spikes((12, 3, *graph.inputs[0].shape), 0.5)
    runs = [
        snnhub.run(tmp_path / "a.net", x, runner="lava", record="all", runner_options={"batch": method}).recording
        for method in ("reset", "restart")
    ]
    assert sum(int(array.sum()) for key, array in runs[0].items() if key.endswith("/s")) > 0
    for used in runs:
        assert {"SNN-6001", "SNN-6002"} <= {finding.code for finding in used.findings}
    for key, array in runs[0].items():
        np.testing.assert_array_equal(array, runs[1][key], err_msg=key)


def test_a_lowered_neutral_file_runs_in_lava(tmp_path: Path) -> None:
    """The runner takes NetX; a graph that is arranged as NetX is written to a temporary file for it."""
    snnhub.convert(CURRENT / "mnist_csnn.net", tmp_path / "a.snn")
    result = snnhub.verify(tmp_path / "a.snn", stimulus=digits("images", 2), against="lava")
    assert result.verdict.reached is Rung.BITS
    with pytest.raises(UnsupportedError):
        snnhub.run(CURRENT / "mnist_csnn.snn", digits("images", 2), runner="lava")


def test_errors_of_lava_are_passed_on(worker: Worker, tmp_path: Path) -> None:
    path = write(tmp_path / "a.net", [dense_layer(np.full((2, 2), 4))])
    graph = import_netx(path, ImportOptions())
    path.write_bytes(b"not hdf5")
    request = RunRequest(graph, read_stimulus(spikes((3, 2)), graph.inputs[0]), ("*",), path)
    with pytest.raises(RunError, match="run: "):
        run_in(worker, request)


def test_keys_and_options_that_lava_does_not_have(worker: Worker, tmp_path: Path) -> None:
    path = write(tmp_path / "a.net", [dense_layer(np.full((2, 2), 4), bias=np.array([1.0, 2.0]))])
    graph = import_netx(path, ImportOptions())
    stimulus = read_stimulus(spikes((3, 2, 2)), graph.inputs[0])
    with pytest.raises(UsageError, match="does not record"):
        run_in(worker, RunRequest(graph, stimulus, ("layer0/synapse/y",), path))
    with pytest.raises(UsageError, match="unknown batch method"):
        run_in(worker, RunRequest(graph, stimulus, ("output",), path, options={"batch": "magic"}))
    with pytest.raises(UsageError, match="separated by resets"):
        run_in(worker, RunRequest(graph, stimulus, ("output",), path, options={"batch": "reset"}))
