"""Live DynapSim given the numbers of a mapped network: every spike of the lowered graph."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import snnhub
from snnhub.api.options import ImportOptions
from snnhub.api.remote import import_with, open_worker
from snnhub.cli.main import invoke
from snnhub.ir.graph import Graph
from snnhub.peers.protocol import Worker
from snnhub_dynapse2.importer import HERE
from snnhub_dynapse2.parameters import BIASES, COMPUTING, FACTORS, names
from snnhub_formats import container

from tests.conftest import ROOT, SHARED
from tests.differential.dynapsim_runs import NETS, bring, ours, raster, recorded, spikes_differing

pytestmark = [pytest.mark.peer, pytest.mark.usefixtures("dynapse2")]
LOWERED = ROOT / "tests" / "networks" / "dynapsim_lowered.py"
SEED_DATA = SHARED / "rockpool"


@pytest.fixture(scope="module")
def worker(dynapse2: None) -> Iterator[Worker]:
    """One Rockpool process for all runs."""
    with open_worker("dynapse2") as opened:
        yield opened


def mapped(graph: Graph, folder: Path) -> tuple[Graph, Path]:
    container.save(graph, folder / "net.snn")
    path = folder / "net.dynapse2.json"
    return snnhub.convert(folder / "net.snn", path, to="dynapse2").graph, path


@pytest.mark.parametrize("seed", [0, 1, 3, 5])
def test_dynapsim_given_the_lowered_numbers_fires_the_same_spikes(
    worker: Worker, seed: int, tmp_path: Path
) -> None:
    """Currents, constants and weights go into a factory. All numbers are the lowered graph's to the last bit, but
    the factors, which are jax's own, and iscale, of which DynapSim has one; with these no spike differs.
    """
    size = (2, 5, 9, 12, 16, 16)[seed]
    graph, _, _ = bring(worker, "random_net", seed=seed, size=size, recurrent=seed % 3 != 2, ahp=seed % 2 == 1)
    lowered, _ = mapped(graph, tmp_path)
    container.save(lowered, tmp_path / "low.snn")
    options = ImportOptions(settings={"path": str(tmp_path / "low.snn")})
    source = f"{LOWERED}:lowered"
    theirs_graph = import_with(worker, HERE, source, options)
    neurons, (own,) = lowered.node["1_DynapSim"], [n for n in theirs_graph.nodes if n.op == "dynapse2.DynapSim"]
    for name in {*names(COMPUTING), *names(BIASES)} - set(names(FACTORS)) - {"Iscale"}:
        a, b = (np.broadcast_to(node.param[name].array, (size,)) for node in (neurons, own))
        assert (a == b).all(), name
    for name in names(FACTORS):
        assert np.allclose(neurons.param[name].array, own.param[name].array, rtol=1e-3), name
    x = raster(1000, graph.inputs[0].shape[0], seed)
    theirs = recorded(worker, theirs_graph, options, source, x)
    found = ours(theirs_graph, theirs, x)
    assert spikes_differing(found, theirs) == 0
    assert theirs["1_DynapSim/s"].sum() > 50


def test_the_tutorials_network_end_to_end(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Trained weights, Sequential(LinearJax, DynapSim), by command line; DynapSim runs what the file holds."""
    if not (SEED_DATA / "w_in_optimized.npy").is_file():
        pytest.skip("the trained weights are not here")
    path, x = tmp_path / "net.dynapse2.json", tmp_path / "x.npy"
    np.save(x, raster(500, 4 * 60, 2022).reshape(500, 4, 60))
    arguments = ["convert", f"{NETS}:seed", "--from", "dynapse2", "--to", "dynapse2", "-o", str(path)]
    assert invoke([*arguments, "--calibrate", str(x)]) == 0
    out = capsys.readouterr().out
    assert "dynapse2 rates" in out
    assert "SNN-2524" in out
    assert invoke(["verify", str(path), "--against", "dynapsim", "--input", str(x)]) == 0
    assert "expected spikes: passed" in capsys.readouterr().out
    assert invoke(["run", str(path), "--input", str(x)]) == 0
    assert invoke(["check", str(path), "--target", "dynapse2"]) == 0


def test_layers_in_a_row(worker: Worker, tmp_path: Path) -> None:
    """Three layers on one core: DynapSim runs them in the same order, and every spike is the same."""
    graph, _, _ = bring(worker, "plain_layers", seed=3)
    lowered, path = mapped(graph, tmp_path)
    assert [node.id for node in lowered.nodes] == [node.id for node in graph.nodes]
    result = snnhub.verify(path, against="dynapsim", stimulus=raster(300, 16, 3)[:, None])
    assert result.passed
    rows = {row.a_key: row for row in result.verdict.rows if row.a_key.endswith("/s")}
    assert len(rows) == 3
    assert all((row.a_spikes or 0) > 0 for row in rows.values())
