"""Builds graphs: fills in programs, keeps names unique, and checks the result as a whole."""

from __future__ import annotations

from collections.abc import Mapping

from snnhub.errors import GraphError
from snnhub.findings import Finding
from snnhub.ir.graph import (
    TERMINAL_PORT,
    AttributeValue,
    Decoder,
    Edge,
    Graph,
    Input,
    Node,
    Origin,
    Output,
    Port,
    Provenance,
)
from snnhub.ir.numtype import NumType
from snnhub.ir.op import OpLookup, StepOp
from snnhub.ir.tensor import Tensor
from snnhub.ir.verify import ensure


class GraphBuilder:
    """Collects nodes and edges. ``graph()`` verifies everything at once and raises ``GraphError``."""

    def __init__(self, name: str, lookup: OpLookup) -> None:
        self.name = name
        self.lookup = lookup
        self.nodes: list[Node] = []
        self.edges: list[Edge] = []
        self.inputs: list[Input] = []
        self.outputs: list[Output] = []
        self.findings: list[Finding] = []

    def input(self, shape: tuple[int, ...], type_: NumType, name: str = "input", hold: int = 0) -> Port:
        """Declare a graph input and return the port that it is read from."""
        self.inputs.append(Input(name, shape, type_, hold))
        return Port(name, TERMINAL_PORT)

    def node(
        self,
        name: str,
        op: str,
        sources: Mapping[str, Port] | Port | None = None,
        *,
        version: int = 1,
        params: Mapping[str, Tensor] | None = None,
        origin: Origin = Origin(),  # noqa: B008  frozen
        delay: int = 0,
        **attributes: AttributeValue,
    ) -> Port:
        """Add a node and return its first output port.

        ``sources`` connects its input ports (a single port goes to the first) with edges of ``delay``.
        Step ops get their program from the installed schema. Raises ``GraphError`` for an unknown op.
        """
        schema = self.lookup(op, version)
        if schema is None:
            raise GraphError("no installed plugin registers this op", where=name, found=f"{op}/{version}")
        program = schema.program(attributes) if isinstance(schema, StepOp) else None
        self.nodes.append(
            Node(name, op, version, tuple(attributes.items()), tuple((params or {}).items()), program, origin)
        )
        connections = {schema.ports.inputs[0]: sources} if isinstance(sources, Port) else dict(sources or {})
        for port, source in connections.items():
            self.edge(source, Port(name, port), delay)
        return Port(name, schema.ports.outputs[0])

    def edge(self, src: Port, dst: Port, delay: int = 0) -> None:
        """Connect two ports."""
        self.edges.append(Edge(src, dst, delay))

    def output(self, src: Port, name: str = "output", delay: int = 0) -> None:
        """Declare a graph output that ``src`` feeds."""
        self.outputs.append(Output(name))
        self.edge(src, Port(name, TERMINAL_PORT), delay)

    def graph(
        self,
        *,
        decoder: Decoder | None = None,
        dt: float | None = None,
        provenance: Provenance = Provenance(),  # noqa: B008  frozen
    ) -> Graph:
        """The finished graph. Raises ``GraphError`` with every problem found."""
        graph = Graph(
            self.name,
            tuple(self.nodes),
            tuple(self.edges),
            tuple(self.inputs),
            tuple(self.outputs),
            dt,
            decoder,
            (),
            tuple(self.findings),
            provenance,
        )
        ensure(graph, self.lookup)
        return graph
