"""Quant: every way in which a target quantises a network, side by side, layer by layer; nothing is written."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from snnhub.api.digests import ensure_digests
from snnhub.api.load import load_graph
from snnhub.api.lower import ensure_choices, ensure_known_programs, lower
from snnhub.api.options import ImportOptions
from snnhub.api.quant_measure import measured
from snnhub.api.quant_report import NO_DATA, LayerReport, MethodReport, QuantResult, best_of, judged
from snnhub.compare.align import spike_keys
from snnhub.compare.tally import Tallied
from snnhub.engine.stimulus import read_stimulus
from snnhub.errors import UnsupportedError, UsageError
from snnhub.findings import ordered
from snnhub.hub.catalogue import find
from snnhub.hub.loader import load
from snnhub.hub.objects import Method, Target, resolve
from snnhub.ir.graph import Graph
from snnhub.ir.tensor import Array
from snnhub.passes.base import PassContext

ONLY = Method("default", "the lowering as it is")
"""For a target that declares no methods."""
Progress = Callable[[str, int, int], None]


@dataclass(frozen=True)
class Trial:
    """A method, and what came of it: a graph with the tables of its passes, or why there is none."""

    method: Method
    graph: Graph | None = None
    context: PassContext | None = None
    problem: UnsupportedError | None = None


def quant(
    source: Any,
    target: str,
    *,
    calibration: Array | None = None,
    methods: Iterable[str] = (),
    from_: str | None = None,
    options: ImportOptions | None = None,
    lowering: Mapping[str, str] | None = None,
    progress: Progress | None = None,
) -> QuantResult:
    """Quantise a network for ``target`` by each of its methods (or those in ``methods``) and compare them.

    ``calibration``: input (time, batch, features…) on which scales are chosen, as ``convert`` does it, and on
    which every result is run beside the float network. ``lowering``: other options of the target, for all methods.
    Raises ``UsageError`` (unknown target, method or option, an array of the wrong shape), what the importer
    raises, and ``UnsupportedError`` with every reason where no method can take the network.
    """
    item = find(load().targets, target, "target")
    chosen = _methods(item, methods)
    given = dict(lowering or {})
    _ensure_free(item, chosen, given)
    loaded = load_graph(source, importer=from_, options=options, stimulus=calibration)
    graph = loaded.graph
    ensure_digests(graph, loaded.source.name)
    ensure_known_programs(graph)
    reading = "" if calibration is None else read_stimulus(calibration, graph.inputs[0]).reading
    trials = [_trial(graph, item, method, given, calibration, progress) for method in chosen]
    made = {trial.method.name: trial.graph for trial in trials if trial.graph is not None}
    if not made:
        _refuse(item, trials)
    found: Mapping[str, Tallied] = {}
    if calibration is not None:
        found = measured(graph, made, item.resolve()(), calibration, loaded.options.lookup, progress)
    reports = tuple(_report(graph, trial, found.get(trial.method.name)) for trial in trials)
    names = loaded.source.name, loaded.source.importer.name, item.name
    return QuantResult(*names, reading, reports, *best_of(reports))


def _methods(target: Target, names: Iterable[str]) -> tuple[Method, ...]:
    if not target.lowering:
        raise UsageError("this target has no lowering: nothing is quantised for it", found=target.name)
    known = {method.name: method for method in target.methods or (ONLY,)}
    wanted = list(dict.fromkeys(names))
    unknown = [name for name in wanted if name not in known]
    if unknown:
        raise UsageError(
            f"target {target.name} has no such method", found=", ".join(unknown), allowed=", ".join(known)
        )
    return tuple(known[name] for name in wanted or known)


def _ensure_free(target: Target, methods: Sequence[Method], given: Mapping[str, str]) -> None:
    """Raise ``UsageError`` for options that the target does not have, or that methods choose themselves."""
    ensure_choices(target.name, target, given)
    taken = sorted(name for name in given if any(name in method.chosen for method in methods))
    if taken:
        raise UsageError(
            "methods differ in this option",
            found=", ".join(f"{name}={given[name]}" for name in taken),
            remedy="Pass --method instead.",
        )


def _trial(
    graph: Graph,
    target: Target,
    method: Method,
    given: Mapping[str, str],
    calibration: Array | None,
    progress: Progress | None,
) -> Trial:
    if method.calibration == "needed" and calibration is None:
        return Trial(method)
    data = None if method.calibration == "unused" else calibration

    def report(label: str, done: int, total: int) -> None:
        if progress is not None:
            progress(f"{method.name}: {label}", done, total)

    report("lowering", 0, 1)
    try:
        passes = resolve(target.lowering, f"target {target.name}")()
        return Trial(method, *lower(graph, passes, data, report, {**given, **method.chosen}))
    except UnsupportedError as problem:
        return Trial(method, problem=problem)


def _refuse(target: Target, trials: Sequence[Trial]) -> None:
    """Raise what the methods raised, with the reasons of all of them."""
    problems = [trial.problem for trial in trials if trial.problem is not None]
    if not problems:
        names = ", ".join(trial.method.name for trial in trials)
        raise UsageError(
            "there are no calibration data, and this needs them", found=names, remedy="Pass --calibrate."
        )
    found = ordered(dict.fromkeys(finding for problem in problems for finding in problem.findings))
    first = problems[0]
    raise UnsupportedError(first.message, where=first.where, remedy=first.remedy, findings=found)


def _report(graph: Graph, trial: Trial, tallied: Tallied | None) -> MethodReport:
    method = trial.method
    if trial.problem is not None:
        refused = ordered(trial.problem.findings)
        return MethodReport(method.name, method.doc, findings=refused, reason=str(trial.problem), refused=True)
    if trial.graph is None or trial.context is None:
        return MethodReport(method.name, method.doc, reason="it needs calibration data")
    return MethodReport(
        method.name,
        method.doc,
        _layers(graph, trial.context.tables, tallied),
        None if tallied is None else tallied.decisions,
        () if tallied is None else tallied.problems,
        ordered(trial.graph.findings),
        trial.context.tables,
    )


def _layers(
    graph: Graph, tables: Mapping[str, Sequence[Mapping[str, Any]]], tallied: Tallied | None
) -> tuple[LayerReport, ...]:
    """Layers in the order of the network: those with numbers in a table, and those whose spikes were counted.

    Rows of tables say in ``layer`` which layer they are of; ``at`` names another node that has its spikes.
    """
    numbers: dict[str, dict[str, Any]] = {}
    for rows in tables.values():
        for row in rows:
            if isinstance(row.get("layer"), str):
                numbers.setdefault(row["layer"], {}).update({k: v for k, v in row.items() if k != "layer"})
    counted = {} if tallied is None else tallied.layers
    elsewhere = {row["at"] for row in numbers.values() if "at" in row}
    names = list(dict.fromkeys((*numbers, *(name for name in counted if name not in elsewhere))))
    rank = {node.id: position for position, node in enumerate(graph.nodes)}
    names.sort(key=lambda name: rank.get(name, len(rank)))
    unread = NO_DATA if tallied is None else "its spikes have no counterpart in the network before"
    by_state = _read_by_state(graph)
    found = []
    for name in names:
        row = numbers.get(name, {})
        if name == by_state:
            found.append(judged(name, row, None, unread if tallied is None else "decisions read its potential"))
        else:
            found.append(judged(name, row, counted.get(row.get("at", name)), unread))
    return tuple(found)


def _read_by_state(graph: Graph) -> str:
    """The node of which the decoder reads a state: its spikes may be anything."""
    quantity = "" if graph.decoder is None else graph.decoder.quantity
    node, _, _ = quantity.rpartition("/")
    return node if node and quantity not in spike_keys(graph) else ""
