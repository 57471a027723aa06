"""``snnhub compare``."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from snnhub.cli.options import json_option, pairs
from snnhub.cli.output import console, escape, print_findings, print_json, progress, table

if TYPE_CHECKING:
    from snnhub.api.compare import Comparison
    from snnhub.compare.trace_row import TraceRow
    from snnhub.compare.traces import PairVerdict


@click.command("compare")
@click.argument("recordings", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="A B [C …]")
@click.option(
    "--axes",
    multiple=True,
    metavar="[FILE=]AXES",
    help="Names of the axes: time,neuron or time,batch,neuron or neuron,time. Otherwise time is the first.",
)
@click.option("--dt", multiple=True, metavar="[FILE=]SECONDS", help="Length of a step.")
@click.option("--columns", metavar="NAME,NAME,…", help="Names for the columns of .csv files that have none.")
@click.option(
    "--rename", multiple=True, metavar="NAME=OTHER", help="Give a quantity another name, so that two meet."
)
@click.option("--only", multiple=True, metavar="NAME", help="Compare this quantity only; may be repeated.")
@click.option("--spikes", multiple=True, metavar="NAME", help="This quantity is a spike train.")
@click.option("--states", multiple=True, metavar="NAME", help="This quantity is a state.")
@click.option("--time-unit", type=click.Choice(["s", "ms", "us", "step"]), help="Of the times in event lists.")
@click.option(
    "--max-lag", default=16, show_default=True, type=click.IntRange(min=0), help="Search for lags so far."
)
@click.option("--expect", default="spikes", show_default=True, metavar="RUNG", help="bits, spikes or spikes+lag.")
@click.option(
    "--plot", type=click.Path(path_type=Path), metavar="OUT.svg", help="Draw the rasters over each other."
)
@click.option("--raster", is_flag=True, help="Print the rasters in letters, around the first divergence.")
@click.option("-v", "--verbose", is_flag=True, help="Print every finding.")
@json_option
def command(
    recordings: tuple[Path, ...],
    axes: tuple[str, ...],
    dt: tuple[str, ...],
    columns: str | None,
    rename: tuple[str, ...],
    only: tuple[str, ...],
    spikes: tuple[str, ...],
    states: tuple[str, ...],
    time_unit: str | None,
    max_lag: int,
    expect: str,
    plot: Path | None,
    raster: bool,
    verbose: bool,
    as_json: bool,
) -> int:
    """Compare recordings that any tool made: .npz (arrays by name), .npy or .csv, without graphs.

    A lag is searched for here, since nothing is known about the networks. With two graphs, `snnhub verify A B`
    predicts it, which is the stronger test. Event lists are arrays `times` and `units` (or NAME/times,
    NAME/units). Exit 1 if a pair is below the pass mark.
    """
    from snnhub.api.compare import compare_recordings

    with progress("comparing", as_json) as report:
        result = compare_recordings(
            *recordings,
            axes=by_file(axes),
            dt=by_file(dt),
            columns=columns,
            rename=pairs(rename, "--rename"),
            spikes=spikes,
            states=states,
            only=only,
            time_unit=time_unit,
            max_lag=max_lag,
            expect=expect,
            plot=plot,
            progress=report,
        )
    if as_json:
        print_json(result.to_json())
    else:
        show(result, raster, verbose)
    return 0 if result.passed else 1


def by_file(items: Iterable[str]) -> dict[str, str] | None:
    """``FILE=VALUE`` items by file name; one without a file is for all others, under the empty name."""
    found: dict[str, str] = {}
    for item in items:
        name, separator, value = item.rpartition("=")
        if not value or (separator and not name) or name in found:
            raise click.BadParameter(f"found {item!r}, allowed VALUE once, and FILE=VALUE once per file")
        found[name] = value
    return found or None


def show(result: Comparison, raster: bool, verbose: bool) -> None:
    """A table for two recordings; a line per recording and a matrix for more."""
    out = console()
    if len(result.pairs) == 1:
        pair = result.pairs[0]
        out.print(f"A  {escape(pair.a)}\nB  {escape(pair.b)}")
        columns = ["quantity", "kind", "lag", "compared", "different", "spikes A", "spikes B", "overlap"]
        table("", columns, [_row(row) for row in pair.rows], right=columns[2:])
        _details(pair)
    else:
        _summary(result)
        _matrix(result)
    if raster:
        _rasters(result)
    print_findings(result.findings, verbose=verbose or len(result.pairs) == 1)
    if result.plot is not None:
        out.print(f"wrote {escape(str(result.plot))}")
    mark = "[green]passed[/]" if result.passed else "[bold red]FAILED[/]"
    verdict = f"[bold]{_reached(result.pairs[0])}[/]   " if len(result.pairs) == 1 else ""
    missed = result.pairs[0].missed if len(result.pairs) == 1 else None
    below = sum(not pair.reaches(result.expected) for pair in result.pairs)
    count = f" ({below} of {len(result.pairs)} pairs below)" if len(result.pairs) > 1 and below else ""
    words = f"{verdict}{f'missed {missed.value}   ' if missed else ''}"
    out.print(f"verdict: {words}expected {result.expected.value}: {mark}{count}")


def _row(row: TraceRow) -> list[object]:
    overlap = "silent" if row.silent else "" if row.overlap is None else f"{row.overlap:.4f}"
    lag = f"{row.lag:+d}" if row.lag else "0"
    return [row.key, row.kind, lag, row.compared, row.different, row.a_spikes, row.b_spikes, overlap]


def _reached(pair: PairVerdict) -> str:
    if pair.reached is not None:
        return pair.reached.value + (f" {pair.lag:+d}" if pair.lag and pair.reached.value == "spikes+lag" else "")
    return "silent" if pair.silent else "not comparable"


def _details(pair: PairVerdict) -> None:
    out = console()
    for problem in pair.problems:
        out.print(f"not compared: {escape(problem)}")
    for row in pair.rows:
        if row.relation is not None:
            out.print(escape(f"{row.key}: {row.relation}"))
        if row.best_lag is not None and row.best_lag != row.lag and row.best_overlap is not None:
            out.print(
                escape(f"{row.key}: largest overlap {row.best_overlap:.4f} at lag {row.best_lag:+d}, not used")
            )
    if pair.first is not None:
        out.print(escape(f"first divergence: {pair.first}"))


def _summary(result: Comparison) -> None:
    """The first recording against each of the others."""
    reference = result.recordings[0].name
    rows: list[list[object]] = []
    for pair in result.pairs:
        if pair.a != reference:
            continue
        related = [f"{row.key} {row.relation}" for row in pair.rows if row.relation and row.relation.other_unit]
        first = "" if pair.first is None else str(pair.first)
        words = "; ".join([*pair.problems, *([first] if first else []), *related])
        overlap = "" if pair.worst_overlap is None else f"{pair.worst_overlap:.4f}"
        rows.append([pair.b, _reached(pair), overlap, words])
    table("", [f"against {reference}", "verdict", "overlap", "first divergence; states"], rows, right=["overlap"])


def _matrix(result: Comparison) -> None:
    """Verdicts above the diagonal, overlaps below."""
    names = [item.name for item in result.recordings]
    found = {(pair.a, pair.b): pair for pair in result.pairs}
    rows: list[list[object]] = []
    for i, name in enumerate(names):
        cells: list[object] = [f"{i + 1} {name}"]
        for j, other in enumerate(names):
            if i == j:
                cells.append("-")
            elif i < j:
                cells.append(_short(found[name, other]))
            else:
                overlap = found[other, name].worst_overlap
                cells.append("" if overlap is None else f"{overlap:.3f}")
        rows.append(cells)
    numbers = [str(i + 1) for i in range(len(names))]
    table("verdict above, overlap below", ["", *numbers], rows, right=numbers)


def _short(pair: PairVerdict) -> str:
    words = {"spikes+lag": f"lag{pair.lag:+d}", "diverged": "div.", "not comparable": "n/a"}
    return words.get(pair.reached.value if pair.reached else _reached(pair), _reached(pair))


def _rasters(result: Comparison) -> None:
    from snnhub.plot.letters import text_raster

    for _, row, a, b in result.panels():
        if not row.silent:
            for line in text_raster(row, a, b):
                console().print(escape(line), soft_wrap=True)
