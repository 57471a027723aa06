"""Graph to protobuf and back. The only module that touches protobuf messages of graphs.

Encoding collects tables (types, tensors, programs) in order of first use, so equal graphs give equal
bytes. Decoding checks every index and every enum; an enum value it does not know is an unknown required
feature.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeVar

from google.protobuf.message import DecodeError
from snnhub.errors import FormatError, ProgramError, SnnhubError
from snnhub.findings import Finding, Severity
from snnhub.ir.graph import (
    AttributeValue,
    Decoder,
    Edge,
    Graph,
    Input,
    Match,
    Node,
    Origin,
    Output,
    Port,
    Provenance,
    Stage,
)
from snnhub.ir.tensor import Array

from snnhub_formats._gen import snnhub_v1_graph_pb2 as pb
from snnhub_formats.serde_program import decode_program, decode_type, encode_program, encode_type
from snnhub_formats.serde_tensor import decode_tensor, encode_tensor
from snnhub_formats.tensors import Payload

T = TypeVar("T")
SEVERITIES = {
    Severity.ERROR: pb.SEVERITY_ERROR,
    Severity.LOSS: pb.SEVERITY_LOSS,
    Severity.NOTE: pb.SEVERITY_NOTE,
    Severity.INFO: pb.SEVERITY_INFO,
}


class Table:
    """Numbers distinct items in order of first use."""

    def __init__(self) -> None:
        self.items: list[Any] = []
        self._numbers: dict[Any, int] = {}

    def __call__(self, item: Any) -> int:
        if item not in self._numbers:
            self._numbers[item] = len(self.items)
            self.items.append(item)
        return self._numbers[item]


def encode(graph: Graph) -> tuple[bytes, dict[str, Array]]:
    """Protobuf bytes, and the tensors by the names that the payload stores them under."""
    message = pb.Graph(name=graph.name, dt=graph.dt, outputs=[output.id for output in graph.outputs])
    types, tensors, programs = Table(), Table(), Table()
    names: dict[int, str] = {}
    taken: set[str] = set()
    for node in graph.nodes:
        added = message.nodes.add(id=node.id, op=node.op, version=node.version)
        added.origin.CopyFrom(
            pb.Origin(framework=node.origin.framework, version=node.origin.version, path=node.origin.path)
        )
        for name, value in node.attributes:
            added.attributes.append(_attribute(name, value))
        for name, tensor in node.params:
            number = tensors(tensor)
            if number not in names:
                names[number] = _free(f"{node.id}/{name}", taken)
            added.params.add(name=name, tensor=number)
        if node.program is not None:
            added.program = programs(node.program)
    message.programs.extend(encode_program(program, types) for program in programs.items)
    for item in graph.inputs:
        message.inputs.add(id=item.id, shape=item.shape, type=types(item.type), hold=item.hold)
    message.types.extend(encode_type(type_) for type_ in types.items)
    message.tensors.extend(encode_tensor(names[number], tensor) for number, tensor in enumerate(tensors.items))
    message.opsets.extend(pb.OpSet(domain=domain, version=version) for domain, version in graph.opsets.items())
    _encode_records(graph, message)
    arrays = {names[number]: tensor.array for number, tensor in enumerate(tensors.items)}
    return message.SerializeToString(deterministic=True), arrays


def _free(name: str, taken: set[str]) -> str:
    """A name of a tensor that no other has: parameter ``b/c`` of ``a`` is not parameter ``c`` of ``a/b``."""
    while name in taken:
        name += "'"
    taken.add(name)
    return name


def _encode_records(graph: Graph, message: pb.Graph) -> None:
    for edge in graph.edges:
        message.edges.add(src=_port(edge.src), dst=_port(edge.dst), delay=edge.delay)
    if graph.decoder is not None:
        message.decoder.CopyFrom(
            pb.Decoder(reduce=graph.decoder.reduce, argmax=graph.decoder.argmax, quantity=graph.decoder.quantity)
        )
    for match in graph.correspondence:
        added = message.correspondence.add(
            old=_port(match.old), new=_port(match.new), lag=match.lag, scale=match.scale
        )
        if match.select is not None:
            added.select_start, added.select_stop = match.select
    for finding in graph.findings:
        message.findings.add(
            code=finding.code,
            severity=SEVERITIES[finding.severity],
            place=finding.place,
            message=finding.message,
            old=finding.old,
            new=finding.new,
            bound=finding.bound,
            remedy=finding.remedy,
        )
    provenance = graph.provenance
    message.provenance.source = provenance.source
    message.provenance.source_sha256 = bytes.fromhex(provenance.source_sha256)
    for stage in provenance.stages:
        options = [pb.Option(name=name, value=value) for name, value in stage.options]
        message.provenance.stages.add(name=stage.name, version=stage.version, options=options)


def _port(port: Port) -> pb.Port:
    return pb.Port(node=port.node, name=port.name)


def _attribute(name: str, value: AttributeValue) -> pb.Attribute:
    if isinstance(value, bool):
        return pb.Attribute(name=name, truth=value)
    if isinstance(value, int):
        return pb.Attribute(name=name, integer=value)
    if isinstance(value, str):
        return pb.Attribute(name=name, text=value)
    return pb.Attribute(name=name, integers=pb.Integers(values=value))


def decode(data: bytes, payload: Payload, where: str) -> Graph:
    """The graph. Raises ``FormatError`` for bytes that are not a well-formed graph of this format version."""
    message = pb.Graph()
    try:
        message.ParseFromString(data)
    except DecodeError:
        raise FormatError("graph is not a protobuf message", where=where) from None
    _refuse_unknown_fields(message, where)
    try:
        return _graph(message, payload)
    except FormatError as problem:
        raise FormatError(
            problem.message,
            where=f"{where}: {problem.where}".removesuffix(": "),
            found=problem.found,
            allowed=problem.allowed,
        ) from None
    except (SnnhubError, ValueError, OverflowError) as problem:
        raise FormatError(f"graph is broken: {problem}", where=where) from None


def _refuse_unknown_fields(message: pb.Graph, where: str) -> None:
    before = message.ByteSize()
    message.DiscardUnknownFields()
    if message.ByteSize() != before:
        raise FormatError(
            "graph has fields that are not known here", where=where, remedy="Read it with a newer snnhub"
        )


def _graph(message: pb.Graph, payload: Payload) -> Graph:
    types = [decode_type(item) for item in message.types]
    tensors = [decode_tensor(item, payload) for item in message.tensors]
    if sorted(item.name for item in message.tensors) != sorted(payload.names):
        raise FormatError("tensors of graph and payload differ")
    programs = [_located(f"program {n}", decode_program, item, types) for n, item in enumerate(message.programs)]

    def node(item: pb.Node) -> Node:
        return Node(
            item.id,
            item.op,
            item.version,
            tuple((attribute.name, _value(attribute)) for attribute in item.attributes),
            tuple((param.name, pick(tensors, param.tensor, "tensor")) for param in item.params),
            pick(programs, item.program, "program") if item.HasField("program") else None,
            Origin(item.origin.framework, item.origin.version, item.origin.path),
        )

    graph = Graph(
        message.name,
        tuple(_located(f"node {item.id}", node, item) for item in message.nodes),
        tuple(Edge(_pair(item.src), _pair(item.dst), item.delay) for item in message.edges),
        tuple(Input(i.id, tuple(i.shape), pick(types, i.type, "type"), i.hold) for i in message.inputs),
        tuple(Output(name) for name in message.outputs),
        message.dt if message.HasField("dt") else None,
        _decoder(message),
        tuple(_match(item) for item in message.correspondence),
        tuple(_finding(item) for item in message.findings),
        _provenance(message.provenance),
    )
    for item in graph.nodes:
        _unique(item.id, [name for name, _ in item.attributes])
        _unique(item.id, [name for name, _ in item.params])
    if dict(graph.opsets) != {item.domain: item.version for item in message.opsets}:
        raise FormatError("op-set versions are not those of the nodes")
    return graph


def _located(place: str, decode_item: Callable[..., T], *args: Any) -> T:
    try:
        return decode_item(*args)
    except (FormatError, ProgramError) as problem:
        raise FormatError(
            problem.message,
            where=" ".join(filter(None, (place, problem.where))),
            found=problem.found,
            allowed=problem.allowed,
        ) from None


def pick(table: Sequence[T], index: int, noun: str) -> T:
    """``table[index]``, refusing an index beyond it."""
    if index >= len(table):
        raise FormatError(f"no such {noun}", found=str(index), allowed=f"0 .. {len(table) - 1}")
    return table[index]


def _unique(place: str, names: Iterable[str]) -> None:
    listed = list(names)
    if len(set(listed)) != len(listed):
        raise FormatError("attribute or parameter occurs twice", where=f"node {place}", found=", ".join(listed))


def _pair(port: pb.Port) -> Port:
    return Port(port.node, port.name)


def _value(attribute: pb.Attribute) -> AttributeValue:
    kind = attribute.WhichOneof("value")
    if kind is None:
        raise FormatError("attribute without a value", found=attribute.name)
    if kind == "integers":
        return tuple(attribute.integers.values)
    value: AttributeValue = getattr(attribute, kind)
    return value


def _decoder(message: pb.Graph) -> Decoder | None:
    if not message.HasField("decoder"):
        return None
    return Decoder(message.decoder.reduce, message.decoder.argmax, message.decoder.quantity)


def _match(item: pb.Match) -> Match:
    select = (item.select_start, item.select_stop) if item.HasField("select_start") else None
    return Match(
        _pair(item.old), _pair(item.new), item.lag, item.scale if item.HasField("scale") else None, select
    )


def _finding(item: pb.Finding) -> Finding:
    severities = {number: severity for severity, number in SEVERITIES.items()}
    if item.severity not in severities:
        raise FormatError("unknown severity", found=str(item.severity))
    try:
        return Finding(
            item.code,
            severities[item.severity],
            item.place,
            item.message,
            item.old,
            item.new,
            item.bound,
            item.remedy,
        )
    except KeyError:
        raise FormatError("unknown finding code", found=item.code) from None


def _provenance(item: pb.Provenance) -> Provenance:
    stages = tuple(
        Stage(stage.name, stage.version, tuple((option.name, option.value) for option in stage.options))
        for stage in item.stages
    )
    return Provenance(stages, item.source, item.source_sha256.hex())
