"""Cases for runners that must be refused: a broken graph or an input that does not fit, and how."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from snnhub.errors import FormatError, GraphError
from snnhub.findings import Finding, Severity
from snnhub.ir.digest import network_digest
from snnhub.ir.graph import Graph
from snnhub.ir.tensor import Array
from snnhub.ir.verify import verify
from snnhub.ops.registry import REGISTRY
from snnhub_formats.container import to_bytes
from snnhub_formats.graph_json import from_graph_json, to_graph_json

from snnhub_conformance.case import Case
from snnhub_conformance.generate.entry import Refusal, codes_of
from snnhub_conformance.generate.write import Writer, file, npy

FAMILY = "graph.refuse"
STEPS = 2


@dataclass(frozen=True)
class Broken:
    """A graph with one thing wrong. ``place``: of the finding; empty where the rule does not fix it."""

    title: str
    comment: str
    graph: Graph
    code: str
    place: str = ""


def errors(graph: Graph) -> tuple[Finding, ...]:
    """What the verifier refuses."""
    return tuple(finding for finding in verify(graph, REGISTRY) if finding.severity is Severity.ERROR)


def add_broken(writer: Writer, items: Iterable[Broken], *, json: bool) -> None:
    """A case for each. Raises ``ValueError`` where the verifier does not say what the rule says.

    ``json``: also as graph-json, whose readers need not know any step op, but the rules of graphs.
    """
    for item in items:
        found = [finding for finding in errors(item.graph) if finding.code == item.code]
        places = [finding.place for finding in found]
        if not found or (item.place and item.place not in places):
            raise ValueError(f"{item.title}: {item.code} {item.place}, found {errors(item.graph)}")
        wanted = Refusal(GraphError, item.code, item.place or places[0])
        put(
            writer,
            item.title,
            item.comment,
            item.graph,
            stimulus(item.graph),
            wanted,
            json=json and _in_json(item.graph),
        )


def _in_json(graph: Graph) -> bool:
    """Whether graph-json holds what is wrong with a graph."""
    try:
        from_graph_json(to_graph_json(graph), REGISTRY)
    except FormatError:
        return True
    return False


def stimulus(graph: Graph) -> Array:
    """Zeros that fit the input, if there is one."""
    if not graph.inputs:
        return np.zeros((STEPS, 1), np.float32)
    item = graph.inputs[0]
    return np.full((STEPS, *item.shape), 0, item.type.numpy)


def put(
    writer: Writer,
    title: str,
    comment: str,
    graph: Graph,
    array: Array,
    wanted: Refusal,
    *,
    data: bytes | None = None,
    json: bool = True,
    landmine: int | None = None,
) -> None:
    """``data``: the ``.snn`` file, where it is not simply that of the graph. ``json``: also as JSON."""
    files = {"model.snn": data or to_bytes(graph), "in0.npy": npy(array)}
    if json:
        files["model.json"] = to_graph_json(graph)
    kinds = {"snn": "model.snn", **({"json": "model.json"} if json else {})}
    expect = wanted.expect(STEPS)
    source = {"kind": "rule", "ref": "core/snnhub/ir/verify.py, docs/findings.md"}
    name = graph.inputs[0].id if graph.inputs else "input"
    case = Case(
        id="",
        family=FAMILY,
        kind="runner",
        title=title,
        comment=comment,
        level="R4",
        subject={kind: file(path, files[path]) for kind, path in kinds.items()},
        expect=expect,
        digest=network_digest(graph),
        inputs={name: file("in0.npy", files["in0.npy"])},
        source=source,
        landmine=landmine,
        codes=codes_of(expect),
    )
    writer.add(case, files)
