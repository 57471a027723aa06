"""Preconditions of ops, each broken once: made from what every registered op declares, with no list by hand.

A condition that several choices of an op have alike (the same parameter of the same type) is broken in the first.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import product
from typing import Any

import numpy as np
from snnhub.errors import GraphError, ProgramError
from snnhub.ir.builder import GraphBuilder
from snnhub.ir.graph import AttributeValue, Edge, Graph, Node, Port
from snnhub.ir.numtype import BOOL, F32, F64, NumType, signed, unsigned
from snnhub.ir.op import Attribute, OpKind, OpSchema, Parameter, StepOp
from snnhub.ir.program import Program
from snnhub.ir.tensor import Tensor, smallest_integer, tensor
from snnhub.ops.registry import REGISTRY

from snnhub_conformance.generate import micro
from snnhub_conformance.generate.refuse_parts import Broken, errors

NODE = "n"
NONSENSE = "nonsense"


@dataclass(frozen=True)
class Setting:
    """An op that can run: features of its input, attributes, shapes of the parameters that are no scalars, and the
    type of its input where no program says it.
    """

    shape: tuple[int, ...] = (2,)
    attributes: Mapping[str, AttributeValue] | None = None
    shapes: Mapping[str, tuple[int, ...]] | None = None
    type: NumType = F32


POOL: dict[str, AttributeValue] = {"kernel": (2, 2), "stride": (2, 2), "padding": (0, 0), "ceil_mode": False}
SYNAPSE: dict[str, AttributeValue] = {"bias": True, "accumulate": "exact"}
WINDOW: dict[str, AttributeValue] = {"stride": (1, 1), "padding": (0, 0), "dilation": (1, 1), "groups": 1}
AROUND: dict[str, AttributeValue] = {"stride": (1, 1), "before": (0, 0), "after": (0, 0)}
SPYX_ODD = {"bias": (2,), "bias_odd": (2,)}
HIDDEN = ("threshold", "bias", "dash_mem", "alias")
OUTPUTS = ("threshold_out", "bias_out", "dash_mem_out", "dash_syn_out")
CORE = {
    "weights_in": (3, 2, 1),
    "weights_rec": (2, 2, 1),
    "weights_out": (2, 4),
    "dash_syn": (2, 1),
    **dict.fromkeys(HIDDEN, (2,)),
    **dict.fromkeys(OUTPUTS, (4,)),
}
"""Shapes of a core of Xylo: 3 inputs, 2 hidden neurons, 4 outputs."""
SETTINGS: dict[str, Setting] = {
    "core.Dense": Setting((3,), {**SYNAPSE, "shift": 0}, {"weight": (2, 3), "bias": (2,)}),
    "core.Conv": Setting((1, 3, 3), {**SYNAPSE, **WINDOW}, {"weight": (2, 1, 2, 2), "bias": (2,)}),
    "core.ConvTranspose": Setting(
        (2, 3, 3),
        {**SYNAPSE, **WINDOW, "output_padding": (0, 0)},
        {"weight": (2, 3, 2, 2), "bias": (3,)},
    ),
    "core.AvgPool": Setting((1, 4, 4), {**POOL, "count_include_pad": True}),
    "core.MaxPool": Setting((1, 4, 4), {**POOL, "dilation": (1, 1)}),
    "core.AdaptiveAvgPool": Setting((1, 4, 4), {"sizes": (2, 2)}),
    "core.Upsample": Setting((1, 2, 2), {"factor": (2, 2)}),
    "core.Flatten": Setting((2, 2), {"start": 0, "end": 1}),
    "core.Reshape": Setting((2, 3), {"shape": (3, 2)}),
    "core.Pad": Setting((2,), {"before": (1,), "after": (1,)}),
    "core.Concat": Setting((2,), {"axis": 0, "sizes": (2, 2)}),
    "spyx.Dense": Setting(
        (3,), {"bias": True, "odd": False}, {**SPYX_ODD, "weight": (2, 3), "weight_odd": (2, 3)}
    ),
    "spyx.Conv": Setting(
        (1, 3, 3),
        {"bias": True, "odd": False, "groups": 1, **AROUND},
        {**SPYX_ODD, "weight": (2, 1, 2, 2), "weight_odd": (2, 1, 2, 2)},
    ),
    "spyx.SumPool": Setting((4, 4), {"kernel": (2, 2), **AROUND}),
    "spyx.Spread": Setting((1,), {"shape": (3,)}),
    "nirtorch.OddDense": Setting((3,), {"bias": True}, {"weight_odd": (2, 3), "bias_odd": (2,)}),
    "nirtorch.OddConv": Setting(
        (1, 3, 3), {**WINDOW, "bias": True}, {"weight_odd": (2, 1, 2, 2), "bias_odd": (2,)}
    ),
    "xylo.Core": Setting((3,), {"core": "v2", "synapses": 1}, CORE, unsigned(8)),
}
NUMBERS = {"tau": 2.0, "tau_w": 2.0, "v_threshold": 1.0, "scale": 1.0, "delta_T": 1.0, "k": 1.0}
"""Scalars that are not 0.5."""


def broken() -> Iterator[Broken]:
    """Every condition of every op, once. Raises ``ValueError`` for an op that no entry of ``SETTINGS`` builds."""
    for op in (
        item for item in REGISTRY.all() if item.kind is not OpKind.CONTINUOUS
    ):  # these rules do not hold there
        seen: set[str] = set()
        for attributes in choices(op):
            try:
                graph = alone(op, attributes)
            except GraphError:
                continue  # sums of floats do not wrap: a choice that goes with another type
            for key, item in _conditions(op, graph, attributes):
                if key not in seen:
                    seen.add(key)
                    yield item
        if not seen:
            raise ValueError(f"{op.name} cannot run alone: it needs a setting")


def choices(op: OpSchema) -> Iterator[dict[str, AttributeValue]]:
    """Every combination of choices; numbers as in ``SETTINGS``, or the lowest."""
    given = dict(SETTINGS.get(op.name, Setting()).attributes or {})
    names = [attribute.name for attribute in op.attributes]
    values = [_values(attribute, given) for attribute in op.attributes]
    for chosen in product(*values):
        yield dict(zip(names, chosen, strict=True))


def _values(attribute: Attribute, given: Mapping[str, AttributeValue]) -> tuple[AttributeValue, ...]:
    first = given.get(attribute.name)
    others = tuple(value for value in attribute.allowed if value != first)
    return (*(() if first is None else (first,)), *others) or ((attribute.range or (0, 0))[0],)


def alone(op: OpSchema, attributes: Mapping[str, AttributeValue]) -> Graph:
    """The op between an input, which goes to all of its ports, and an output."""
    setting = SETTINGS.get(op.name, Setting())
    builder = GraphBuilder(op.name, REGISTRY)
    type_ = op.program(attributes).inputs[0].type if isinstance(op, StepOp) else setting.type
    source = builder.input(setting.shape, type_)
    params = {
        parameter.name: _number(parameter, (setting.shapes or {}).get(parameter.name, ()))
        for parameter in op.parameters(attributes)
    }
    ports = dict.fromkeys(op.ports.inputs, source)
    chosen: dict[str, Any] = dict(attributes)
    builder.output(builder.node(NODE, op.name, ports, version=op.version, params=params, **chosen))
    return builder.graph()


def _number(parameter: Parameter, shape: tuple[int, ...]) -> Tensor:
    if parameter.type is not None and parameter.type.is_int:
        return smallest_integer(np.full(shape, 1, np.int64))
    wide = parameter.type is not None and parameter.type == F64
    return tensor(np.full(shape, NUMBERS.get(parameter.name, 0.5)), "float64" if wide else "float32")


Found = Iterator[tuple[str, Broken]]
"""What makes a condition the same one in another choice of the op, and the case."""


def _conditions(op: OpSchema, graph: Graph, attributes: Mapping[str, AttributeValue]) -> Found:
    words = f"{op.name}/{op.version}"

    def item(key: str, title: str, changed: Graph, code: str, place: str = "") -> tuple[str, Broken]:
        return key, Broken(f"{words}: {title}", f"{words} with {title}.", changed, code, place)

    yield item("version", "an unknown version", _node(graph, version=99, program=None), "SNN-1003", NODE)
    yield from (item(*row) for row in _attributes(op, graph))
    yield from (item(*row) for row in _parameters(op, graph, attributes))
    yield from (item(*row) for row in _ports(op, graph))
    if isinstance(op, StepOp):
        yield item("program", "no step program", _node(graph, program=None), "SNN-1014", NODE)
    else:
        yield item("program", "a step program", _node(graph, program=_negation()), "SNN-1014", NODE)


def _negation() -> Program:
    (op,) = (own for own in micro.OPS if own.name == "micro.f_neg")
    return op.program({})


Row = tuple[str, str, Graph, str, str]


def _node(graph: Graph, **changes: Any) -> Graph:
    return replace(graph, nodes=tuple(replace(node, **changes) for node in graph.nodes))


def _with_attributes(graph: Graph, attributes: Mapping[str, AttributeValue]) -> Graph:
    return _node(graph, attributes=tuple(attributes.items()))


def _with_params(graph: Graph, params: Mapping[str, Tensor]) -> Graph:
    return _node(graph, params=tuple(params.items()))


def _attributes(op: OpSchema, graph: Graph) -> Iterator[Row]:
    own = graph.nodes[0].attribute
    yield (
        "no such attribute",
        "an unknown attribute",
        _with_attributes(graph, {**own, NONSENSE: 1}),
        "SNN-1004",
        NODE,
    )
    for attribute in op.attributes:
        name = attribute.name
        left = {key: value for key, value in own.items() if key != name}
        yield f"{name} missing", f"no attribute {name}", _with_attributes(graph, left), "SNN-1004", NODE
        for words, value in _wrong(attribute, own[name]):
            changed = _with_attributes(graph, {**own, name: value})
            yield f"{name} {words}", f"attribute {name} {words}", changed, "SNN-1004", NODE


def _wrong(attribute: Attribute, value: AttributeValue) -> Iterator[tuple[str, AttributeValue]]:
    yield "of another kind", 7 if attribute.allowed else NONSENSE
    if attribute.allowed:
        yield "unknown", NONSENSE
    if attribute.range is not None:
        low, high = attribute.range
        for words, number in (("below its range", low - 1), ("above its range", high + 1)):
            yield words, (number, *value[1:]) if isinstance(value, tuple) else number


def _parameters(op: OpSchema, graph: Graph, attributes: Mapping[str, AttributeValue]) -> Iterator[Row]:
    own = graph.nodes[0].param
    more = {**own, NONSENSE: tensor(1.0, "float32")}
    yield "no such parameter", "an unknown parameter", _with_params(graph, more), "SNN-1005", NODE
    known = {parameter.name for parameter in op.parameters(attributes)}
    for other in choices(op):
        for parameter in op.parameters(other):
            if parameter.name not in known:
                known.add(parameter.name)
                changed = _with_params(graph, {**own, parameter.name: _number(parameter, ())})
                name = parameter.name
                yield f"{name} unused", f"parameter {name} of another choice", changed, "SNN-1005", NODE
    for parameter in op.parameters(attributes):
        yield from _parameter(parameter, graph)


def _parameter(parameter: Parameter, graph: Graph) -> Iterator[Row]:
    own, name, place = graph.nodes[0].param, parameter.name, f"{NODE}/{parameter.name}"
    left = {key: value for key, value in own.items() if key != name}
    yield f"{name} missing", f"no parameter {name}", _with_params(graph, left), "SNN-1005", place

    def changed(value: Tensor) -> Graph:
        return _with_params(graph, {**own, name: value})

    kind = parameter.type
    if own[name].dtype.kind == "f":
        for words, number in (("NaN", np.nan), ("infinite", np.inf)):
            values = own[name].array.copy()
            values[(0,) * values.ndim] = number
            yield f"{name} {words}", f"parameter {name} {words}", changed(tensor(values)), "SNN-1013", place
    if kind is not None:
        other = tensor(1.0, "float32") if kind.is_int else tensor(1, "int8")
        yield f"{name} dtype", f"parameter {name} of another kind", changed(other), "SNN-1005", place
    if kind is not None and kind.is_int:
        low, high = kind.range
        for words, number in (("below its range", low - 1), ("above its range", high + 1)):
            value = smallest_integer(np.asarray(number, np.int64))
            yield f"{name} {words}", f"parameter {name} {words}", changed(value), "SNN-1006", place
    wide = changed(tensor(np.ones(7), own[name].dtype))
    code = "SNN-1007" if parameter.elementwise else "SNN-1009"
    yield f"{name} shape", f"parameter {name} of another shape", wide, code, place if parameter.elementwise else ""


def _ports(op: OpSchema, graph: Graph) -> Iterator[Row]:
    for name in op.ports.inputs:
        edges = tuple(edge for edge in graph.edges if edge.dst != Port(NODE, name))
        yield f"{name} open", f"nothing at port {name}", replace(graph, edges=edges), "SNN-1008", f"{NODE}.{name}"
    for type_ in (F64, BOOL, signed(8), F32, signed(63)):
        changed = _input(graph, type_=type_)
        if type_ != graph.inputs[0].type and _says(changed, "SNN-1010"):
            yield f"input {_kind(type_)}", f"an input of {type_}", changed, "SNN-1010", ""
    for shape in ((), (5,), (5, 5), (3, 2, 2), (1, 1, 1), (2, 2, 2, 2)):
        changed = _input(graph, shape=shape)
        if shape != graph.inputs[0].shape and _says(changed, "SNN-1009"):
            yield f"input shape {shape}", f"an input of shape {list(shape)}", changed, "SNN-1009", ""
    if len(op.ports.inputs) > 1:
        yield "other shapes", "inputs of two shapes", _beside(graph, op), "SNN-1009", ""


def _kind(type_: NumType) -> str:
    return "int" if type_.is_int and type_ != BOOL else str(type_)


def _input(graph: Graph, **changes: Any) -> Graph:
    values = {("shape" if key == "shape" else "type"): value for key, value in changes.items()}
    return replace(graph, inputs=(replace(graph.inputs[0], **values),))


def _says(graph: Graph, code: str) -> bool:
    try:
        return any(finding.code == code for finding in errors(graph))
    except ProgramError:
        return False


def _beside(graph: Graph, op: OpSchema) -> Graph:
    """A second input port that sees the input with one axis more."""
    shape = (1, *graph.inputs[0].shape)
    line = Node("wide", "core.Reshape", 1, (("shape", shape),), ())
    second = Port(NODE, op.ports.inputs[1])
    edges = tuple(replace(edge, src=Port("wide", "y")) if edge.dst == second else edge for edge in graph.edges)
    feed = Edge(Port(graph.inputs[0].id, "x"), Port("wide", "x"))
    return replace(graph, nodes=(line, *graph.nodes), edges=(feed, *edges))
