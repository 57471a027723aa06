"""``snnhub verify``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from snnhub.cli.options import collect, given_options, import_options, json_option, pairs, read_array
from snnhub.cli.output import console, escape, print_findings, print_json, progress, table

if TYPE_CHECKING:
    from snnhub.api.verify import VerifyResult
    from snnhub.compare.verdict import Verdict


@click.command("verify")
@click.argument("a")
@click.argument("b", required=False)
@click.option(
    "--against", metavar="RUNNER", help="Compare A in the engine with A in this runner (lava, spikingjelly)."
)
@click.option(
    "--input",
    "stimulus",
    required=True,
    type=click.Path(path_type=Path),
    metavar="X.npy",
    help="Input (time, batch, features…) or (time, features…).",
)
@click.option(
    "--expect",
    metavar="RUNG",
    help="Pass mark: bits, spikes, spikes+lag, bounded, decision, distribution. By default bits for "
    "an integer network against a runner, spikes for a float one, else what the conversion promised.",
)
@click.option(
    "--engine",
    default="reference",
    show_default=True,
    metavar="ENGINE",
    help="What runs A against a runner: reference, or torch, which adds up as a framework does.",
)
@click.option(
    "--isolate",
    is_flag=True,
    help="Also run every layer of neurons alone, fed with what the reference fed it: column 'alone'.",
)
@click.option(
    "--robust",
    is_flag=True,
    help="Also tell whether every order of summation gives the same spikes. Takes three to five times as long.",
)
@import_options
@given_options
@json_option
def command(
    a: str,
    b: str | None,
    against: str | None,
    stimulus: Path,
    expect: str | None,
    engine: str,
    isolate: bool,
    robust: bool,
    from_: str | None,
    weights: Path | None,
    settings: tuple[str, ...],
    input_shape: str | None,
    given: tuple[str, ...],
    as_json: bool,
) -> int:
    """Measure what is the same: network A against a runner, or network A against network B.

    Exit 1 if the pass mark is missed.
    """
    from snnhub.api.verify import verify

    array = read_array(stimulus)
    with progress("running", as_json) as report:
        result = verify(
            a,
            b,
            stimulus=array,
            against=against,
            expect=expect,
            from_=from_,
            options=collect(weights, settings, input_shape),
            runner_options=pairs(given, "--option"),
            progress=report,
            engine=engine,
            isolate=isolate,
            robust=robust,
        )
    if as_json:
        print_json(result.to_json())
    else:
        show(result, isolate)
    return 0 if result.passed else 1


def show(result: VerifyResult, isolate: bool = False) -> None:
    """A line per quantity, the verdict, and the first divergence if there is one.

    ``isolate``: show how large the overlap of each layer alone is.
    """
    out = console()
    verdict = result.verdict
    out.print(f"A  {escape(result.a)}\nB  {escape(result.b)}\ninput read as {escape(result.reading)}")
    rows = [
        [
            row.a_key,
            row.b_key if row.b_key != row.a_key else "",
            row.lag,
            row.compared,
            row.different,
            row.a_spikes,
            row.b_spikes,
            None if row.overlap is None else f"{row.overlap:.4f}",
            *([None if row.alone is None else f"{row.alone:.4f}"] if isolate else []),
        ]
        for row in verdict.rows
    ]
    columns = [
        "A",
        "B",
        "lag",
        "compared",
        "different",
        "spikes A",
        "spikes B",
        "overlap",
        *(["alone"] if isolate else []),
    ]
    table("", columns, rows, right=columns[2:])
    if result.state_samples and result.state_samples < result.samples:
        out.print(
            f"states and spikes of the first {result.state_samples} samples, outputs of all {result.samples}"
        )
    if verdict.decisions is not None and verdict.decisions_equal is not None:
        ties = "" if verdict.ties is None else f"   ties: {verdict.ties[0]} in A, {verdict.ties[1]} in B"
        share = verdict.decisions_equal / verdict.decisions
        out.print(f"decisions: {verdict.decisions_equal} of {verdict.decisions} equal ({share:.2%}){ties}")
    _divergence(verdict)
    if result.robust is not None:
        out.print(f"order-robust: {escape(str(result.robust))}")
    if result.explained:
        out.print("the first spike that differs is a tie that the engine flagged")
    for problem in verdict.problems:
        out.print(f"not compared: {escape(problem)}")
    print_findings(result.findings, verbose=False)
    missed = f", missed {verdict.missed.value}" if verdict.missed else ""
    bound = f" (overlap bound {verdict.overlap_bound:.4f})" if verdict.overlap_bound is not None else ""
    mark = "[green]passed[/]" if result.passed else "[bold red]FAILED[/]"
    out.print(
        f"verdict: [bold]{verdict.reached.value}[/]{missed}   expected {result.expected.value}{bound}: {mark}"
    )


def _divergence(verdict: Verdict) -> None:
    first = verdict.first
    if first is None:
        return
    alone = {True: "yes, it differs by itself", False: "no, it inherits the difference", None: "not tried"}[
        first.alone
    ]
    place = f"step {first.step}, sample {first.sample}, {first.key}{list(first.index)}"
    console().print(escape(f"first divergence: {place}: A {first.a}, B {first.b}   alone: {alone}"))
