"""What a pass is, and how passes run one after the other."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import reduce
from itertools import takewhile
from typing import Any

from snnhub.errors import UnsupportedError
from snnhub.findings import Finding, Severity, of_severity
from snnhub.ir.correspondence import Table, compose, identity
from snnhub.ir.graph import Graph, Stage
from snnhub.ir.op import OpLookup
from snnhub.ir.rung import Rung
from snnhub.ir.tensor import Array
from snnhub.ir.verify import ensure, verify
from snnhub.ops.registry import REGISTRY

ALMOST = 0.99
"""Overlap that folds promise: they round weights once to f32, which moves only spikes that hang on a last bit."""


@dataclass
class PassContext:
    """What passes may use, and where they leave structured reports (``tables``, rows by table name) and ``arrays``
    that a user may want as a file.

    ``applied``: every pass that changed the graph, in order, with the graphs before and after it.
    """

    lookup: OpLookup = REGISTRY
    options: Mapping[str, str] = field(default_factory=dict)
    calibration: Array | None = None
    tables: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    arrays: dict[str, Mapping[str, Array]] = field(default_factory=dict)
    progress: Callable[[str, int, int], None] | None = None
    applied: list[Applied] = field(default_factory=list)

    def report(self, done: str, step: int, steps: int) -> None:
        """Tell whoever listens how far a long pass is."""
        if self.progress is not None:
            self.progress(done, step, steps)


@dataclass(frozen=True, slots=True)
class Promise:
    """What stays the same: a rung, and for ``bounded`` the smallest spike overlap of any layer."""

    rung: Rung
    overlap: float | None = None

    def weaker(self, other: Promise) -> Promise:
        """What two conversions in a row keep."""
        rung = min(self.rung, other.rung, key=lambda item: item.height)
        known = [promise.overlap for promise in (self, other) if promise.overlap is not None]
        return Promise(rung, min(known) if known else None)


@dataclass(frozen=True)
class PassResult:
    """The new graph, what became of every quantity of the old one, and what was changed or noticed.

    ``promise``: what this run of the pass keeps, where that is known only afterwards.
    """

    graph: Graph
    correspondence: Table
    findings: tuple[Finding, ...] = ()
    promise: Promise | None = None


@dataclass(frozen=True)
class Pass:
    """``contract``: what old and new graph share on every input, through the correspondence.

    ``run`` collects ``error`` findings for everything it cannot do; it never stops at the first. ``tolerant``: it
    can be run on any sound graph, also on one in which an earlier pass refused something, so that one report has
    the reasons of both.
    """

    name: str
    version: int
    contract: Promise
    summary: str
    run: Callable[[Graph, PassContext], PassResult]
    tolerant: bool = False


@dataclass(frozen=True)
class Applied:
    """A pass that has run: its graphs, its own table between them, and what this run of it promised."""

    name: str
    before: Graph
    after: Graph
    correspondence: Table
    promise: Promise


def unchanged(graph: Graph, context: PassContext, findings: Iterable[Finding] = ()) -> PassResult:
    """The result of a pass that had nothing to do, or could not."""
    return PassResult(graph, identity(graph, context.lookup), tuple(findings))


def run_pass(graph: Graph, item: Pass, context: PassContext, later: Sequence[Pass] = ()) -> Graph:
    """Apply one pass; findings, history and correspondence are added to the graph.

    A pass that changed nothing leaves no trace but its findings. ``later``: passes behind it, which say what they
    would refuse too if this one refuses.

    Raises ``UnsupportedError`` with every reason if the pass refuses, ``GraphError`` if its result is broken.
    """
    result = item.run(graph, context)
    errors = of_severity(result.findings, Severity.ERROR)
    if errors:
        raise UnsupportedError(
            f"{item.name} cannot take this network: {errors[0].message}",
            where=errors[0].place,
            remedy=errors[0].remedy,
            findings=(*graph.findings, *result.findings, *_further(result, errors, later, context)),
        )
    if result.graph.network() == graph.network():
        return graph.with_findings(item for item in result.findings if item not in graph.findings)
    before = graph.correspondence or identity(graph, context.lookup)
    promise = result.promise or item.contract
    stage = Stage(item.name, str(item.version), _options(promise))
    after = replace(
        result.graph,
        correspondence=compose(before, result.correspondence),
        findings=tuple(dict.fromkeys((*graph.findings, *result.findings))),
        provenance=graph.provenance.after(stage),
    )
    ensure(after, context.lookup)
    context.applied.append(Applied(item.name, graph, after, result.correspondence, promise))
    return after


def _further(
    refused: PassResult, errors: Sequence[Finding], later: Sequence[Pass], context: PassContext
) -> Iterator[Finding]:
    """What tolerant passes would refuse too. Nothing at or beside a node that is refused already: that may follow
    from the first reason, and be gone with it.
    """
    graph, known = refused.graph, [item.place for item in errors]
    said = {(item.place, item.message) for item in errors}
    inner = PassContext(context.lookup, context.options)
    for item in takewhile(lambda each: each.tolerant, later):
        graph = replace(graph, correspondence=())
        if of_severity(verify(graph, context.lookup), Severity.ERROR):
            return
        result = item.run(graph, inner)
        taken = _around(graph, known)
        for found in of_severity(result.findings, Severity.ERROR):
            if (found.place, found.message) not in said and not _nodes_of(graph, [found.place]) & taken:
                said.add((found.place, found.message))
                known.append(found.place)
                yield found
        graph = result.graph


def _nodes_of(graph: Graph, places: Iterable[str]) -> set[str]:
    """Nodes that places are in: a node itself, or a parameter of it."""
    return {name for place in places for name in (place, place.rpartition("/")[0]) if name in graph.node}


def _around(graph: Graph, places: Iterable[str]) -> set[str]:
    """Nodes that places are in, and their neighbours."""
    own = _nodes_of(graph, places)
    ends = [(edge.src.node, edge.dst.node) for edge in graph.edges]
    return own | {b for a, b in ends if a in own} | {a for a, b in ends if b in own}


def _options(promise: Promise) -> tuple[tuple[str, str], ...]:
    options = (("contract", promise.rung.value),)
    return options if promise.overlap is None else (*options, ("overlap", f"{promise.overlap:.4f}"))


def promise_of(graph: Graph) -> Promise | None:
    """What the passes behind a graph promise together; None if none of them says."""
    promises = []
    for stage in graph.provenance.stages:
        options = dict(stage.options)
        if "contract" in options:
            overlap = options.get("overlap")
            promises.append(Promise(Rung(options["contract"]), float(overlap) if overlap else None))
    return reduce(Promise.weaker, promises) if promises else None


def run_passes(graph: Graph, passes: Iterable[Pass], context: PassContext) -> Graph:
    """Apply passes in order. The result's correspondence leads from ``graph`` to it."""
    graph, items = replace(graph, correspondence=()), list(passes)
    for number, item in enumerate(items):
        graph = run_pass(graph, item, context, items[number + 1 :])
    return graph
