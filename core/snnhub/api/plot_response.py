"""f-I curves of a conversion: those that the lowering of a target left in its table ``f-I``."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from itertools import groupby
from typing import Any

from snnhub.api.approximate import ask
from snnhub.api.load import load_graph
from snnhub.api.lower import choose_exporter, ensure_known_programs, ensure_options, passes_for
from snnhub.api.options import ImportOptions
from snnhub.api.plotted import Output, Plotted, finish, pictures_at
from snnhub.errors import UnsupportedError, UsageError
from snnhub.findings import Finding, Severity
from snnhub.ir.graph import Graph
from snnhub.ir.tensor import Array
from snnhub.passes.base import PassContext, run_passes
from snnhub.plot.response import COLUMNS, Curve, draw, table

TABLE = "f-I"
"""Rows with the names of ``COLUMNS``, those of a layer by ascending level."""


def plot_response(
    source: Any,
    output: Output,
    target: str,
    *,
    approximate: Iterable[str] = (),
    lowering: Mapping[str, str] | None = None,
    calibration: Array | None = None,
    from_: str | None = None,
    options: ImportOptions | None = None,
    progress: Callable[[str, int, int], None] | None = None,
) -> Plotted:
    """Draw the rate of single neurons over their input, of the source and of what they become for ``target``.

    Drawn even where the target refuses what comes after, which is among the findings then. Raises ``UsageError``
    where the conversion leaves no such curves, ``UnsupportedError`` where it is refused before it has any.
    """
    pictures = pictures_at(output, COLUMNS, (source,))
    exporter = choose_exporter(None, None, target)
    ensure_options(exporter, lowering or {})
    asked = ask(exporter, approximate, lowering or {})
    loaded = load_graph(source, importer=from_, options=options, stimulus=calibration)
    ensure_known_programs(loaded.graph)
    context = PassContext(
        options=asked.options, calibration=_batched(calibration, loaded.graph), progress=progress
    )
    findings: list[Finding] = []
    try:
        findings += run_passes(loaded.graph, passes_for(exporter), context).findings
    except UnsupportedError as problem:
        if TABLE not in context.tables:
            raise
        findings += [replace(item, severity=Severity.LOSS) for item in problem.findings]
    rows = context.tables.get(TABLE, [])
    if not rows:
        names = ", ".join(asked.names) or "no approximation"
        remedy = "Pass the approximation that replaces neurons, such as --approximate analog."
        raise UsageError("the conversion compares no single neurons", found=names, remedy=remedy)
    curves = [Curve(layer, tuple(each)) for layer, each in groupby(rows, key=lambda row: str(row["layer"]))]
    draw(curves, [loaded.source.name], pictures)
    listed = [{"layer": curve.layer, "curve": [dict(row) for row in curve.rows]} for curve in curves]
    return finish(TABLE, [loaded.source.name], pictures, table(curves), listed, findings, target=target)


def _batched(calibration: Array | None, graph: Graph) -> Array | None:
    """With an axis of samples."""
    if calibration is not None and calibration.ndim == len(graph.inputs[0].shape) + 1:
        return calibration[:, None]
    return calibration
