"""Types and step programs to protobuf and back. A decoded program has been checked like a traced one."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from snnhub.errors import FormatError
from snnhub.ir.code import Instr
from snnhub.ir.microop import MicroOp
from snnhub.ir.numtype import Kind, NumType
from snnhub.ir.program import Program, Scope, Slot, State, canonical, validate

from snnhub_formats._gen import snnhub_v1_graph_pb2 as pb

KINDS = {Kind.F32: pb.KIND_F32, Kind.F64: pb.KIND_F64, Kind.BOOL: pb.KIND_BOOL, Kind.INT: pb.KIND_INT}
SCOPES = {Scope.ELEMENT: pb.SCOPE_ELEMENT, Scope.NODE: pb.SCOPE_NODE}
OPS = {op: pb.Op.Value(f"OP_{op.name}") for op in MicroOp}
CODE_LIMIT = 10_000
TypeIndex = Callable[[NumType], int]


def encode_type(type_: NumType) -> pb.NumType:
    return pb.NumType(kind=KINDS[type_.kind], lo=type_.lo, hi=type_.hi)


def decode_type(item: pb.NumType) -> NumType:
    """Raises ``FormatError`` for an unknown kind, ``ProgramError`` for an impossible range."""
    kinds = {number: kind for kind, number in KINDS.items()}
    if item.kind not in kinds:
        raise FormatError("unknown kind of number", found=str(item.kind))
    lo = item.lo if item.HasField("lo") else None
    return NumType(kinds[item.kind], lo, item.hi if item.HasField("hi") else None)


def encode_number(value: int | float | bool | str) -> pb.Number:
    """Raises ``FormatError`` for an integer that needs more than 64 bits with its sign."""
    if isinstance(value, bool):
        return pb.Number(truth=value)
    if isinstance(value, int):
        if not -(2**63) <= value < 2**63:
            raise FormatError("integer is too large", found=str(value), allowed="-2^63 .. 2^63 - 1")
        return pb.Number(integer=value)
    return pb.Number(real=value) if isinstance(value, float) else pb.Number(text=value)


def decode_number(item: pb.Number) -> int | float | bool | str:
    """Raises ``FormatError`` if nothing is there."""
    kind = item.WhichOneof("value")
    if kind is None:
        raise FormatError("number without a value")
    value: int | float | bool | str = getattr(item, kind)
    return value


def encode_program(program: Program, types: TypeIndex) -> pb.Program:
    message = pb.Program(next=program.next)
    for table, slots in ((message.inputs, program.inputs), (message.params, program.params)):
        for slot in slots:
            table.add(name=slot.name, type=types(slot.type))
    for state in program.states:
        added = message.states.add(name=state.name, type=types(state.type), scope=SCOPES[state.scope])
        if isinstance(state.init, str):
            added.param = state.init
        else:
            added.value.CopyFrom(encode_number(state.init))
    for instr in program.code:
        imm = [encode_number(value) for value in instr.imm]
        message.code.add(op=OPS[instr.op], args=instr.args, type=types(instr.type), imm=imm)
    for name, index in program.outputs:
        message.outputs.add(name=name, instr=index)
    return message


def decode_program(message: pb.Program, types: Sequence[NumType]) -> Program:
    """Raises ``FormatError`` for broken structure and ``ProgramError`` for code that does not type-check."""
    if len(message.code) > CODE_LIMIT:
        raise FormatError(
            "program is too long", found=f"{len(message.code)} instructions", allowed=str(CODE_LIMIT)
        )
    ops = {number: op for op, number in OPS.items()}

    def type_at(index: int) -> NumType:
        if index >= len(types):
            raise FormatError("no such type", found=str(index), allowed=f"0 .. {len(types) - 1}")
        return types[index]

    def instr(item: pb.Instr) -> Instr:
        if item.op not in ops:
            raise FormatError("unknown micro-operation", found=str(item.op))
        return Instr(ops[item.op], tuple(item.args), type_at(item.type), tuple(decode_number(n) for n in item.imm))

    program = Program(
        tuple(Slot(slot.name, type_at(slot.type)) for slot in message.inputs),
        tuple(Slot(slot.name, type_at(slot.type)) for slot in message.params),
        tuple(_state(item, type_at(item.type)) for item in message.states),
        tuple(instr(item) for item in message.code),
        tuple(message.next),
        tuple((output.name, output.instr) for output in message.outputs),
    )
    validate(program)
    if canonical(program) != program:
        raise FormatError("program is not in canonical form")
    return program


def _state(item: pb.State, type_: NumType) -> State:
    scopes = {number: scope for scope, number in SCOPES.items()}
    if item.scope not in scopes or item.WhichOneof("init") is None:
        raise FormatError("state without scope or initial value", found=item.name)
    init = item.param if item.HasField("param") else decode_number(item.value)
    if isinstance(init, str) and not item.HasField("param"):
        raise FormatError("initial value is text", found=item.name)
    return State(item.name, type_, init, scopes[item.scope])
