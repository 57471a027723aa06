"""Nodes and edges that one network has and the other has not, delays, and orders."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from snnhub.differences.alignment import Alignment
from snnhub.differences.difference import Difference, Section
from snnhub.ir.graph import Edge, Graph, Port

Ends = tuple[Port, Port]
HARMLESS = "computes the same; the digest tells them apart"


def structure(a: Graph, b: Graph, alignment: Alignment) -> Iterator[Difference]:
    """Nodes removed, added, put together and renamed; edges removed and added; delays; orders."""
    yield from _nodes(a, b, alignment)
    yield from _edges(a, b, alignment)
    there = set(alignment.nodes.values())
    before = [alignment.nodes[node.id] for node in a.nodes if node.id in alignment.nodes]
    after = [node.id for node in b.nodes if node.id in there]
    if before != after:
        moved = sum(x != y for x, y in zip(before, after, strict=True))
        words = f"{moved} nodes stand elsewhere in the list; {HARMLESS}"
        yield _difference("order of nodes", words=words)


def _difference(what: str, a: str = "", b: str = "", old: str = "", new: str = "", words: str = "") -> Difference:
    return Difference(Section.STRUCTURE, what, a, b, old, new, words)


def _nodes(a: Graph, b: Graph, alignment: Alignment) -> Iterator[Difference]:
    for name in alignment.removed:
        yield _difference("node removed", name, "", a.node[name].kind, "", _size(a, name))
    for name in alignment.added:
        yield _difference("node added", "", name, "", b.node[name].kind, _size(b, name))
    for group in alignment.together:
        old, new = (
            ", ".join(
                f"{graph.node[n].op}" + (f" x {count}" if count > 1 else "") for n, count in _ops(graph, names)
            )
            for graph, names in ((a, group.a), (b, group.b))
        )
        words = "these became those together, as the table says"
        yield _difference("nodes put together", ", ".join(group.a), ", ".join(group.b), old, new, words)
    for pair in alignment.pairs:
        if pair.a != pair.b:
            yield _difference("node renamed", pair.a, pair.b, pair.a, pair.b)


def _ops(graph: Graph, names: tuple[str, ...]) -> list[tuple[str, int]]:
    """The first node of every op among ``names``, with how many there are."""
    first: dict[str, str] = {}
    for name in names:
        first.setdefault(graph.node[name].op, name)
    counts = Counter(graph.node[name].op for name in names)
    return [(name, counts[op]) for op, name in first.items()]


def _size(graph: Graph, name: str) -> str:
    arrays = [f"{key} {list(t.shape)}" for key, t in graph.node[name].params if t.size > 1]
    degree = len(graph.feeding(name)) + len(graph.fed_by(name))
    return ", ".join([*arrays, f"and its {degree} edges"])


def _ids(graph: Graph) -> set[str]:
    return {*graph.node, *graph.input, *(output.id for output in graph.outputs)}


class _Ends:
    """Edges of A with the ends that they would have in B."""

    def __init__(self, a: Graph, b: Graph, alignment: Alignment) -> None:
        lost = {end.node for edge in a.edges for end in (edge.src, edge.dst)} - _ids(a)
        self.names = {**{name: name for name in lost}, **alignment.ends, **alignment.nodes}
        self.ports = {
            (x, way): table
            for x, y in alignment.nodes.items()
            if a.node[x].op != b.node[y].op
            for way, table in (("in", _ports(a, b, x, y, "in")), ("out", _ports(a, b, x, y, "out")))
        }

    def of(self, edge: Edge) -> Ends | None:
        """None if a counterpart is missing."""
        if edge.src.node not in self.names or edge.dst.node not in self.names:
            return None
        return self._port(edge.src, "out"), self._port(edge.dst, "in")

    def _port(self, port: Port, way: str) -> Port:
        name = self.ports.get((port.node, way), {}).get(port.name, port.name)
        return Port(self.names[port.node], name)


def _ports(a: Graph, b: Graph, x: str, y: str, way: str) -> dict[str, str]:
    """The only port of a node is the only one of its counterpart, whatever their names."""
    if way == "in":
        ours, theirs = ({edge.dst.name for edge in g.feeding(n)} for g, n in ((a, x), (b, y)))
    else:
        ours, theirs = ({edge.src.name for edge in g.fed_by(n)} for g, n in ((a, x), (b, y)))
    return dict(zip(ours, theirs, strict=True)) if len(ours) == len(theirs) == 1 else {}


def _edges(a: Graph, b: Graph, alignment: Alignment) -> Iterator[Difference]:
    ends = _Ends(a, b, alignment)
    there = _ids(b)
    known = {*alignment.ends.values(), *alignment.nodes.values()}
    ours: dict[Ends, list[Edge]] = {}
    theirs: dict[Ends, list[Edge]] = {}
    for edge in a.edges:
        mapped = ends.of(edge)
        if mapped is not None:
            ours.setdefault(mapped, []).append(edge)
    for edge in b.edges:
        if all(end.node in known or end.node not in there for end in (edge.src, edge.dst)):
            theirs.setdefault((edge.src, edge.dst), []).append(edge)
    found = [item for key in {**ours, **theirs} for item in _between(ours.get(key, []), theirs.get(key, []))]
    yield from found
    yield from _orders(a, b, ends, bool(found))


def _between(ours: list[Edge], theirs: list[Edge]) -> Iterator[Difference]:
    """Edges with the same ends: what is left when equal delays are taken away."""
    left, right = Counter(edge.delay for edge in ours), Counter(edge.delay for edge in theirs)
    before, after = sorted((left - right).elements()), sorted((right - left).elements())
    for old, new in zip(before, after, strict=False):
        yield _difference("delay", _ends(ours[0]), _ends(theirs[0]), str(old), str(new))
    for delay in before[len(after) :]:
        yield _difference("edge removed", _ends(ours[0]), "", f"delay {delay}", "")
    for delay in after[len(before) :]:
        yield _difference("edge added", "", _ends(theirs[0]), "", f"delay {delay}")


def _ends(edge: Edge) -> str:
    return f"{edge.src} -> {edge.dst}"


def _orders(a: Graph, b: Graph, ends: _Ends, other: bool) -> Iterator[Difference]:
    """Values that arrive at one port add up in edge order; elsewhere the order of edges means nothing."""
    arriving: dict[Port, list[Ends]] = {}
    listed = []
    for edge in a.edges:
        there = ends.of(edge)
        if there is not None:
            arriving.setdefault(there[1], []).append(there)
            listed.append((there, edge.delay))
    moved = False
    for port, before in arriving.items():
        after = [(edge.src, edge.dst) for edge in b.into.get(port, ())]
        if before != after and sorted(before) == sorted(after):
            moved = True
            old, new = (", ".join(str(src) for src, _ in items) for items in (before, after))
            words = "values add up in this order, which can change float sums in their last bits"
            yield _difference("order of addition", str(port), str(port), old, new, words)
    whole = [((edge.src, edge.dst), edge.delay) for edge in b.edges]
    if not moved and not other and listed != whole and sorted(listed) == sorted(whole):
        yield _difference("order of edges", words=HARMLESS)
