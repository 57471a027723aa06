"""Every profile against its framework, live: 0 differing bins, and the same files refused."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from snnhub.api.load import load_graph
from snnhub.api.options import ImportOptions
from snnhub.engine.reference import prepare
from snnhub.errors import UnsupportedError
from snnhub.ir.graph import Graph
from snnhub.peers.protocol import Worker

from tests.conftest import SHARED
from tests.differential import spyx_sweep
from tests.differential.nir_peer import FRAMEWORK, in_their_call_shape, open_frameworks, theirs
from tests.differential.profile_fuzz import compared
from tests.networks.nir_nets import DT, Net, stimulus
from tests.networks.nir_random import FAMILIES, random_net
from tests.networks.nir_zoo import CHANCE, GRID, TIES, zoo

pytestmark = [pytest.mark.peer]
STEPS = 60
SPYX = (
    *("lif64", "lif_leak", "if", "cuba_u64", "li", "mlp", "mlp_grid", "named", "skip", "zero_dim"),
    *("conv_flat", "sum_pool", "rec_lif_last", "rec_cuba", "rec_if", "i"),
)
"""Of spyx, which compiles every network anew (1 to 2 s each)."""


@pytest.fixture(scope="module")
def worker() -> Iterator[Worker]:
    """One process for all frameworks."""
    with open_frameworks() as opened:
        yield opened


def ours(path: Path, profile: str, dt: float = DT) -> Graph | str:
    """The file in steps, or the words in which the profile refuses it."""
    try:
        return load_graph(path, options=ImportOptions(profile=profile, dt=dt)).graph
    except UnsupportedError as problem:
        return str(problem)


def differing(worker: Worker, profile: str, path: Path, net: Net, *, grid: bool) -> int | None:
    """Spikes that the framework gave, after every bin was found equal; None where both refuse the file."""
    x = stimulus(net, STEPS, 1)
    found, made = theirs(worker, FRAMEWORK[profile], path, x, DT), ours(path, profile)
    if isinstance(found, str) or isinstance(made, str):
        assert isinstance(found, str), f"{profile} refuses {path.stem}, its framework does not: {made}"
        assert isinstance(made, str), f"{profile} takes {path.stem}, its framework does not: {found}"
        return None
    y = in_their_call_shape(made, x).reshape(found.shape).astype(found.dtype)
    np.testing.assert_array_equal(y, found, err_msg=f"{profile} {path.stem}")
    if not grid and np.array_equal(found, np.trunc(found)):  # spikes; values differ in last bits
        exact, _ = prepare(made).run(x, record=["output"])
        np.testing.assert_array_equal(exact["output"].reshape(found.shape).astype(found.dtype), found)
    return int(np.abs(found).sum())


@pytest.mark.parametrize("profile", [name for name in FRAMEWORK if name != "nengo-4"])
def test_same_bins_and_same_refusals(profile: str, worker: Worker, tmp_path: Path) -> None:
    """Single layers, MLPs, loops, convolutions; f32 and f64 parameters; weights random and on a grid."""
    nets = {name: net for name, net in zoo().items() if profile != "spyx-1" or name in SPYX}
    results = {}
    for name, net in nets.items():
        if name in CHANCE.get(profile, ()):
            continue
        path = net.write(tmp_path / f"{name}.nir")
        results[name] = differing(worker, profile, path, net, grid=name in GRID or (profile, name) in TIES)
    ran = [count for count in results.values() if count is not None]
    assert len(ran) >= (6 if profile in ("rockpool-3", "spyx-1") else 12)
    assert sum(ran) > 100


RANDOM: dict[str, tuple[int, ...]] = {name: tuple(range(1, 9)) for name in FAMILIES}


@pytest.mark.parametrize("profile", ["norse-1", "spikingjelly-2", "snntorch-1", "sinabs-3", "rockpool-3"])
def test_random_files(profile: str, worker: Worker, tmp_path: Path) -> None:
    """Eight seeds of every family of ``nir_random``: the same bins, NaN included, and the same refusals."""
    kinds = []
    for family, seeds in RANDOM.items():
        for seed in seeds:
            net = random_net(family, seed)
            result = compared(worker, profile, net.write(tmp_path / f"{family}_{seed}.nir"), net, seed)
            assert not result.wrong, f"{profile} {family} seed {seed}: {result.kind}: {result.words}"
            kinds.append(result.kind)
    assert kinds.count("equal") >= 5
    assert "refused" in kinds


def test_an_importer_that_never_returns_is_stopped(worker: Worker, tmp_path: Path) -> None:
    """Two Outputs: nirtorch's program asks both without end; the worker goes on after it."""
    base = zoo()["lif"]
    nodes = {**base.nodes, "output2": base.nodes["output"]}
    net = Net(nodes, [*base.edges, (base.edges[0][1], "output2")])
    path = net.write(tmp_path / "never.nir")
    found = theirs(worker, "snntorch", path, stimulus(net, 5, 0), DT, limit=1)
    assert isinstance(found, str)
    assert "did not return within 1 s" in found
    assert "never returns" in str(ours(path, "snntorch-1"))
    assert differing(worker, "norse-1", path, net, grid=False) is not None


@pytest.mark.parametrize("profile", ["norse-1", "spikingjelly-2", "spyx-1"])
def test_braille_network_by_others(profile: str, worker: Worker) -> None:
    """The recurrent network of the NIR paper: 0 of 7,000 bins differ, its loop delayed where the framework
    does.
    """
    path = SHARED / "nir" / "03_rnn__braille_noDelay_bias_zero.nir"
    if not path.is_file():
        pytest.skip(f"{path} is not here")
    x = (np.random.default_rng(0).random((1000, 12)) < 0.3).astype("f4")
    found, graph = theirs(worker, FRAMEWORK[profile], path, x, DT), ours(path, profile)
    assert isinstance(found, np.ndarray)
    assert isinstance(graph, Graph)
    assert found.size == 7000
    assert found.sum() > 100
    np.testing.assert_array_equal(in_their_call_shape(graph, x).astype(found.dtype), found)
    delayed = [str(edge) for edge in graph.edges if edge.delay]
    port = "f" if profile == "spyx-1" else "x"  # spyx's own spikes come back in the same step, in two halves
    assert delayed == [f"lif1.w_rec.y -> lif1.lif.{port} (delay 1)"]


@pytest.mark.parametrize(
    ("seed", "family", "what"),
    [
        (1, "", "ran"),
        (9, "", "ran"),
        (40000, "cuts", "ran, padding below 0"),
        (40012, "cuts", "ran, padding below 0"),
        (30027, "elsewhere", "ran, dense over channels"),
        (5, "thick", "refused by both"),
    ],
)
def test_random_files_of_spyx(seed: int, family: str, what: str, worker: Worker) -> None:
    """All 19 types, odd numbers, graphs within, odd places of dense layers: every bit of spikes, and the same
    refusals. More by hand: ``spyx_sweep``.
    """
    tally: Counter[str] = Counter()
    assert spyx_sweep.compared(worker, seed, tally, family) == ""
    assert tally[what] == 1, tally


def test_a_neuron_of_nengo_step_by_step(worker: Worker, tmp_path: Path) -> None:
    """nengo.LIF and SpikingRectifiedLinear have no importer: their own step is run on the file's numbers."""
    for name in ("lif64", "lif_leak", "if_th"):
        net = zoo()[name]
        path = net.write(tmp_path / f"{name}.nir")
        x = stimulus(net, 300, 2)
        found, graph = theirs(worker, "nengo", path, x, DT), ours(path, "nengo-4")
        assert isinstance(found, np.ndarray)
        assert isinstance(graph, Graph)
        recording, _ = prepare(graph).run(x, record=["output"])
        np.testing.assert_array_equal(recording["output"], found, err_msg=name)
