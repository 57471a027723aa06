"""Whether a run fits into this machine, before anything is allocated.

A file of a few hundred bytes may describe a convolution of a hundred gigabytes, or a delay of a million steps.
"""

from __future__ import annotations

import os
from math import prod
from typing import TYPE_CHECKING

from snnhub.errors import UnsupportedError
from snnhub.ir.graph import Port

if TYPE_CHECKING:
    from snnhub.engine.reference import Plan

WIDE = 8
"""Bytes per element while a sum is computed (f64, int64), whatever its result is stored in."""
MAX_RANK = 30
"""Feature axes: NumPy has 32 axes (64 since version 2), of which time and samples take two."""


def available() -> int:
    """Physical memory of this machine in bytes."""
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def ensure_memory(plan: Plan, samples: int) -> None:
    """Raise ``UnsupportedError`` if states, delay lines or one step of one layer cannot fit into memory."""
    shapes, types, graph = plan.analysis.shapes, plan.analysis.types, plan.graph
    for port, shape in shapes.items():
        if len(shape) > MAX_RANK:
            raise UnsupportedError(
                "too many axes to run", where=port.node, found=str(len(shape)), allowed=f"{MAX_RANK} feature axes"
            )
    needs = {f"one step of {port.node}": WIDE * prod(shape) for port, shape in shapes.items()}
    for edge in graph.edges:
        if edge.delay:
            needs[f"the delay of {edge}"] = (
                edge.delay * samples * prod(shapes[edge.src]) * types[edge.src].numpy.itemsize
            )
    for node in graph.nodes:
        if node.program is not None:
            elements = samples * prod(shapes[Port(node.id, node.program.outputs[0][0])])
            widths = sum(state.type.numpy.itemsize for state in node.program.states)
            needs[f"the states of {node.id}"] = elements * widths
    for port, (shape, type_) in plan.analysis.states.items():
        needs[f"the state {port}"] = samples * prod(shape) * type_.numpy.itemsize
    limit = available()
    largest = max(needs, key=lambda name: needs[name], default="")
    if sum(needs.values()) > limit:
        raise UnsupportedError(
            f"the network needs more memory than this machine has; most of it for {largest}",
            where=graph.name,
            found=f"{sum(needs.values())} bytes for {samples} samples",
            allowed=f"{limit} bytes",
            remedy="Run fewer samples at once, or check padding and delays of the network.",
        )
