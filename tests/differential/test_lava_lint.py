"""Live Lava on the rows of the lint list: what it loads it computes as we do, and what it fails on we say so."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from snnhub.api.options import ImportOptions
from snnhub.api.request import RunRequest
from snnhub.engine.reference import prepare
from snnhub.engine.stimulus import read_stimulus
from snnhub.errors import RunError
from snnhub.ir.recording import Recording
from snnhub.ir.tensor import smallest_integer
from snnhub.peers.protocol import Worker
from snnhub_lava.runner import open_worker, run_in
from snnhub_netx.reader import import_netx
from snnhub_netx.writer import export_netx

from tests.build import spikes
from tests.differential.test_lava import same
from tests.networks.netx_files import CUBA, conv_layer, dense_layer, write
from tests.unit.test_netx import arranged, read
from tests.unit.test_netx_lint import EVEN, KERNEL, layer, spatial
from tests.unit.test_resonate import RF, complex_layer, even, resonating, resonators

pytestmark = [pytest.mark.peer, pytest.mark.usefixtures("lava")]


@pytest.fixture(scope="module")
def worker(lava: None) -> Iterator[Worker]:
    """One Lava process for all runs."""
    with open_worker() as opened:
        yield opened


LOADED = {
    "refDelay": layer(refDelay=3),
    "wgtExp": layer(wgtExp=3),
    "weight_exp": layer(weight_exp=-1),
    "gradedSpike": layer(gradedSpike=True),
    "one-signed": layer(weight=np.full((2, 2), -8), bias=np.full(2, 90.0)),
    "clipped": layer(weight=np.array([[300, -2], [4, 8]])),
    "zeroed": layer(weight=np.array([[300, 2], [4, 8]]), bias=np.full(2, 90.0)),
    "bias": layer(bias=np.array([40_000.0, 30_000])),
    "vThMant 2^17": layer(vThMant=2**17, vDecay=0, iDecay=0),
    "vThMant 4096": layer(vThMant=4096, iDecay=0),
    "delays": layer(delay=np.array([63.0, 1.5])),
}


@pytest.mark.parametrize("name", LOADED)
def test_what_lava_loads_it_computes_as_we_do(name: str, worker: Worker, tmp_path: Path) -> None:
    """Behind a layer that fires often, so that something arrives."""
    path = write(tmp_path / "a.net", [layer(), LOADED[name]])
    assert same(worker, path, spikes((80, 2), 0.7)) > 0


@pytest.mark.parametrize(
    "changes", [{"delay": np.array([2.0])}, {"weight": KERNEL * 200}], ids=["delay", "weight"]
)
def test_convolutions(changes: dict[str, Any], worker: Worker, tmp_path: Path) -> None:
    entries = spatial(changes.get("weight", KERNEL * 9), **{k: v for k, v in changes.items() if k != "weight"})
    path = write(tmp_path / "a.net", [{"type": "input", "shape": np.array([1, 3, 3])}, entries])
    assert same(worker, path, spikes((20, 1, 3, 3), 0.6)) > 0


def lava(worker: Worker, path: Path, plain: Path, width: int = 2) -> Recording:
    """What Lava records of a file, asked for as the graph of ``plain`` is."""
    graph = import_netx(plain, ImportOptions())
    stimulus = read_stimulus(spikes((30, width), 0.6), graph.inputs[0])
    return run_in(worker, RunRequest(graph, stimulus, ("*",), path))


FAILING = {
    **{
        kind: {"type": kind, "shape": np.array([2])}
        for kind in ("pool", "average", "convT", "unpool", "concat", "dense_comp")
    },
    "messageBits": layer(messageBits=8),
    "ALIF": layer(kind="ALIF"),
    "all zero": layer(weight=np.zeros((2, 2))),
    "real weights": layer(weight=EVEN, kind="RF_PHASE", sinDecay=1500, cosDecay=3700),
    "CUBA behind complex weights": complex_layer(EVEN, EVEN, neuron=CUBA),
    "zero imaginary part": complex_layer(EVEN, EVEN * 0),
    "small letters": complex_layer(EVEN, EVEN, neuron={**RF, "type": "rf_phase"}),
    "thresholds": complex_layer(EVEN, EVEN, neuron={**RF, "vThMant": np.array([10, 20])}),
    "resonators behind a convolution": conv_layer(KERNEL, (1, 2, 2), neuron=RF),
    "resonators at the input": {"type": "input", "shape": np.array([2]), "neuron": RF},
}


@pytest.mark.parametrize("name", FAILING)
def test_what_lava_fails_on(name: str, worker: Worker, tmp_path: Path) -> None:
    """We refuse it, or read it with a loss and say that Lava fails."""
    plain = write(tmp_path / "a.net", [layer()])
    path = write(tmp_path / "b.net", [FAILING[name]])
    with pytest.raises(RunError):
        lava(worker, path, plain)


def test_an_unknown_layer_is_skipped_by_lava_without_a_word(worker: Worker, tmp_path: Path) -> None:
    plain = write(tmp_path / "a.net", [layer(), layer()])
    path = write(tmp_path / "b.net", [layer(), {"type": "foo", "shape": np.array([2])}, layer()])
    found = lava(worker, path, plain)
    assert all(
        np.array_equal(array, lava(worker, plain, plain).arrays[key]) for key, array in found.arrays.items()
    )


@pytest.mark.parametrize("kind", ["RF_PHASE", "RF_IZHIKEVICH", "ADRF_PHASE", "ADRF_IZHIKEVICH"])
def test_resonators_read_and_written_back(kind: str, worker: Worker, tmp_path: Path) -> None:
    """Decays per neuron; bias, delay and weight_rec that Lava ignores; adaptive ones, for Lava plain ones."""
    turns = {"sinDecay": np.array([1500.5, -3000.5, 0]), "cosDecay": np.array([3700.5, 0, -4000.5]), "thDecay": 9}
    first = {**resonating(type=kind, **turns), "bias": np.ones(3, np.float32), "delay": np.ones(3, np.float32)}
    layers = [
        dense_layer(even(4, 5)),
        first,
        {**complex_layer(even(3, 3), even(3, 3, seed=4)), "type": "dense_rec"},
    ]
    layers[2] |= {"weight_rec": even(3, 3).astype(np.float32), "neuron": {**RF, "type": kind, "sinDecay": 3000.5}}
    path = write(tmp_path / "a.net", layers)
    assert same(worker, path, spikes((60, 5), 0.6)) > 0
    export_netx(import_netx(path, ImportOptions()), tmp_path / "b.net")
    assert same(worker, tmp_path / "b.net", spikes((60, 5), 0.6)) > 0


def test_resonators_are_not_reset_and_others_are(worker: Worker, tmp_path: Path) -> None:
    path = write(tmp_path / "a.net", [dense_layer(even(4, 5)), resonating(), dense_layer(even(2, 3))])
    assert same(worker, path, spikes((50, 5), 0.6), reset_interval="7", reset_offset="2") > 0


def test_a_silent_neuron_before_resonators(worker: Worker, tmp_path: Path) -> None:
    export_netx(arranged(resonators(even(3, 4), np.zeros((3, 4), np.int64))), tmp_path / "a.net")
    assert same(worker, tmp_path / "a.net", spikes((40, 4), 0.6)) > 0


def test_whole_decays_as_lava_has_them_on_this_machine(worker: Worker, tmp_path: Path) -> None:
    """With the decays that Lava reports the engine has its bits; with those of the file it need not."""
    random = np.random.default_rng(11)
    turn, kept = random.uniform(0.1, 3, 12), random.integers(3000, 4096, 12)
    decays = {"sinDecay": np.rint(kept * np.sin(turn)), "cosDecay": np.rint(kept * np.cos(turn))}
    path = write(tmp_path / "a.net", [complex_layer(even(12, 5), even(12, 5, seed=3), neuron={**RF, **decays})])
    graph = read(path)
    stimulus = spikes((50, 5), 0.6)
    theirs = run_in(worker, RunRequest(graph, read_stimulus(stimulus, graph.inputs[0]), ("*",), path))
    said = [f for f in theirs.findings if f.code == "SNN-3131"]
    assert said, "of 24 decays Lava is sure to round some down"
    answer = worker.call(
        "run",
        {
            "model": str(path),
            "input": _saved(stimulus, tmp_path),
            "blocks": ["layer0"],
            "record": ["layer0/s"],
            "folder": str(tmp_path),
        },
    )
    sine, cosine = (smallest_integer(np.asarray(values)) for values in answer["decays"]["layer0"])
    node = graph.node["layer0"].with_params(sinDecay=sine, cosDecay=cosine)
    off = np.abs(node.param["sinDecay"].array - decays["sinDecay"]).max()
    assert off <= 1
    changed = replace(graph, nodes=tuple(node if item.id == node.id else item for item in graph.nodes))
    ours, _ = prepare(changed).run(stimulus, record=list(theirs.arrays))
    for key, array in theirs.arrays.items():
        np.testing.assert_array_equal(ours[key], array, err_msg=key)


def _saved(array: Any, folder: Path) -> str:
    np.save(folder / "x.npy", array)
    return str(folder / "x.npy")
