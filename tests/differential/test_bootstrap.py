"""The bootstrap network of docs/bootstrap.md: lava-dl's own export, and the live module, against slayer and Lava.

The last block is Affine without a neuron. In Lava its layer cannot spike, and decisions are read from its u.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import h5py
import numpy as np
import pytest
import snnhub
from snnhub.api.options import ImportOptions
from snnhub.api.remote import import_with, run_with
from snnhub.api.request import RunRequest
from snnhub.engine.reference import prepare
from snnhub.engine.stimulus import read_stimulus
from snnhub.errors import UnsupportedError
from snnhub.ir.graph import Decoder
from snnhub.ir.rung import Rung
from snnhub.ir.tensor import Array
from snnhub.peers.protocol import Worker
from snnhub_lava.runner import open_worker, run_in
from snnhub_lavadl import importer, runner
from snnhub_netx.reader import import_netx

from tests.networks.bootstrap_mnist import EXAMPLE, STEPS, Exported, exported

pytestmark = [pytest.mark.peer, pytest.mark.usefixtures("lava")]
MODEL = EXAMPLE / "model.py"
LIVE = 50
PART = 500
UNITY = 64 * 64
"""One of slayer's units in the u of the last layer: weights times 64, and u is shifted left by 6."""


@pytest.fixture(scope="module")
def net(lava: None, tmp_path_factory: pytest.TempPathFactory) -> Exported:
    return exported(tmp_path_factory.mktemp("bootstrap"))


@pytest.fixture(scope="module")
def worker(lava: None) -> Iterator[Worker]:
    with open_worker() as opened:
        yield opened


def test_accuracy_on_all_test_images_and_equality_with_slayer(net: Exported) -> None:
    """Every class score of all 10,000 images: the last u is slayer's mean over time, to the bit."""
    assert net.mean.shape == (10_000, 10)
    right = {"slayer": int((net.mean.argmax(1) == net.labels).sum()), "engine": 0}
    largest = 0
    for first in range(0, len(net.images), PART):
        result = snnhub.run(net.network, net.encoded(first, first + PART))
        u = result.recording["layer3/u"][-1]
        largest = max(largest, int(np.abs(result.recording["layer3/u"]).max()))
        np.testing.assert_array_equal(u / (UNITY * STEPS), net.mean[first : first + PART])
        assert result.decisions is not None
        right["engine"] += int((result.decisions.winners == net.labels[first : first + PART]).sum())
    assert right["slayer"] >= 9_700
    assert right["engine"] == right["slayer"]  # 0 points lost, where 0.3 are allowed
    assert 0 < largest < 2**21  # it would wrap at 2**23


def lived(worker: Worker, path: Path, x: Array, method: str) -> Mapping[str, Array]:
    """Run a file in Lava and in the engine, every digit after the other; all must be equal. Returns it."""
    graph = import_netx(path, ImportOptions())
    stimulus = read_stimulus(x, graph.inputs[0])
    theirs = run_in(worker, RunRequest(graph, stimulus, ("*",), path, ImportOptions(), {"batch": method}))
    ours, _ = prepare(graph).run(stimulus.values, record=list(theirs))
    for key in theirs:
        np.testing.assert_array_equal(ours[key], theirs[key], err_msg=key)
    return theirs


def test_every_u_v_and_spike_as_in_lava_for_both_files(net: Exported, worker: Worker, tmp_path: Path) -> None:
    """The file of lava-dl and the one that we write, on 50 digits one after the other, with resets between them.

    And on two digits in networks of their own.
    """
    own = tmp_path / "own.net"
    snnhub.convert(net.network, own)
    assert import_netx(own, ImportOptions()).network() == import_netx(net.network, ImportOptions()).network()
    for path, count, method in ((net.network, LIVE, "reset"), (own, LIVE, "reset"), (net.network, 2, "restart")):
        theirs = lived(worker, path, net.encoded(0, count), method)
        np.testing.assert_array_equal(theirs["layer3/u"][-1].argmax(-1), net.mean[:count].argmax(1))
        assert all(theirs[f"layer{n}/{name}"].any() for n in range(3) for name in ("s", "u", "v"))
        assert theirs["layer3/u"].any()
        assert not theirs["layer3/s"].any()


def test_verify_decides_by_the_current(net: Exported) -> None:
    result = snnhub.verify(net.network, stimulus=net.encoded(0, 3), against="lava")
    assert result.passed
    assert result.verdict.reached is Rung.BITS
    assert (result.verdict.decisions, result.verdict.decisions_equal) == (3, 3)


def test_both_forms_of_the_readout_decide_alike(net: Exported, tmp_path: Path) -> None:
    """With dynamics, its default, Affine is written with neurons that cannot fire: the sum of u decides."""
    dynamic = tmp_path / "dynamic.net"
    dynamic.write_bytes(net.network.read_bytes())
    with h5py.File(dynamic, "a") as file:
        for name in ("type", "iDecay", "vDecay", "gradedSpike", "refDelay"):
            file.copy(f"layer/2/neuron/{name}", "layer/3/neuron/" + name)
        file["layer/3/neuron/vThMant"] = np.int64((1 << 18) - 1)
    x = net.encoded(0, PART)
    assert import_netx(dynamic, ImportOptions()).decoder == Decoder("mean", True, "layer3/v")
    summed = snnhub.run(dynamic, x, runner_options={"decoder": "sum:u"})
    assert summed.decisions is not None
    np.testing.assert_array_equal(summed.decisions.winners, net.mean[:PART].argmax(1))


@pytest.fixture(scope="module")
def imported(net: Exported, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The live module converted to NetX by us, not by lava-dl."""
    path = tmp_path_factory.mktemp("imported") / "imported.net"
    result = snnhub.convert(f"{MODEL}:Network", path, from_="lava-dl", to="netx", options=of_module(net))
    assert [item.new for item in result.findings if item.code == "SNN-5306"] == [
        "2 rint(32 x), clipped to -256 .. 254, times 1 plus 62"
    ]
    return path


def of_module(net: Exported) -> ImportOptions:
    return ImportOptions(net.state, input_shape=(1, 28, 28))


def test_the_live_module_gives_the_network_of_its_weights(net: Exported, worker: Worker) -> None:
    """By class and state dict, or by a factory that reads the stored weights: the same graph, one image held."""
    graph = import_with(worker, importer.HERE, f"{MODEL}:Network", of_module(net))
    again = import_with(worker, importer.HERE, f"{MODEL}:stored", ImportOptions(input_shape=(1, 28, 28)))
    assert graph.network() == again.network()
    assert (graph.inputs[0].shape, graph.inputs[0].hold) == ((784,), STEPS)


def test_slayer_graph_file_and_lava_are_equal_word_for_word(net: Exported, imported: Path, worker: Worker) -> None:
    """50 digits: live slayer against our graph, live Lava against our file, and slayer against Lava."""
    graph = import_with(worker, importer.HERE, f"{MODEL}:Network", of_module(net))
    stimulus = read_stimulus(net.pixels(0, LIVE), graph.inputs[0])
    slayer = run_with(worker, runner.HERE, RunRequest(graph, stimulus, ("*",), f"{MODEL}:Network", of_module(net)))
    keys = {f"blocks/{n}/{name}" for n in range(3) for name in ("s", "u", "v")}
    synapses = {f"blocks/{n}/synapse/y" for n in (1, 2, 3)}
    assert set(slayer.arrays) == {*keys, *synapses, "blocks/0/transform/y", "output"}
    ours, _ = prepare(graph).run(stimulus.values, record=list(slayer.arrays))
    for key, theirs in slayer.arrays.items():
        np.testing.assert_array_equal(ours[key], theirs, err_msg=key)
    lava = lived(worker, imported, net.encoded(0, LIVE), "reset")
    for key in keys:
        assert slayer.arrays[key].any()
        np.testing.assert_array_equal(lava[key.replace("blocks/", "layer")], slayer.arrays[key], err_msg=key)
    np.testing.assert_array_equal(lava["layer3/u"], UNITY * slayer.arrays["blocks/3/synapse/y"])
    np.testing.assert_array_equal(lava["layer3/u"].sum(0).argmax(-1), net.mean[:LIVE].argmax(1))


def test_the_integers_lose_nothing_on_all_test_images(net: Exported, imported: Path) -> None:
    """Every class score of 10,000 images of the file that we wrote is slayer's, and so is every decision."""
    right = 0
    for first in range(0, len(net.images), PART):
        result = snnhub.run(imported, net.encoded(first, first + PART))
        u = result.recording["layer3/u"].sum(0, dtype=np.int64)
        np.testing.assert_array_equal(u / (UNITY * STEPS), net.mean[first : first + PART])
        assert result.decisions is not None
        right += int((result.decisions.winners == net.labels[first : first + PART]).sum())
    assert right == int((net.mean.argmax(1) == net.labels).sum()) >= 9_700


@pytest.mark.parametrize("mode", ["ann", "FIT", "sample"])
def test_other_modes_of_bootstrap_are_refused_by_name(net: Exported, worker: Worker, mode: str) -> None:
    given = ImportOptions(net.state, input_shape=(1, 28, 28), given={"mode": mode})
    with pytest.raises(UnsupportedError, match=f"mode {mode.lower()} cannot be imported") as caught:
        import_with(worker, importer.HERE, f"{MODEL}:Network", given)
    assert [item.code for item in caught.value.findings] == ["SNN-3313"]
