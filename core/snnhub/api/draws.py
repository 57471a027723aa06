"""Copies of a network as devices differ: draws of mismatch from a seed, for rates over many, never for
equality.
"""

from __future__ import annotations

import math

from snnhub.errors import UnsupportedError, UsageError
from snnhub.findings import Finding, info
from snnhub.hub.catalogue import register_ops
from snnhub.hub.objects import resolve
from snnhub.ir.graph import Graph
from snnhub.ops.registry import REGISTRY

DRAWS = 10
"""Copies that are drawn where nobody says how many."""


def draws(graph: Graph, count: int, percent: float, seed: int) -> tuple[Graph, ...]:
    """``count`` copies of ``graph`` with mismatch, as its ops say how copies of their device differ. ``percent``:
    0.05 for 5 %, in the meaning of these ops. Draw k depends on ``seed`` and k alone.

    Raises ``UnsupportedError`` for a network without ops of an analog device, or with several kinds of them, and
    what their own code raises.
    """
    if not (math.isfinite(percent) and 0 < percent < 1) or count < 1 or seed < 0:
        found = f"{count} draws of {percent:g} from seed {seed}"
        raise UsageError(
            "no such draws", found=found, allowed="1 or more, of a share above 0 and below 1, seed 0 …"
        )
    register_ops()
    schemas = (REGISTRY(node.op, node.version) for node in graph.nodes)
    ways = sorted({way for schema in schemas if (way := getattr(schema, "mismatch", ""))})
    if len(ways) != 1:
        words = "no op of the network says how copies of its device differ"
        if ways:
            words = "ops of several devices, each of which differs in its own way"
        remedy = "Mismatch is for networks of analog neurons, such as dynapse2.DynapSim."
        raise UnsupportedError(words, where=graph.name, found=", ".join(ways), remedy=remedy)
    return tuple(resolve(ways[0], "mismatch")(graph, count, percent, seed))


def told(side: str, graph: Graph, count: int, percent: float, seed: int) -> Finding:
    """What was drawn, in one finding for all copies."""
    words = (
        f"{side}: {count} draws of {100 * percent:.3g} % mismatch from seed {seed}; a run is a draw, whose "
        "samples share its neurons"
    )
    return info("SNN-5405", graph.name, words)
