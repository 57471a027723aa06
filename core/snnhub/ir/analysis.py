"""Shapes and types of every port of a graph, worked out from the inputs.

Works on cyclic graphs: what one edge of a port knows is used until the others are known, then all must
agree. Problems are collected, never raised one by one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from snnhub.errors import GraphError, ProgramError
from snnhub.findings import Finding, error
from snnhub.ir.continuous import ContinuousOp
from snnhub.ir.graph import TERMINAL_PORT, Edge, Graph, Node, Port
from snnhub.ir.numtype import F32, F64, SPIKE, NumType, integer
from snnhub.ir.op import KernelOp, OpLookup, Ports, Shape, StepOp, TransformOp
from snnhub.ir.topology import flow_order

EXACT_IN_FLOAT = {F32: 2**24, F64: 2**53}
"""Integers up to this size pass into a float port unchanged."""
MAX_ROUNDS = 8
MAX_VISITS = 200_000
"""Nodes that are looked at again because of loops: a graph of loops within loops must not hang its reader."""


@dataclass
class Analysis:
    """``shapes`` and ``types`` by port (inputs, outputs and every port of every node); ``problems`` found.

    ``states``: shape and type of the states of kernel ops, by node and name.
    """

    shapes: dict[Port, Shape] = field(default_factory=dict)
    types: dict[Port, NumType] = field(default_factory=dict)
    states: dict[Port, tuple[Shape, NumType]] = field(default_factory=dict)
    problems: list[Finding] = field(default_factory=list)


def ports_of(node: Node, lookup: OpLookup) -> Ports | None:
    """Port names from the program that the graph carries, else from the schema; None if nobody knows.

    The ports of a step op may depend on its attributes.
    """
    schema = lookup(node.op, node.version)
    if schema is not None and (node.program is None or not isinstance(schema, StepOp)):
        return schema.ports
    if node.program is None:
        return None
    return Ports(tuple(slot.name for slot in node.program.inputs), tuple(name for name, _ in node.program.outputs))


def analyse(graph: Graph, lookup: OpLookup) -> Analysis:
    """Propagate shapes and types until nothing changes. Nodes with unknown ops stay unknown."""
    result = Analysis()
    for item in graph.inputs:
        port = Port(item.id, TERMINAL_PORT)
        result.shapes[port] = item.shape
        result.types[port] = item.type
    order, loops = flow_order(graph)
    rounds = MAX_ROUNDS + min(loops, max(MAX_ROUNDS, MAX_VISITS // max(1, len(order))))
    for _ in range(rounds):
        before = dict(result.shapes), dict(result.types)
        result.problems.clear()
        for node in order:
            _node(graph, node, lookup, result)
        if before == (result.shapes, result.types):
            break
    else:
        place = ", ".join(node.id for node in graph.nodes[:3])
        result.problems.append(error("SNN-1010", place, "integer ranges grow without bound around a cycle"))
    for node in order:
        _states(node, lookup, result)
    for output in graph.outputs:
        _arrivals(graph, Port(output.id, TERMINAL_PORT), result)
    rank = {node.id: position for position, node in enumerate(graph.nodes)}
    result.problems.sort(key=lambda item: rank.get(item.place, rank.get(item.place.rpartition(".")[0], len(rank))))
    return result


def _node(graph: Graph, node: Node, lookup: OpLookup, result: Analysis) -> None:
    ports = ports_of(node, lookup)
    if ports is None:
        return
    for name in ports.inputs:
        _arrivals(graph, Port(node.id, name), result)
    shapes = {
        name: result.shapes[Port(node.id, name)] for name in ports.inputs if Port(node.id, name) in result.shapes
    }
    types = {
        name: result.types[Port(node.id, name)] for name in ports.inputs if Port(node.id, name) in result.types
    }
    schema = lookup(node.op, node.version)
    early = isinstance(schema, TransformOp) and schema.early
    held = isinstance(schema, ContinuousOp)
    try:
        if held or len(shapes) == len(ports.inputs) or ((node.program is not None or early) and shapes):
            if schema is not None:
                found = schema.output_shapes(node, shapes)
            else:
                found = dict.fromkeys(ports.outputs, next(iter(shapes.values())))
            result.shapes.update({Port(node.id, name): shape for name, shape in found.items()})
    except (GraphError, ProgramError, LookupError, TypeError, ValueError) as problem:
        result.problems.append(_problem("SNN-1009", node.id, problem))
        if node.program is None:
            return  # rules of types count on shapes that fit
    try:
        if node.program is not None:
            _check_slots(node, types)
            known = {name: node.program.output_type(name) for name in ports.outputs}
        elif schema is not None and (len(types) == len(ports.inputs) or (early and types)):
            known = dict(schema.output_types(node, types))
        else:
            known = {}
        result.types.update({Port(node.id, name): type_ for name, type_ in known.items()})
    except (GraphError, ProgramError, LookupError, TypeError, ValueError) as problem:
        result.problems.append(_problem("SNN-1010", node.id, problem))


def _states(node: Node, lookup: OpLookup, result: Analysis) -> None:
    """Shapes and types of the states of a kernel op, once those of its ports are known."""
    schema = lookup(node.op, node.version)
    if not isinstance(schema, KernelOp):
        return
    ports = (*schema.ports.inputs, *schema.ports.outputs)
    shapes = {name: result.shapes[Port(node.id, name)] for name in ports if Port(node.id, name) in result.shapes}
    if len(shapes) < len(ports):
        return
    try:
        found = schema.state_shape_rule(node, shapes)
        for state in schema.states(node.attribute):
            result.states[Port(node.id, state.name)] = (tuple(found[state.name]), state.type)
    except (GraphError, ProgramError, KeyError, TypeError, ValueError) as problem:
        result.problems.append(_problem("SNN-1009", node.id, problem))


def _problem(code: str, place: str, problem: Exception) -> Finding:
    text = str(problem) if not isinstance(problem, KeyError) else f"{problem} is missing"
    return error(code, place, text)


def _arrivals(graph: Graph, port: Port, result: Analysis) -> None:
    """Shape and type at an input port: one for all its edges, sums where there are several."""
    edges = graph.into.get(port, ())
    shapes = {result.shapes[edge.src] for edge in edges if edge.src in result.shapes}
    if len(shapes) > 1:
        listed = ", ".join(
            f"{edge.src} {list(result.shapes[edge.src])}" for edge in edges if edge.src in result.shapes
        )
        result.problems.append(error("SNN-1009", str(port), f"edges into one port differ in shape: {listed}"))
    if shapes:
        result.shapes[port] = next(result.shapes[edge.src] for edge in edges if edge.src in result.shapes)
    arriving = [wire_type(edge, result.types) for edge in edges if edge.src in result.types]
    if arriving:
        try:
            result.types[port] = sum_type([type_ for type_ in arriving if type_ is not None])
        except (GraphError, ProgramError) as problem:
            result.problems.append(_problem("SNN-1010", str(port), problem))


def wire_type(edge: Edge, types: Mapping[Port, NumType]) -> NumType:
    """Type that an edge delivers: bool becomes 0 and 1, and a delayed edge delivers zeros before the start."""
    type_ = types[edge.src]
    if type_.is_bool:
        type_ = SPIKE
    if edge.delay and type_.is_int:
        type_ = integer(min(type_.range[0], 0), max(type_.range[1], 0))
    return type_


def sum_type(types: list[NumType]) -> NumType:
    """Type of the sum of several edges into one port: exact for integers, the float's if one is a float."""
    floats = [type_ for type_ in types if type_.is_float]
    if not floats:
        return integer(sum(t.range[0] for t in types), sum(t.range[1] for t in types))
    if len(set(floats)) > 1:
        raise GraphError("edges into one port mix f32 and f64")
    for type_ in types:
        if type_.is_int:
            _exact_in(type_, floats[0])
    return floats[0]


def _exact_in(type_: NumType, target: NumType) -> None:
    if max(abs(type_.range[0]), abs(type_.range[1])) > EXACT_IN_FLOAT[target]:
        raise GraphError(f"integers do not pass into {target} unchanged", found=str(type_))


def _check_slots(node: Node, types: Mapping[str, NumType]) -> None:
    """What arrives at a step op must be a value of the declared input type, unchanged."""
    for slot in node.program.inputs if node.program else ():
        found = types.get(slot.name)
        if found is None:
            continue
        fits = slot.type.holds(found) or (slot.type.is_bool and SPIKE.holds(found))
        if slot.type.is_float and found.is_int:
            _exact_in(found, slot.type)
            fits = True
        fits = fits or (slot.type == F64 and found == F32)
        if not fits:
            raise GraphError(f"port {slot.name} does not take this type", found=str(found), allowed=str(slot.type))
