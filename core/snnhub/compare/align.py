"""Pairs of quantities from two recordings, shifted by the predicted lag and cut to what both have."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from snnhub.ir.graph import TERMINAL_PORT, Graph, Match, Port
from snnhub.ir.numtype import NumType
from snnhub.ir.op import KernelOp, StepOp
from snnhub.ir.recording import Recording
from snnhub.ir.tensor import Array
from snnhub.ops.registry import REGISTRY

COUNT = "s"
"""Name of the output of a neuron. Where a neuron fires several times in a step, it is their number."""


@dataclass(frozen=True)
class Pair:
    """One quantity in both recordings, (time, samples, features…), aligned. ``spikes``: it is a spike train.

    ``a_key`` and ``b_key`` are record keys; ``lag``: b is this many steps later, already shifted away.
    """

    a_key: str
    b_key: str
    a: Array
    b: Array
    spikes: bool
    lag: int = 0
    scale: float | None = 1.0

    @property
    def node(self) -> str:
        """The node of the first recording."""
        return self.a_key.rpartition("/")[0] or self.a_key


def key_of(port: Port) -> str:
    """Record key of a quantity: ``output`` for graph outputs, ``<node>/<name>`` for nodes."""
    return port.node if port.name == TERMINAL_PORT else f"{port.node}/{port.name}"


def spike_keys(graph: Graph) -> frozenset[str]:
    """Record keys that hold spikes: bool outputs of step programs and their counts named ``s``, what ops declare,
    and outputs fed by nothing else.
    """
    keys = {
        f"{node.id}/{name}"
        for node in graph.nodes
        if node.program is not None
        for name, _ in node.program.outputs
        if _spiking(name, node.program.output_type(name))
    }
    for node in graph.nodes:
        schema = REGISTRY(node.op, node.version)
        if isinstance(schema, KernelOp | StepOp):
            keys |= {f"{node.id}/{name}" for name in schema.spikes}
    for output in graph.outputs:
        edges = graph.into.get(Port(output.id, TERMINAL_PORT), ())
        if len(edges) == 1 and key_of(edges[0].src) in keys:
            keys.add(output.id)
    return frozenset(keys)


def _spiking(name: str, type_: NumType) -> bool:
    """Whether an output holds spikes: yes or no, or how many in a step."""
    return type_.is_bool or (name == COUNT and type_.is_int and type_.range[0] == 0)


def align(
    a: Recording, b: Recording, matches: Iterable[Match], spikes: frozenset[str], steps: int
) -> tuple[list[Pair], list[str]]:
    """Pairs for all matches that both recordings have, in order, and problems (shapes that differ).

    ``steps``: how many steps of ``a`` to compare; ``b`` is read from its lag on.
    """
    pairs: list[Pair] = []
    problems: list[str] = []
    for match in matches:
        a_key, b_key = key_of(match.old), key_of(match.new)
        if a_key not in a or b_key not in b:
            continue
        left, right = a.with_batch(a_key), b.with_batch(b_key)
        if match.select is not None:
            right = right[:, :, match.select[0] : match.select[1]]
        count = min(steps, left.shape[0], right.shape[0] - match.lag)
        left, right = left[:count], right[match.lag : match.lag + count]
        if left.shape[2:] != right.shape[2:] and int(np.prod(left.shape[2:])) == int(np.prod(right.shape[2:])):
            right = right.reshape(left.shape)
        if left.shape != right.shape or count < 1:
            problems.append(f"{a_key} {list(left.shape)} and {b_key} {list(right.shape)} cannot be compared")
            continue
        pairs.append(Pair(a_key, b_key, left, right, a_key in spikes, match.lag, match.scale))
    return pairs, problems


def by_order(a: Graph, b: Graph) -> tuple[Match, ...]:
    """A correspondence for graphs that have none: layers of neurons in order, and the outputs.

    Lags are counted along the shortest path from the input. Only as good as the guess that layers correspond.
    """
    from snnhub.ir.timing import depth_to_outputs, latencies

    lag_a, lag_b = (depth_to_outputs(graph, latencies(graph, REGISTRY)) for graph in (a, b))
    first, second = _neurons(a), _neurons(b)
    rows = [
        Match(Port(x, name), Port(y, name), lag_b[y][0] - lag_a[x][0])
        for x, y in zip(first, second, strict=False)
        for name in ("s",)
    ]
    rows += [
        Match(Port(x.id, TERMINAL_PORT), Port(y.id, TERMINAL_PORT), lag_b[y.id][0] - lag_a[x.id][0])
        for x, y in zip(a.outputs, b.outputs, strict=False)
    ]
    return tuple(rows)


def _neurons(graph: Graph) -> list[str]:
    return [node.id for node in graph.nodes if f"{node.id}/s" in spike_keys(graph)]
