"""Pictures with a live peer as the second side: what is drawn is what the peer recorded, and nothing is marked."""

from __future__ import annotations

import importlib
from pathlib import Path

import numpy as np
import pytest
import snnhub
from snnhub.compare.marks import COUNTS, ONLY_A, ONLY_B
from snnhub.passes.base import PassContext, run_passes
from snnhub_loihi.lowering import passes as loihi
from snnhub_netx.arrange import passes as netx
from snnhub_netx.writer import export_netx

from tests.build import mlp, spikes
from tests.conftest import EXAMPLE, SHARED
from tests.networks.xylo_cores import core_graph, random_core
from tests.unit.test_plot import dense_from, drawn, rows_of

pytest.importorskip("matplotlib")
pytestmark = pytest.mark.peer


@pytest.mark.usefixtures("xylosim")
@pytest.mark.parametrize("seed", [4, 7, 8, 12])
def test_cores_in_xylosim(seed: int, tmp_path: Path) -> None:
    """Several spikes per step, two synapses, recurrence: the table has the peer's spikes and potentials."""
    core, x = random_core(seed, (8, 20, 4))
    path = tmp_path / "core.snn"
    snnhub.save(core_graph(core), path)
    result = snnhub.plot_raster(path, tmp_path / "r.svg", stimulus=x, runner="xylosim", sample=1)
    steps = result.rows[0]["drawn"]["steps"][1]
    theirs = snnhub.run(path, x, runner="xylosim", record="all", steps=steps).recording
    rows = rows_of(tmp_path / "r.csv")
    for number, row in enumerate(result.rows):
        own = [item for item in rows if item["a"] == row["a"]]
        values = theirs[row["a"]][:, 1]
        assert np.array_equal(dense_from(own, "spikes_b", values.shape), values)
        assert row["different"] == 0
        assert drawn(tmp_path / "r.svg", f"panel{number}-first") == 0
    snnhub.plot_vmem(path, tmp_path / "v.png", stimulus=x, runner="xylosim", sample=1, worst=2)
    for row in rows_of(tmp_path / "v.csv"):
        place = int(row["step"]), 1, int(row["neuron"])
        assert int(row["value_b"]) == theirs[row["b"]][place]
        assert row["value_a"] == row["value_b"]


@pytest.mark.usefixtures("lava")
def test_a_netx_file_in_lava(tmp_path: Path) -> None:
    graph = run_passes(mlp((10, 12, 4), seed=3), [*loihi(), *netx()], PassContext())
    export_netx(graph, tmp_path / "net.net")
    x = spikes((12, 2, 10))
    result = snnhub.plot_vmem(tmp_path / "net.net", tmp_path / "v.svg", stimulus=x, against="lava", worst=3)
    assert {row["different"] for row in result.rows} == {0}
    assert all(row["value_a"] == row["value_b"] for row in rows_of(tmp_path / "v.csv"))
    assert {row["threshold_a"] == row["threshold_b"] for row in result.rows} == {True}


@pytest.mark.usefixtures("rockpool")
@pytest.mark.skipif(not (SHARED / "rockpool").is_dir(), reason="../shared/data/rockpool is not here")
def test_the_trained_synnet_in_rockpool(tmp_path: Path) -> None:
    source = SHARED / "rockpool" / "to_deploy_inXylo.json"
    x = np.load(SHARED / "rockpool" / "rasters.npz")["test_bursty_2"]
    result = snnhub.plot_raster(source, tmp_path / "r.svg", stimulus=x, from_="rockpool", runner="rockpool")
    assert [row["different"] for row in result.rows] == [0] * 4
    assert sum(row["drawn"]["marks"]["both"] for row in result.rows) == len(rows_of(tmp_path / "r.csv")) > 1000


@pytest.mark.usefixtures("spikingjelly")
def test_the_mnist_network_and_its_integers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Real weights, real digits, real differences: every mark is one that the verdict counts."""
    monkeypatch.syspath_prepend(EXAMPLE)
    encode = importlib.import_module("encoding").encode
    digits = np.load(EXAMPLE / "digits.npz")
    x = encode(digits["images"][:2], 8)
    source = f"{EXAMPLE}/model.py:csnn"
    graph = snnhub.import_model(
        source, "spikingjelly", (1, 28, 28), weights=EXAMPLE / "weights.pt", settings={"channels": "16"}
    )
    snnhub.save(graph, tmp_path / "net.snn")
    snnhub.save(run_passes(graph, loihi(), PassContext()), tmp_path / "chip.snn")
    sides = tmp_path / "net.snn", tmp_path / "chip.snn"
    verdict = snnhub.verify(*sides, stimulus=x[:, :1]).verdict
    result = snnhub.plot_raster(sides[0], tmp_path / "r.png", stimulus=x[:, :1], against=sides[1], neurons=20_000)
    counted = {row.a_key: row.different for row in verdict.rows}
    marks = {row["a"]: row["drawn"]["marks"] for row in result.rows}
    assert len(marks) == 6
    for key, found in marks.items():
        assert found[ONLY_A] + found[ONLY_B] + found[COUNTS] == counted[key]
    assert sum(counted[key] for key in marks) > 50
    assert not [item for item in result.findings if item.code in ("SNN-6201", "SNN-6202")]
