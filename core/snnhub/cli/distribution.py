"""``snnhub distribution``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from snnhub.cli.options import collect, given_options, import_options, json_option, pairs, read_array
from snnhub.cli.output import console, escape, print_findings, print_json, progress, table

if TYPE_CHECKING:
    from snnhub.api.distribution import DistributionResult
    from snnhub.compare.distribution import Equivalence
    from snnhub.compare.rate import Rate
    from snnhub.ir.tensor import Array

OWN, SEVERE = "SNN-540", ("error", "loss")
"""Codes of findings on the statistics, and severities that are printed of all others."""
SHOWN = 40
"""Most neurons of the table: those that are not equivalent come first."""


@click.command("distribution")
@click.argument("a")
@click.argument("b", required=False)
@click.option("--against", metavar="RUNNER", help="Side B: the network A in this runner.")
@click.option(
    "--input",
    "stimulus",
    required=True,
    type=click.Path(path_type=Path),
    metavar="X.npy",
    help="Noise samples (time, samples, features…), or one (time, features…).",
)
@click.option("--samples-first", is_flag=True, help="The input is (samples, time, features…).")
@click.option(
    "--mismatch-a", type=click.FloatRange(0, 1, min_open=True), metavar="P", help="Draws of A; 0.05 is 5 %."
)
@click.option(
    "--mismatch-b",
    type=click.FloatRange(0, 1, min_open=True),
    metavar="P",
    help="Draws of B, or of A without a second side.",
)
@click.option(
    "--runs",
    default=10,
    show_default=True,
    type=click.IntRange(min=1),
    help="Draws, or repeats of a noisy runner.",
)
@click.option(
    "--seed", default=0, show_default=True, type=click.IntRange(min=0), help="Of A's draws; B has the next."
)
@click.option("--margin", default=1.25, show_default=True, help="Factor up to which rates count as the same.")
@click.option("--alpha", default=0.05, show_default=True, help="Level of the tests.")
@click.option("--record", default="output", show_default=True, metavar="KEY", help="Whose spikes are counted.")
@click.option("--b-from", metavar="IMPORTER", help="Importer of B.")
@import_options
@given_options
@json_option
def command(
    a: str,
    b: str | None,
    against: str | None,
    stimulus: Path,
    samples_first: bool,
    mismatch_a: float | None,
    mismatch_b: float | None,
    runs: int,
    seed: int,
    margin: float,
    alpha: float,
    record: str,
    b_from: str | None,
    from_: str | None,
    weights: Path | None,
    settings: tuple[str, ...],
    input_shape: str | None,
    given: tuple[str, ...],
    as_json: bool,
) -> int:
    """Do two noisy networks fire at the same rates? A and B, or A and a runner, or A and chips that differ.

    Tests every neuron for being the same up to a factor. It is statistics: bits and spikes are what `verify` is
    for. Exit 1 unless they are shown to be equivalent.
    """
    from snnhub.api.distribution import distribution

    for_a = () if against is not None else given
    with progress("running", as_json) as report:
        result = distribution(
            a,
            b,
            samples(stimulus, samples_first),
            against=against,
            mismatch_a=mismatch_a,
            mismatch_b=mismatch_b,
            runs=runs,
            seed=seed,
            margin=margin,
            alpha=alpha,
            record=record,
            from_=from_,
            b_from=b_from,
            options=collect(weights, settings, input_shape, for_a),
            runner_options=pairs(given, "--option") if against is not None else None,
            progress=report,
        )
    if as_json:
        print_json(result.to_json())
    else:
        show(result)
    return 0 if result.passed else 1


def samples(path: Path, first: bool) -> Array:
    """The array of ``--input`` as (time, samples, features…). Raises ``click.BadParameter`` where there are no
    samples to come first.
    """
    array = read_array(path)
    if not first:
        return array
    if array.ndim < 3:
        raise click.BadParameter(
            f"found {list(array.shape)}, allowed (samples, time, features…)", param_hint="--samples-first"
        )
    return array.swapaxes(0, 1)


def show(result: DistributionResult) -> None:
    """A line per neuron, the firing-rate ratios, and what was shown, with margin and runs."""
    from snnhub.compare.rate_ratio import summary

    out = console()
    verdict = result.verdict
    unit = "per sample" if verdict.seconds is None else "per second"
    out.print(f"A  {escape(result.a)}\nB  {escape(result.b)}")
    out.print(f"input read as {escape(result.reading)}; rates are {unit}")
    rows = sorted(verdict.rows, key=lambda row: (row.equivalent, row.neuron))
    sure = f"{1 - verdict.alpha:.0%}"
    columns = ["neuron", "rate A", sure, "rate B", f"{sure} ", "A / B", f"{1 - 2 * verdict.alpha:.0%}"]
    columns += ["p equivalent", "p different", ""]
    table("", columns, [_line(row) for row in rows[:SHOWN]], right=columns[:-1])
    if len(rows) > SHOWN:
        out.print(f"{len(rows) - SHOWN} neurons more, all of them in --json")
    for label, found in zip("AB", result.ratios, strict=True):
        if found:
            out.print(f"firing-rate ratio {label}: {summary(found)}")
    shown = [item for item in result.findings if item.code.startswith(OWN) or item.severity.value in SEVERE]
    print_findings(shown)
    if len(shown) < len(result.findings):
        out.print(f"{len(result.findings) - len(shown)} notes and remarks more: --json has them all")
    runs = f"{verdict.runs[0]} and {verdict.runs[1]} runs"
    runs += f" of {verdict.samples} samples" if verdict.samples > 1 else ""
    words = f"margin {verdict.margin:g}, level {verdict.alpha:g}, {runs}{', in pairs' if verdict.paired else ''}"
    mark = "[green]passed[/]" if result.passed else "[bold red]FAILED[/]"
    out.print(f"verdict: [bold]{verdict.answer.value}[/] ({words})   expected equivalent: {mark}")


def _line(row: Equivalence) -> list[object]:
    ratio = [f"{row.ratio:.3f}", f"{row.low:.3f} … {row.high:.3f}"]
    both = [f"{row.p:.2g}", f"{row.p_different:.2g}"]
    return [row.neuron, *_rate(row.a), *_rate(row.b), *ratio, *both, row.answer.value]


def _rate(found: Rate) -> list[str]:
    high = "?" if found.high is None else f"{found.high:.4g}"
    return [f"{found.mean:.4g}", f"{found.low:.4g} … {high}"]
