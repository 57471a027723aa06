"""What a graph worker declares to run, and what of a graph that leaves out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from snnhub.errors import RunError
from snnhub.findings import Finding, error
from snnhub.ir.analysis import Analysis, analyse
from snnhub.ir.graph import Graph, Node
from snnhub.ir.numtype import NumType
from snnhub.ir.op import OpLookup

LIMITS = ("delay", "float_edges", "inputs", "nodes")
"""Largest delay of an edge, most edges into one port that takes floats, most inputs, most nodes."""


@dataclass(frozen=True)
class Capabilities:
    """``micro_ops``: it interprets programs made of these. ``ops``: step and kernel ops that it knows by name.
    ``transforms``: name and version to conditions: ``types`` that may arrive, allowed values of ``attributes``.
    ``said``: the declaration as it came. None where nothing is said, which restricts nothing.
    """

    models: tuple[str, ...]
    micro_ops: frozenset[str] = frozenset()
    ops: frozenset[str] = frozenset()
    transforms: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    types: frozenset[str] | None = None
    batch: bool = False
    limits: Mapping[str, int] = field(default_factory=dict)
    said: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def read(cls, said: Mapping[str, Any], worker: str) -> Capabilities:
        """The answer of a worker. Raises ``RunError`` for one that is not a declaration."""
        try:
            types = said.get("types")
            return cls(
                _texts(said["models"]),
                frozenset(_texts(said.get("micro_ops", []))),
                frozenset(_texts(said.get("ops", []))),
                {name: dict(conditions) for name, conditions in dict(said.get("transforms", {})).items()},
                None if types is None else frozenset(_texts(types)),
                said.get("batch") is True,
                {name: int(number) for name, number in dict(said.get("limits", {})).items()},
                dict(said),
            )
        except (KeyError, TypeError, ValueError) as problem:
            raise RunError("the worker's capabilities cannot be read", where=worker, found=repr(problem)) from None

    def missing(self, graph: Graph, lookup: OpLookup) -> tuple[Finding, ...]:
        """An error for every node, edge and input that is not covered."""
        analysis = analyse(graph, lookup)
        found = [self._limit("inputs", "graph", len(graph.inputs), "inputs")]
        found.append(self._limit("nodes", "graph", len(graph.nodes), "nodes"))
        for node in graph.nodes:
            found += self._step(node) if node.program else self._transform(node, analysis)
        for edge in graph.edges:
            found.append(self._limit("delay", str(edge), edge.delay, "steps of delay"))
        for port, edges in graph.into.items():
            if analysis.types[port].is_float:
                found.append(self._limit("float_edges", str(port), len(edges), "edges of floats into one port"))
        return tuple(finding for finding in found if finding is not None)

    def _limit(self, name: str, place: str, value: int, words: str) -> Finding | None:
        if value <= self.limits.get(name, value):
            return None
        return error("SNN-4202", place, words, old=str(value), new=f"at most {self.limits[name]}")

    def _step(self, node: Node) -> Iterator[Finding]:
        if node.kind in self.ops or node.program is None:
            return
        needed = {instr.op.value for instr in node.program.code}
        if unknown := sorted(needed - self.micro_ops):
            yield error("SNN-4202", node.id, f"micro-operations of {node.kind}", old=", ".join(unknown))
        kinds = {instr.type.kind.value for instr in node.program.code}
        if self.types is not None and (others := sorted(kinds - self.types)):
            yield error("SNN-4202", node.id, f"types of {node.kind}", old=", ".join(others))

    def _transform(self, node: Node, analysis: Analysis) -> Iterator[Finding]:
        if node.kind in self.ops:  # a kernel op
            return
        conditions = self.transforms.get(node.kind)
        if conditions is None:
            yield error("SNN-4202", node.id, "transform", old=node.kind, new=", ".join(self.transforms) or "none")
            return
        arriving = [type_ for port, type_ in analysis.types.items() if port.node == node.id]
        others = sorted({kind(type_) for type_ in arriving} - set(conditions.get("types", map(kind, arriving))))
        if others:
            yield error("SNN-4202", node.id, f"types of {node.kind}", old=", ".join(others))
        for name, allowed in dict(conditions.get("attributes", {})).items():
            if node.attribute.get(name) not in allowed:
                value = str(node.attribute.get(name))
                yield error("SNN-4202", node.id, f"attribute {name} of {node.kind}", old=value, new=str(allowed))


def kind(type_: NumType) -> str:
    """``int``, ``bool``, ``f32`` or ``f64``."""
    return type_.kind.value


def _texts(values: Any) -> tuple[str, ...]:
    if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
        raise TypeError("not a list of texts")
    return tuple(values)
