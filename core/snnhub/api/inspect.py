"""Inspect: what a file holds, without loading its weights."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from snnhub.api.load import load_graph
from snnhub.api.options import ImportOptions
from snnhub.findings import Finding, ordered
from snnhub.ir.analysis import Analysis, analyse
from snnhub.ir.continuous import is_continuous
from snnhub.ir.digest import network_digest
from snnhub.ir.graph import TERMINAL_PORT, Graph, Node, Port
from snnhub.ir.op import StepOp
from snnhub.ir.tensor import Tensor
from snnhub.ir.timing import depth_to_outputs, latencies
from snnhub.ir.verify import verify
from snnhub.ops.registry import REGISTRY


@dataclass(frozen=True)
class Inspection:
    """A graph with what was worked out about it."""

    source: str
    importer: str
    graph: Graph
    analysis: Analysis
    findings: tuple[Finding, ...]

    def to_json(self) -> dict[str, Any]:
        graph = self.graph
        return {
            "source": self.source,
            "importer": self.importer,
            "name": graph.name,
            "network": network_digest(graph),
            "dt": graph.dt,
            "opsets": dict(graph.opsets),
            "inputs": [
                {"id": i.id, "shape": list(i.shape), "type": str(i.type), "hold": i.hold} for i in graph.inputs
            ],
            "outputs": [
                {"id": o.id, "shape": list(self.analysis.shapes.get(Port(o.id, TERMINAL_PORT), ()))}
                for o in graph.outputs
            ],
            "decoder": None if graph.decoder is None else vars_of(graph.decoder),
            "parameters": sum(tensor.size for node in graph.nodes for _, tensor in node.params),
            "layers": [layer_json(node, self.analysis) for node in graph.nodes],
            "schedule": schedule_json(graph),
            "semantics": semantics_json(graph),
            "correspondence": len(graph.correspondence),
            "provenance": {
                "source": graph.provenance.source,
                "source_sha256": graph.provenance.source_sha256,
                "stages": [[s.name, s.version, dict(s.options)] for s in graph.provenance.stages],
            },
            "findings": [finding.to_json() for finding in self.findings],
        }


def vars_of(item: Any) -> dict[str, Any]:
    """The fields of a slotted dataclass."""
    return {name: getattr(item, name) for name in item.__slots__}


def inspect(source: Any, *, from_: str | None = None, options: ImportOptions | None = None) -> Inspection:
    """Import ``source`` and describe it. Findings are those of the file and of the graph verifier."""
    loaded = load_graph(source, importer=from_, options=options, continuous=True)
    graph = loaded.graph
    found = ordered((*graph.findings, *verify(graph, REGISTRY)))
    return Inspection(loaded.source.name, loaded.source.importer.name, graph, analyse(graph, REGISTRY), found)


def tensor_json(tensor: Tensor) -> dict[str, Any]:
    """Shape, range and levels of a tensor."""
    facts = tensor.statistics
    return {
        "dtype": tensor.dtype.name,
        "shape": list(tensor.shape),
        "min": facts.min,
        "max": facts.max,
        "levels": facts.levels,
        "zeros": facts.zeros,
        "quantisation": None if tensor.quantisation is None else float(tensor.quantisation.scale),
        "recipe": tensor.recipe,
        "sha256": tensor.sha256,
    }


def layer_json(node: Node, analysis: Analysis) -> dict[str, Any]:
    """One node: op, attributes, shapes in and out, parameters with their ranges."""
    shapes = {port.name: list(shape) for port, shape in analysis.shapes.items() if port.node == node.id}
    types = {port.name: str(type_) for port, type_ in analysis.types.items() if port.node == node.id}
    return {
        "id": node.id,
        "op": node.kind,
        "attributes": {
            name: list(value) if isinstance(value, tuple) else value for name, value in node.attributes
        },
        "shapes": shapes,
        "types": types,
        "params": {name: tensor_json(tensor) for name, tensor in node.params},
        "weight": tensor_json(node.param["weight"]) if "weight" in node.param else None,
        "origin": {"framework": node.origin.framework, "path": node.origin.path},
    }


def schedule_json(graph: Graph) -> dict[str, Any]:
    """Order of nodes within a step, what runs step by step, delays, and the steps from input to each node.

    Nothing of that is there in continuous time.
    """
    if is_continuous(graph):
        return {"parts": [], "delays": [], "steps_from_input": {}, "lag_to_output": {}}
    from snnhub.engine.schedule import schedule

    depths = depth_to_outputs(graph, latencies(graph, REGISTRY))
    return {
        "parts": [{"nodes": list(part.nodes), "cyclic": part.cyclic} for part in schedule(graph)],
        "delays": [{"from": str(e.src), "to": str(e.dst), "delay": e.delay} for e in graph.edges if e.delay],
        "steps_from_input": {name: list(pair) for name, pair in depths.items()},
        "lag_to_output": {o.id: list(depths.get(o.id, (0, 0))) for o in graph.outputs},
    }


def semantics_json(graph: Graph) -> list[dict[str, Any]]:
    """Every distinct step program with the nodes that run it, as lines of text."""
    from snnhub.ir.pretty import lines

    groups: dict[str, tuple[Node, list[str]]] = {}
    for node in graph.nodes:
        if node.program is not None:
            groups.setdefault(node.program.digest, (node, []))[1].append(node.id)
    return [
        {
            "op": node.kind,
            "attributes": dict(node.attributes),
            "digest": digest,
            "nodes": names,
            "program": lines(node.program) if node.program else [],
            "doc": _doc(node),
        }
        for digest, (node, names) in groups.items()
    ]


def _doc(node: Node) -> str:
    schema = REGISTRY(node.op, node.version)
    return schema.doc if isinstance(schema, StepOp) else ""
