"""``snnhub repro``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from snnhub.cli.options import collect, given_options, import_options, json_option, pairs, read_array
from snnhub.cli.output import console, escape, print_findings, print_json, stages

if TYPE_CHECKING:
    from snnhub.api.repro import AgainResult, ReproResult

OTHERS = {
    "network": "the second network",
    "runner": "the runner itself",
    "recording": "what the runner recorded",
}


@click.command("repro")
@click.argument("a", required=False)
@click.argument("b", required=False)
@click.option("--against", metavar="RUNNER", help="Compare A in the engine with A in this runner.")
@click.option(
    "--input", "stimulus", type=click.Path(path_type=Path), metavar="X.npy", help="Input, as for verify."
)
@click.option(
    "-o", "--output", type=click.Path(path_type=Path), metavar="BUG.zip", help="Where to write the archive."
)
@click.option(
    "--expect",
    metavar="RUNG",
    help="What counts: bits, any value; spikes, spikes alone. By default as for verify.",
)
@click.option(
    "--again",
    type=click.Path(path_type=Path),
    metavar="BUG.zip",
    help="Run the piece of an archive again: exit 1 if it still fails, 0 if not.",
)
@import_options
@given_options
@json_option
def command(
    a: str | None,
    b: str | None,
    against: str | None,
    expect: str | None,
    stimulus: Path | None,
    output: Path | None,
    again: Path | None,
    from_: str | None,
    weights: Path | None,
    settings: tuple[str, ...],
    input_shape: str | None,
    given: tuple[str, ...],
    as_json: bool,
) -> int:
    """Cut the smallest failing piece of a comparison into one archive, or run such an archive again.

    Compares as `snnhub verify` does, then leaves out samples, steps, layers, neurons and inputs as long as the two
    sides still differ. Exit 0 if a piece was written, 1 if nothing differs.
    """
    if again is not None:
        if a is not None or stimulus is not None or output is not None:
            raise click.UsageError("--again takes an archive and nothing else")
        return _again(again, as_json)
    if a is None or stimulus is None or output is None:
        missing = [
            name
            for name, value in (("A", a), ("--input X.npy", stimulus), ("-o BUG.zip", output))
            if value is None
        ]
        raise click.UsageError(f"missing: {', '.join(missing)} (or --again BUG.zip)")
    from snnhub.api.repro import repro

    array = read_array(stimulus)
    with stages(as_json) as report:
        result = repro(
            a,
            b,
            stimulus=array,
            output=output,
            against=against,
            expect=expect,
            from_=from_,
            options=collect(weights, settings, input_shape),
            runner_options=pairs(given, "--option"),
            progress=report,
        )
    if as_json:
        print_json(result.to_json())
    else:
        _show(result)
    return 0


def _again(archive: Path, as_json: bool) -> int:
    from snnhub.api.repro import repro_again

    result = repro_again(archive)
    if as_json:
        print_json(result.to_json())
    else:
        _show_again(result)
    return 1 if result.fails else 0


def _show(result: ReproResult) -> None:
    out = console()
    found, fails = result.found, result.fails
    out.print(f"A  {escape(result.a)}\nB  {escape(result.b)}")
    where = f"step {found.step}, sample {found.sample}, {found.key}{list(found.index)}: A {found.a}, B {found.b}"
    out.print(escape(f"first divergence: {where}"))
    for line in result.log:
        out.print(f"  {escape(line)}")
    out.print(
        "reduced "
        + ", ".join(f"{result.before[name]} -> {result.after[name]} {name}" for name in result.after)
        + f"   ({result.tries} runs)"
    )
    where = f"step {fails.step}, {fails.key}{list(fails.index)}: A {fails.a}, B {fails.b}"
    out.print(escape(f"still fails against {OTHERS[result.other]}: {where}"))
    print_findings(result.findings)
    size = result.output.stat().st_size
    out.print(f"wrote {escape(str(result.output))}, {size:,} bytes   again: snnhub repro --again FILE")


def _show_again(result: AgainResult) -> None:
    out = console()
    out.print(f"A  {escape(result.a)}\nB  {escape(result.b)}\ncompared with {OTHERS[result.other]}")
    print_findings(result.findings)
    first = result.first
    if first is None:
        out.print("verdict: [green]does not fail any more[/]")
        return
    where = f"step {first.step}, {first.key}{list(first.index)}: A {first.a}, B {first.b}"
    out.print(escape(f"first divergence: {where}"))
    words = "as it was" if result.same else "but not as it was"
    out.print(f"verdict: [bold red]still fails[/], {words}")
