"""The engine against Lava: one time step of the same file, one sample, outputs recorded.

Lava's time is taken from a network that is built already, long run less short run, in one worker process.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import snnhub
from snnhub.api.options import ImportOptions
from snnhub.api.request import RunRequest
from snnhub.engine.reference import prepare
from snnhub.engine.stimulus import read_stimulus
from snnhub.ir.numtype import SPIKE
from snnhub.ir.tensor import Array
from snnhub.peers.protocol import Worker
from snnhub_lava.runner import open_worker, run_in

from tests.bench.timing import Ratio, compare, seconds

EXAMPLE = Path("docs/examples/mnist_csnn")
SHARED = Path("../shared/data/netx")
SHORT = 20
BATCH, BATCH_SHORT, BATCH_LONG = 100, 4, 14


def files(folder: Path) -> Iterator[tuple[str, Path, int]]:
    """The shipped networks, and files made by others where they are at hand; and how many steps to time, so that
    Lava's start does not drown them.
    """
    for name, weights in (("csnn", "weights.pt"), ("pooled", "pooled.pt")):
        path = folder / f"{name}.net"
        options = ImportOptions(EXAMPLE / weights, {}, (1, 28, 28))
        snnhub.convert(f"{EXAMPLE}/model.py:{name}", path, options=options)
        yield f"MNIST {name}", path, 200
    for name, steps in (("oxford", 3000), ("pilotnet_snn", 40), ("pilotnet_sdnn_test", 20)):
        if (SHARED / f"{name}.net").exists():
            yield name, SHARED / f"{name}.net", steps


def measure(folder: Path) -> Iterator[Ratio]:
    """Two lines for each file: one sample, and the share of one sample in a batch of 100."""
    with open_worker() as worker:
        for name, path, steps in files(folder):
            yield from _ratios(worker, name, path, steps)


def _ratios(worker: Worker, name: str, path: Path, steps: int) -> Iterator[Ratio]:
    graph = snnhub.load(path)
    shape = graph.inputs[0].shape
    spikes = (np.random.default_rng(0).integers(0, 5, (SHORT + steps, 1, *shape)) == 0).astype(np.uint8)
    if graph.inputs[0].type != SPIKE:  # of sigma-delta networks
        spikes = np.random.default_rng(0).integers(-64, 65, spikes.shape, np.int32)
    many = np.repeat(spikes[:BATCH_LONG], BATCH, axis=1)

    def engine(values: Array) -> float:
        plan = prepare(graph)
        return seconds(lambda: plan.run(values))

    def lava(count: int) -> Array:
        request = RunRequest(graph, read_stimulus(spikes[:count, 0], graph.inputs[0]), source=path)
        return run_in(worker, request).arrays["output"]

    np.testing.assert_array_equal(lava(SHORT), prepare(graph).run(spikes[:SHORT])[0].arrays["output"][:, 0])

    def theirs() -> float:
        return (seconds(lambda: lava(SHORT + steps)) - seconds(lambda: lava(SHORT))) / steps

    def ours() -> float:
        return (engine(spikes) - engine(spikes[:SHORT])) / steps

    def ours_in_batch() -> float:
        return (engine(many) - engine(many[:BATCH_SHORT])) / (BATCH_LONG - BATCH_SHORT) / BATCH

    yield compare(f"{name}, a step", "Lava", ours, theirs)
    if name.startswith("pilotnet"):
        yield compare(
            f"{name}, {SHORT} steps from the file on",
            "Lava, in a process that runs",
            lambda: seconds(lambda: snnhub.run(path, spikes[:SHORT, 0])),
            lambda: seconds(lambda: lava(SHORT)),
        )
    yield compare(f"{name}, a step of each of {BATCH}", "Lava, no batch", ours_in_batch, theirs)
