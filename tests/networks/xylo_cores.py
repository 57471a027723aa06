"""Xylo cores for tests: the random ones of the conformance suite, and the largest that a family takes."""

from __future__ import annotations

from typing import Any

import numpy as np
from snnhub_conformance.generate.xylo_cores import KINDS, SIZES, core_graph, random_core
from snnhub_xylo.core import Core

__all__ = ["KINDS", "SIZES", "core_graph", "largest", "random_core"]


def largest(sizes: tuple[int, int, int], threshold: int) -> Core:
    """A core of these sizes with a fan-out of 63."""
    random = np.random.default_rng((11, *sizes))
    inputs, hidden, outputs = sizes
    recurrent = np.zeros((hidden, hidden, 1), np.int64)
    for source in range(hidden):
        recurrent[source, random.choice(hidden, 63, replace=False), 0] = random.integers(-100, 128, 63)
    arrays: dict[str, Any] = {
        "weights_in": random.integers(-127, 128, (inputs, hidden, 1)),
        "weights_rec": recurrent,
        "weights_out": random.integers(-127, 128, (hidden, outputs)),
        "alias": np.where(np.arange(hidden) < 40, np.arange(hidden) + 50, -1),
        "bias": random.integers(-40, 40, hidden),
        "bias_out": random.integers(-40, 40, outputs),
        "threshold": np.full(hidden, threshold),
        "threshold_out": np.full(outputs, 500),
        "dash_mem": random.integers(1, 8, hidden),
        "dash_syn": random.integers(1, 8, (hidden, 1)),
        "dash_mem_out": random.integers(1, 8, outputs),
        "dash_syn_out": random.integers(1, 8, outputs),
        **dict.fromkeys(("shift_in", "shift_rec", "shift_out"), np.int64(0)),
    }
    return Core.made("v2", arrays)
