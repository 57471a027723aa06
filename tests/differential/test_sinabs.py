"""Live sinabs 3.1.3, in the environment ``nir-frameworks``, against the graphs that are imported from it.

With the torch engine every spike count, potential and current has to be the same bits; in a trained network spikes
and decisions with the reference engine, too.
"""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from snnhub.api.options import ImportOptions
from snnhub.api.remote import import_with, run_with
from snnhub.api.request import RunRequest
from snnhub.engine.reference import prepare
from snnhub.engine.stimulus import Stimulus
from snnhub.engine.torch_engine.plan import prepare_torch
from snnhub.engine.torch_engine.settings import Settings
from snnhub.errors import UnsupportedError
from snnhub.hub.catalogue import register_ops
from snnhub.hub.loader import load
from snnhub.ir.graph import Graph
from snnhub.ir.recording import Recording
from snnhub.ir.tensor import Array
from snnhub.peers.env import interpreter
from snnhub.peers.protocol import Worker
from snnhub.peers.recipe import read_recipe
from snnhub_nir.writer import export_nir
from snnhub_sinabs.elsewhere import ELSEWHERE

from tests.conftest import EXAMPLE
from tests.differential.nir_peer import in_their_call_shape, open_frameworks, theirs
from tests.golden.freeze import digits

pytestmark = pytest.mark.peer
NETS = Path(__file__).parents[1] / "networks" / "sinabs_nets.py"
MNIST = EXAMPLE.parent / "sinabs_mnist"
F = np.float32


@pytest.fixture(scope="module")
def worker() -> Iterator[Worker]:
    register_ops()
    with open_frameworks() as opened:
        yield opened


class Live:
    """A network by its factory: its graph, and what sinabs gives."""

    def __init__(self, worker: Worker, name: str, shape: tuple[int, ...], path: Path = NETS, **given: Any) -> None:
        settings = {key: str(value) for key, value in given.items() if key not in ("weights", "batch")}
        self.batch = given.get("batch")
        self.worker, self.source = worker, f"{path}:{name}"
        chosen = {} if self.batch is None else {"samples": str(self.batch)}
        self.options = ImportOptions(given.get("weights"), settings, shape, chosen)
        self.graph: Graph = import_with(worker, ELSEWHERE.importer, self.source, self.options)

    def sinabs(self, x: Array) -> Recording:
        chosen = {} if self.batch is None else {"batch": str(self.batch)}
        given = (self.graph, Stimulus(x, True, ""), ("*",), self.source, self.options, chosen)
        request = RunRequest(*given, None, None)
        return run_with(self.worker, ELSEWHERE.runner, request)

    def same(self, x: Array) -> tuple[int, int]:
        """Words compared and spikes, after every one was found equal with the torch engine."""
        expected = self.sinabs(x)
        keys = [key for key in expected if key != "output"]
        found, _ = prepare_torch(self.graph, Settings(batch=self.batch)).run(x, record=["output", *keys])
        for key in expected:
            np.testing.assert_array_equal(found[key].astype(np.float64), expected[key], err_msg=key)
        spikes = sum(int(expected[key].sum()) for key in keys if key.endswith("/s"))
        return sum(expected[key].size for key in keys), spikes


def drives(shape: tuple[int, ...], steps: int = 16) -> Array:
    """Samples, one each: random, on a grid whose sums land on thresholds, many spikes per step, negative."""
    random = np.random.default_rng(1)
    size = (steps, *shape)
    kinds = (
        random.normal(0.2, 0.6, size),
        random.integers(-2, 5, size) * 0.25,
        random.uniform(0, 9, size),
        random.normal(-1.5, 1.5, size),
    )
    return np.stack(kinds, axis=1).astype(F)


KINDS = ("LIF", "IAF", "ALIF", "ExpLeak")


@pytest.mark.parametrize("form", ["", "Squeeze", "Recurrent"])
@pytest.mark.parametrize("kind", KINDS)
def test_layers_of_every_constructor(kind: str, form: str, worker: Worker) -> None:
    """Twenty settings each, drawn from all that a constructor takes: spikes and every state that there is."""
    if kind + form == "ExpLeakRecurrent":
        return
    live = Live(worker, "neurons", (6,), kind=kind + form, count=20)
    states = [node.program.states for node in live.graph.nodes if node.op.startswith("sinabs.") and node.program]
    words, spikes = live.same(drives((6,)))
    assert words >= 4 * 16 * 6 * len(states)
    assert len(states) == 20
    assert spikes > 1000 or kind == "ExpLeak"


@pytest.mark.parametrize(
    ("name", "shape", "given"),
    [
        ("squeeze", (2, 12, 12), {"batch": 1}),
        ("squeeze", (2, 12, 12), {"made": 3, "batch": 3}),
        ("converted", (2, 12, 12), {"batch": 1}),
        ("residual", (2, 12, 12), {"batch": 1}),
        ("residual", (2, 12, 12), {"cropped": True, "batch": 1}),
        ("batch_first", (12,), {"batch": 1}),
        ("repeated", (2, 12, 12), {"samples": 1, "batch": 1}),
        ("hard", (2, 12, 12), {"tau": 9.0, "batch": 1}),
    ],
)
def test_networks(name: str, shape: tuple[int, ...], given: dict[str, Any], worker: Worker) -> None:
    """One sample at a time: sums over several depend on the order of the rows, which is (N, T) in sinabs."""
    live = Live(worker, name, shape, **given)
    assert not [finding for finding in live.graph.findings if finding.severity.value == "loss"]
    x = np.random.default_rng(2).normal(0.4, 1.0, (6, 3, *shape)).astype(F)
    words, spikes = live.same(x)
    assert words > 500
    assert spikes > 50


def test_a_trained_network(worker: Worker) -> None:
    """The ANN of docs/examples/sinabs_mnist after from_model: layers made for 16 steps, run for 8."""
    live = Live(worker, "spiking", (1, 28, 28), MNIST / "model.py", weights=MNIST / "weights.pt")
    x = digits("images", 12).astype(F)
    words, spikes = live.same(x)
    assert (words, spikes) > (500_000, 50_000)
    expected = live.sinabs(x)
    keys = [key for key in expected if key.endswith("/s")]
    found, _ = prepare(live.graph).run(x, record=["output", *keys])
    for key in (*keys, "output"):
        np.testing.assert_array_equal(found[key], expected[key])
    right = found["output"].sum(axis=0).argmax(axis=1) == np.load(EXAMPLE / "digits.npz")["labels"][:12]
    assert right.sum() >= 10


def test_what_is_not_held_is_named_all_at_once(worker: Worker) -> None:
    with pytest.raises(UnsupportedError) as caught:
        Live(worker, "unheld", (6,))
    told = [(finding.code, finding.place) for finding in caught.value.findings]
    codes = ["SNN-3550", "SNN-3550", "SNN-3550", "SNN-3551", "SNN-3551", "SNN-3009", "SNN-3553", "SNN-3553"]
    assert told == [(code, str(place)) for place, code in enumerate(codes)]


def test_states_of_a_run_are_left_out(worker: Worker, tmp_path: Path) -> None:
    """Those of a factory that ran its network, and those in a file of weights, whose shapes no layer has."""
    ran = Live(worker, "converted", (2, 12, 12))
    assert "SNN-3552" in [finding.code for finding in ran.graph.findings]
    script = "import sys, torch; sys.path.insert(0, sys.argv[1]); from sinabs_nets import dense\n"
    script += "net = dense(3); net(torch.rand(32, 6)); torch.save(net.state_dict(), sys.argv[2])"
    recipe = read_recipe(load().environments["nir-frameworks"].path())
    weights = tmp_path / "saved.pt"
    subprocess.run([str(interpreter(recipe)), "-c", script, str(NETS.parent), str(weights)], check=True)
    loaded = Live(worker, "dense", (6,), weights=weights)
    assert "states of neurons" in " ".join(finding.message for finding in loaded.graph.findings)
    assert loaded.same(drives((6,)))[1] > 100
    fresh = Live(worker, "dense", (6,), seed=3)
    assert fresh.graph.node["0"].param["weight"] == loaded.graph.node["0"].param["weight"]


@pytest.mark.parametrize("name", ["spiking", "dense"])
def test_back_by_nir(name: str, worker: Worker, tmp_path: Path) -> None:
    """Written ``--for sinabs``, read by sinabs' own ``from_nir``: the same spikes as the network that it was."""
    if name == "spiking":
        live = Live(worker, name, (1, 28, 28), MNIST / "model.py", weights=MNIST / "weights.pt")
        x = digits("images", 1)[:, 0].astype(F)
    else:
        live = Live(worker, name, (6,))
        x = drives((6,))[:, 0]
    path = tmp_path / "net.nir"
    export_nir(live.graph, path, {"for": "sinabs", "lossy": "true"})
    expected = theirs(worker, "sinabs", path, x, 1.0)
    assert not isinstance(expected, str), expected
    np.testing.assert_array_equal(in_their_call_shape(live.graph, x), expected)
    assert np.abs(expected).sum() > 1
