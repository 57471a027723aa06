"""Weights: how often each value occurs, synapse by synapse, of one network or of a float and an integer one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import zip_longest
from typing import Any

from snnhub.api.load import Loaded, load_graph
from snnhub.api.options import ImportOptions
from snnhub.api.plotted import Output, Plotted, finish, pictures_at
from snnhub.api.sides import correspondence
from snnhub.api.target import Limit
from snnhub.engine.reference import check
from snnhub.errors import UsageError
from snnhub.findings import Finding, info
from snnhub.hub.catalogue import find
from snnhub.hub.loader import load
from snnhub.ir.graph import Graph
from snnhub.ir.tensor import Tensor
from snnhub.plot.histogram import COLUMNS, Row, Synapse, counted, draw, table

WEIGHT = "weight"
"""How the names of parameters begin that hold weights."""
ROWS = 16
"""Most synapses of one picture."""


def plot_weights(
    a: Any,
    output: Output,
    *,
    against: Any = None,
    target: str | None = None,
    from_: str | None = None,
    options: ImportOptions | None = None,
    against_options: Mapping[str, str] | None = None,
) -> Plotted:
    """Draw a histogram of the weights of every synapse of ``a``, and beside it that of its counterpart in
    ``against``: as the correspondence says, else in order. ``target``: whose limits tell what is saturated; by
    default those of the targets that run every op of the network. ``against_options``: for importing ``against``.

    Raises ``UsageError`` for a network without weights, ``GraphError`` for NaN in them; ``MissingPeerError``
    without matplotlib.
    """
    pictures = pictures_at(output, COLUMNS, (a, against))
    first = load_graph(a, importer=from_, options=options)
    second = None if against is None else load_graph(against, options=ImportOptions(given=against_options or {}))
    sides = [side for side in (first, second) if side is not None]
    counted_sides = [_synapses(side, target) for side in sides]
    if second is None:
        pairs, findings = _alone(counted_sides[0]), list[Finding]()
    else:
        pairs, findings = _paired(first.graph, second.graph, *(list(found) for found in counted_sides))
    rows: list[Row] = [
        tuple(None if key is None else found[key] for key, found in zip(pair, counted_sides, strict=False))
        for pair in pairs
    ]
    names = [side.source.name for side in sides]
    shown, rest = _shown(rows)
    draw(shown, names, pictures)
    told = [finding for side in sides for finding in side.graph.findings]
    listed = [[None if item is None else item.to_json() for item in row] for row in shown]
    documents = [{"a": row[0], "b": row[1] if len(row) > 1 else None} for row in listed]
    return finish("weights", names, pictures, table(shown, names), documents, [*told, *findings, *rest])


def _shown(rows: Sequence[Row]) -> tuple[list[Row], list[Finding]]:
    rest = [item.name for row in rows[ROWS:] for item in row if item is not None]
    if not rest:
        return list(rows), []
    words = f"the first {ROWS} of {len(rows)} synapses are drawn, not {', '.join(rest[:8])}"
    return list(rows[:ROWS]), [info("SNN-6201", "picture", words)]


def _synapses(side: Loaded, target: str | None) -> dict[str, Synapse]:
    """Every parameter of weights by ``<node>/<parameter>``, in the order of the nodes."""
    graph = side.graph
    check(graph, side.options.lookup)
    limits = _limits(graph, target)
    found = {}
    for node in graph.nodes:
        for name, tensor in node.params:
            if name.startswith(WEIGHT) and tensor.size:
                limit = limits.get((node.op, name)) if tensor.type.is_int else None
                ends, source = (None, "") if limit is None else ((limit.low, limit.high), limit.source)
                found[f"{node.id}/{name}"] = counted(
                    f"{node.id}/{name}", tensor.array, *_known(tensor, ends, source)
                )
    if not found:
        raise UsageError("the network has no weights", where=side.source.name)
    return found


def _known(tensor: Tensor, limits: tuple[int, int] | None, source: str) -> tuple[tuple[int, int] | None, str]:
    """Limits of a target; else, for weights of 8 bits, those of their type."""
    if limits is None and tensor.dtype.name == "int8":
        return (-128, 127), "width of the stored weights"
    return limits, source


def _limits(graph: Graph, target: str | None) -> dict[tuple[str, str], Limit]:
    """Limits of weights by op and parameter; where several targets fit, the narrowest."""
    targets = load().targets
    if target is not None:
        specs = [find(targets, target, "target").resolve()()]
    else:
        specs = [item.resolve()() for item in targets.values()]
        specs = [spec for spec in specs if all(node.version in spec.ops.get(node.op, ()) for node in graph.nodes)]
    found: dict[tuple[str, str], Limit] = {}
    for limit in (limit for spec in specs for limit in spec.limits):
        key = (limit.op, limit.parameter)
        if key not in found or limit.high - limit.low < found[key].high - found[key].low:
            found[key] = limit
    return found


Pairs = list[tuple[str | None, str | None]]
"""Names of synapses that belong together; None where a network has no counterpart."""


def _alone(names: Iterable[str]) -> Pairs:
    return [(name, None) for name in names]


def _paired(a: Graph, b: Graph, ours: Sequence[str], theirs: Sequence[str]) -> tuple[Pairs, list[Finding]]:
    """Counterparts: nodes that the correspondence matches, then the rest in order where as many are left. Where
    nothing can be matched, the columns stand beside each other, and a finding says so.
    """
    partner = {match.old.node: match.new.node for match in correspondence(a, b)[0]}
    table: dict[str, str] = {}
    for key in ours:
        node, _, name = key.rpartition("/")
        other = f"{partner.get(node, '')}/{name}"
        if other in theirs and other not in table.values():
            table[key] = other
    left, right = ([key for key in ours if key not in table], [key for key in theirs if key not in table.values()])
    if not table and len(left) != len(right):
        words = "nothing says which synapses are counterparts: each column has those of its network in order"
        return list(zip_longest(ours, theirs)), [info("SNN-5005", b.name, words)]
    notes: list[Finding] = []
    if left and len(left) == len(right):
        table |= dict(zip(left, right, strict=True))
        notes = [info("SNN-5005", b.name, "no table leads to these synapses; they are matched in order")]
        right = []
    rows: Pairs = [(key, table.get(key)) for key in ours]
    return [*rows, *((None, key) for key in right)], notes
