"""Which node of one network is which of another: by a table that one of them carries, by name, by structure."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from snnhub.differences.by_structure import Matcher, Tie, content, role
from snnhub.differences.by_table import Row, Table, Together, led, table_between
from snnhub.ir.graph import Graph, Input, Node, Output
from snnhub.ir.op import OpLookup


@dataclass(frozen=True, slots=True)
class Pair:
    """Node ``a`` of A is node ``b`` of B. ``how``: ``table``, ``name`` or ``structure``."""

    a: str
    b: str
    how: str


@dataclass(frozen=True)
class Alignment:
    """``pairs`` in A's node order. ``together``: several nodes that became several. ``removed`` and ``added`` have
    no counterpart. ``ends``: inputs and outputs of A by those of B. ``ties``: where others would fit as well.
    ``rows``: quantities that a table relates, from A to B; ``stray``: rows of it that lead nowhere.
    """

    pairs: tuple[Pair, ...]
    together: tuple[Together, ...]
    removed: tuple[str, ...]
    added: tuple[str, ...]
    ends: dict[str, str]
    ties: tuple[Tie, ...] = ()
    rows: tuple[Row, ...] = ()
    stray: int = 0
    source: str = ""
    """``A`` or ``B``: the network that the other one came from, as its table says; empty without a table."""
    nodes: dict[str, str] = field(default_factory=dict)

    def count(self, how: str) -> int:
        """How many pairs were found that way."""
        return sum(pair.how == how for pair in self.pairs)


def align(a: Graph, b: Graph, lookup: OpLookup) -> Alignment:
    """Pair the nodes of two networks. Deterministic, and the same with A and B exchanged.

    A table counts if more than half of its rows lead from the other network, and the networks do not have the
    same names anyway. Names count for nodes of one op, or for two neurons. They do not count at all where the
    numbers of a layer are found in the other network under another name, while its own name belongs to others.
    """
    ends = {**_ends(a.inputs, b.inputs), **_ends(a.outputs, b.outputs)}
    table = Table() if set(a.node) == set(b.node) else table_between(a, b, lookup)
    how: dict[str, tuple[str, str]] = {}
    together = led(a, b, table, how)
    taken = {name for group in together for name in group.a}, {name for group in together for name in group.b}
    left = [node for node in a.nodes if node.id not in how and node.id not in taken[0]]
    used = {pair[0] for pair in how.values()} | taken[1]
    right = [node for node in b.nodes if node.id not in used]
    if not _shifted(left, right):
        other = {node.id: node for node in right}
        same = [node for node in left if node.id in other and role(node) == role(other[node.id])]
        how |= {node.id: (node.id, "name") for node in same}
    matcher = Matcher(a, b, ends, {x: y for x, (y, _) in how.items()}, taken)
    found = matcher.run()
    how |= {x: (y, "structure") for x, y in found.items()}
    together, joined = _absorb(a, b, together, how)
    pairs = tuple(Pair(node.id, *how[node.id]) for node in a.nodes if node.id in how)
    mates = {pair.b for pair in pairs}
    return Alignment(
        pairs,
        together,
        tuple(node.id for node in a.nodes if node.id not in how and node.id not in joined[0]),
        tuple(node.id for node in b.nodes if node.id not in mates and node.id not in joined[1]),
        ends,
        tuple(matcher.ties),
        table.rows,
        table.stray,
        table.source,
        {pair.a: pair.b for pair in pairs},
    )


def _ends(ours: Iterable[Input | Output], theirs: Iterable[Input | Output]) -> dict[str, str]:
    """Inputs (or outputs) by name; those that are left in order, if as many are left in both."""
    left, right = ([item.id for item in items] for items in (ours, theirs))
    table = {name: name for name in left if name in right}
    left, right = [n for n in left if n not in table], [n for n in right if n not in table]
    return table | (dict(zip(left, right, strict=True)) if len(left) == len(right) else {})


def _shifted(left: list[Node], right: list[Node]) -> bool:
    """Whether numbers are found under another name, while their own name belongs to others: as where a layer was
    inserted and all behind it are numbered anew.
    """
    ours, theirs = _by_numbers(left), _by_numbers(right)
    names_a, names_b = {node.id: node for node in left}, {node.id: node for node in right}
    for key, node in ours.items():
        twin = theirs.get(key) if node is not None else None
        if node is None or twin is None or twin.id == node.id:
            continue
        for name, there in ((node.id, names_b), (twin.id, names_a)):
            if name in there and content(there[name]) != key:
                return True
    return False


def _by_numbers(nodes: list[Node]) -> dict[object, Node | None]:
    """Nodes with arrays by all they compute with; None where several have it."""
    found: dict[object, Node | None] = {}
    for node in nodes:
        if any(tensor.size > 1 for _, tensor in node.params):
            key = content(node)
            found[key] = None if key in found else node
    return found


def _absorb(
    a: Graph, b: Graph, together: tuple[Together, ...], how: dict[str, tuple[str, str]]
) -> tuple[tuple[Together, ...], tuple[set[str], set[str]]]:
    """Nodes without a counterpart whose neighbours all belong to one group belong to it as well."""
    groups = [(list(group.a), list(group.b)) for group in together]
    mates = {pair[0] for pair in how.values()}
    for side, graph, paired in ((0, a, set(how)), (1, b, mates)):
        near: dict[str, set[str]] = {node.id: set() for node in graph.nodes}
        for edge in graph.edges:
            for one, other in ((edge.src.node, edge.dst.node), (edge.dst.node, edge.src.node)):
                if one in near and other in near:
                    near[one].add(other)
        home = {name: index for index, group in enumerate(groups) for name in group[side]}
        pending = [other for name in home for other in sorted(near[name])]
        while pending:
            name = pending.pop()
            homes = {home.get(other) for other in near[name] if other != name}
            if name in home or name in paired or len(homes) != 1 or None in homes:
                continue
            index = next(index for index in homes if index is not None)
            home[name] = index
            groups[index][side].append(name)
            pending += sorted(near[name])
    made = tuple(Together(tuple(sorted(x, key=_rank(a))), tuple(sorted(y, key=_rank(b)))) for x, y in groups)
    return made, ({n for group in made for n in group.a}, {n for group in made for n in group.b})


def _rank(graph: Graph) -> Callable[[str], int]:
    rank = {node.id: position for position, node in enumerate(graph.nodes)}
    return rank.__getitem__
