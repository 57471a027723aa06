"""Where the reference engine leaves a framework: whether it flagged the first difference as a tie itself."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from snnhub.compare.align import COUNT, spike_keys
from snnhub.engine.reference import prepare
from snnhub.engine.robust.certify import certify
from snnhub.engine.torch_engine.plan import prepare_torch
from snnhub.ir.graph import Graph
from snnhub.ir.tensor import Array
from snnhub.ir.topology import topological_order

from tests.differential.nir_peer import CALL


@dataclass(frozen=True)
class Parting:
    """``bins``: of all neurons, that differ between the reference and the torch engine, which is the framework's.
    ``ties``: decisions that the reference flagged, of ``decided``. ``flagged``: whether all first differences,
    which are those of the first step in the first layer, are among them; None if nothing differs. Counts of f32
    (``odd.…``) are values with a rounding, which nobody decides.
    """

    bins: int
    ties: int
    decided: int
    flagged: bool | None


def parting(graph: Graph, x: Array) -> Parting:
    """Both engines on ``x`` (time, features…), neuron by neuron."""
    counts = {
        f"{node.id}/{COUNT}" for node in graph.nodes if node.program is not None and COUNT in node.program.names
    }
    decided = {key for key in spike_keys(graph) if "/" in key}
    keys = sorted(decided | counts)
    ours, _ = prepare(graph).run(x, record=keys)
    theirs, _ = prepare_torch(graph, CALL).run(x, record=keys)
    order = certify(graph, x)
    rank = {name: number for number, name in enumerate(topological_order(graph))}
    found = []
    for key in keys:
        left = np.asarray(ours[key])
        for step, *index in np.argwhere(left != np.asarray(theirs[key]).reshape(left.shape)):
            found.append((int(step), rank[key.rpartition("/")[0]], key, tuple(int(i) for i in index)))
    first = [item for item in found if item[:2] == min(found)[:2]]
    flagged = [key in counts - decided or order.flagged(key, step, 0, index) for step, _, key, index in first]
    return Parting(len(found), order.ties, order.decided, all(flagged) if flagged else None)
