"""Everything that is different between two networks."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

from snnhub.differences.alignment import Alignment, align
from snnhub.differences.difference import Difference, Section
from snnhub.differences.history import history
from snnhub.differences.interface import interface
from snnhub.differences.parameters import parameters
from snnhub.differences.semantics import semantics, together
from snnhub.differences.structure import structure
from snnhub.ir.digest import network_digest
from snnhub.ir.graph import Graph
from snnhub.ir.op import OpLookup


@dataclass(frozen=True)
class NetworkDiff:
    """``equal``: the networks have one digest. ``tensors``: how many were compared, and how many were equal."""

    a: Graph
    b: Graph
    digests: tuple[str, str]
    alignment: Alignment
    differences: tuple[Difference, ...]
    tensors: tuple[int, int]
    names: tuple[str, str] = ("A", "B")

    @property
    def equal(self) -> bool:
        """Equal as networks: origins, records and history do not count."""
        return self.digests[0] == self.digests[1]

    def of(self, section: Section) -> tuple[Difference, ...]:
        """The differences of one section."""
        return tuple(item for item in self.differences if item.section is section)

    @property
    def counts(self) -> dict[str, int]:
        """Number of differences by section."""
        found = Counter(item.section.value for item in self.differences)
        return {section.value: found[section.value] for section in Section}

    def to_json(self) -> dict[str, Any]:
        return {
            "equal": self.equal,
            "a": _network(self.names[0], self.a, self.digests[0]),
            "b": _network(self.names[1], self.b, self.digests[1]),
            "alignment": _alignment(self.alignment),
            "tensors": {"compared": self.tensors[0], "equal": self.tensors[1]},
            "counts": self.counts,
            "differences": [item.to_json() for item in self.differences],
        }


def _network(name: str, graph: Graph, digest: str) -> dict[str, Any]:
    return {
        "source": name,
        "name": graph.name,
        "network": digest,
        "nodes": len(graph.nodes),
        "edges": len(graph.edges),
    }


def _alignment(alignment: Alignment) -> dict[str, Any]:
    return {
        "pairs": [[pair.a, pair.b, pair.how] for pair in alignment.pairs],
        "together": [[list(group.a), list(group.b)] for group in alignment.together],
        "removed": list(alignment.removed),
        "added": list(alignment.added),
        "ends": [[a, b] for a, b in alignment.ends.items()],
        "ambiguous": [
            {"a": list(tie.a), "b": list(tie.b), "chosen": list(tie.chosen) if tie.chosen else None}
            for tie in alignment.ties
        ],
        "table": {
            "source": alignment.source,
            "rows": [
                {
                    "a": str(row.a),
                    "b": str(row.b),
                    "lag": row.lag,
                    "scale": row.scale,
                    "select": None if row.select is None else list(row.select),
                }
                for row in alignment.rows
            ],
            "stray": alignment.stray,
        },
    }


def compare_networks(a: Graph, b: Graph, lookup: OpLookup, names: tuple[str, str] = ("A", "B")) -> NetworkDiff:
    """Every difference between two graphs, in the order of A. Nothing is run; all numbers are read."""
    alignment = align(a, b, lookup)
    found = [*structure(a, b, alignment)]
    for group in alignment.together:
        found += together([a.node[name] for name in group.a], [b.node[name] for name in group.b], lookup)
    numbers: list[Difference] = []
    compared = 0
    for pair in alignment.pairs:
        ours, theirs = a.node[pair.a], b.node[pair.b]
        found += semantics(ours, theirs, lookup)
        numbers += parameters(ours, theirs)
        compared += len(ours.param.keys() & theirs.param.keys())
    found += [*numbers, *interface(a, b, alignment), *history(a, b, alignment)]
    changed = sum(item.numbers is not None for item in numbers)
    digests = network_digest(a), network_digest(b)
    return NetworkDiff(a, b, digests, alignment, tuple(found), (compared, compared - changed), names)
