"""Saves a graph as a neutral file."""

from __future__ import annotations

from pathlib import Path

from snnhub_formats import container

from snnhub.ir.graph import Graph
from snnhub.ir.verify import ensure
from snnhub.ops.registry import REGISTRY


def save(graph: Graph, path: str | Path) -> None:
    """Write ``graph`` to a ``.snn`` file, whole or not at all.

    Raises ``GraphError`` if the graph is broken, ``UsageError`` if the file cannot be written.
    """
    ensure(graph, REGISTRY)
    container.save(graph, Path(path))
