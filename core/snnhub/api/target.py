"""Targets as data: an allow-list of ops and limits, each number with its source, read by one checker."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from snnhub.findings import Finding
from snnhub.ir.graph import Graph, Node


@dataclass(frozen=True, slots=True)
class Limit:
    """Range on the chip of a parameter of an op, or of a count that the target measures under that name.

    ``source`` says where the number comes from.
    """

    op: str
    parameter: str
    low: int
    high: int
    source: str

    def share(self, low: float, high: float) -> float:
        """The part of the range that values from ``low`` to ``high`` take: the larger part of the way from 0 to an
        end; 0 on the side where the end is 0.
        """
        ends = ((low, self.low), (high, self.high))
        return max((abs(value) / abs(end) for value, end in ends if end and value * end > 0), default=0.0)


@dataclass(frozen=True, slots=True)
class Reach:
    """Range on the chip of a state or output ``quantity`` of an op, at whose ends it is saturated.

    ``spikes``: the output of the op whose neurons these are. A reach of the spikes themselves says how many a
    neuron can fire in a step. ``source`` says where the numbers come from.
    """

    op: str
    quantity: str
    spikes: str
    low: int
    high: int
    source: str


@dataclass(frozen=True, slots=True)
class Measured:
    """How much of a limit a graph uses. ``limit``: its ``parameter``; ``remedy``: for when it is too much."""

    place: str
    limit: str
    value: int
    remedy: str = ""


@dataclass(frozen=True)
class TargetSpec:
    """``ops``: versions by name; a graph is lowered for the target if and only if every node is listed.

    ``integer_synapses`` must hold integers; edges into them have at least ``synapse_delay`` steps. ``measures``
    counts what limits name that is no parameter; ``rules`` finds what no number limits. ``lowered_by``: what to
    do about a node that is not listed. ``lower``: what a graph with such nodes would become, so that it can be
    checked too, or None and why it becomes nothing. ``reaches``: ranges of states and spike counts, for
    ``snnhub quant``.
    """

    name: str
    ops: Mapping[str, tuple[int, ...]]
    limits: tuple[Limit, ...] = ()
    integer_synapses: tuple[str, ...] = ()
    synapse_delay: int = 0
    notes: tuple[str, ...] = field(default=())
    measures: Callable[[Graph], Iterable[Measured]] | None = None
    rules: Callable[[Graph], Iterable[Finding]] | None = None
    lowered_by: str = "Lower the network: snnhub convert."
    lower: Callable[[Graph], tuple[Graph | None, Sequence[Finding]]] | None = None
    reaches: tuple[Reach, ...] = ()

    def runs(self, node: Node) -> bool:
        """Whether the op of a node is listed."""
        return node.version in self.ops.get(node.op, ())
