"""Networks of layers, mapped and quantised by us, in live xylosim; relays and the tutorial's residual network."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import snnhub
from snnhub.ir.graph import TERMINAL_PORT, Match, Port
from snnhub.ir.rung import Rung
from snnhub.passes.base import PassContext, run_passes
from snnhub.peers.protocol import Worker
from snnhub_formats import container
from snnhub_xylo.core import Core
from snnhub_xylo.families import A2, FAMILIES
from snnhub_xylo.lowering import _passes
from snnhub_xylo.runner import open_worker

from tests.differential.rockpool_reference import trained_residual
from tests.differential.test_xylosim import same
from tests.networks.multispike_nets import SHAPES, network, raster

pytestmark = [pytest.mark.peer, pytest.mark.usefixtures("xylosim")]
RULES = ("global", "per-neuron", "auto")
SEEDS = range(5)


@pytest.fixture(scope="module")
def worker(xylosim: None) -> Iterator[Worker]:
    with open_worker() as opened:
        yield opened


def families(shape: str) -> list[str]:
    return [name for name in FAMILIES if shape != "synapses" or name != "xylo-imu"]


@pytest.mark.parametrize("shape", SHAPES)
def test_mapped_networks_run_there_as_here(shape: str, worker: Worker) -> None:
    """Five networks of a shape, each for every family and quantiser: every value of every record."""
    spikes = 0
    for seed in SEEDS:
        graph = network(shape, seed, bias=0.05)
        for family in families(shape):
            for rule in RULES:
                x = raster(graph.inputs[0].shape[0], 40, 2, seed)
                calibration = x if rule == "auto" and seed == 0 else None
                context = PassContext(options={"quantiser": rule}, calibration=calibration)
                core = Core.of(run_passes(graph, _passes(FAMILIES[family]), context).nodes[0])
                spikes += int(same(worker, core, x.astype(np.uint8))["xylo/s"].sum())
    assert spikes > 1000


def test_a_relay_repeats_counts_up_to_31_one_step_later(worker: Worker) -> None:
    graph = run_passes(network("residual", 2, (5, 30, 3)), _passes(A2), PassContext())
    core = Core.of(graph.nodes[0])
    x = raster(5, 400, 1, 1, rate=6.0).astype(np.uint8)
    counts = same(worker, core, x)["xylo/s"].astype(int)[:, 0]
    rows = [match for match in graph.correspondence if match.new.name == "s" and match.old.name != TERMINAL_PORT]
    relay = next(match for match in rows if match.lag - lag_of(rows, match.old) == 1)
    source = next(match for match in rows if match.old == relay.old and match is not relay)
    assert relay.select is not None
    assert source.select is not None
    ahead, behind = counts[:-1, slice(*source.select)], counts[1:, slice(*relay.select)]
    np.testing.assert_array_equal(ahead, behind)
    assert ahead.max() == 31
    assert len(np.unique(ahead)) > 20


def lag_of(rows: Sequence[Match], old: Port) -> int:
    return min(match.lag for match in rows if match.old == old)


def test_the_tutorials_residual_network(tmp_path: Path, rockpool: None, worker: Worker) -> None:
    """Trained to a loss of 0 in Rockpool, with relays: every spike up to the lag, then integers, then a file."""
    trained = trained_residual()
    x = np.moveaxis(trained.x, 0, 1).astype(np.float32)
    np.testing.assert_array_equal(trained.output, trained.target)
    out = tmp_path / "net.json"
    result = snnhub.convert(
        trained.network,
        out,
        from_="rockpool",
        to="xylo-a2",
        calibration=x,
        verify=x,
        lowering={"residual": "relay"},
    )
    assert result.proof is not None
    steps = {step.name: step for step in result.proof.steps}
    timing = steps["xylo timing"].verdict
    assert timing is not None
    assert timing.reached is Rung.SPIKES_LAG
    assert timing.lag == 2
    assert all(step.kept is not False for step in steps.values())
    graph = snnhub.load(out)
    assert graph.network() == result.graph.network()
    core = Core.of(graph.nodes[0])
    same(worker, core, x.astype(np.uint8))
    assert ladder_of(result.tables["xylo ladder"])["timing"] == 0


def ladder_of(rows: Sequence[Mapping[str, Any]]) -> dict[str, float]:
    return {name: max(row[name] for row in rows) for name in ("timing", "decays", "caps")}


def test_a_skip_that_comes_too_early_is_another_network(rockpool: None) -> None:
    trained = trained_residual()
    x = np.moveaxis(trained.x, 0, 1).astype(np.float32)
    skewed = snnhub.convert(
        trained.network,
        from_="rockpool",
        to="xylo-a2",
        dry_run=True,
        calibration=x,
        lowering={"residual": "skew"},
    )
    assert ladder_of(skewed.tables["xylo ladder"])["timing"] > 0.5
    assert "SNN-2408" in {item.code for item in skewed.findings if item.severity.value == "loss"}


def test_a_file_of_any_of_them_is_read_back(tmp_path: Path) -> None:
    for shape in SHAPES:
        graph = network(shape, 1)
        container.save(graph, tmp_path / "net.snn")
        x = raster(graph.inputs[0].shape[0], 60, 2)
        result = snnhub.convert(tmp_path / "net.snn", tmp_path / "net.json", to="xylo-a2", verify=x, calibration=x)
        again = snnhub.load(tmp_path / "net.json")
        assert again.network() == result.graph.network()
        kept = {match for match in result.graph.correspondence if match.new.name in ("s", "s_out")}
        assert {match for match in again.correspondence if match.new.name in ("s", "s_out")} == kept
