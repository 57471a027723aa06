"""Saves a graph as a neutral file."""

from __future__ import annotations

from pathlib import Path

from snnhub_formats import container

from snnhub.errors import UsageError
from snnhub.hub.loader import load
from snnhub.ir.graph import Graph
from snnhub.ir.verify import ensure
from snnhub.ops.registry import REGISTRY

NEUTRAL = "snn"


def save(graph: Graph, path: str | Path) -> None:
    """Write ``graph`` to a ``.snn`` file, whole or not at all.

    Raises ``GraphError`` if the graph is broken, ``UsageError`` if the file cannot be written, and for a name that
    says another format.
    """
    others = {suffix: item.name for item in load().exporters.values() for suffix in item.formats}
    other = others.get(Path(path).suffix, NEUTRAL)
    if other != NEUTRAL:
        raise UsageError(
            "save writes neutral files",
            found=str(path),
            allowed=".snn",
            remedy=f"Save it as .snn, then snnhub.convert(that, {str(path)!r}) writes {other}.",
        )
    ensure(graph, REGISTRY)
    container.save(graph, Path(path))
