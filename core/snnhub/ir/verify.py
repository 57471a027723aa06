"""The graph verifier: every rule looks at the whole graph, all problems are reported at once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from snnhub.errors import GraphError, ProgramError
from snnhub.findings import Finding, Severity, error, info
from snnhub.ir import continuous, topology
from snnhub.ir.analysis import Analysis, analyse, ports_of
from snnhub.ir.graph import REDUCTIONS, TERMINAL_PORT, Graph, Node, Port
from snnhub.ir.numtype import NumType
from snnhub.ir.op import KernelOp, OpLookup, OpSchema, Parameter, StepOp
from snnhub.ir.program import validate
from snnhub.ir.tensor import broadcastable

MAX_DELAY = 2**20
MAX_HOLD = 2**16
RESERVED = ("input", "output")


def verify(graph: Graph, lookup: OpLookup) -> tuple[Finding, ...]:
    """Everything that is wrong with a graph (``error``) or odd about it (``info``), in a fixed order.

    Reads tensor statistics, not tensor contents, so it costs nothing on a file that was just opened.
    In continuous time fewer rules hold (``snnhub.ir.continuous``): such a graph is never run.
    """
    held = continuous.is_continuous(graph)
    found = [*_ids(graph), *_terminals(graph, held)]
    for node in graph.nodes:
        found += [*_node(node, lookup), *_step_length(node, lookup, graph.dt)]
    found += [*_edges(graph, lookup, held), *(continuous.structure(graph) if held else _cycles(graph))]
    if not any(finding.severity is Severity.ERROR for finding in found):
        analysis = analyse(graph, lookup)
        shapes = () if held else _shapes(graph, lookup, analysis)
        problems = continuous.remarks(analysis.problems) if held else analysis.problems
        found += [*problems, *shapes, *_records(graph, lookup)]
    return tuple(dict.fromkeys(found))


def ensure(graph: Graph, lookup: OpLookup) -> None:
    """Raise ``GraphError`` with every problem if the graph has errors."""
    errors = [finding for finding in verify(graph, lookup) if finding.severity is Severity.ERROR]
    if errors:
        raise GraphError(
            f"the graph has {len(errors)} problem{'s' if len(errors) > 1 else ''}: {errors[0].message}",
            where=errors[0].place,
            findings=errors,
        )


def foreign_programs(graph: Graph, lookup: OpLookup) -> tuple[Finding, ...]:
    """Errors for nodes whose program is not what the installed op of that name expands to.

    Such a graph runs, for the program is what it computes; it cannot be lowered or exported, where ops go by name.
    """
    return tuple(
        error(
            "SNN-1014",
            node.id,
            f"its program is not what the installed {node.kind} expands to, and by its name it would become "
            "something else",
            remedy="Install the plugin version that made the file, or keep the network as .snn.",
        )
        for node in graph.nodes
        if _is_foreign(node, lookup(node.op, node.version))
    )


def _is_foreign(node: Node, schema: OpSchema | None) -> bool:
    if node.program is None or not isinstance(schema, StepOp):
        return False
    return schema.program(node.attribute).digest != node.program.digest


def _ids(graph: Graph) -> Iterator[Finding]:
    ids = [*(i.id for i in graph.inputs), *(node.id for node in graph.nodes), *(o.id for o in graph.outputs)]
    for name, times in Counter(ids).items():
        if times > 1:
            yield error("SNN-1001", name, f"id is used {times} times")
    for node in graph.nodes:
        if node.id.partition("/")[0] in RESERVED or not node.id or node.id.strip("/") != node.id:
            yield error("SNN-1001", node.id or "(empty)", "id is reserved, empty, or begins or ends with a slash")


def _terminals(graph: Graph, held: bool) -> Iterator[Finding]:
    if not graph.inputs and not held:
        yield error("SNN-1016", graph.name, "graph has no input")
    if not graph.outputs and not held:
        yield error("SNN-1016", graph.name, "graph has no output")
    for item in graph.inputs:
        if any(size < 1 for size in item.shape):
            yield error("SNN-1009", item.id, "input has a dimension below 1", old=str(list(item.shape)))
        if not 0 <= item.hold <= MAX_HOLD:
            yield error("SNN-1015", item.id, f"found a frame held for {item.hold} steps, allowed 0 .. {MAX_HOLD}")


def _node(node: Node, lookup: OpLookup) -> Iterator[Finding]:
    schema = lookup(node.op, node.version)
    if schema is None:
        if node.program is None:
            yield error(
                "SNN-1003",
                node.id,
                f"no installed plugin knows {node.kind}, and it carries no program",
                remedy="Install the plugin that has this op: the file holds its name and parameters only.",
            )
        else:
            yield info("SNN-1003", node.id, f"no installed plugin knows {node.kind}; its program is in the graph")
            yield from _program(node)
        return
    if isinstance(schema, continuous.ContinuousOp):
        yield from continuous.problems(node, schema)
        if node.program is not None:
            yield error("SNN-1014", node.id, f"{node.kind} is no step op and carries a program")
        return
    problems = list(_attributes(node, schema))
    yield from problems
    if not problems:
        yield from _parameters(node, schema.parameters(node.attribute))
        if isinstance(schema, StepOp):
            yield from _program(node, schema)
        elif node.program is not None:
            yield error(
                "SNN-1014",
                node.id,
                f"{node.kind} is no step op and carries a program, which would run in its place",
            )


def _attributes(node: Node, schema: OpSchema) -> Iterator[Finding]:
    known = {attribute.name: attribute for attribute in schema.attributes}
    for name in node.attribute:
        if name not in known:
            yield error(
                "SNN-1004",
                node.id,
                f"{node.kind} has no attribute {name}; allowed {', '.join(known) or 'none'}",
            )
    for name, attribute in known.items():
        if problem := attribute.problem(node.attribute.get(name)):
            yield error("SNN-1004", node.id, problem)


def _parameters(node: Node, wanted: tuple[Parameter, ...]) -> Iterator[Finding]:
    known = {parameter.name: parameter for parameter in wanted}
    for name in node.param:
        if name not in known:
            yield error(
                "SNN-1005",
                node.id,
                f"{node.kind} has no parameter {name}; allowed {', '.join(known) or 'none'}",
            )
    for name, parameter in known.items():
        place = f"{node.id}/{name}"
        if name not in node.param:
            yield error("SNN-1005", place, f"{node.kind} needs parameter {name}: {parameter.doc}")
            continue
        tensor = node.param[name]
        if not tensor.finite:
            yield error("SNN-1013", place, "holds NaN or infinity")
        try:
            yield from _range(place, tensor.type, parameter.type)
        except ProgramError as problem:
            yield error("SNN-1005", place, str(problem))


def _step_length(node: Node, lookup: OpLookup, dt: float | None) -> Iterator[Finding]:
    """A parameter that is the length of a step must be the graph's."""
    schema = lookup(node.op, node.version)
    if schema is None or dt is None or list(_attributes(node, schema)):
        return
    for parameter in schema.parameters(node.attribute):
        given = node.param.get(parameter.name)
        if not parameter.step or given is None or given.dtype.kind != "f":
            continue
        wanted = float(given.dtype.type(dt))
        low, high = given.statistics.min, given.statistics.max
        if (low, high) != (wanted, wanted):
            found = f"{low:g}" if low == high else f"{low:g} .. {high:g}"
            words = f"found a step of {found} s, and the graph's is {dt:g} s"
            yield error("SNN-1006", f"{node.id}/{parameter.name}", words)


def _range(place: str, found: NumType, allowed: NumType | None) -> Iterator[Finding]:
    if allowed is None or allowed.holds(found):
        return
    code = "SNN-1006" if found.is_int and allowed.is_int else "SNN-1005"
    yield error(code, place, f"found {found}, allowed {allowed}")


def _program(node: Node, schema: StepOp | None = None) -> Iterator[Finding]:
    if node.program is None:
        yield error("SNN-1014", node.id, f"{node.kind} is a step op and carries no program")
        return
    try:
        validate(node.program)
    except ProgramError as problem:
        yield error("SNN-1014", node.id, str(problem))
        return
    if _is_foreign(node, schema):
        yield info(
            "SNN-1014", node.id, f"the program in the graph is not what the installed {node.kind} expands to"
        )


def _edges(graph: Graph, lookup: OpLookup, held: bool) -> Iterator[Finding]:
    outputs: dict[str, tuple[str, ...]] = {item.id: (TERMINAL_PORT,) for item in graph.inputs}
    inputs: dict[str, tuple[str, ...]] = {item.id: (TERMINAL_PORT,) for item in graph.outputs}
    unknown: set[str] = set()
    for node in graph.nodes:
        ports = ports_of(node, lookup)
        if ports is None:
            unknown.add(node.id)
        else:
            inputs[node.id], outputs[node.id] = ports.inputs, ports.outputs
    for edge in graph.edges:
        for port, table, end in ((edge.src, outputs, "source"), (edge.dst, inputs, "target")):
            if port.node not in unknown and port.name not in table.get(port.node, ()):
                yield error("SNN-1002", str(edge), f"{end} {port} does not exist")
        if not 0 <= edge.delay <= MAX_DELAY:
            yield error("SNN-1015", str(edge), f"found delay {edge.delay}, allowed 0 .. {MAX_DELAY}")
    if held:
        return
    for edge, times in Counter(graph.edges).items():
        if times > 1:
            yield error(
                "SNN-1018", str(edge), f"edge occurs {times} times: its value would be added {times} times"
            )
    for name, ports_in in inputs.items():
        for port_name in ports_in:
            if Port(name, port_name) not in graph.into:
                yield error("SNN-1008", f"{name}.{port_name}", "nothing is connected to this port")


def _cycles(graph: Graph) -> Iterator[Finding]:
    if cycle := topology.instant_cycle(graph):
        yield error(
            "SNN-1011",
            cycle[0],
            f"cycle without a delay: {' -> '.join(cycle)}",
            remedy="Put a delay of 1 on an edge.",
        )
    useful = topology.reaching(graph)
    for node in graph.nodes:
        if node.id not in useful:
            yield info("SNN-1012", node.id, "does not reach an output")


def _shapes(graph: Graph, lookup: OpLookup, analysis: Analysis) -> Iterator[Finding]:
    for node in graph.nodes:
        schema = lookup(node.op, node.version)
        ports = ports_of(node, lookup)
        if ports is None:
            continue
        for name in (*ports.inputs, *ports.outputs):
            if Port(node.id, name) not in analysis.shapes:
                yield error("SNN-1009", f"{node.id}.{name}", "shape cannot be worked out")
        element = analysis.shapes.get(Port(node.id, ports.outputs[0]))
        names = _elementwise(node, schema)
        for name in names:
            if element is not None and name in node.param and not broadcastable(node.param[name].shape, element):
                yield error(
                    "SNN-1007",
                    f"{node.id}/{name}",
                    f"found shape {list(node.param[name].shape)}, allowed [] or {list(element)} (1 where shared)",
                )


def _elementwise(node: Node, schema: OpSchema | None) -> tuple[str, ...]:
    if schema is not None:
        return tuple(p.name for p in schema.parameters(node.attribute) if p.elementwise)
    return tuple(slot.name for slot in node.program.params) if node.program else ()


def _records(graph: Graph, lookup: OpLookup) -> Iterator[Finding]:
    names = {node.id: recordable(node, lookup) for node in graph.nodes}
    if graph.decoder is not None and graph.decoder.reduce not in REDUCTIONS:
        allowed = ", ".join(REDUCTIONS)
        yield error("SNN-1017", "decoder", f"found reduction {graph.decoder.reduce!r}, allowed {allowed}")
    if graph.decoder is not None and graph.decoder.quantity not in (output.id for output in graph.outputs):
        node, _, name = graph.decoder.quantity.rpartition("/")
        if name not in names.get(node, ()):
            yield error("SNN-1017", graph.decoder.quantity, "decoder reads a quantity that does not exist")
    for match in graph.correspondence:
        known = (*names.get(match.new.node, ()), TERMINAL_PORT)
        ends = match.new.node in names or match.new.node in (*graph.input, *(o.id for o in graph.outputs))
        if not ends or match.new.name not in known:
            yield error("SNN-1019", str(match.new), "correspondence names a quantity that does not exist")


def recordable(node: Node, lookup: OpLookup) -> tuple[str, ...]:
    """Names that a recording of this node can hold: states and outputs."""
    if node.program is not None:
        return node.program.names
    schema = lookup(node.op, node.version)
    if schema is None:
        return ()
    states = schema.states(node.attribute) if isinstance(schema, KernelOp) else ()
    return (*(state.name for state in states), *schema.ports.outputs)
