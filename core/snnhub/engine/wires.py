"""What arrives at an input port: sources through their delay lines, several edges added up exactly."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from snnhub.engine.exact import add_exactly
from snnhub.ir.graph import Edge, Graph, Port
from snnhub.ir.numtype import NumType
from snnhub.ir.tensor import Array


@dataclass(frozen=True)
class Wire:
    """One edge with its number in the graph, which names its delay line."""

    number: int
    edge: Edge


def wires_into(graph: Graph, port: Port) -> tuple[Wire, ...]:
    """The edges into a port, in edge order."""
    return tuple(Wire(number, edge) for number, edge in enumerate(graph.edges) if edge.dst == port)


def delayed(wire: Wire, values: Array, lines: Mapping[int, Array]) -> Array:
    """A whole block as the target sees it: ``delay`` old values first."""
    if wire.edge.delay == 0:
        return values
    return np.concatenate([lines[wire.number], values])[: values.shape[0]]


def delayed_at(wire: Wire, values: Array | None, lines: Mapping[int, Array], step: int) -> Array:
    """One step of a block that is still being computed; ``values`` is None before its source has run."""
    source = step - wire.edge.delay
    return np.asarray(lines[wire.number][step] if source < 0 or values is None else values[source])


def move_on(line: Array, values: Array) -> None:
    """Advance a delay line over a block, in place: it keeps the last values."""
    line[:] = np.concatenate([line, values])[values.shape[0] :]


def combine(arrays: list[Array], type_: NumType) -> Array:
    """The sum of what several edges deliver, in edge order; exact, one rounding for floats."""
    if len(arrays) == 1:
        return arrays[0]
    if type_.is_int:
        return np.asarray(np.sum([array.astype(np.int64) for array in arrays], axis=0).astype(type_.numpy))
    return add_exactly(arrays, type_.numpy)
