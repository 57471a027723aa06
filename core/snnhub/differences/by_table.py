"""Alignment by the correspondence table of a network that came from the other one."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from snnhub.ir.graph import TERMINAL_PORT, Graph, Match, Node, Port
from snnhub.ir.op import OpLookup
from snnhub.ir.verify import recordable


@dataclass(frozen=True, slots=True)
class Row:
    """Quantity ``a`` of A is ``b`` of B, ``lag`` steps later, times ``scale``. ``select``: entries along the first
    feature axis, of the network that came from the other.
    """

    a: Port
    b: Port
    lag: int
    scale: float | None
    select: tuple[int, int] | None


@dataclass(frozen=True)
class Table:
    """Rows from A to B, which of them is the ``source`` of the other, and how many rows lead nowhere."""

    rows: tuple[Row, ...] = ()
    source: str = ""
    stray: int = 0


@dataclass(frozen=True, slots=True)
class Together:
    """Nodes of A that as a whole became nodes of B: layers folded into one, or a network put into one core."""

    a: tuple[str, ...]
    b: tuple[str, ...]


def table_between(a: Graph, b: Graph, lookup: OpLookup) -> Table:
    """The table of B if it leads from A, or that of A if it leads from B; empty if neither or both do."""
    ports_a, ports_b = _ports(a, lookup), _ports(b, lookup)
    forward, backward = _leading(b, ports_a, ports_b), _leading(a, ports_b, ports_a)
    ours, theirs = _share(b, forward), _share(a, backward)
    if max(ours, theirs) <= 0.5 or ours == theirs:
        return Table()
    if ours > theirs:
        rows = tuple(Row(m.old, m.new, m.lag, _finite(m.scale), m.select) for m in forward)
        return Table(rows, "A", len(b.correspondence) - len(rows))
    rows = tuple(Row(m.new, m.old, -m.lag, _finite(1 / m.scale) if m.scale else None, m.select) for m in backward)
    return Table(rows, "B", len(a.correspondence) - len(rows))


def _finite(scale: float | None) -> float | None:
    """A file may say anything."""
    return scale if scale is not None and math.isfinite(scale) else None


def _ports(graph: Graph, lookup: OpLookup) -> set[Port]:
    terminals = [*(item.id for item in graph.inputs), *(item.id for item in graph.outputs)]
    ends = {Port(name, TERMINAL_PORT) for name in terminals}
    return ends | {Port(node.id, name) for node in graph.nodes for name in recordable(node, lookup)}


def _leading(made: Graph, old: set[Port], new: set[Port]) -> list[Match]:
    return [match for match in made.correspondence if match.old in old and match.new in new]


def _share(made: Graph, leading: list[Match]) -> float:
    """Of the rows between nodes: inputs and outputs have the same names in most networks."""
    known = sum(match.old.name != TERMINAL_PORT for match in made.correspondence)
    return sum(match.old.name != TERMINAL_PORT for match in leading) / known if known else 0.0


def led(a: Graph, b: Graph, table: Table, how: dict[str, tuple[str, str]]) -> tuple[Together, ...]:
    """Fill ``how`` with the pairs that the table gives, and return what became something together.

    Where several nodes are related, those of one op are the pair, and the others were folded into it.
    """
    linked = [(row.a.node, row.b.node) for row in table.rows if row.a.node in a.node and row.b.node in b.node]
    named = {x for x, _ in linked}, {y for _, y in linked}
    found: list[Together] = []
    for ours, theirs in _parts(linked):
        left = [*ours, *_unnamed(a, b, ours, theirs, named[0])]
        right = [*theirs, *_unnamed(b, a, theirs, ours, named[1])]
        named[0].update(left)
        named[1].update(right)
        if len(left) == len(right) == 1:
            how[left[0]] = (right[0], "table")
            continue
        pairs = _alike([a.node[name] for name in left], [b.node[name] for name in right])
        how |= {x: (y, "table") for x, y in pairs.items()}
        rest = [name for name in left if name not in pairs], [n for n in right if n not in pairs.values()]
        if rest[0] or rest[1]:
            found.append(Together(tuple(left), tuple(right)))
    return tuple(found)


def _parts(linked: Iterable[tuple[str, str]]) -> list[tuple[list[str], list[str]]]:
    """Connected parts of a relation, in the order of its rows."""
    home: dict[tuple[int, str], list[tuple[int, str]]] = {}
    for x, y in linked:
        one, other = home.setdefault((0, x), [(0, x)]), home.setdefault((1, y), [(1, y)])
        if one is not other:
            one += other
            for member in other:
                home[member] = one
    parts = {id(part): part for part in home.values()}
    return [
        ([n for side, n in part if side == 0], [n for side, n in part if side == 1]) for part in parts.values()
    ]


def _unnamed(graph: Graph, other: Graph, ours: list[str], theirs: list[str], named: set[str]) -> list[str]:
    """Nodes that no row names, in front of ``ours``, whose op the counterparts have and ``ours`` have not: a batch
    norm folded into a convolution leaves a row for the norm alone.
    """
    missing = {other.node[name].op for name in theirs} - {graph.node[name].op for name in ours}
    before = [edge.src.node for name in ours for edge in graph.feeding(name)]
    return [
        name
        for name in dict.fromkeys(before)
        if name in graph.node and name not in named and graph.node[name].op in missing
    ]


def _alike(ours: list[Node], theirs: list[Node]) -> dict[str, str]:
    """Pairs of the only nodes of an op on both sides."""
    table: dict[str, str] = {}
    for op in dict.fromkeys(node.op for node in ours):
        left, right = [n.id for n in ours if n.op == op], [n.id for n in theirs if n.op == op]
        if len(left) == len(right) == 1:
            table[left[0]] = right[0]
    return table
