"""Alignment by structure: what a node computes with, and which aligned nodes it is connected to.

Every free node has a key per level, the strictest first. Where a key belongs to exactly one node of each network,
these two are a pair; their neighbours then have new keys, and the strictest level is tried again. A key that
several nodes share is a tie: if nothing else is left to do, the first of each are paired, in node order (or those
of one name), and the tie is kept to be told.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping
from dataclasses import dataclass

from snnhub.ir.graph import Graph, Node

Key = Hashable
Context = tuple[tuple[str, str, int, str, int], ...]
"""Direction, own port, number of the aligned neighbour, its port, delay."""


@dataclass(frozen=True, slots=True)
class Tie:
    """Any of ``a`` fits any of ``b``. ``chosen``: the pair that was taken first, if any was; others follow it."""

    a: tuple[str, ...]
    b: tuple[str, ...]
    chosen: tuple[str, str] | None


def role(node: Node) -> str:
    """What can stand in for what: any neuron for any neuron, else only the same op."""
    return "step" if node.program is not None else node.op


def content(node: Node) -> Key:
    """Everything that a node computes with, but its name."""
    params = tuple((name, t.dtype.name, t.shape, t.sha256) for name, t in node.params)
    program = node.program.digest if node.program else ""
    return node.kind, repr(node.attributes), params, program


def form(node: Node) -> Key:
    """Op, attributes, and what its parameters look like."""
    return node.kind, repr(node.attributes), tuple((name, t.dtype.name, t.shape) for name, t in node.params)


def shapes(node: Node) -> Key:
    """Op and shapes of its arrays."""
    return node.op, tuple((name, t.shape) for name, t in node.params if t.size > 1)


class Matcher:
    """Pairs the nodes of ``a`` and ``b`` that ``known`` and ``taken`` leave free. ``ends``: by A's terminals."""

    def __init__(
        self,
        a: Graph,
        b: Graph,
        ends: Mapping[str, str],
        known: Mapping[str, str],
        taken: tuple[set[str], set[str]],
    ) -> None:
        self.graphs = a, b
        self.ties: list[Tie] = []
        self.told: tuple[set[str], set[str]] = set(), set()
        self.found: dict[str, str] = {}
        self.number: tuple[dict[str, int], dict[str, int]] = {}, {}
        self.rank = tuple({node.id: place for place, node in enumerate(graph.nodes)} for graph in self.graphs)
        self.near = tuple(_neighbours(graph) for graph in self.graphs)
        for x, y in sorted([*ends.items(), *known.items()], key=sorted):
            self._count(x, y)
        self.free = tuple(
            {node.id for node in graph.nodes if node.id not in self.number[side] and node.id not in taken[side]}
            for side, graph in enumerate(self.graphs)
        )
        self.keys: dict[tuple[int, str], list[Key | None]] = {}
        self.buckets: list[dict[Key, tuple[set[str], set[str]]]] = [{} for _ in LEVELS]
        self.fresh: list[set[Key]] = [set() for _ in LEVELS]

    def run(self) -> dict[str, str]:
        """Node of A to node of B, for all that can be paired."""
        if self.free[0] and self.free[1]:
            for side in (0, 1):
                for name in self.free[side]:
                    self._sign(side, name)
            while self._unique() or self._tie():
                pass
            self._untold()
        return self.found

    def _count(self, x: str, y: str) -> None:
        number = len(self.number[0])
        self.number[0][x] = self.number[1][y] = number

    def _sign(self, side: int, name: str) -> None:
        """Put a node into the bucket of its key, level by level."""
        node = self.graphs[side].node[name]
        around = self._context(side, name)
        old = self.keys.get((side, name), [None] * len(LEVELS))
        new = [level(node, around, len(self.near[side][name])) for level in LEVELS]
        for level, (before, after) in enumerate(zip(old, new, strict=True)):
            if before == after:
                continue
            for key in (before, after):
                if key is not None:
                    bucket = self.buckets[level].setdefault(key, (set(), set()))[side]
                    (bucket.discard if key is before else bucket.add)(name)
                    self.fresh[level].add(key)
        self.keys[side, name] = new

    def _context(self, side: int, name: str) -> Context:
        number = self.number[side]
        near = self.near[side][name]
        return tuple(sorted((way, own, number[n], port, d) for way, own, n, port, d in near if n in number))

    def _unique(self) -> bool:
        """Pair what is unique on the strictest level that has such keys."""
        for level, fresh in enumerate(self.fresh):
            pairs = []
            for key in fresh:
                ours, theirs = self.buckets[level][key]
                if len(ours) == len(theirs) == 1:
                    pairs.append((next(iter(ours)), next(iter(theirs))))
            fresh.clear()
            if pairs:
                self._pair(sorted(pairs, key=self._order))
                return True
        return False

    def _tie(self) -> bool:
        """Break the first tie on the strictest level that has one next to aligned nodes."""
        for level in TIES:
            tied = [bucket for key, bucket in self.buckets[level].items() if bucket[0] and bucket[1]]
            if tied:
                sides = min(
                    (self._sorted(bucket) for bucket in tied), key=lambda s: self._order((s[0][0], s[1][0]))
                )
                same = [name for name in sides[0] if name in sides[1]]
                chosen = (same[0], same[0]) if same else (sides[0][0], sides[1][0])
                if not same:
                    self._tell(sides, chosen)
                self._pair([chosen])
                return True
        return False

    def _tell(self, sides: tuple[list[str], list[str]], chosen: tuple[str, str] | None) -> None:
        """Keep a tie, unless it is what is left of one that was told."""
        if not all(self.told[side].issuperset(names) for side, names in enumerate(sides)):
            self.ties.append(Tie(tuple(sides[0]), tuple(sides[1]), chosen))
            for side, names in enumerate(sides):
                self.told[side].update(names)

    def _untold(self) -> None:
        """Nodes that look alike and that nothing tells apart."""
        tied = [self._sorted(bucket) for bucket in self.buckets[ALIKE].values() if bucket[0] and bucket[1]]
        for left, right in sorted(tied, key=lambda sides: self._order((sides[0][0], sides[1][0]))):
            self._tell((left, right), None)

    def _sorted(self, bucket: tuple[set[str], set[str]]) -> tuple[list[str], list[str]]:
        left, right = (sorted(names, key=self.rank[side].__getitem__) for side, names in enumerate(bucket))
        return left, right

    def _order(self, pair: tuple[str, str]) -> tuple[int, int, list[str]]:
        """The same for both directions."""
        x, y = self.rank[0][pair[0]], self.rank[1][pair[1]]
        return x + y, max(x, y), sorted(pair)

    def _pair(self, pairs: Iterable[tuple[str, str]]) -> None:
        touched: set[tuple[int, str]] = set()
        for pair in pairs:
            self.found[pair[0]] = pair[1]
            self._count(*pair)
            for side, name in enumerate(pair):
                for level, key in enumerate(self.keys.pop((side, name))):
                    if key is not None:
                        self.buckets[level][key][side].discard(name)
                        self.fresh[level].add(key)
                self.free[side].discard(name)
                touched |= {(side, item[2]) for item in self.near[side][name]}
        for side, name in touched:
            if name in self.free[side]:
                self._sign(side, name)


def _neighbours(graph: Graph) -> dict[str, list[tuple[str, str, str, str, int]]]:
    """By node: direction, own port, neighbour, its port, delay."""
    table: dict[str, list[tuple[str, str, str, str, int]]] = {node.id: [] for node in graph.nodes}
    for edge in graph.edges:
        if edge.dst.node in table:
            table[edge.dst.node].append(("in", edge.dst.name, *edge.src, edge.delay))
        if edge.src.node in table:
            table[edge.src.node].append(("out", edge.src.name, *edge.dst, edge.delay))
    return table


def _beside(around: Context, way: str = "") -> Key | None:
    """The aligned neighbours without ports and delays, in one direction or both; None if there are none."""
    return tuple(sorted({(item[0], item[2]) for item in around if not way or item[0] == way})) or None


def _with(near: Key | None, *key: Key) -> Key | None:
    return None if near is None else (*key, near)


def _by_content(node: Node, around: Context, degree: int) -> Key | None:
    return content(node), around, degree


def _by_numbers(node: Node, around: Context, degree: int) -> Key | None:
    return content(node) if any(t.size > 1 for _, t in node.params) else None


def _by_form(node: Node, around: Context, degree: int) -> Key | None:
    return (form(node), around, degree) if around else None


def _by_shapes(node: Node, around: Context, degree: int) -> Key | None:
    return _with(_beside(around), shapes(node))


def _by_shapes_alone(node: Node, around: Context, degree: int) -> Key | None:
    return shapes(node) if any(t.size > 1 for _, t in node.params) else None


def _by_op_behind(node: Node, around: Context, degree: int) -> Key | None:
    return _with(_beside(around, "in"), node.op)


def _by_op_before(node: Node, around: Context, degree: int) -> Key | None:
    return _with(_beside(around, "out"), node.op)


def _by_role_between(node: Node, around: Context, degree: int) -> Key | None:
    return _with(_beside(around), role(node)) if len(around) == degree else None


def _by_role_behind(node: Node, around: Context, degree: int) -> Key | None:
    return _with(_beside(around, "in"), role(node))


def _by_role_before(node: Node, around: Context, degree: int) -> Key | None:
    return _with(_beside(around, "out"), role(node))


def _by_look(node: Node, around: Context, degree: int) -> Key | None:
    return shapes(node)


def _by_op_alone(node: Node, around: Context, degree: int) -> Key | None:
    return node.op


def _connected_content(node: Node, around: Context, degree: int) -> Key | None:
    return (content(node), around) if around else None


LEVELS: tuple[Callable[[Node, Context, int], Key | None], ...] = (
    _by_content,
    _by_numbers,
    _connected_content,
    _by_form,
    _by_shapes,
    _by_shapes_alone,
    _by_op_behind,
    _by_op_before,
    _by_role_between,
    _by_role_behind,
    _by_role_before,
    _by_look,
    _by_op_alone,
)
TIES = (LEVELS.index(_connected_content), LEVELS.index(_by_form), LEVELS.index(_by_shapes))
ALIKE = LEVELS.index(_by_look)
