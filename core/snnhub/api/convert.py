"""Convert: import, lower, export; everything that was changed is in the result."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextlib import nullcontext
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from snnhub.api.approximate import Asked, ask, target_of
from snnhub.api.approximation_cost import Cost, Data, cost_of, unmeasured, unmeasured_stage, with_history
from snnhub.api.digests import ensure_digests
from snnhub.api.load import Loaded, load_graph
from snnhub.api.lower import (
    choose_exporter,
    ensure_chosen,
    ensure_known_programs,
    ensure_options,
    lower,
    passes_for,
)
from snnhub.api.nearest import explained
from snnhub.api.options import ImportOptions
from snnhub.api.proving import BrokenPromiseError, prove
from snnhub.compare.proof import Proof
from snnhub.errors import LossError, UnsupportedError, UsageError
from snnhub.files import check_writable, staged
from snnhub.findings import Finding, Severity, count, of_severity, ordered
from snnhub.hub.objects import Exporter
from snnhub.ir.graph import Graph
from snnhub.ir.tensor import Array
from snnhub.passes.base import PassContext

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True)
class ConvertResult:
    """``graph``: what was written (or would be, on a dry run). ``tables``: reports of passes, rows by name.

    ``proof``: what was measured of every step, where that was asked for. ``arrays``: what passes left beside it.
    ``approximations``: what was asked for by name, and its ``cost``, None where it was not measured.
    """

    source: str
    importer: str
    exporter: str
    output: Path | None
    graph: Graph
    tables: Mapping[str, list[dict[str, Any]]]
    findings: tuple[Finding, ...]
    proof: Proof | None = None
    arrays: Mapping[str, Mapping[str, Array]] = field(default_factory=dict)
    approximations: tuple[str, ...] = ()
    cost: Cost | None = None

    def to_json(self) -> dict[str, Any]:
        return {
            "source": self.source,
            "from": self.importer,
            "to": self.exporter,
            "output": None if self.output is None else str(self.output),
            "nodes": len(self.graph.nodes),
            "passes": [[s.name, s.version, dict(s.options)] for s in self.graph.provenance.stages],
            "tables": {name: list(rows) for name, rows in self.tables.items()},
            "approximations": self.approximated(),
            "proof": None if self.proof is None else self.proof.to_json(),
            "counts": count(self.findings),
            "findings": [finding.to_json() for finding in self.findings],
        }

    def approximated(self) -> dict[str, Any] | None:
        """What ``--json`` says of approximations; None where none was asked for."""
        if not self.approximations:
            return None
        return (
            {"names": list(self.approximations), "measured": False} if self.cost is None else self.cost.to_json()
        )


def convert(
    source: Any,
    output: str | Path | None = None,
    *,
    from_: str | None = None,
    to: str | None = None,
    target: str | None = None,
    options: ImportOptions | None = None,
    calibration: Array | None = None,
    lowering: Mapping[str, str] | None = None,
    approximate: Iterable[str] = (),
    measure: Array | None = None,
    verify: Array | None = None,
    strict: bool = False,
    dry_run: bool = False,
    exporting: Mapping[str, str] | None = None,
    progress: Progress | None = None,
) -> ConvertResult:
    """Convert a network and write it.

    ``verify``: input (time, batch, features…) or (time, features…) on which every step is measured against its
    contract, up to the file read back. Raises ``BrokenPromiseError``, which names the first step that broke it,
    and writes nothing then.

    ``from_`` and ``to`` may be left out where the content of the source and the suffix of ``output`` tell.
    ``target`` tells which of several exporters ``to`` is meant: ``to="xylo", target="xylo-a2"``.
    ``lowering``: options of the target, such as ``{"maxpool": "or-layer"}``.
    ``approximate``: names of approximations of the target, a front for some of these options; what they cost is
    measured on ``measure``, else on ``verify``, else on ``calibration``. With such data a refusal, too, says what
    the nearest conversion that is not refused would cost.
    ``exporting``: options of the exporter, such as ``{"for": "norse"}``.
    ``dry_run`` writes nothing. ``strict`` refuses every ``loss``: raises ``LossError`` before writing.
    Raises ``UsageError``, ``FormatError``, ``UnsupportedError`` (with every reason) or ``MissingPeerError``.
    """
    path = Path(output) if output is not None else None
    exporter = choose_exporter(path, to, target)
    ensure_options(exporter, lowering or {})
    ensure_chosen(f"exporter {exporter.name}", exporter.options, exporting or {})
    asked = ask(exporter, approximate, lowering or {})
    if not dry_run:
        _ensure_writable(path)
    data = _data(calibration, measure, verify)
    shown = next((item for item in (calibration, verify, measure) if item is not None), None)
    if progress is not None:
        progress(f"importing {source if isinstance(source, str | Path) else type(source).__name__}", 0, 0)
    loaded = load_graph(source, importer=from_, options=options, stimulus=shown, continuous=exporter.continuous)
    ensure_digests(loaded.graph, loaded.source.name)
    if not exporter.keeps_programs:
        ensure_known_programs(loaded.graph)
    graph, context = _lowered(loaded, exporter, asked, calibration, data, progress)
    graph, cost = _approximated(loaded, graph, asked, exporter, data, progress)
    _refuse_losses(graph.findings, strict)
    written = None if dry_run else path
    write = partial(exporter.write, graph, chosen=exporting)
    findings, proof = _written(loaded, graph, context, exporter, written, verify, progress, write, strict)
    names = loaded.source.name, loaded.source.importer.name, exporter.name
    return ConvertResult(
        *names, written, graph, context.tables, findings, proof, context.arrays, asked.names, cost
    )


def _ensure_writable(path: Path | None) -> None:
    if path is None:
        raise UsageError("say where to write", allowed="-o FILE, or --dry-run")
    check_writable(path)


def _lowered(
    loaded: Loaded,
    exporter: Exporter,
    asked: Asked,
    calibration: Array | None,
    data: Data | None,
    progress: Progress | None,
) -> tuple[Graph, PassContext]:
    """The graph for the exporter. Raises ``UnsupportedError`` with every reason, and what is nearest."""
    passes, graph = passes_for(exporter), loaded.graph
    if not passes:
        return graph, PassContext()
    try:
        return lower(graph, passes, calibration, progress, asked.options)
    except UnsupportedError as problem:
        lookup = loaded.options.lookup
        raise explained(problem, graph, exporter, asked.options, data, lookup) from problem


def _written(
    loaded: Loaded,
    graph: Graph,
    context: PassContext,
    exporter: Exporter,
    path: Path | None,
    verify: Array | None,
    progress: Progress | None,
    write: Callable[[Path], Iterable[Finding]],
    strict: bool,
) -> tuple[tuple[Finding, ...], Proof | None]:
    """Write the graph, or only prove it where there is no ``path``: all findings, and what was measured."""
    findings, proof = graph.findings, None
    if verify is not None:
        with staged(path, exporter.formats[0]) as place:
            findings = (*findings, *write(place))
            proof = prove(loaded, graph, context, exporter, place, verify, progress)
            findings = (*findings, *proof.findings())
            if not proof.passed:
                raise BrokenPromiseError(proof, ordered(findings))
    elif path is not None:
        with staged(path) if strict else nullcontext(path) as place:
            findings = (*findings, *write(place))
            _refuse_losses(findings, strict)
    return ordered(findings), proof


def _data(calibration: Array | None, measure: Array | None, verify: Array | None) -> Data | None:
    """What the cost of approximations is measured on: the input that was given for nothing else comes first."""
    choices = ((measure, "the input"), (verify, "the input of --verify"), (calibration, "the calibration data"))
    return next((Data(values, words) for values, words in choices if values is not None), None)


def _approximated(
    loaded: Loaded,
    graph: Graph,
    asked: Asked,
    exporter: Exporter,
    data: Data | None,
    progress: Progress | None,
) -> tuple[Graph, Cost | None]:
    """The lowered graph with the cost of what was asked for by name in its findings and history; and the cost."""
    target = target_of(exporter)
    if not asked.items or target is None:
        return graph, None
    idle = asked.idle(loaded.graph)
    place, what = graph.name or "network", "; ".join(item.doc for item in asked.items)
    if len(idle) == len(asked.items):
        return graph.with_findings(idle), None
    if data is None:
        made = with_history(graph, unmeasured_stage(asked.names), unmeasured(asked.names, place, what))
        return made.with_findings(idle), None
    lookup = loaded.options.lookup
    cost = cost_of(loaded.graph, graph, asked.names, target.resolve()(), data, lookup, progress)
    return with_history(graph, cost.stage(), cost.finding(place, what)).with_findings(idle), cost


def _refuse_losses(found: Iterable[Finding], strict: bool) -> None:
    findings = ordered(found)
    losses = of_severity(findings, Severity.LOSS)
    if strict and losses:
        raise LossError(
            f"{len(losses)} losses under --strict; the first: {losses[0].message}",
            where=losses[0].place,
            findings=findings,
        )
