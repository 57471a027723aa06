"""What a step that rounds promises: the spike overlap seen on calibration data, less a margin."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping

import numpy as np
from snnhub.engine.reference import prepare
from snnhub.ir.graph import Graph
from snnhub.ir.rung import Rung
from snnhub.ir.tensor import Array
from snnhub.passes.base import PassContext, Promise

from snnhub_xylo.mapping.layers import NEURONS

MARGIN = 0.05
DEVIATIONS = 4


def promised(pairs: Iterable[tuple[Array, Array]]) -> Promise:
    """From counts before and after: the smallest overlap (sum of the smaller over sum of the larger counts) less
    0.05 and four standard deviations of a share counted over so few spikes.
    """
    found = []
    for before, after in pairs:
        larger = int(np.maximum(before, after).sum())
        share = int(np.minimum(before, after).sum()) / larger if larger else 1.0
        found.append(share - MARGIN - DEVIATIONS * math.sqrt(share * (1 - share) / max(1, larger)))
    return Promise(Rung.BOUNDED, max(0.0, min(found, default=0.0)))


def measured(before: Graph, after: Graph, context: PassContext) -> Promise:
    """Of two graphs with the same layers of neurons; without calibration data nothing beyond decisions."""
    if context.calibration is None:
        return Promise(Rung.DECISION)
    keys = [f"{node.id}/s" for node in before.nodes if node.op == NEURONS]
    old, new = (_counts(graph, keys, context) for graph in (before, after))
    return promised((old[key], new[key]) for key in keys)


def _counts(graph: Graph, keys: list[str], context: PassContext) -> Mapping[str, Array]:
    assert context.calibration is not None  # noqa: S101  asked before
    recording, _ = prepare(graph, context.lookup).run(context.calibration, record=keys)
    return {key: recording[key].astype(np.int64) for key in keys}
