"""The kernel of Xylo's core against xylosim, at the size of the largest chip: 400 steps, spikes recorded.

xylosim's time is that of its simulation alone: no process, no files, no building of the network.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from snnhub.engine.reference import prepare
from snnhub_xylo.runner import open_worker

from tests.bench.timing import Ratio, compare, seconds
from tests.networks.xylo_cores import core_graph, largest

STEPS = 400
REGIMES = {"realistic": (20000, 0.1), "busy": (9000, 0.4), "saturated": (3000, 0.6)}
"""Threshold, and mean events per channel and step."""


def measure(folder: Path) -> Iterator[Ratio]:
    """One line per regime, which says how many spikes a hidden neuron has per step."""
    with open_worker() as worker:
        for name, (threshold, rate) in REGIMES.items():
            core = largest((16, 1000, 8), threshold)
            x = np.random.default_rng(1).poisson(rate, (STEPS, 1, 16)).clip(0, 15).astype(np.uint8)
            np.savez(folder / "core.npz", allow_pickle=False, **core.arrays)
            np.save(folder / "x.npy", x)
            params = {"model": str(folder / "core.npz"), "core": "v2", "input": str(folder / "x.npy")}
            request = {**params, "record": ["s", "s_out"], "folder": str(folder)}
            plan = prepare(core_graph(core))
            found, _ = plan.run(x, record=("xylo/s", "xylo/s_out"))
            answer = worker.call("run", request)
            for key in ("s", "s_out"):
                np.testing.assert_array_equal(np.load(answer["arrays"][key]), found[f"xylo/{key}"])

            def ours() -> float:
                return seconds(lambda: plan.run(x, record=("xylo/s", "xylo/s_out")))  # noqa: B023

            def theirs() -> float:
                return float(worker.call("run", request)["seconds"])  # noqa: B023

            activity = float(found["xylo/s"].mean())
            yield compare(f"Xylo core, {name}: {activity:.2f} spikes", "xylosim", ours, theirs)
