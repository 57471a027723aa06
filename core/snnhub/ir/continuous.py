"""Continuous time: ops that hold what a source says, field by field, and graphs of them, which are never run.

An op ``ct.<Type>`` is a node type of NIR. Its parameters are the fields of the source with their names, dtypes and
shapes (a scalar stays 0-d, float16 and bool included); a field in words, such as ``padding`` = ``same``, is an
attribute. Nothing is computed, converted or filled in: a field that the source leaves out is absent here.

A graph with ``ct.`` ops is in continuous time. Its edges have no delay and may form cycles, may occur twice, and
need not reach every port; its shapes need not fit. It is saved, inspected, compared and exported. Discretisation
turns it into a graph of step ops, for which the verifier's rules hold.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from snnhub.errors import GraphError, UsageError
from snnhub.findings import Finding, error, info
from snnhub.ir.ct_names import ROOT, parent_of
from snnhub.ir.graph import AttributeValue, Graph, Node
from snnhub.ir.op import Attribute, Attributes, OpKind, OpLookup, Parameter, Ports, Shape, Shapes, Types

DOMAIN = "ct"
GRAPH = "ct.NIRGraph"
METADATA = "metadata/"
"""Beginning of the names of metadata: numbers among the parameters, text among the attributes."""
TEXTS, EMPTY = "metadata-texts/", "metadata-empty/"
"""Arrays of strings, as a JSON list in an attribute; and groups that hold nothing."""
DTYPE = "dtype/"
"""``dtype/<parameter>`` = ``bool``: the numbers 0 and 1 of this parameter (uint8) are truth values there."""
VERSION = "version"


@dataclass(frozen=True, slots=True)
class Field:
    """A field of a node type. ``unit``: of its numbers, empty where they have none. ``required``: every version of
    the source has it. ``words``: what may stand in place of numbers.
    """

    name: str
    doc: str
    unit: str = ""
    required: bool = True
    words: tuple[str, ...] = ()


OutputShape = Callable[[Node, Shape | None], Shape | None]
"""Shape of the output from that of the input, either of which may be unknown. Raises ``GraphError`` if the input
cannot be the op's."""


@dataclass(frozen=True)
class ContinuousOp:
    """A node type of a continuous-time source: the fields that it has, and what is known of shapes.

    It has no program and no reference code.
    """

    name: str
    version: int
    doc: str
    fields: tuple[Field, ...]
    shape_rule: OutputShape
    ports: Ports = field(default_factory=Ports)
    kind: OpKind = field(default=OpKind.CONTINUOUS, init=False)

    @property
    def attributes(self) -> tuple[Attribute, ...]:
        """Fields that may be words. They are optional: the same field may be numbers."""
        return tuple(Attribute(item.name, item.doc, item.words) for item in self.fields if item.words)

    def parameters(self, attributes: Attributes) -> tuple[Parameter, ...]:
        """The fields that are numbers. A field that is not ``required`` may be absent."""
        named = [item for item in self.fields if item.name not in attributes]
        return tuple(Parameter(item.name, item.doc, None, elementwise=False, unit=item.unit) for item in named)

    def output_shapes(self, node: Node, shapes: Shapes) -> Shapes:
        found = self.shape_rule(node, shapes.get(self.ports.inputs[0]))
        return {} if found is None else {self.ports.outputs[0]: found}

    def output_types(self, node: Node, types: Types) -> Types:
        return {}


def is_continuous(graph: Graph) -> bool:
    """Whether a graph is in continuous time: one ``ct.`` op is enough."""
    return any(node.op.partition(".")[0] == DOMAIN for node in graph.nodes)


def ensure_discrete(graph: Graph) -> None:
    """Raise ``UsageError`` for a graph in continuous time, where steps are needed."""
    if is_continuous(graph):
        raise UsageError(
            "the network is in continuous time: what one step computes is not in the file",
            where=graph.name,
            remedy="Choose it: discretise(graph, dt, profile), or --profile NAME --dt SECONDS.",
        )


def root_of(graph: Graph) -> Node | None:
    """The node that holds version and metadata of the whole graph; None if it has none."""
    return graph.node.get(ROOT)


def problems(node: Node, op: ContinuousOp) -> Iterator[Finding]:
    """What keeps a node from being one of its type: fields missing or unknown, words not allowed."""
    known = {item.name: item for item in op.fields}
    extras = {VERSION} if node.id == ROOT else set()
    for name, value in node.attributes:
        if problem := _attribute(node, known, extras, name, value):
            yield error("SNN-1004", node.id, problem)
    for name in node.param:
        if not name.startswith(METADATA) and (name not in known or name in node.attribute):
            allowed = ", ".join(known) or "none"
            yield error("SNN-1005", node.id, f"{node.kind} has no parameter {name}; allowed {allowed}")
    for name, item in known.items():
        if item.required and name not in node.param and name not in node.attribute:
            yield error("SNN-1005", f"{node.id}/{name}", f"{node.kind} needs field {name}: {item.doc}")


def _attribute(
    node: Node, known: dict[str, Field], extras: set[str], name: str, value: AttributeValue
) -> str | None:
    if name.startswith((METADATA, TEXTS, EMPTY)) or name in extras:
        return None if isinstance(value, str) else f"attribute {name} is no text"
    if name.startswith(DTYPE):
        tensor = node.param.get(name.removeprefix(DTYPE))
        fits = (
            value == "bool" and tensor is not None and tensor.dtype.name == "uint8" and tensor.statistics.max <= 1
        )
        return (
            None if fits else f"attribute {name}: found {value!r}; allowed bool, of a uint8 parameter of 0 and 1"
        )
    words = known[name].words if name in known else ()
    if not words:
        named = ", ".join(item.name for item in known.values() if item.words) or "none"
        return f"{node.kind} has no attribute {name}; allowed {named}"
    return None if value in words else f"attribute {name}: found {value!r}; allowed {', '.join(words)}"


def structure(graph: Graph) -> Iterator[Finding]:
    """Nodes within graphs that are none, and delays, which are nodes here."""
    for node in graph.nodes:
        parent = parent_of(node.id)
        if parent and (parent not in graph.node or graph.node[parent].op != GRAPH):
            yield error("SNN-1001", node.id, f"found no {GRAPH} of the id {parent}, which this node lies in")
        if node.id == ROOT and node.op != GRAPH and len(graph.nodes) > 1:
            yield error("SNN-1001", node.id, f"found {node.op}, and this id is that of the whole graph")
    for edge in graph.edges:
        if edge.delay:
            yield error("SNN-1015", str(edge), "found a delay in a graph in continuous time, allowed 0")


def remarks(found: list[Finding]) -> list[Finding]:
    """Problems of shapes as remarks: they do not keep a graph from being held, only from being run."""
    return [info(item.code, item.place, item.message) for item in found]


def elementwise(node: Node, arriving: Shape | None) -> Shape | None:
    """Shape rule of neurons: one value per element, parameters 0-d or of the elements' shape.

    Raises ``GraphError`` if parameters have several shapes, or another one than what arrives.
    """
    own = {tensor.shape for name, tensor in node.params if not name.startswith(METADATA) and tensor.shape != ()}
    if len(own) > 1:
        listed = ", ".join(str(list(shape)) for shape in sorted(own))
        raise GraphError("parameters differ in shape", found=listed, allowed="one shape")
    if not own:
        return arriving
    shape = own.pop()
    if arriving not in (None, shape):
        raise GraphError(
            "parameters do not have the shape of what arrives", found=str(list(shape)), allowed=str(arriving)
        )
    return shape


def find_op(lookup: OpLookup, node: Node) -> ContinuousOp | None:
    """The schema of a continuous-time node; None for any other."""
    schema = lookup(node.op, node.version)
    return schema if isinstance(schema, ContinuousOp) else None
