"""What a file says and Lava does not do, and numbers on which chip, slayer and Lava's CPU simulation part.

The list is in docs/netx.md, with the place where each point is looked for.
"""

from __future__ import annotations

from collections.abc import Iterator

import h5py
import numpy as np
from snnhub.findings import Finding, info, loss
from snnhub.ir.graph import Graph, Node, Port
from snnhub.passes.arriving import arriving, held

IGNORED = ("refDelay", "gradedSpike", "wgtExp", "theta", "tauRho", "scaleRho", "weight_exp")
"""Entries of a neuron group that Lava-DL's reader never uses."""
CURRENT_LIMIT = 2**23
"""Where a current wraps in Lava (lava-nc 0.10.0, ``proc/lif/models.py``)."""
EPSILON_LIMIT = 4096
"""From this threshold on (64 in slayer's units) slayer's epsilon, 0.01 / 4096, is lost in float32."""
ALIGN = 6
DECAY_UNITY = 4096
MANTISSA_LIMIT = 2**17
CHIP_WEIGHTS = (-256, 254)


def ignored(group: h5py.Group, kind: str, place: str) -> list[Finding]:
    """Entries of a neuron group that Lava's reader ignores, where that matters, and one that it fails on."""
    found = []
    if "messageBits" in group:
        found.append(loss("SNN-3108", f"{place}/messageBits", "Lava's reader crashes on this key; it is left out"))
    if _largest(group, "refDelay", 1) != 1:
        message = "a refractory delay other than 1 is ignored, as Lava does"
        found.append(info("SNN-3105", f"{place}/refDelay", message))
    if "weight_exp" in group:
        found.append(info("SNN-3105", f"{place}/weight_exp", "is ignored, as Lava does"))
    if _largest(group, "wgtExp", 0):
        found.append(info("SNN-3105", f"{place}/wgtExp", "an exponent of the weights is ignored, as Lava does"))
    if _largest(group, "gradedSpike", 0):
        message = f"Lava's {kind} neurons send 0 and 1: graded spikes become plain ones, here too"
        found.append(loss("SNN-3137", f"{place}/gradedSpike", message, old="graded", new="0 and 1"))
    return found


def _largest(group: h5py.Group, key: str, default: int) -> int:
    """The number in the group that is farthest from the default; the default if it is not there or no number."""
    item = group.get(key)
    if not isinstance(item, h5py.Dataset) or item.dtype.kind not in "iufb" or not item.size:
        return default
    values = np.asarray(item[()], np.float64).reshape(-1)
    return int(values[np.abs(values - default).argmax()])


def reading(graph: Graph) -> list[Finding]:
    """Findings about the numbers of a graph that was read."""
    return [
        *(beyond(node, key, old, bound) for node, key, old, bound in _wide(graph)),
        *_thresholds(graph, "SNN-3138"),
        *_currents(graph, "SNN-3136"),
    ]


def writing(graph: Graph) -> list[Finding]:
    """The same about a graph that is about to be written; widths are the business of the writer's own checks."""
    return [*_thresholds(graph, "SNN-4123"), *_currents(graph, "SNN-4121")]


def beyond(node: str, key: str, old: str, bound: str) -> Finding:
    message = "the number is beyond the width of the chip; the file means what Lava computes on the CPU"
    return info("SNN-3139", f"{node}/{key}", message, old=old, bound=bound)


def _wide(graph: Graph) -> Iterator[tuple[str, str, str, str]]:
    low, high = CHIP_WEIGHTS
    for node in graph.nodes:
        if node.op in ("core.Dense", "core.Conv"):
            found = node.param["weight"].statistics
            if found.min < low or found.max > high:
                yield node.id, "weight", f"{found.min} .. {found.max}", f"{low} .. {high}"
        elif _fires_above(node) and node.param["vThMant"].statistics.max >= MANTISSA_LIMIT:
            yield node.id, "vThMant", str(node.param["vThMant"].statistics.max), f"< {MANTISSA_LIMIT}"


def _fires_above(node: Node) -> bool:
    return node.op == "loihi.CubaLIF"


def _thresholds(graph: Graph, code: str) -> Iterator[Finding]:
    for node in graph.nodes:
        if _fires_above(node) and EPSILON_LIMIT <= node.param["vThMant"].statistics.max < MANTISSA_LIMIT:
            yield info(
                code,
                f"{node.id}/vThMant",
                "slayer fires at this threshold, Lava and snnhub above it: its epsilon is lost in float32",
                old=str(node.param["vThMant"].statistics.max),
                bound=f"< {EPSILON_LIMIT} for equal spikes",
            )


def _currents(graph: Graph, code: str) -> Iterator[Finding]:
    for node in graph.nodes:
        reach = current_reach(graph, node) if _fires_above(node) else 0
        if reach is None or reach > CURRENT_LIMIT:
            yield info(
                code,
                f"{node.id}/u",
                "the current can pass 2^23, where Lava on the CPU wraps and the chip need not do the same: "
                "claims hold for Lava on the CPU",
                old="without bound" if reach is None else str(reach),
                bound=f"|u| <= {CURRENT_LIMIT}",
                remedy="Smaller weights, fewer inputs, or a larger iDecay.",
            )


def current_reach(graph: Graph, node: Node) -> int | None:
    """The largest |u| that spikes can drive a CUBA neuron to if nothing wraps; None if there is no bound.

    0 where the input is not made of integer synapses, whose sums are not known.
    """
    sums = arriving(graph, Port(node.id, "a"))
    if sums is None:
        return 0
    return held((sums[0] << ALIGN, sums[1] << ALIGN), node.param["iDecay"].array, DECAY_UNITY)
