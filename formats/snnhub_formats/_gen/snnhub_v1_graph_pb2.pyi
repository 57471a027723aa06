from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from typing import ClassVar as _ClassVar, Iterable as _Iterable, Mapping as _Mapping, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Kind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    KIND_UNSPECIFIED: _ClassVar[Kind]
    KIND_F32: _ClassVar[Kind]
    KIND_F64: _ClassVar[Kind]
    KIND_BOOL: _ClassVar[Kind]
    KIND_INT: _ClassVar[Kind]

class Op(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    OP_UNSPECIFIED: _ClassVar[Op]
    OP_CONST: _ClassVar[Op]
    OP_INPUT: _ClassVar[Op]
    OP_PARAM: _ClassVar[Op]
    OP_STATE: _ClassVar[Op]
    OP_ADD: _ClassVar[Op]
    OP_SUB: _ClassVar[Op]
    OP_MUL: _ClassVar[Op]
    OP_FMA: _ClassVar[Op]
    OP_DIV: _ClassVar[Op]
    OP_FLOORDIV: _ClassVar[Op]
    OP_NEG: _ClassVar[Op]
    OP_ABS: _ClassVar[Op]
    OP_MIN: _ClassVar[Op]
    OP_MAX: _ClassVar[Op]
    OP_CLIP: _ClassVar[Op]
    OP_SHL: _ClassVar[Op]
    OP_SHR_FLOOR: _ClassVar[Op]
    OP_SHR_TRUNC: _ClassVar[Op]
    OP_SHR_ROUND_HALF_EVEN: _ClassVar[Op]
    OP_WRAP: _ClassVar[Op]
    OP_FLOOR: _ClassVar[Op]
    OP_CEIL: _ClassVar[Op]
    OP_TRUNC: _ClassVar[Op]
    OP_RINT: _ClassVar[Op]
    OP_EXP: _ClassVar[Op]
    OP_EXPM1: _ClassVar[Op]
    OP_LOG: _ClassVar[Op]
    OP_LOG1P: _ClassVar[Op]
    OP_EQ: _ClassVar[Op]
    OP_LT: _ClassVar[Op]
    OP_LE: _ClassVar[Op]
    OP_GT: _ClassVar[Op]
    OP_GE: _ClassVar[Op]
    OP_AND: _ClassVar[Op]
    OP_OR: _ClassVar[Op]
    OP_NOT: _ClassVar[Op]
    OP_WHERE: _ClassVar[Op]
    OP_CAST: _ClassVar[Op]
    OP_CHECK: _ClassVar[Op]

class Scope(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    SCOPE_UNSPECIFIED: _ClassVar[Scope]
    SCOPE_ELEMENT: _ClassVar[Scope]
    SCOPE_NODE: _ClassVar[Scope]

class Severity(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    SEVERITY_UNSPECIFIED: _ClassVar[Severity]
    SEVERITY_ERROR: _ClassVar[Severity]
    SEVERITY_LOSS: _ClassVar[Severity]
    SEVERITY_NOTE: _ClassVar[Severity]
    SEVERITY_INFO: _ClassVar[Severity]
KIND_UNSPECIFIED: Kind
KIND_F32: Kind
KIND_F64: Kind
KIND_BOOL: Kind
KIND_INT: Kind
OP_UNSPECIFIED: Op
OP_CONST: Op
OP_INPUT: Op
OP_PARAM: Op
OP_STATE: Op
OP_ADD: Op
OP_SUB: Op
OP_MUL: Op
OP_FMA: Op
OP_DIV: Op
OP_FLOORDIV: Op
OP_NEG: Op
OP_ABS: Op
OP_MIN: Op
OP_MAX: Op
OP_CLIP: Op
OP_SHL: Op
OP_SHR_FLOOR: Op
OP_SHR_TRUNC: Op
OP_SHR_ROUND_HALF_EVEN: Op
OP_WRAP: Op
OP_FLOOR: Op
OP_CEIL: Op
OP_TRUNC: Op
OP_RINT: Op
OP_EXP: Op
OP_EXPM1: Op
OP_LOG: Op
OP_LOG1P: Op
OP_EQ: Op
OP_LT: Op
OP_LE: Op
OP_GT: Op
OP_GE: Op
OP_AND: Op
OP_OR: Op
OP_NOT: Op
OP_WHERE: Op
OP_CAST: Op
OP_CHECK: Op
SCOPE_UNSPECIFIED: Scope
SCOPE_ELEMENT: Scope
SCOPE_NODE: Scope
SEVERITY_UNSPECIFIED: Severity
SEVERITY_ERROR: Severity
SEVERITY_LOSS: Severity
SEVERITY_NOTE: Severity
SEVERITY_INFO: Severity

class Graph(_message.Message):
    __slots__ = ("name", "dt", "opsets", "types", "tensors", "programs", "nodes", "edges", "inputs", "outputs", "decoder", "correspondence", "findings", "provenance")
    NAME_FIELD_NUMBER: _ClassVar[int]
    DT_FIELD_NUMBER: _ClassVar[int]
    OPSETS_FIELD_NUMBER: _ClassVar[int]
    TYPES_FIELD_NUMBER: _ClassVar[int]
    TENSORS_FIELD_NUMBER: _ClassVar[int]
    PROGRAMS_FIELD_NUMBER: _ClassVar[int]
    NODES_FIELD_NUMBER: _ClassVar[int]
    EDGES_FIELD_NUMBER: _ClassVar[int]
    INPUTS_FIELD_NUMBER: _ClassVar[int]
    OUTPUTS_FIELD_NUMBER: _ClassVar[int]
    DECODER_FIELD_NUMBER: _ClassVar[int]
    CORRESPONDENCE_FIELD_NUMBER: _ClassVar[int]
    FINDINGS_FIELD_NUMBER: _ClassVar[int]
    PROVENANCE_FIELD_NUMBER: _ClassVar[int]
    name: str
    dt: float
    opsets: _containers.RepeatedCompositeFieldContainer[OpSet]
    types: _containers.RepeatedCompositeFieldContainer[NumType]
    tensors: _containers.RepeatedCompositeFieldContainer[Tensor]
    programs: _containers.RepeatedCompositeFieldContainer[Program]
    nodes: _containers.RepeatedCompositeFieldContainer[Node]
    edges: _containers.RepeatedCompositeFieldContainer[Edge]
    inputs: _containers.RepeatedCompositeFieldContainer[Input]
    outputs: _containers.RepeatedScalarFieldContainer[str]
    decoder: Decoder
    correspondence: _containers.RepeatedCompositeFieldContainer[Match]
    findings: _containers.RepeatedCompositeFieldContainer[Finding]
    provenance: Provenance
    def __init__(self, name: _Optional[str] = ..., dt: _Optional[float] = ..., opsets: _Optional[_Iterable[_Union[OpSet, _Mapping]]] = ..., types: _Optional[_Iterable[_Union[NumType, _Mapping]]] = ..., tensors: _Optional[_Iterable[_Union[Tensor, _Mapping]]] = ..., programs: _Optional[_Iterable[_Union[Program, _Mapping]]] = ..., nodes: _Optional[_Iterable[_Union[Node, _Mapping]]] = ..., edges: _Optional[_Iterable[_Union[Edge, _Mapping]]] = ..., inputs: _Optional[_Iterable[_Union[Input, _Mapping]]] = ..., outputs: _Optional[_Iterable[str]] = ..., decoder: _Optional[_Union[Decoder, _Mapping]] = ..., correspondence: _Optional[_Iterable[_Union[Match, _Mapping]]] = ..., findings: _Optional[_Iterable[_Union[Finding, _Mapping]]] = ..., provenance: _Optional[_Union[Provenance, _Mapping]] = ...) -> None: ...

class OpSet(_message.Message):
    __slots__ = ("domain", "version")
    DOMAIN_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    domain: str
    version: int
    def __init__(self, domain: _Optional[str] = ..., version: _Optional[int] = ...) -> None: ...

class NumType(_message.Message):
    __slots__ = ("kind", "lo", "hi")
    KIND_FIELD_NUMBER: _ClassVar[int]
    LO_FIELD_NUMBER: _ClassVar[int]
    HI_FIELD_NUMBER: _ClassVar[int]
    kind: Kind
    lo: int
    hi: int
    def __init__(self, kind: _Optional[_Union[Kind, str]] = ..., lo: _Optional[int] = ..., hi: _Optional[int] = ...) -> None: ...

class Tensor(_message.Message):
    __slots__ = ("name", "dtype", "shape", "sha256", "min", "max", "levels", "zeros", "finite", "quantisation", "recipe")
    NAME_FIELD_NUMBER: _ClassVar[int]
    DTYPE_FIELD_NUMBER: _ClassVar[int]
    SHAPE_FIELD_NUMBER: _ClassVar[int]
    SHA256_FIELD_NUMBER: _ClassVar[int]
    MIN_FIELD_NUMBER: _ClassVar[int]
    MAX_FIELD_NUMBER: _ClassVar[int]
    LEVELS_FIELD_NUMBER: _ClassVar[int]
    ZEROS_FIELD_NUMBER: _ClassVar[int]
    FINITE_FIELD_NUMBER: _ClassVar[int]
    QUANTISATION_FIELD_NUMBER: _ClassVar[int]
    RECIPE_FIELD_NUMBER: _ClassVar[int]
    name: str
    dtype: str
    shape: _containers.RepeatedScalarFieldContainer[int]
    sha256: bytes
    min: Number
    max: Number
    levels: int
    zeros: int
    finite: bool
    quantisation: Ratio
    recipe: str
    def __init__(self, name: _Optional[str] = ..., dtype: _Optional[str] = ..., shape: _Optional[_Iterable[int]] = ..., sha256: _Optional[bytes] = ..., min: _Optional[_Union[Number, _Mapping]] = ..., max: _Optional[_Union[Number, _Mapping]] = ..., levels: _Optional[int] = ..., zeros: _Optional[int] = ..., finite: bool = ..., quantisation: _Optional[_Union[Ratio, _Mapping]] = ..., recipe: _Optional[str] = ...) -> None: ...

class Ratio(_message.Message):
    __slots__ = ("numerator", "denominator")
    NUMERATOR_FIELD_NUMBER: _ClassVar[int]
    DENOMINATOR_FIELD_NUMBER: _ClassVar[int]
    numerator: bytes
    denominator: bytes
    def __init__(self, numerator: _Optional[bytes] = ..., denominator: _Optional[bytes] = ...) -> None: ...

class Number(_message.Message):
    __slots__ = ("integer", "real", "truth", "text")
    INTEGER_FIELD_NUMBER: _ClassVar[int]
    REAL_FIELD_NUMBER: _ClassVar[int]
    TRUTH_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    integer: int
    real: float
    truth: bool
    text: str
    def __init__(self, integer: _Optional[int] = ..., real: _Optional[float] = ..., truth: bool = ..., text: _Optional[str] = ...) -> None: ...

class Program(_message.Message):
    __slots__ = ("inputs", "params", "states", "code", "next", "outputs")
    INPUTS_FIELD_NUMBER: _ClassVar[int]
    PARAMS_FIELD_NUMBER: _ClassVar[int]
    STATES_FIELD_NUMBER: _ClassVar[int]
    CODE_FIELD_NUMBER: _ClassVar[int]
    NEXT_FIELD_NUMBER: _ClassVar[int]
    OUTPUTS_FIELD_NUMBER: _ClassVar[int]
    inputs: _containers.RepeatedCompositeFieldContainer[Slot]
    params: _containers.RepeatedCompositeFieldContainer[Slot]
    states: _containers.RepeatedCompositeFieldContainer[State]
    code: _containers.RepeatedCompositeFieldContainer[Instr]
    next: _containers.RepeatedScalarFieldContainer[int]
    outputs: _containers.RepeatedCompositeFieldContainer[ProgramOutput]
    def __init__(self, inputs: _Optional[_Iterable[_Union[Slot, _Mapping]]] = ..., params: _Optional[_Iterable[_Union[Slot, _Mapping]]] = ..., states: _Optional[_Iterable[_Union[State, _Mapping]]] = ..., code: _Optional[_Iterable[_Union[Instr, _Mapping]]] = ..., next: _Optional[_Iterable[int]] = ..., outputs: _Optional[_Iterable[_Union[ProgramOutput, _Mapping]]] = ...) -> None: ...

class Slot(_message.Message):
    __slots__ = ("name", "type")
    NAME_FIELD_NUMBER: _ClassVar[int]
    TYPE_FIELD_NUMBER: _ClassVar[int]
    name: str
    type: int
    def __init__(self, name: _Optional[str] = ..., type: _Optional[int] = ...) -> None: ...

class State(_message.Message):
    __slots__ = ("name", "type", "value", "param", "scope")
    NAME_FIELD_NUMBER: _ClassVar[int]
    TYPE_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    PARAM_FIELD_NUMBER: _ClassVar[int]
    SCOPE_FIELD_NUMBER: _ClassVar[int]
    name: str
    type: int
    value: Number
    param: str
    scope: Scope
    def __init__(self, name: _Optional[str] = ..., type: _Optional[int] = ..., value: _Optional[_Union[Number, _Mapping]] = ..., param: _Optional[str] = ..., scope: _Optional[_Union[Scope, str]] = ...) -> None: ...

class Instr(_message.Message):
    __slots__ = ("op", "args", "type", "imm")
    OP_FIELD_NUMBER: _ClassVar[int]
    ARGS_FIELD_NUMBER: _ClassVar[int]
    TYPE_FIELD_NUMBER: _ClassVar[int]
    IMM_FIELD_NUMBER: _ClassVar[int]
    op: Op
    args: _containers.RepeatedScalarFieldContainer[int]
    type: int
    imm: _containers.RepeatedCompositeFieldContainer[Number]
    def __init__(self, op: _Optional[_Union[Op, str]] = ..., args: _Optional[_Iterable[int]] = ..., type: _Optional[int] = ..., imm: _Optional[_Iterable[_Union[Number, _Mapping]]] = ...) -> None: ...

class ProgramOutput(_message.Message):
    __slots__ = ("name", "instr")
    NAME_FIELD_NUMBER: _ClassVar[int]
    INSTR_FIELD_NUMBER: _ClassVar[int]
    name: str
    instr: int
    def __init__(self, name: _Optional[str] = ..., instr: _Optional[int] = ...) -> None: ...

class Node(_message.Message):
    __slots__ = ("id", "op", "version", "attributes", "params", "program", "origin")
    ID_FIELD_NUMBER: _ClassVar[int]
    OP_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    ATTRIBUTES_FIELD_NUMBER: _ClassVar[int]
    PARAMS_FIELD_NUMBER: _ClassVar[int]
    PROGRAM_FIELD_NUMBER: _ClassVar[int]
    ORIGIN_FIELD_NUMBER: _ClassVar[int]
    id: str
    op: str
    version: int
    attributes: _containers.RepeatedCompositeFieldContainer[Attribute]
    params: _containers.RepeatedCompositeFieldContainer[Param]
    program: int
    origin: Origin
    def __init__(self, id: _Optional[str] = ..., op: _Optional[str] = ..., version: _Optional[int] = ..., attributes: _Optional[_Iterable[_Union[Attribute, _Mapping]]] = ..., params: _Optional[_Iterable[_Union[Param, _Mapping]]] = ..., program: _Optional[int] = ..., origin: _Optional[_Union[Origin, _Mapping]] = ...) -> None: ...

class Attribute(_message.Message):
    __slots__ = ("name", "integer", "truth", "text", "integers")
    NAME_FIELD_NUMBER: _ClassVar[int]
    INTEGER_FIELD_NUMBER: _ClassVar[int]
    TRUTH_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    INTEGERS_FIELD_NUMBER: _ClassVar[int]
    name: str
    integer: int
    truth: bool
    text: str
    integers: Integers
    def __init__(self, name: _Optional[str] = ..., integer: _Optional[int] = ..., truth: bool = ..., text: _Optional[str] = ..., integers: _Optional[_Union[Integers, _Mapping]] = ...) -> None: ...

class Integers(_message.Message):
    __slots__ = ("values",)
    VALUES_FIELD_NUMBER: _ClassVar[int]
    values: _containers.RepeatedScalarFieldContainer[int]
    def __init__(self, values: _Optional[_Iterable[int]] = ...) -> None: ...

class Param(_message.Message):
    __slots__ = ("name", "tensor")
    NAME_FIELD_NUMBER: _ClassVar[int]
    TENSOR_FIELD_NUMBER: _ClassVar[int]
    name: str
    tensor: int
    def __init__(self, name: _Optional[str] = ..., tensor: _Optional[int] = ...) -> None: ...

class Origin(_message.Message):
    __slots__ = ("framework", "version", "path")
    FRAMEWORK_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    PATH_FIELD_NUMBER: _ClassVar[int]
    framework: str
    version: str
    path: str
    def __init__(self, framework: _Optional[str] = ..., version: _Optional[str] = ..., path: _Optional[str] = ...) -> None: ...

class Port(_message.Message):
    __slots__ = ("node", "name")
    NODE_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    node: str
    name: str
    def __init__(self, node: _Optional[str] = ..., name: _Optional[str] = ...) -> None: ...

class Edge(_message.Message):
    __slots__ = ("src", "dst", "delay")
    SRC_FIELD_NUMBER: _ClassVar[int]
    DST_FIELD_NUMBER: _ClassVar[int]
    DELAY_FIELD_NUMBER: _ClassVar[int]
    src: Port
    dst: Port
    delay: int
    def __init__(self, src: _Optional[_Union[Port, _Mapping]] = ..., dst: _Optional[_Union[Port, _Mapping]] = ..., delay: _Optional[int] = ...) -> None: ...

class Input(_message.Message):
    __slots__ = ("id", "shape", "type", "hold")
    ID_FIELD_NUMBER: _ClassVar[int]
    SHAPE_FIELD_NUMBER: _ClassVar[int]
    TYPE_FIELD_NUMBER: _ClassVar[int]
    HOLD_FIELD_NUMBER: _ClassVar[int]
    id: str
    shape: _containers.RepeatedScalarFieldContainer[int]
    type: int
    hold: int
    def __init__(self, id: _Optional[str] = ..., shape: _Optional[_Iterable[int]] = ..., type: _Optional[int] = ..., hold: _Optional[int] = ...) -> None: ...

class Decoder(_message.Message):
    __slots__ = ("reduce", "argmax", "quantity")
    REDUCE_FIELD_NUMBER: _ClassVar[int]
    ARGMAX_FIELD_NUMBER: _ClassVar[int]
    QUANTITY_FIELD_NUMBER: _ClassVar[int]
    reduce: str
    argmax: bool
    quantity: str
    def __init__(self, reduce: _Optional[str] = ..., argmax: bool = ..., quantity: _Optional[str] = ...) -> None: ...

class Match(_message.Message):
    __slots__ = ("old", "new", "lag", "scale", "select_start", "select_stop")
    OLD_FIELD_NUMBER: _ClassVar[int]
    NEW_FIELD_NUMBER: _ClassVar[int]
    LAG_FIELD_NUMBER: _ClassVar[int]
    SCALE_FIELD_NUMBER: _ClassVar[int]
    SELECT_START_FIELD_NUMBER: _ClassVar[int]
    SELECT_STOP_FIELD_NUMBER: _ClassVar[int]
    old: Port
    new: Port
    lag: int
    scale: float
    select_start: int
    select_stop: int
    def __init__(self, old: _Optional[_Union[Port, _Mapping]] = ..., new: _Optional[_Union[Port, _Mapping]] = ..., lag: _Optional[int] = ..., scale: _Optional[float] = ..., select_start: _Optional[int] = ..., select_stop: _Optional[int] = ...) -> None: ...

class Finding(_message.Message):
    __slots__ = ("code", "severity", "place", "message", "old", "new", "bound", "remedy")
    CODE_FIELD_NUMBER: _ClassVar[int]
    SEVERITY_FIELD_NUMBER: _ClassVar[int]
    PLACE_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    OLD_FIELD_NUMBER: _ClassVar[int]
    NEW_FIELD_NUMBER: _ClassVar[int]
    BOUND_FIELD_NUMBER: _ClassVar[int]
    REMEDY_FIELD_NUMBER: _ClassVar[int]
    code: str
    severity: Severity
    place: str
    message: str
    old: str
    new: str
    bound: str
    remedy: str
    def __init__(self, code: _Optional[str] = ..., severity: _Optional[_Union[Severity, str]] = ..., place: _Optional[str] = ..., message: _Optional[str] = ..., old: _Optional[str] = ..., new: _Optional[str] = ..., bound: _Optional[str] = ..., remedy: _Optional[str] = ...) -> None: ...

class Provenance(_message.Message):
    __slots__ = ("stages", "source", "source_sha256")
    STAGES_FIELD_NUMBER: _ClassVar[int]
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    SOURCE_SHA256_FIELD_NUMBER: _ClassVar[int]
    stages: _containers.RepeatedCompositeFieldContainer[Stage]
    source: str
    source_sha256: bytes
    def __init__(self, stages: _Optional[_Iterable[_Union[Stage, _Mapping]]] = ..., source: _Optional[str] = ..., source_sha256: _Optional[bytes] = ...) -> None: ...

class Stage(_message.Message):
    __slots__ = ("name", "version", "options")
    NAME_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    OPTIONS_FIELD_NUMBER: _ClassVar[int]
    name: str
    version: str
    options: _containers.RepeatedCompositeFieldContainer[Option]
    def __init__(self, name: _Optional[str] = ..., version: _Optional[str] = ..., options: _Optional[_Iterable[_Union[Option, _Mapping]]] = ...) -> None: ...

class Option(_message.Message):
    __slots__ = ("name", "value")
    NAME_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    name: str
    value: str
    def __init__(self, name: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
