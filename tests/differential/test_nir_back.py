"""Live networks to NIR and back: same graph, same spikes; SpikingJelly reads what was written for it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from snnhub import convert, load
from snnhub.api.discretise import discretise
from snnhub.api.load import load_graph
from snnhub.api.options import ImportOptions
from snnhub.api.remote import open_worker
from snnhub.api.save import save
from snnhub.errors import UnsupportedError
from snnhub.ir.digest import network_digest
from snnhub.ir.graph import Graph
from snnhub.ir.tensor import Array
from snnhub.peers.protocol import Worker

from tests.differential.nir_peer import in_their_call_shape, open_frameworks, theirs
from tests.differential.rockpool_runs import NETS, bring, differences, recorded, stimulus
from tests.networks import nir_back

pytestmark = [pytest.mark.peer]
DT, STEPS = 1e-3, 150
COMPLETE = ("convolutional", "fixed_times", "currents")
UNCAPPED = NETS.with_name("nir_back_rockpool.py")
GRID: dict[str, Any] = {"exact": True}
LOST = {"soft": {"SNN-4506"}, "learned": {"SNN-4508"}}


@pytest.fixture(scope="module")
def worker() -> Iterator[Worker]:
    with open_frameworks() as opened:
        yield opened


def signed(name: str) -> Array:
    """Input (time, features…) with both signs."""
    values = np.random.default_rng(3).normal(0.3, 1.0, (STEPS, *nir_back.SHAPES[name]))
    return values.astype(np.float32)


def written(name: str, path: Path, **chosen: str) -> None:
    source = f"{Path(nir_back.__file__)}:{name}"
    options = ImportOptions(input_shape=nir_back.SHAPES[name], dt=DT)
    convert(source, path, from_="spikingjelly", options=options, exporting=chosen)


@pytest.mark.parametrize("name", list(nir_back.SHAPES))
def test_spikingjelly_to_nir_and_back(name: str, tmp_path: Path) -> None:
    """The graph bit by bit, and 0 bins that differ from SpikingJelly itself."""
    path, net, x = tmp_path / "net.nir", getattr(nir_back, name)(), signed(name)
    if name in LOST:
        with pytest.raises(UnsupportedError) as caught:
            written(name, path)
        assert {finding.code for finding in caught.value.findings} == LOST[name]
    written(name, path, lossy="true")
    graph = load(path)
    before = load_graph(
        net, importer="spikingjelly", options=ImportOptions(input_shape=nir_back.SHAPES[name], dt=DT)
    )
    assert network_digest(graph) == network_digest(before.graph)
    expected = nir_back.spikes_of(net, x)
    assert 50 < expected.sum() < 0.9 * expected.size
    np.testing.assert_array_equal(in_their_call_shape(graph, x[:, None])[:, 0], expected)


@pytest.mark.parametrize("name", COMPLETE)
def test_spikingjelly_reads_what_was_written_for_it(name: str, worker: Worker, tmp_path: Path) -> None:
    """The plain fields alone: SpikingJelly's importer, and our profile of it, give the original's spikes."""
    path, net, x = tmp_path / "net.nir", getattr(nir_back, name)(), signed(name)
    written(name, path, **{"for": "spikingjelly"})
    expected = nir_back.spikes_of(net, x)
    found = theirs(worker, "spikingjelly", path, x, DT)
    assert isinstance(found, np.ndarray), found
    np.testing.assert_array_equal(found.reshape(expected.shape), expected)
    plain = load_graph(path, options=ImportOptions(profile="spikingjelly-2", dt=DT)).graph
    np.testing.assert_array_equal(in_their_call_shape(plain, x[:, None])[:, 0], expected)


def test_rockpool_to_nir_and_back(rockpool: None, tmp_path: Path) -> None:
    """Biases, time constants, dt, several spikes per step: all of what Rockpool records, 0 words differ. Read by
    Rockpool's profile, the plain fields give the same spikes; Rockpool's own bridge loses bias and dt.
    """
    with open_worker("rockpool") as opened:
        for factory, file, given in (("chain", NETS, GRID), ("recurrent", NETS, GRID), ("uncapped", UNCAPPED, {})):
            graph, options, source = bring(opened, factory, file, **given)
            convert(graph_file(graph, tmp_path), tmp_path / "net.nir", exporting={"lossy": "true"})
            again, x = load(tmp_path / "net.nir"), stimulus()
            assert network_digest(again) == network_digest(graph)
            assert again.dt == graph.dt
            found = recorded(opened, graph, options, source, x)
            assert differences(again, found, x) == dict.fromkeys(found, 0)
            assert found["output"].sum() > 100
        plain = load(tmp_path / "net.nir", ignore_metadata="true")
        made = discretise(plain, graph.dt, "rockpool-3")
        assert again.node["1_LIFTorch"].param["bias"].array.any()
        assert found["output"].max() > 1
        np.testing.assert_array_equal(in_their_call_shape(made, x[:, :1])[:, 0], found["output"][:, 0])


def graph_file(graph: Graph, folder: Path) -> Path:
    """A network as ``.snn``."""
    save(graph, folder / "net.snn")
    return folder / "net.snn"
