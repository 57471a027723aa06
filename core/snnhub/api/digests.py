"""The digests that a file states, against its numbers. Opening a file does not look; checks and conversions do."""

from __future__ import annotations

from collections.abc import Iterator

from snnhub.errors import FormatError
from snnhub.findings import Finding, error
from snnhub.ir.graph import Graph


def broken_digests(graph: Graph) -> Iterator[Finding]:
    """An error for every tensor whose numbers do not have the digest or the range that the file states."""
    for node in graph.nodes:
        for name, tensor in node.params:
            if tensor.known is None:
                continue
            place = f"{node.id}/{name}"
            if tensor.compute_sha256() != tensor.known.sha256:
                yield error("SNN-4106", place, "numbers do not have the digest that the file states")
            elif tensor.compute_statistics() != tensor.known.statistics:
                yield error("SNN-4106", place, "numbers do not have the range that the file states")


def ensure_digests(graph: Graph, where: str) -> None:
    """Raise ``FormatError`` with every broken tensor."""
    broken = tuple(broken_digests(graph))
    if broken:
        raise FormatError(
            f"{len(broken)} of its tensors are not what it states: {broken[0].message}",
            where=f"{where}:{broken[0].place}",
            findings=broken,
        )
