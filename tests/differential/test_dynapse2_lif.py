"""LIF networks as analog networks, beside Rockpool's own conversion of the same networks, live.

Every network is fitted on one raster and judged on another: LIFJax, Rockpool's DynapSim of it and ours all run on
that one. Off by how much: root mean square over neurons of the difference between their mean rates, in Hz.
"""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from snnhub.engine.reference import prepare
from snnhub.errors import UnsupportedError
from snnhub.hub.catalogue import register_ops
from snnhub.ir.graph import Graph
from snnhub.ir.tensor import Array
from snnhub.ops.registry import REGISTRY
from snnhub.passes.base import PassContext, run_passes
from snnhub_dynapse2.approximate.analog import PASS
from snnhub_dynapse2.derive import RAW

from tests.differential.dynapse2_reference import python
from tests.networks.lif_nets import LifNet, digits_net, graph_of, random_net
from tests.networks.soft_reset import digits

pytestmark = pytest.mark.peer
SCRIPT = Path(__file__).with_name("lif_peer.py")
SECONDS = 600
STEPS, FITTED_ON = 1000, 800
LIVE = ("one layer", "two layers", "recurrent")
"""Networks of ours that live DynapSim runs, too."""
MARGIN = 0.5
"""Ours is off by less than this part of Rockpool's."""


def nets() -> tuple[LifNet, ...]:
    """Rates from sparse to dense, one to three layers, 24 to 200 neurons."""
    return (
        random_net("one layer", 1, (32, 32)),
        random_net("two layers", 2, (32, 48, 16), target=25),
        random_net("recurrent", 3, (24, 40), recurrent=True),
        random_net("sparse", 4, (64, 64, 24), rate=0.01, target=10),
        random_net("dense", 5, (16, 32, 16), rate=0.1, target=120, mean=0.6),
        random_net("time constants", 6, (32, 40), taus=(0.05, 0.004), spread=0.3),
        random_net("excitation only", 7, (24, 32), mean=3.0, target=40, taus=(0.01, 0.02)),
        random_net("bias", 8, (16, 24), target=30, bias=0.01),
        random_net("large", 9, (64, 128, 64, 8), target=20),
        digits_net(),
    )


@dataclass(frozen=True, eq=False)
class Judged:
    """Spikes (time, samples, neurons) of all layers side by side on the raster that nothing was fitted on."""

    net: LifNet
    lif: Array
    live_lif: Array
    ours: Array
    rockpool: Array
    live: Array | None

    def off(self, spikes: Array, only: slice = slice(None)) -> float:
        """Rate error in Hz."""
        a, b = (np.asarray(array[..., only], np.float64).mean(axis=(0, 1)) for array in (spikes, self.lif))
        return float(np.sqrt(((a - b) ** 2).mean()) / self.net.dt)

    @property
    def output(self) -> slice:
        return slice(-self.net.layers[-1].weight.shape[1], None)


def rasters(net: LifNet) -> tuple[Array, Array]:
    """What is fitted on, and what is judged on."""
    if net.name == "digits":
        images = digits(count=100).astype(np.float32)
        return images[:, :50], images[:, 50:]
    return net.raster(FITTED_ON, 1, 2), net.raster(STEPS, 2, 2)


def spikes_of(graph: Graph, x: Array, net: LifNet) -> Array:
    keys = [f"{number}_LIFJax/s" for number in range(len(net.layers))]
    found, _ = prepare(graph, REGISTRY).run(x, record=keys)
    return np.concatenate([found[key] for key in keys], axis=2)


def question(net: LifNet, made: Graph, x: Array) -> dict[str, Array]:
    found = {**net.arrays(), "x": x}
    if net.name in LIVE:
        found["analog/iscale"] = made.node["0_LIFJax"].param["Iscale"].array
        for number, layer in enumerate(net.layers):
            node, size = made.node[f"{number}_LIFJax"], len(layer.bias)
            biases = {name: np.full(size, node.param[name].array) for name in RAW}
            for name, weights in (("weight", f"{number}_LinearJax"), ("w_rec", f"{number}_LIFJax/w_rec")):
                if weights in made.node:
                    biases[name] = made.node[weights].param["weight"].array.T
            found |= {f"analog/{number}/{name}": value for name, value in biases.items()}
    return {f"{net.name}/{name}": value for name, value in found.items()}


@pytest.fixture(scope="module")
def judged(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Judged]:
    interpreter, folder = python(), tmp_path_factory.mktemp("lif")
    register_ops()
    asked: dict[str, Array] = {}
    made: dict[str, Graph] = {}
    for net in nets():
        fitted_on, x = rasters(net)
        context = PassContext(options={"neurons": "analog"}, calibration=fitted_on)
        made[net.name] = run_passes(graph_of(net), [PASS], context)
        asked |= question(net, made[net.name], x)
    paths = folder / "question.npz", folder / "answer.npz"
    np.savez(paths[0], allow_pickle=False, **asked)
    command = [str(interpreter), str(SCRIPT), *map(str, paths)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    with np.load(paths[1], allow_pickle=False) as file:
        found: dict[str, Any] = {name: file[name] for name in file.files}
    return {net.name: _judged(net, made[net.name], found) for net in nets()}


def _judged(net: LifNet, made: Graph, found: dict[str, Any]) -> Judged:
    x = rasters(net)[1]
    live_lif = np.concatenate([found[f"{net.name}/lif{number}"] for number in range(len(net.layers))], axis=2)
    return Judged(
        net,
        spikes_of(graph_of(net), x, net),
        live_lif,
        spikes_of(made, x, net),
        found[f"{net.name}/dynapsim"],
        found.get(f"{net.name}/analog"),
    )


NAMES = [
    *("one layer", "two layers", "recurrent", "sparse", "dense", "time constants", "excitation only", "bias"),
    *("large", "digits"),
]


@pytest.mark.parametrize("name", NAMES)
def test_rates_are_nearer_than_rockpools(judged: dict[str, Judged], name: str) -> None:
    case = judged[name]
    for part, words in ((slice(None), "all neurons"), (case.output, "output")):
        ours, theirs = case.off(case.ours, part), case.off(case.rockpool, part)
        mean = case.lif[..., part].mean() / case.net.dt
        print(f"{name}, {words}: LIF {mean:.1f} Hz, Rockpool off by {theirs:.2f} Hz, ours by {ours:.2f} Hz")
        assert ours < MARGIN * theirs


@pytest.mark.parametrize("name", NAMES)
def test_it_is_the_same_lif_network(judged: dict[str, Judged], name: str) -> None:
    case = judged[name]
    differing = int((case.lif != case.live_lif).sum())
    assert case.lif.sum() > 100
    assert differing <= case.lif.sum() * 1e-3


@pytest.mark.parametrize("name", LIVE)
def test_live_dynapsim_fires_as_our_engine_does(judged: dict[str, Judged], name: str) -> None:
    case = judged[name]
    assert case.live is not None
    outputs = case.ours[..., case.output]
    assert case.live.shape == outputs.shape
    rates = [array.mean(axis=(0, 1)) / case.net.dt for array in (case.live, outputs)]
    assert np.abs(rates[0] - rates[1]).max() <= 5
    assert abs(rates[0].mean() - rates[1].mean()) <= 0.02 * rates[1].mean()


def test_digits_are_still_read(judged: dict[str, Judged]) -> None:
    case = judged["digits"]
    wanted, ours, theirs = (
        array[..., case.output].sum(axis=0).argmax(axis=1) for array in (case.lif, case.ours, case.rockpool)
    )
    print(f"digits: decisions equal, ours {np.mean(ours == wanted):.2f}, Rockpool {np.mean(theirs == wanted):.2f}")
    assert np.mean(ours == wanted) >= 0.6
    assert np.mean(ours == wanted) > np.mean(theirs == wanted)


def test_a_trained_network_of_spikingjelly_is_approximated() -> None:
    """IF neurons with hard reset, no synaptic current, no length of a step: as far from DynapSim as they come."""
    pytest.importorskip("spikingjelly")
    from snnhub.api.load import load_graph
    from snnhub.api.options import ImportOptions

    from tests.networks.soft_reset import HARD, network

    images = digits(count=100).astype(np.float32)
    options = {"neurons": "analog"}
    graph = load_graph(network(HARD), importer="spikingjelly", stimulus=images).graph
    with pytest.raises(UnsupportedError, match="length of a step"):
        run_passes(graph, [PASS], PassContext(options=options, calibration=images))
    timed = ImportOptions(dt=1e-3)
    graph = load_graph(network(HARD), importer="spikingjelly", stimulus=images, options=timed).graph
    assert "SNN-5008" in {finding.code for finding in graph.findings}
    context = PassContext(options=options, calibration=images[:, :50])
    made = run_passes(graph, [PASS], context)
    wanted, found = (prepare(each, REGISTRY).run(images[:, 50:])[0]["output"] for each in (graph, made))
    rates = [array.mean(axis=(0, 1)) / 1e-3 for array in (wanted, found)]
    off = float(np.sqrt(((rates[0] - rates[1]) ** 2).mean()))
    print(f"spikingjelly: {rates[0].mean():.1f} Hz, off by {off:.1f} Hz")
    assert off < 0.25 * rates[0].mean()
