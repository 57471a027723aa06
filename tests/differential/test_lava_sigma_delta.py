"""Live Lava on sigma-delta networks: every graded spike, sigma, activation and residue, in every step."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import snnhub
from snnhub.api.options import ImportOptions
from snnhub.api.request import RunRequest
from snnhub.engine.reference import prepare
from snnhub.engine.stimulus import read_stimulus
from snnhub.errors import UsageError
from snnhub.ir.graph import Graph
from snnhub.ir.recording import Recording
from snnhub.ir.rung import Rung
from snnhub.ir.tensor import Array
from snnhub.passes.base import PassContext, run_passes
from snnhub.peers.env import interpreter, own_packages
from snnhub.peers.protocol import Worker
from snnhub.peers.recipe import read_recipe
from snnhub_conformance.packing import merge
from snnhub_lava import ENVIRONMENT
from snnhub_lava.runner import open_worker, run_in
from snnhub_netx.arrange import passes
from snnhub_netx.reader import import_netx
from snnhub_netx.writer import export_netx

from tests.differential.test_lava import same
from tests.networks.netx_files import conv_layer, write
from tests.networks.random_sigma_delta import KINDS, STEPS, group, sdnn, wild

pytestmark = [pytest.mark.peer, pytest.mark.usefixtures("lava")]
GROUPS, EACH, WILD = 20, 10, 30
SILENT: list[tuple[int, int]] = []


@pytest.fixture(scope="module")
def worker(lava: None) -> Iterator[Worker]:
    """One Lava process for all runs."""
    with open_worker() as opened:
        yield opened


@pytest.fixture(scope="module")
def shipped(lava: None) -> Path:
    """The networks among lava-dl's installed tests."""
    python = interpreter(read_recipe(ENVIRONMENT.path()))
    found = sorted(
        python.parent.parent.glob("lib/python3.*/site-packages/tests/lava/lib/dl/netx/gts/pilotnet_sdnn")
    )
    if not found:
        pytest.skip("this lava-dl came without its tests")
    return found[0]


def theirs(worker: Worker, graph: Graph, path: Path, x: Array) -> Recording:
    """What Lava gives for a file."""
    return run_in(worker, RunRequest(graph, read_stimulus(x, graph.inputs[0]), ("*",), path))


def test_the_file_by_others(netx_data: Path, worker: Worker) -> None:
    with np.load(netx_data / "pilotnet_sdnn_test.npz") as file:
        assert same(worker, netx_data / "pilotnet_sdnn_test.net", file["input"][:8]) != 0


@pytest.mark.parametrize("name", ["network", "square_network"])
def test_networks_that_lava_dl_ships(name: str, shipped: Path, worker: Worker) -> None:
    width = 100 if name == "network" else 33
    x = np.random.default_rng(0).integers(-64, 65, (6, 3, 33, width), np.int32)
    assert same(worker, shipped / f"{name}.net", x) != 0


def test_the_recordings_that_lava_dl_ships(shipped: Path) -> None:
    """One frame in every step: states of two layers in 20 steps, and the outputs of nine."""
    frames = np.repeat(np.load(shipped / "input.npy").T, 20, axis=0)
    graph = import_netx(shipped / "network.net", ImportOptions())
    ours, _ = prepare(graph).run(frames, record=["layer1/sigma", "layer2/sigma", "output"])
    for key, name in (("layer1/sigma", "sigma1"), ("layer2/sigma", "sigma2")):
        np.testing.assert_array_equal(ours[key], np.load(shipped / f"{name}.npy").T, err_msg=key)
    np.testing.assert_array_equal(ours["output"][:9], np.load(shipped / "output.npy").T)


def test_the_recordings_of_the_square_network(shipped: Path) -> None:
    frames = np.repeat(np.load(shipped / "input.npy")[:33, :33].T, 20, axis=0)
    graph = import_netx(shipped / "square_network.net", ImportOptions())
    keys = [f"layer{number}/sigma" for number in (1, 2, 3, 4)]
    ours, _ = prepare(graph).run(frames, record=keys)
    for number, key in enumerate(keys, 1):
        np.testing.assert_array_equal(ours[key], np.load(shipped / f"sigma{number}_square.npy").T, err_msg=key)


@pytest.mark.parametrize("number", range(GROUPS))
def test_random_networks_side_by_side(number: int, worker: Worker, tmp_path: Path) -> None:
    """200 networks in 20 runs: each alone in the engine, all of a group as one network in Lava."""
    drawn = group(number, EACH)
    graphs = [
        import_netx(write(tmp_path / f"{index}.net", net.layers), ImportOptions())
        for index, net in enumerate(drawn)
    ]
    whole = run_passes(merge(graphs), passes(), PassContext())
    export_netx(whole, tmp_path / "whole.net")
    found = theirs(
        worker,
        import_netx(tmp_path / "whole.net", ImportOptions()),
        tmp_path / "whole.net",
        np.concatenate([net.x for net in drawn], axis=1),
    )
    names = dict(zip((n.id for n in graphs[0].nodes), (n.id for n in whole.nodes), strict=True))
    places = dict.fromkeys(found, 0)
    for index, (graph, net) in enumerate(zip(graphs, drawn, strict=True)):
        keys = [key for key in prepare(graph).record_keys() if _renamed(key, names) in found]
        ours, _ = prepare(graph).run(net.x, record=keys)
        for key in keys:
            other, size = _renamed(key, names), ours[key].shape[1]
            part = found[other][:, places[other] : places[other] + size]
            np.testing.assert_array_equal(ours[key], part, err_msg=f"group {number}, network {index}: {key}")
            places[other] += size
        SILENT.extend([(number, index)] * (not ours["output"].any()))
    assert set(places) == {key for key in found if places[key] == found[key].shape[1]}, "all of it was compared"


def _renamed(key: str, names: dict[str, str]) -> str:
    place, _, name = key.rpartition("/")
    return f"{names.get(place, place)}/{name}" if place else key


def test_the_random_networks_were_alive() -> None:
    assert len(KINDS) < GROUPS
    assert len(SILENT) < GROUPS * EACH // 5, SILENT


@pytest.mark.parametrize("seed", range(WILD))
def test_words_that_overflow(seed: int, worker: Worker, tmp_path: Path) -> None:
    """Sums beyond 24 and 32 bits, thresholds and biases that wrap, damaged matrices."""
    net = wild(seed)
    same(worker, write(tmp_path / "a.net", net.layers), net.x)


def test_an_eleven_layer_detector_that_lava_dl_exports(worker: Worker, tmp_path: Path) -> None:
    """Ten convolutions and a sigma output, from slayer's blocks by ``export_hdf5``; then written by us."""
    python = interpreter(read_recipe(ENVIRONMENT.path()))
    folders = os.pathsep.join(sorted({str(Path(folder).parent) for folder in own_packages().values()}))
    environment = {**os.environ, "PYTHONPATH": folders}
    command = [str(python), "-m", "tests.networks.slayer_detector", str(tmp_path / "a.net")]
    done = subprocess.run(
        command, cwd=Path(__file__).parents[2], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
    graph = import_netx(tmp_path / "a.net", ImportOptions())
    assert sum(node.op == "core.Conv" for node in graph.nodes) == 10
    x = np.random.default_rng(2).integers(-64, 65, (16, 3, 32, 40), np.int32)
    assert same(worker, tmp_path / "a.net", x) != 0
    keys = [f"{node.id}/s" for node in graph.nodes if "a_bits" in node.attribute]
    ours, _ = prepare(graph).run(x, record=keys)
    assert all(array.any() for array in ours.values()), "every layer sends something"
    export_netx(run_passes(graph, passes(), PassContext()), tmp_path / "b.net")
    assert import_netx(tmp_path / "b.net", ImportOptions()).network() == graph.network()
    assert same(worker, tmp_path / "b.net", x) != 0


def test_convolutions_beyond_32_bits(worker: Worker, tmp_path: Path) -> None:
    """Where a sum leaves 32 bits, Lava converts a float that does not fit, which C leaves undefined.

    Until then both wrap to 24 bits. From there on the graph goes on wrapping; on x86 Lava gives 0.
    """
    layers = [
        {"type": "input", "shape": np.array([1, 1, 1]), "neuron": sdnn(0)},
        conv_layer(np.full((1, 1, 1, 1), 2**14), (1, 1, 1), neuron=sdnn(0)),
    ]
    path = write(tmp_path / "a.net", layers)
    graph = import_netx(path, ImportOptions())
    for first, equal in ((2047, True), (2049, False)):
        x = np.array([first, 2 * first, first, 0, 0]).reshape(5, 1, 1, 1).astype(np.int32)
        found = theirs(worker, graph, path, x)
        ours, _ = prepare(graph).run(x, record=["layer1/sigma"])
        assert np.array_equal(found["layer1/sigma"], ours["layer1/sigma"]) is equal


def test_samples_run_one_by_one(worker: Worker, tmp_path: Path) -> None:
    net = group(0, 1)[0]
    path = write(tmp_path / "a.net", net.layers)
    x = np.stack([net.x, net.x[::-1]], axis=1)
    same(worker, path, x)
    graph = import_netx(path, ImportOptions())
    request = RunRequest(graph, read_stimulus(x, graph.inputs[0]), ("*",), path, options={"batch": "reset"})
    with pytest.raises(UsageError, match="sigma-delta neurons"):
        run_in(worker, request)


def test_resets_pass_sigma_delta_neurons_by(worker: Worker, tmp_path: Path) -> None:
    """A convolution of CUBA neurons between them is reset, at the step that its place gives."""
    layers = [
        {"type": "input", "shape": np.array([1, 3, 3]), "neuron": sdnn(1)},
        conv_layer(2 * np.arange(-3, 5).reshape(2, 1, 2, 2), (2, 2, 2), neuron=sdnn(2)),
        conv_layer(2 * np.arange(-3, 5).reshape(1, 2, 2, 2), (1, 1, 1)),
    ]
    path = write(tmp_path / "a.net", layers)
    x = np.random.default_rng(3).integers(-9, 30, (STEPS + 10, 1, 3, 3), np.int32)
    assert same(worker, path, x, reset_interval="5", reset_offset="2") != 0
    graph = import_netx(path, ImportOptions(given={"reset_interval": "5"}))
    assert "SNN-3124" in {finding.code for finding in graph.findings}


def test_verify_and_convert(netx_data: Path, tmp_path: Path) -> None:
    """The commands: read, written, read back, and held to Lava."""
    with np.load(netx_data / "pilotnet_sdnn_test.npz") as file:
        x = file["input"][:4]
    snnhub.convert(netx_data / "pilotnet_sdnn_test.net", tmp_path / "a.net")
    result = snnhub.verify(tmp_path / "a.net", stimulus=x, against="lava")
    assert result.passed
    assert result.verdict.reached is Rung.BITS
    assert {row.a_key for row in result.verdict.rows} >= {"layer1/sigma", "layer1/residue", "layer9/s", "output"}
