"""Correspondence tables: which quantity of one graph is which of another, how much later, at what scale."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from snnhub.ir.graph import TERMINAL_PORT, Graph, Match, Port
from snnhub.ir.op import OpLookup
from snnhub.ir.verify import recordable

Table = tuple[Match, ...]


def identity(graph: Graph, lookup: OpLookup) -> Table:
    """Every input, output, node output and state of a graph, matched with itself."""
    ends = [Port(item.id, TERMINAL_PORT) for item in graph.inputs]
    ends += [Port(item.id, TERMINAL_PORT) for item in graph.outputs]
    ends += [Port(node.id, name) for node in graph.nodes for name in recordable(node, lookup)]
    return tuple(Match(port, port) for port in ends)


def compose(first: Iterable[Match], second: Iterable[Match]) -> Table:
    """The table of two conversions in a row. Quantities that either of them dropped are dropped."""
    following: dict[Port, list[Match]] = {}
    for match in second:
        following.setdefault(match.old, []).append(match)
    return tuple(
        Match(
            match.old,
            after.new,
            match.lag + after.lag,
            None if match.scale is None or after.scale is None else match.scale * after.scale,
            _select(match.select, after.select),
        )
        for match in first
        for after in following.get(match.new, ())
    )


def _select(inner: tuple[int, int] | None, outer: tuple[int, int] | None) -> tuple[int, int] | None:
    """Entries of the newest quantity: ``inner`` counts within what ``outer`` picks."""
    if inner is None or outer is None:
        return inner or outer
    return outer[0] + inner[0], outer[0] + inner[1]


def rename(table: Iterable[Match], names: Mapping[str, str]) -> Table:
    """The table with nodes of the new graph renamed."""
    return tuple(
        Match(m.old, Port(names.get(m.new.node, m.new.node), m.new.name), m.lag, m.scale, m.select) for m in table
    )
