"""Across frameworks and chips: SpikingJelly to Xylo in xylosim, Rockpool to NetX in Lava."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import snnhub
from snnhub.api.options import ImportOptions
from snnhub.engine.reference import prepare
from snnhub.findings import Severity
from snnhub.ir.rung import Rung
from snnhub.ir.tensor import Array

from tests.conftest import SHARED
from tests.networks.soft_reset import KINDS, digits, graph, network

pytestmark = pytest.mark.peer
SHAPE = ImportOptions(input_shape=(16,))


@pytest.mark.usefixtures("spikingjelly")
@pytest.mark.parametrize("kind", KINDS)
def test_the_stored_graphs_are_spikingjellys(kind: str) -> None:
    """What unit tests use is what SpikingJelly runs, spike by spike."""
    net = network(kind)
    imported = snnhub.import_model(net, source="spikingjelly", input_shape=(16,))
    assert imported.network().nodes == graph(kind).network().nodes
    x = digits(count=50)
    found = snnhub.verify(net, stimulus=x, from_="spikingjelly", options=SHAPE, against="spikingjelly")
    assert found.passed
    assert found.verdict.reached.reaches(Rung.SPIKES)


def share(a: Array, b: Array) -> float:
    left, right = a.astype(int), b.astype(int)
    return float(np.minimum(left, right).sum() / np.maximum(left, right).sum())


@pytest.mark.usefixtures("spikingjelly", "xylosim")
@pytest.mark.parametrize(
    ("kind", "currents", "least", "codes"),
    [
        ("if", "smear", 0.2, {"SNN-2421", "SNN-2422", "SNN-2423"}),
        ("if", "relay", 0.5, {"SNN-2421", "SNN-2423"}),
        ("lif", "smear", 0.35, {"SNN-2422", "SNN-2423"}),
        ("lif", "relay", 0.55, {"SNN-2423"}),
    ],
)
def test_spikingjelly_to_xylo(kind: str, currents: str, least: float, codes: set[str], tmp_path: Path) -> None:
    """From the live module to the file: losses named and measured, xylosim equal in bits, most decisions kept."""
    net, path, x = network(kind), tmp_path / "a.json", digits(count=200)
    result = snnhub.convert(
        net,
        path,
        from_="spikingjelly",
        to="xylo-a2",
        options=SHAPE,
        calibration=digits("calibration"),
        lowering={"currents": currents},
        verify=x[:, :20],
    )
    losses = [f for f in result.findings if f.severity is Severity.LOSS and f.code in {*codes, "SNN-2422"}]
    assert {f.code for f in losses} == codes
    assert all(f.bound.startswith("spike overlap 0.") for f in losses)
    assert result.proof is not None
    assert result.proof.passed
    found = snnhub.verify(path, stimulus=x, against="xylosim")
    assert found.passed
    assert found.verdict.reached is Rung.BITS
    before, _ = prepare(graph(kind)).run(x, record=["1/s", "3/s"])
    after, _ = prepare(result.graph).run(x, record=["xylo/s", "xylo/s_out"], steps=len(x) + 1)
    hidden, last = after["xylo/s"][: len(x), :, _place(result)], after["xylo/s_out"][1:]
    pairs = [(before["1/s"], hidden), (before["3/s"], last)]
    for a, b in pairs:
        assert least < share(a, b) < 1
    first, second = (spikes.sum(axis=0, dtype=int).argmax(axis=1) for spikes in pairs[1])
    assert (first == second).mean() >= 0.85


def _place(result: Any) -> slice:
    """Where the layer itself lies among hidden neurons: relays lie around it."""
    rows = [match for match in result.graph.correspondence if match.old.node == "1" and match.new.name == "s"]
    first, end = next(match.select or (0, 60) for match in rows if not match.lag)
    return slice(first, end)


@pytest.mark.usefixtures("lava")
def test_rockpools_synnet_in_lava(tmp_path: Path) -> None:
    """The trained network as NetX: every current, potential and spike of Lava is the engine's."""
    folder = SHARED / "rockpool"
    if not folder.is_dir():
        pytest.skip(f"{folder} is not here")
    with np.load(folder / "rasters.npz") as file:
        kinds = {
            kind: np.minimum(np.stack([file[key] for key in file.files if key.startswith(kind)], axis=1), 1)
            for kind in ("calibration", "test")
        }
    path = tmp_path / "synnet.net"
    snnhub.convert(
        folder / "to_deploy_inXylo.json", path, calibration=kinds["calibration"][:, :6], lowering={"reset": "zero"}
    )
    found = snnhub.verify(path, stimulus=kinds["test"][:150, 8:14], against="lava")
    assert found.passed
    assert found.verdict.reached is Rung.BITS
    spikes = {row.a_key: row.a_spikes for row in found.verdict.rows if row.spikes}
    assert (spikes["layer1/s"] or 0) > 5000
    assert (spikes["layer2/s"] or 0) > 100
