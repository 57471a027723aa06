"""Whether the first node that failed fails by itself: cut out of the network, and fed what is expected."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np
from snnhub.compare.align import key_of
from snnhub.compare.isolate import cut_out
from snnhub.compare.verdict import differing
from snnhub.ir.graph import TERMINAL_PORT, Graph, Port
from snnhub.ir.tensor import Array
from snnhub.ops.registry import REGISTRY

from snnhub_conformance.case import Case
from snnhub_conformance.generate.write import runner_case
from snnhub_conformance.outcome import First
from snnhub_conformance.subjects import Subject


def fails_alone(subject: Subject, case: Case, graph: Graph, first: First) -> bool | None:
    """One more run of ``subject``, of a part of ``graph``: the node with what lies between it and other neurons.

    A node that hears nothing but the input of the case was alone already: true, without a run. None where the part
    has several inputs (a runner is given one), where the case does not record what feeds it, or where the subject
    does not take it.
    """
    name = _node(graph, first)
    if name is None:
        return None
    part, sources = cut_out(graph, name, REGISTRY) or (None, {})
    if part is None or all(port.node in graph.input for port in sources.values()):
        return None if part is None else True
    expected = case.records()
    ports = list(sources.values())
    if len(ports) != 1 or key_of(ports[0]) not in expected:
        return None
    wanted = {key: array for key, array in expected.items() if key.rpartition("/")[0] == name}
    try:
        found = _run(subject, case, part, expected[key_of(ports[0])], wanted)
    except Exception:  # noqa: BLE001  what the subject does with a part is a hint beside its outcome, and no result
        return None
    return any(
        np.asarray(found[key]).shape != array.shape or bool(differing(array, np.asarray(found[key])).any())
        for key, array in wanted.items()
    )


def _node(graph: Graph, first: First) -> str | None:
    """The node whose value it is: an output shows that of the node in front of it."""
    if first.node in graph.node:
        return first.node
    edges = graph.into.get(Port(first.node, TERMINAL_PORT), ())
    return edges[0].src.node if len(edges) == 1 and edges[0].src.node in graph.node else None


def _run(subject: Subject, case: Case, part: Graph, x: Array, wanted: dict[str, Array]) -> dict[str, Array]:
    (item,) = part.inputs
    whole, files = runner_case(
        case.family,
        "alone",
        "",
        part,
        {item.id: x.astype(item.type.numpy)},
        wanted,
        batched=case.batched,
        steps=case.expect.steps,
        options=case.options,
    )
    with tempfile.TemporaryDirectory(prefix="snnhub-alone-") as folder:
        for name, data in files.items():
            (Path(folder) / name).write_bytes(data)
        return dict(subject.run(replace(whole, id="alone", folder=Path(folder)), part, tuple(wanted)))
