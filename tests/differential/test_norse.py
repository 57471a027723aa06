"""Live norse: 0 differing words of spikes and states for every cell, typical networks, and a trained one."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from snnhub.api.options import ImportOptions
from snnhub.engine.reference import prepare
from snnhub.errors import UnsupportedError
from snnhub.ir.graph import Graph
from snnhub.ir.tensor import Array
from snnhub.peers.protocol import Worker

from tests.differential.nir_peer import open_frameworks
from tests.differential.norse_peer import imported, ours, theirs, words_apart
from tests.networks.norse_cells import EXPONENTIAL, EXPONENTIAL_TOO, GAIN, SIZE, cells
from tests.networks.norse_nets import SHAPES

pytestmark = [pytest.mark.peer]
STEPS = 40
DRIVES = ("random", "grid", "overshoot", "negative")


@pytest.fixture(scope="module")
def worker() -> Iterator[Worker]:
    """One process for all of them, on one thread."""
    patch = pytest.MonkeyPatch()
    patch.setenv("OMP_NUM_THREADS", "1")
    with open_frameworks() as opened:
        patch.undo()
        yield opened


def drives(gain: float) -> Array:
    """(STEPS, 4, SIZE): a sample of each kind."""
    chance = np.random.default_rng(3)
    shape = (STEPS, SIZE)
    found = {
        "random": chance.normal(0.3, 1, shape),
        "grid": chance.integers(-2, 4, shape) / 4,
        "overshoot": (chance.random(shape) < 0.3) * 50.0,
        "negative": -np.abs(chance.normal(0, 3, shape)),
    }
    return np.stack([found[kind] * gain for kind in DRIVES], axis=1).astype(np.float32)


def test_every_cell_word_by_word(worker: Worker) -> None:
    """Random drive, sums on the threshold, overshoot and negative drive; every state of every step."""
    apart, spikes = {}, 0
    for kind, name, dt in cells():
        options = ImportOptions(input_shape=(SIZE,), settings={"kind": kind, "name": name, "dt": str(dt)})
        graph = imported(worker, "norse_cells.py:cell", options)
        assert graph.dt == dt
        x = drives(GAIN.get(kind, 1.0))
        found = theirs(worker, "norse_cells.py:cell", graph, x, options)
        made = ours(graph, x, list(found))
        assert len(found) >= 2 or "LIBox" in kind
        wrong = {key: words_apart(found[key], made[key]) for key in found}
        if any(wrong.values()):
            apart[kind, name] = wrong
        spikes += sum(int(found[key].sum()) for key in found if key.endswith("/s"))
    assert apart == {}
    assert spikes > 10_000
