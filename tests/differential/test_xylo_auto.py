"""The search against Rockpool's two quantisers in one run, on the trained SynNet and rasters it never saw."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pytest
import snnhub
from snnhub.api.load import load_graph
from snnhub.engine.reference import prepare
from snnhub.ir.tensor import Array
from snnhub_xylo.core import Core
from snnhub_xylo.document import graph_of

from tests.differential.rockpool_reference import SYNNET, SYNNET_LAYERS, Request, reference
from tests.differential.test_rockpool_reference import core_of

pytestmark = [pytest.mark.peer, pytest.mark.usefixtures("rockpool", "xylosim")]
LAYERS = ("seq/0_neurons", "seq/1_neurons", "seq/2_neurons")
SIZE, QUIET = 63, 200


class Measured(NamedTuple):
    """Differing spikes and spikes, (rasters, layers)."""

    wrong: Array
    spikes: Array

    def share(self, rasters: slice | Array = slice(None)) -> float:
        """The mismatch over all layers that are not too quiet."""
        loud = self.spikes[rasters].sum(axis=0) >= QUIET
        return float(self.wrong[rasters][:, loud].sum() / self.spikes[rasters][:, loud].sum())


def data(start: str) -> Array:
    """Rasters (steps, rasters, channels), Poisson ones first."""
    with np.load(SYNNET.parent / "rasters.npz") as file:
        kinds = [
            sorted(name for name in file if name.startswith(f"{start}_{kind}")) for kind in ("poisson", "bursty")
        ]
        return np.stack([file[name] for names in kinds for name in names], axis=1)


def wanted(x: Array) -> Array:
    """Spikes of the float network, each layer one step later than the one before: the chip's timing."""
    graph = load_graph(SYNNET, importer="rockpool").graph
    recording, _ = prepare(graph).run(x.astype(np.float32), record=[f"{layer}/s" for layer in LAYERS])
    found = []
    for lag, layer in enumerate(LAYERS):
        counts = recording[f"{layer}/s"].astype(np.int64)
        found.append(np.concatenate([np.zeros_like(counts[:lag]), counts])[: len(x)])
    return np.concatenate(found, axis=2)


def measured(core: Core, x: Array, spikes: Array) -> Measured:
    recording, _ = prepare(graph_of(core)).run(x, record=["xylo/s"])
    wrong = np.abs(recording["xylo/s"].astype(np.int64) - spikes)
    by_layer = [array.reshape(*array.shape[:2], len(LAYERS), SIZE).sum(axis=(0, 3)) for array in (wrong, spikes)]
    return Measured(*by_layer)


def test_auto_loses_less_than_rockpools_quantisers() -> None:
    if not SYNNET.is_file():
        pytest.skip(f"{SYNNET} is not here")
    x = data("test")
    spikes = wanted(x)
    theirs = {
        rule: measured(core_of(reference(Request(SYNNET, SYNNET_LAYERS, "xylo-a3", rule))), x, spikes)
        for rule in ("global", "channel")
    }
    result = snnhub.convert(SYNNET, to="xylo-a3", from_="rockpool", dry_run=True, calibration=data("calibration"))
    ours = measured(Core.of(result.graph.nodes[0]), x, spikes)
    best = min(theirs.values(), key=Measured.share)
    for name, found in {**theirs, "auto": ours}.items():
        shares = (found.wrong.sum(axis=0) / found.spikes.sum(axis=0)).round(4)
        print(name, f"{found.share():.4f}", "by layer", shares)
    assert ours.share() <= 0.92 * best.share()
    for kind in (slice(0, 10), slice(10, 20)):
        print("kind", ours.share(kind) / best.share(kind))
        assert ours.share(kind) <= best.share(kind)
        for layer in range(len(LAYERS)):
            if best.spikes[kind, layer].sum() >= QUIET:
                assert ours.wrong[kind, layer].sum() <= 1.1 * best.wrong[kind, layer].sum()
    single = [slice(number, number + 1) for number in range(20)]
    lower = sum(ours.share(one) < min(found.share(one) for found in theirs.values()) for one in single)
    print("lower on", lower, "of 20")
    assert lower >= 14
