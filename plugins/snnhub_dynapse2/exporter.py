"""Exports a mapped network as ``dynapse2.json``; nothing is written of one that is not mapped."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from snnhub.errors import UnsupportedError
from snnhub.files import replacing
from snnhub.findings import Finding, error
from snnhub.ir.graph import Graph
from snnhub.ops.registry import REGISTRY

from snnhub_dynapse2.config import Configuration
from snnhub_dynapse2.configure import configure, said
from snnhub_dynapse2.document import write
from snnhub_dynapse2.lowered.fixed import NotMappedError, fixed


def export_dynapse2(graph: Graph, path: Path) -> Sequence[Finding]:
    """Write ``graph``, which the lowering has mapped. Raises ``UnsupportedError`` for another one."""
    held = configuration_of(graph)
    with replacing(path) as file:
        file.write(write(held))
    return tuple(said())


def configuration_of(graph: Graph) -> Configuration:
    """The configured board of a mapped graph. Raises ``UnsupportedError``."""
    try:
        mapped, made = fixed(graph, REGISTRY)
    except NotMappedError as problem:
        remedy = "Convert it: snnhub convert NET --to dynapse2 -o net.dynapse2.json"
        words = f"not a network that was mapped to a board: {problem}"
        found = [*problem.findings, error("SNN-2525", graph.name or "graph", words, remedy=remedy)]
        raise UnsupportedError(words, where=graph.name or "graph", remedy=remedy, findings=found) from problem
    held = configure(mapped, graph.provenance.source)
    return replace(held, shape=made.shape, findings=graph.findings)
