"""Rewritten networks, written as NetX and run in live Lava: every u, v and spike as in the engine."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from snnhub.api.options import ImportOptions
from snnhub.api.request import RunRequest
from snnhub.engine.reference import prepare
from snnhub.engine.stimulus import read_stimulus
from snnhub.ir.graph import Graph
from snnhub.passes.base import PassContext, run_passes
from snnhub.peers.protocol import Worker
from snnhub_lava.runner import open_worker, run_in
from snnhub_loihi.lowering import passes as lowering
from snnhub_netx.arrange import passes
from snnhub_netx.reader import import_netx
from snnhub_netx.writer import export_netx

from tests.build import spikes
from tests.networks.delayed import delayed, delayed_conv
from tests.networks.linear import BOTH, linear

pytestmark = [pytest.mark.peer, pytest.mark.usefixtures("lava")]


@pytest.fixture(scope="module")
def worker(lava: None) -> Iterator[Worker]:
    with open_worker() as opened:
        yield opened


def in_lava(worker: Worker, graph: Graph, path: Path, steps: int) -> None:
    """Lava on the rewritten file equals the engine on it in everything, and on the graph before in its output."""
    arranged = run_passes(graph, (*lowering(), *passes()), PassContext())
    export_netx(arranged, path)
    found = import_netx(path, ImportOptions())
    (lag,) = [match.lag for match in found.correspondence if match.old.node == "output"]
    x = spikes((steps, 1, *graph.inputs[0].shape), 0.3)
    stimulus = read_stimulus(x, found.inputs[0])
    theirs = run_in(worker, RunRequest(found, stimulus, ("*",), path, ImportOptions(), {}, steps + lag))
    ours, _ = prepare(found).run(x, record=list(theirs), steps=steps + lag)
    for key in theirs:
        np.testing.assert_array_equal(ours[key], theirs[key], err_msg=key)
    before, _ = prepare(graph).run(x, record=["output"])
    np.testing.assert_array_equal(before["output"].reshape(steps, -1), theirs["output"][lag:].reshape(steps, -1))
    assert before["output"].any()


@pytest.mark.parametrize("delays", [(64,), (5, 80), (1, 130, 20)])
def test_long_delays(delays: tuple[int, ...], worker: Worker, tmp_path: Path) -> None:
    in_lava(worker, delayed(delays), tmp_path / "x.net", 200)


def test_the_delay_of_a_recurrent_layer(worker: Worker, tmp_path: Path) -> None:
    in_lava(worker, delayed((17,), recurrent=True), tmp_path / "x.net", 80)


def test_the_delay_of_a_convolution(worker: Worker, tmp_path: Path) -> None:
    in_lava(worker, delayed_conv(4), tmp_path / "x.net", 120)


@pytest.mark.parametrize("name", BOTH)
def test_transforms_that_became_weights(name: str, worker: Worker, tmp_path: Path) -> None:
    in_lava(worker, linear(BOTH[name], integer=True), tmp_path / "x.net", 40)
