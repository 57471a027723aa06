"""``.snn`` against ``torch.load``: a network of 50 million parameters, from disk that is warm.

"open" is all that ``inspect`` needs: structure, shapes, ranges. "load" is every number once in memory: a sum
over all of them, so that memory mapping gains nothing by not reading.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from snnhub_formats.container import load, save

from tests.bench.timing import Ratio, compare, seconds
from tests.build import mlp

SIZES = (2048,) * 13


def measure(folder: Path) -> Iterator[Ratio]:
    """Three lines: open, load, and load against torch's own memory mapping."""
    graph = mlp(SIZES)
    ours, theirs = folder / "net.snn", folder / "net.pt"
    save(graph, ours)
    weights = {
        f"{node.id}.weight": torch.from_numpy(node.param["weight"].array.copy())
        for node in graph.nodes
        if "weight" in node.param
    }
    torch.save(weights, theirs)
    count = sum(weight.numel() for weight in weights.values())
    name = f"{count / 1e6:.1f} million parameters"

    def load_ours() -> float:
        return sum(float(np.sum(t.array)) for node in load(ours).nodes for _, t in node.params)

    def load_theirs(mmap: bool) -> float:
        found = torch.load(theirs, weights_only=True, mmap=mmap)
        return sum(float(np.sum(weight.numpy())) for weight in found.values())

    if load_ours() - sum(1.0 for node in graph.nodes if "v_threshold" in node.param) != load_theirs(mmap=False):
        raise AssertionError("the two files do not hold the same numbers")
    whole = lambda: seconds(lambda: load_theirs(mmap=False))  # noqa: E731
    yield compare(
        f"{name}: open",
        "torch.load, which reads all",
        lambda: seconds(lambda: load(ours)),
        lambda: seconds(lambda: torch.load(theirs, weights_only=True)),
    )
    yield compare(
        f"{name}: open",
        "torch.load(mmap=True)",
        lambda: seconds(lambda: load(ours)),
        lambda: seconds(lambda: torch.load(theirs, weights_only=True, mmap=True)),
    )
    yield compare(f"{name}: load and sum", "torch.load", lambda: seconds(load_ours), whole)
    yield compare(
        f"{name}: load and sum",
        "torch.load(mmap=True)",
        lambda: seconds(load_ours),
        lambda: seconds(lambda: load_theirs(mmap=True)),
    )
