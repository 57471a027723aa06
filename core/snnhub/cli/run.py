"""``snnhub run``."""

from __future__ import annotations

from pathlib import Path

import click

from snnhub.cli.options import collect, given_options, import_options, json_option, pairs, read_array
from snnhub.cli.output import console, escape, print_findings, print_json, progress, table


@click.command("run")
@click.argument("source")
@click.option(
    "--input",
    "stimulus",
    required=True,
    type=click.Path(path_type=Path),
    metavar="X.npy",
    help="Input (time, batch, features…) or (time, features…).",
)
@click.option(
    "-o", "--output", type=click.Path(path_type=Path), metavar="REC.npz", help="Where to write the recording."
)
@click.option(
    "--runner", default="engine", show_default=True, help="engine, or a peer such as lava or spikingjelly."
)
@click.option(
    "--record",
    default="outputs",
    show_default=True,
    metavar="outputs|all|KEY",
    help="What to record: outputs, everything the runner can, or one record key.",
)
@click.option("--steps", type=click.IntRange(min=1), help="Run this long; beyond the input, zeros are shown.")
@click.option("--robust", is_flag=True, help="Also tell whether every order of float sums gives the same spikes.")
@import_options
@given_options
@json_option
def command(
    source: str,
    stimulus: Path,
    output: Path | None,
    runner: str,
    record: str,
    steps: int | None,
    robust: bool,
    from_: str | None,
    weights: Path | None,
    settings: tuple[str, ...],
    input_shape: str | None,
    given: tuple[str, ...],
    as_json: bool,
) -> None:
    """Run SOURCE over an input. The recording holds `output` and, with --record all, `<node id>/<name>`."""
    from snnhub.api.run import run

    array = read_array(stimulus)
    with progress(f"running in {runner}", as_json) as report:
        result = run(
            source,
            array,
            runner=runner,
            record=record,
            output=output,
            from_=from_,
            options=collect(weights, settings, input_shape),
            runner_options=pairs(given, "--option"),
            steps=steps,
            progress=report,
            robust=robust,
        )
    if as_json:
        print_json(result.to_json())
        return
    out = console()
    out.print(f"{escape(result.source)} in {result.runner}: input read as {escape(result.reading)}")
    rows = [
        [key, str(list(array.shape)), array.dtype, result.spikes.get(key)]
        for key, array in result.recording.items()
    ]
    table("", ["recorded", "shape", "type", "spikes"], rows, right=["spikes"])
    if result.decisions is not None:
        shown = " ".join(str(int(winner)) for winner in result.decisions.winners[:20])
        more = " …" if len(result.decisions.winners) > 20 else ""
        out.print(f"decisions: {shown}{more}   ties: {result.decisions.ties}")
    if result.robust is not None:
        out.print(f"order-robust: {escape(str(result.robust))}")
    print_findings(result.findings)
    if result.output is not None:
        out.print(f"wrote {escape(str(result.output))}")
