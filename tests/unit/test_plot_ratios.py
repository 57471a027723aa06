"""Histograms of firing-rate ratios: their numbers against plain counts, infinite ratios, marks, what is
refused.
"""

from __future__ import annotations

import csv
import json
import xml.etree.ElementTree as ET
from pathlib import Path

import numpy as np
import pytest
import snnhub
from snnhub.cli.main import invoke
from snnhub.compare.rate_ratio import RateRatio
from snnhub.errors import UsageError
from snnhub.ir.tensor import Array
from snnhub.plot.ratio_histogram import BINS, Curve, edges, table

from tests.build import mlp, spikes

pytest.importorskip("matplotlib")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two networks, 40 samples of noise of which two are silent, two samples more."""
    place = tmp_path_factory.mktemp("ratios")
    for name, seed in (("a", 3), ("b", 5)):
        snnhub.save(mlp((10, 12, 3), seed=seed), place / f"{name}.snn")
    x = spikes((30, 40, 10), seed=1)
    x[:, 7] = x[:, 8] = 0
    np.save(place / "x.npy", x)
    np.save(place / "known.npy", spikes((30, 2, 10), seed=2))
    return place


def counts(network: Path, x: Path) -> Array:
    found = snnhub.run(network, np.load(x)).recording["output"].astype(int).sum(axis=0)
    return np.asarray(found)


def test_the_numbers_are_those_of_a_plain_count(folder: Path, tmp_path: Path) -> None:
    sources = [folder / "a.snn", folder / "b.snn"]
    outputs = [tmp_path / "r.png", tmp_path / "r.svg"]
    result = snnhub.plot_ratios(
        sources, outputs, stimulus=np.load(folder / "x.npy"), marked=np.load(folder / "known.npy")
    )
    assert all(path.stat().st_size > 5000 for path in outputs)
    assert outputs[0].read_bytes().startswith(b"\x89PNG")
    with (tmp_path / "r.csv").open() as file:
        written = list(csv.DictReader(file))
    for row, network in zip(result.rows, sources, strict=True):
        plain = counts(network, folder / "x.npy")
        low, high = plain.min(axis=1), plain.max(axis=1)
        ratios = np.sort(high[low > 0] / low[low > 0])
        infinite, silent = int(((low == 0) & (high > 0)).sum()), int((high == 0).sum())
        assert [item["ratio"] for item in row["each"] if item["ratio"]] == (high[low > 0] / low[low > 0]).tolist()
        assert (row["runs"], row["infinite"], row["silent"]) == (40, infinite, silent)
        mine = [line for line in written if line["network"] == str(network)]
        kinds = {kind: [line for line in mine if line["kind"] == kind] for kind in ("bin", "infinite", "silent")}
        assert sum(int(line["runs"]) for line in kinds["bin"]) == len(ratios)
        assert sum(int(line["runs"]) for line in kinds["infinite"]) == infinite
        assert sum(int(line["runs"]) for line in kinds["silent"]) == silent
        for line in kinds["bin"]:
            inside = (ratios >= float(line["low"])) & (ratios < float(line["high"]))
            last = line is kinds["bin"][-1] and float(line["high"]) == ratios[-1]
            assert int(line["runs"]) == int(inside.sum()) + int(last and (ratios == ratios[-1]).sum())
        known = counts(network, folder / "known.npy")
        marks = [(int(line["most"]), int(line["least"])) for line in mine if line["kind"] == "mark"]
        assert marks == [(max(pair), min(pair)) for pair in known.tolist()]
    assert any(row["silent"] >= 2 for row in result.rows)
    assert "SNN-5407" in {finding.code for finding in result.findings}


def test_infinite_ratios_have_a_bar_and_the_same_input_the_same_bytes(folder: Path, tmp_path: Path) -> None:
    x = np.load(folder / "x.npy")
    for name in ("one.svg", "two.svg"):
        result = snnhub.plot_ratios(folder / "a.snn", tmp_path / name, stimulus=x[:6])
    assert (tmp_path / "one.svg").read_bytes() == (tmp_path / "two.svg").read_bytes()
    assert result.rows[0]["infinite"] > 0
    drawn = {item.get("id") for item in ET.parse(tmp_path / "one.svg").iter()}  # noqa: S314
    assert {"curve0", "curve0-infinite"} <= drawn
    json.dumps(result.to_json(), allow_nan=False)


def test_nothing_that_is_a_number_still_makes_a_picture(tmp_path: Path) -> None:
    graph = mlp((10, 12, 3), seed=3)
    silent = np.zeros((5, 4, 10), np.float32)
    result = snnhub.plot_ratios({"silent": graph, "again": [graph, graph]}, tmp_path / "s.png", stimulus=silent)
    assert [(row["runs"], row["silent"], row["median"]) for row in result.rows] == [(4, 4, None), (8, 8, None)]
    assert (tmp_path / "s.png").stat().st_size > 1000


def test_bins_hold_every_ratio() -> None:
    ratios = tuple(RateRatio(most, least) for most in range(1, 60) for least in range(most + 1))
    curve = Curve("all", ratios)
    bins = edges([curve])
    assert len(bins) == BINS + 1
    assert (bins[0], bins[-1]) == (1.0, 59.0)
    found = dict.fromkeys(("bin", "infinite"), 0)
    for line in table([curve]).rows:
        found[line[1]] += line[4]
    assert found == {"bin": sum(item.least > 0 for item in ratios), "infinite": 59}


def test_on_the_command_line(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    x, out = str(folder / "x.npy"), str(tmp_path / "r.svg")
    command = ["plot", "ratios", str(folder / "a.snn"), str(folder / "b.snn"), "--input", x, "-o", out]
    assert invoke(command) == 0
    shown = capsys.readouterr().out
    assert "median ratio" in shown
    assert f"wrote {out}" in shown
    assert invoke([*command, "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert (document["kind"], len(document["rows"]), document["record"]) == ("ratios", 2, "output")
    assert invoke([*command, "--mismatch", "0.05"]) == 4  # no analog neurons


def test_what_is_refused(folder: Path, tmp_path: Path) -> None:
    x = np.load(folder / "x.npy")
    with pytest.raises(UsageError, match="two neurons"):
        snnhub.plot_ratios(mlp((10, 12, 1)), tmp_path / "r.png", stimulus=x)
    with pytest.raises(UsageError, match="too many"):
        snnhub.plot_ratios([folder / "a.snn"] * 9, tmp_path / "r.png", stimulus=x[:, :1])
    with pytest.raises(UsageError, match="no network"):
        snnhub.plot_ratios([], tmp_path / "r.png", stimulus=x)
    assert not (tmp_path / "r.png").exists()
