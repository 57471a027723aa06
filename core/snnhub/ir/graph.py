"""The graph: nodes, edges with delays, inputs, outputs, and the records that travel with them.

Frozen dataclasses with structural equality. Time is synchronous: in step t every node runs once, in
topological order of the zero-delay edges; an edge of delay d delivers what its source produced in step
t - d, and zero before the start. ``input`` and ``output`` are reserved names: inputs and outputs are the
ends of edges, as nodes are.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import NamedTuple

from snnhub.findings import Finding
from snnhub.ir.numtype import NumType
from snnhub.ir.program import Program
from snnhub.ir.tensor import Tensor

AttributeValue = bool | int | str | tuple[int, ...]
TERMINAL_PORT = "x"
"""The one port of graph inputs and outputs."""


class Port(NamedTuple):
    """An end of an edge: node (or input, or output) id and port name."""

    node: str
    name: str

    def __str__(self) -> str:
        return f"{self.node}.{self.name}"


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a node came from: framework (or file format), version, and its place there."""

    framework: str = ""
    version: str = ""
    path: str = ""


@dataclass(frozen=True)
class Node:
    """One operation. ``attributes`` are choices, ``params`` are numbers; both are sorted by name.

    ``program`` is set for step ops: the arithmetic travels with the graph.
    """

    id: str
    op: str
    version: int
    attributes: tuple[tuple[str, AttributeValue], ...] = ()
    params: tuple[tuple[str, Tensor], ...] = ()
    program: Program | None = None
    origin: Origin = Origin()

    def __post_init__(self) -> None:
        object.__setattr__(self, "attributes", tuple(sorted(self.attributes)))
        object.__setattr__(self, "params", tuple(sorted(self.params, key=lambda item: item[0])))

    @cached_property
    def attribute(self) -> Mapping[str, AttributeValue]:
        return dict(self.attributes)

    @cached_property
    def param(self) -> Mapping[str, Tensor]:
        return dict(self.params)

    @property
    def kind(self) -> str:
        """``name/version``, as error messages and files name an op."""
        return f"{self.op}/{self.version}"

    def integer(self, name: str) -> int:
        """An integer attribute. Raises ``KeyError`` if absent, ``TypeError`` if it is something else."""
        value = self.attribute[name]
        if not isinstance(value, int):
            raise TypeError(f"{self.id}: attribute {name} is not an integer")
        return value

    def integers(self, name: str) -> tuple[int, ...]:
        """A tuple-of-integers attribute. Raises ``KeyError`` if absent, ``TypeError`` if something else."""
        value = self.attribute[name]
        if not isinstance(value, tuple):
            raise TypeError(f"{self.id}: attribute {name} is not a tuple of integers")
        return value

    def bare(self) -> Node:
        """The node without origin, recipes and quantisation: only what computes."""
        params = tuple((name, tensor.bare()) for name, tensor in self.params)
        return replace(self, params=params, origin=Origin())

    def with_params(self, **params: Tensor) -> Node:
        """The node with some parameters replaced or added."""
        return replace(self, params=tuple({**self.param, **params}.items()))


@dataclass(frozen=True, slots=True)
class Edge:
    """A connection that delivers in step t what ``src`` produced in step t - ``delay``."""

    src: Port
    dst: Port
    delay: int = 0

    def __str__(self) -> str:
        return f"{self.src} -> {self.dst}" + (f" (delay {self.delay})" if self.delay else "")


@dataclass(frozen=True, slots=True)
class Input:
    """A graph input: shape of one step of one sample (no time, no batch) and the type of its values.

    ``hold``: the network shows one frame for this many steps itself; 0 if every step has its own input.
    """

    id: str
    shape: tuple[int, ...]
    type: NumType
    hold: int = 0


@dataclass(frozen=True, slots=True)
class Output:
    """A graph output: whatever edges deliver to it, in edge order."""

    id: str


REDUCTIONS = ("mean", "sum", "last")


@dataclass(frozen=True, slots=True)
class Decoder:
    """How the output becomes a decision: reduce over time, then argmax with ties to the lowest index.

    ``reduce``: ``mean`` or ``sum`` over all steps, or ``last`` for the value after the last step, as of a state
    that adds up by itself. ``argmax`` is False where the output is no class score.
    ``quantity`` is ``output``, or a record key such as ``layer6/v`` where the last layer cannot spike.
    """

    reduce: str
    argmax: bool = True
    quantity: str = "output"


@dataclass(frozen=True, slots=True)
class Match:
    """One row of a correspondence: this old quantity is that new one, ``lag`` steps later, times ``scale``.

    ``old`` and ``new`` name a node and an output port or state. ``select`` picks entries of the new
    quantity along its first feature axis (start, stop), where a pass added some. ``scale`` is one number:
    new = scale * old, up to what the pass rounded; None where the values are not comparable.
    """

    old: Port
    new: Port
    lag: int = 0
    scale: float | None = 1.0
    select: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True)
class Stage:
    """One tool or pass in the history of a graph, with its version and options as text."""

    name: str
    version: str
    options: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Provenance:
    """Who made this graph from what: every stage in order, and the digest of the source file if it was one."""

    stages: tuple[Stage, ...] = ()
    source: str = ""
    source_sha256: str = ""

    def after(self, stage: Stage) -> Provenance:
        return replace(self, stages=(*self.stages, stage))


@dataclass(frozen=True)
class Graph:
    """A network. ``dt`` in seconds, or None where steps have no physical length. See the module docstring."""

    name: str
    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]
    inputs: tuple[Input, ...]
    outputs: tuple[Output, ...]
    dt: float | None = None
    decoder: Decoder | None = None
    correspondence: tuple[Match, ...] = ()
    findings: tuple[Finding, ...] = ()
    provenance: Provenance = field(default_factory=Provenance)

    @cached_property
    def node(self) -> Mapping[str, Node]:
        return {node.id: node for node in self.nodes}

    @cached_property
    def input(self) -> Mapping[str, Input]:
        return {item.id: item for item in self.inputs}

    @cached_property
    def into(self) -> Mapping[Port, tuple[Edge, ...]]:
        """Edges by target port, in edge order: several into one port add up in this order."""
        table: dict[Port, list[Edge]] = {}
        for edge in self.edges:
            table.setdefault(edge.dst, []).append(edge)
        return {port: tuple(edges) for port, edges in table.items()}

    @cached_property
    def out_of(self) -> Mapping[Port, tuple[Edge, ...]]:
        """Edges by source port."""
        table: dict[Port, list[Edge]] = {}
        for edge in self.edges:
            table.setdefault(edge.src, []).append(edge)
        return {port: tuple(edges) for port, edges in table.items()}

    def feeding(self, node: str) -> tuple[Edge, ...]:
        """Every edge into any port of a node, in edge order."""
        return tuple(edge for edge in self.edges if edge.dst.node == node)

    def fed_by(self, node: str) -> tuple[Edge, ...]:
        """Every edge out of any port of a node, in edge order."""
        return tuple(edge for edge in self.edges if edge.src.node == node)

    @cached_property
    def opsets(self) -> Mapping[str, int]:
        """Highest op version used, by domain (``core``, ``loihi`` …)."""
        found: dict[str, int] = {}
        for node in self.nodes:
            domain = node.op.partition(".")[0]
            found[domain] = max(found.get(domain, 0), node.version)
        return dict(sorted(found.items()))

    def network(self) -> Graph:
        """Only what computes: name, origins, recipes, findings, correspondence and provenance removed.

        Two graphs are the same network if and only if these are equal.
        """
        return Graph(
            "",
            tuple(node.bare() for node in self.nodes),
            self.edges,
            self.inputs,
            self.outputs,
            self.dt,
            self.decoder,
        )

    def with_findings(self, findings: Iterable[Finding]) -> Graph:
        return replace(self, findings=(*self.findings, *findings))
