"""``snnhub agree``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from snnhub.cli.options import json_option, read_array, shape
from snnhub.cli.output import console, escape, print_findings, print_json, table

if TYPE_CHECKING:
    from snnhub.api.agree import Agreement
    from snnhub.api.agree_runs import ProfileRun
    from snnhub.compare.traces import PairVerdict


@click.command("agree")
@click.argument("source", type=click.Path(path_type=Path))
@click.option(
    "--input", "stimulus", type=click.Path(path_type=Path), metavar="X.npy", help="Input (time, features…)."
)
@click.option(
    "--stimulus",
    "formula",
    metavar="FORMULA",
    help="Input by formula: uniform:seed=0,steps=1000,low=-1,high=3 or bernoulli:seed=0,steps=1000,rate=0.3.",
)
@click.option(
    "--input-shape", metavar="C,H,W", help="Features of the input, where it has another shape than the file says."
)
@click.option("--dt", type=float, metavar="SECONDS", help="Length of a step.")
@click.option("--profile", "profiles", multiple=True, metavar="NAME", help="Only these profiles; by default all.")
@click.option("--against", metavar="NAME", help="Compare with this profile only; by default every pair.")
@click.option(
    "--live/--no-live",
    default=None,
    help="Run the frameworks, too, or not; by default where their environment is there.",
)
@click.option("--explain", is_flag=True, help="Of pairs that differ, the fewest choices that do it.")
@click.option("--ignore-metadata", is_flag=True, help="Read the plain fields, without snnhub's own metadata.")
@click.option("--report", type=click.Path(path_type=Path), metavar="OUT.html", help="Write a page with rasters.")
@json_option
def command(
    source: Path,
    stimulus: Path | None,
    formula: str | None,
    input_shape: str | None,
    dt: float | None,
    profiles: tuple[str, ...],
    against: str | None,
    live: bool | None,
    explain: bool,
    ignore_metadata: bool,
    report: Path | None,
    as_json: bool,
) -> int:
    """Run the NIR file SOURCE under every profile and in every framework, and tell who agrees with whom.

    Exit 1 if a framework does something else than its profile, or one of them refuses the file and the other does
    not. That profiles differ is a result, and no failure.
    """
    from snnhub.api.agree import agree

    if (stimulus is None) == (formula is None):
        raise click.UsageError("give one input: --input X.npy or --stimulus FORMULA")
    values = formula if stimulus is None else read_array(stimulus)
    assert values is not None  # noqa: S101  one of the two is there
    result = agree(
        source,
        values,
        dt,
        profiles=profiles,
        against=against,
        live=live,
        explain=explain,
        report=report,
        ignore_metadata=ignore_metadata,
        input_shape=shape(input_shape),
    )
    if as_json:
        print_json(result.to_json())
    else:
        _print(result)
    return 0 if result.kept else 1


def _print(result: Agreement) -> None:
    from snnhub.api.agree_pairs import agrees

    out, claim = console(), result.claim
    out.print(f"{escape(claim.source)}: {claim.steps} steps of {claim.dt:g} s")
    table(
        "", ["profile", "spikes", "order-robust", "what it makes of the file"], [_run(run) for run in result.runs]
    )
    for group in result.groups:
        if len(group) > 1:
            out.print(f"every spike equal: {', '.join(group)}")
    apart = [pair for pair in result.pairs if not agrees(pair)]
    table("", ["profiles", "", "verdict", "overlap", "first divergence"], [_pair(pair) for pair in apart])
    causes = [[item.a, item.b, str(item)] for item in result.explained]
    table("", ["profiles", "", "the fewest choices that make the difference"], causes)
    rows = [
        [
            item.framework,
            item.version,
            item.verdict,
            item.bins or "",
            item.different if item.bins else "",
            "" if item.spikes is None else item.spikes,
            item.refused,
        ]
        for item in result.frameworks
    ]
    table("", ["framework", "version", "beside its profile", "bins", "differ", "spikes", "why"], rows)
    print_findings(result.findings)
    if result.report is not None:
        out.print(f"wrote {escape(str(result.report))}")


def _run(run: ProfileRun) -> list[object]:
    if run.refused:
        return [run.profile, "refused", "", "; ".join(f"{place}: {reason}" for place, reason in run.refused)]
    robust = "unknown" if run.robust is None else "yes" if run.robust.robust else f"no, {run.robust.ties} ties"
    words = "; ".join(f"{item.place}: {item.message}" for item in run.losses)
    return [run.profile, "silent" if run.silent else run.spikes, robust, words]


def _pair(pair: PairVerdict) -> list[object]:
    from snnhub.api.agree_pairs import pair_json

    told = pair_json(pair)
    verdict = told["reached"] or ("silent" if pair.silent else "nothing to compare")
    lag = f" at lag {pair.lag:+d}" if pair.lag else ""
    overlap = "" if pair.worst_overlap is None else f"{pair.worst_overlap:.3f}"
    first = "" if pair.first is None else str(pair.first)
    return [pair.a, pair.b, f"{verdict}{lag}", overlap, first or "; ".join(pair.problems)]
