"""Live xylosim: every spike and state of random cores, of both versions, up to the largest, equal in bits."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import snnhub
from snnhub.api.request import RunRequest
from snnhub.engine.reference import prepare
from snnhub.engine.stimulus import read_stimulus
from snnhub.ir.graph import Graph
from snnhub.ir.recording import Recording
from snnhub.ir.rung import Rung
from snnhub.ir.tensor import Array
from snnhub.peers.protocol import Worker
from snnhub_formats import container
from snnhub_xylo.core import CAP_HIDDEN, HIGH, LOW, Core
from snnhub_xylo.document import graph_of
from snnhub_xylo.runner import open_worker, run_in

from tests.networks.xylo_cores import KINDS, core_graph, largest, random_core
from tests.unit.test_xylo_targets import made

pytestmark = [pytest.mark.peer, pytest.mark.usefixtures("xylosim")]
NETWORKS = 546
PART = 42


@pytest.fixture(scope="module")
def worker(xylosim: None) -> Iterator[Worker]:
    """One process for all runs."""
    with open_worker() as opened:
        yield opened


def theirs(worker: Worker, graph: Graph, x: Array) -> Recording:
    return run_in(worker, RunRequest(graph, read_stimulus(x, graph.inputs[0]), ("*",)))


def same(worker: Worker, core: Core, x: Array) -> Recording:
    """Run in both and compare everything that is recorded."""
    graph = core_graph(core)
    expected = theirs(worker, graph, x)
    plan = prepare(graph)
    assert set(expected) == set(plan.record_keys())
    ours, _ = plan.run(x, record=list(expected))
    for key, array in expected.items():
        assert array.dtype == ours[key].dtype
        np.testing.assert_array_equal(ours[key], array, err_msg=key)
    return expected


@pytest.mark.parametrize("first", range(0, NETWORKS, PART))
def test_random_cores(first: int, worker: Worker) -> None:
    """Over all kinds together something must happen that the kinds are for."""
    spikes = saturated = negative = capped = 0
    for seed in range(first, first + PART):
        core, x = random_core(seed)
        found = same(worker, core, x)
        spikes += int(found["xylo/s"].sum())
        states = [array for key, array in found.items() if "isyn" in key or "vmem" in key]
        saturated += sum(int(((array == HIGH) | (array == LOW)).sum()) for array in states)
        negative += sum(int((array < 0).sum()) for array in states)
        capped += int((found["xylo/s"] == CAP_HIDDEN).sum())
    assert min(spikes, saturated, negative, capped) > 0


def test_both_versions_and_all_kinds_are_among_them() -> None:
    kinds = {(seed % len(KINDS), random_core(seed)[0].version) for seed in range(NETWORKS)}
    assert kinds == {(kind, version) for kind in range(len(KINDS)) for version in ("v1", "v2")}
    assert sum(random_core(seed)[0].version == "v1" for seed in range(NETWORKS)) >= 100


LARGEST = {"xylo-a2": (16, 1000, 8), "xylo-imu": (16, 496, 16), "xylo-a3": (16, 992, 32)}


@pytest.mark.parametrize("threshold", [9000, 300], ids=["quiet", "saturated"])
@pytest.mark.parametrize("family", LARGEST)
def test_the_largest(family: str, threshold: int, worker: Worker) -> None:
    """Every neuron and channel that a family has, 63 recurrent weights each."""
    core = largest(LARGEST[family], threshold)
    x = np.minimum(np.random.default_rng(7).poisson(0.5, (60, 2, 16)), 255).astype(np.uint8)
    found = same(worker, core, x)
    assert found["xylo/s"].sum() > 1000
    if threshold == 300:  # a current is recorded after its leak
        assert (found["xylo/isyn"] == HIGH - (HIGH >> core.dash_syn[:, 0])).any()


@pytest.mark.parametrize("family", LARGEST)
def test_a_file_for_a_chip(family: str, tmp_path: Path) -> None:
    """Written for the chip, read back, run in both: bits."""
    core = made(4, 60, 3, bias=np.random.default_rng(3).integers(-4, 9, 60))
    container.save(graph_of(core, dt=0.01), tmp_path / "net.snn")
    snnhub.convert(tmp_path / "net.snn", tmp_path / "net.json", to=family)
    x = np.random.default_rng(4).poisson(1.5, (50, 3, 4)).clip(0, 20).astype(np.uint8)
    result = snnhub.verify(tmp_path / "net.json", stimulus=x, against="xylosim")
    assert result.passed
    assert result.verdict.reached is Rung.BITS
    assert {row.a_key for row in result.verdict.rows} >= {"xylo/s", "xylo/vmem_out", "output"}
    output = next(row for row in result.verdict.rows if row.a_key == "output")
    assert output.a_spikes


def test_verify_from_a_file(tmp_path: Path) -> None:
    """The public way: a file against the peer."""
    core, x = random_core(12 + 2 * len(KINDS))
    container.save(core_graph(core), tmp_path / "core.snn")
    result = snnhub.verify(tmp_path / "core.snn", stimulus=x, against="xylosim")
    assert result.passed
    assert result.expected is Rung.BITS
    assert result.verdict.reached is Rung.BITS
    assert {row.a_key for row in result.verdict.rows} >= {"xylo/s", "xylo/isyn", "xylo/vmem", "output"}
