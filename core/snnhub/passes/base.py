"""What a pass is, and how passes run one after the other."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import reduce
from typing import Any

from snnhub.errors import UnsupportedError
from snnhub.findings import Finding, Severity, of_severity
from snnhub.ir.correspondence import Table, compose, identity
from snnhub.ir.graph import Graph, Stage
from snnhub.ir.op import OpLookup
from snnhub.ir.rung import Rung
from snnhub.ir.tensor import Array
from snnhub.ir.verify import ensure
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

    ``run`` collects ``error`` findings for everything it cannot do; it never stops at the first.
    """

    name: str
    version: int
    contract: Promise
    summary: str
    run: Callable[[Graph, PassContext], PassResult]


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


def run_pass(graph: Graph, item: Pass, context: PassContext) -> Graph:
    """Apply one pass; findings, history and correspondence are added to the graph.

    A pass that changed nothing leaves no trace but its findings.

    Raises ``UnsupportedError`` with every reason if the pass refuses, ``GraphError`` if its result is broken.
    """
    result = item.run(graph, context)
    errors = of_severity(result.findings, Severity.ERROR)
    if errors:
        raise UnsupportedError(
            f"{item.name} cannot take this network: {errors[0].message}",
            where=errors[0].place,
            remedy=errors[0].remedy,
            findings=(*graph.findings, *result.findings),
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
    graph = replace(graph, correspondence=())
    for item in passes:
        graph = run_pass(graph, item, context)
    return graph
