"""``snnhub convert``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from snnhub.cli.options import collect, given_options, import_options, json_option, read_array
from snnhub.cli.output import console, escape, print_findings, print_json, stages, table

if TYPE_CHECKING:
    from snnhub.api.convert import ConvertResult
    from snnhub.compare.proof import Proof


@click.command("convert")
@click.argument("source")
@click.option("-o", "--output", type=click.Path(path_type=Path), help="File to write.")
@click.option(
    "--to", metavar="EXPORTER", help="Exporter; otherwise the suffix of the output tells. snn: the neutral file."
)
@click.option(
    "--calibrate",
    type=click.Path(path_type=Path),
    metavar="X.npy",
    help="Input (time, batch, features…) on which scales are chosen by spike overlap.",
)
@click.option(
    "--maxpool",
    type=click.Choice(["refuse", "or-layer"]),
    help="Where the target has no maximum: refuse (default), or one more layer of neurons, exact, a step later.",
)
@click.option(
    "--reset",
    type=click.Choice(["refuse", "zero", "subtract"]),
    help="Where the target resets otherwise: refuse (default), or as it does (zero: loihi2, subtract: xylo), an "
    "approximation that --calibrate measures.",
)
@click.option(
    "--verify",
    "stimulus",
    type=click.Path(path_type=Path),
    metavar="X.npy",
    help="Input (time, batch, features…) on which every step is measured against its contract. Exit 1, and "
    "nothing is written, if one breaks it.",
)
@click.option("--strict", is_flag=True, help="Exit 3 if anything is lost; nothing is written then.")
@click.option("--dry-run", is_flag=True, help="Show what would happen and write nothing.")
@click.option("-v", "--verbose", is_flag=True, help="Show notes and remarks as well.")
@import_options
@given_options
@json_option
def command(
    source: str,
    output: Path | None,
    to: str | None,
    calibrate: Path | None,
    maxpool: str | None,
    reset: str | None,
    stimulus: Path | None,
    strict: bool,
    dry_run: bool,
    verbose: bool,
    from_: str | None,
    weights: Path | None,
    settings: tuple[str, ...],
    input_shape: str | None,
    given: tuple[str, ...],
    as_json: bool,
) -> None:
    """Convert SOURCE: a file, path/file.py:factory, or package.module:factory.

    A factory is run: it is its author's code. Weights are read as tensors and never unpickled.
    """
    from snnhub.api.convert import convert
    from snnhub.api.proving import BrokenPromiseError

    options = collect(weights, settings, input_shape, given)
    calibration = None if calibrate is None else read_array(calibrate)
    measured = None if stimulus is None else read_array(stimulus)
    chosen = {"maxpool": maxpool, "reset": reset}
    lowering = {name: value for name, value in chosen.items() if value is not None}
    try:
        with stages(as_json) as report:
            result = convert(
                source,
                output,
                from_=from_,
                to=to,
                options=options,
                calibration=calibration,
                verify=measured,
                lowering=lowering,
                strict=strict,
                dry_run=dry_run,
                progress=report,
            )
    except BrokenPromiseError as problem:
        if not as_json:
            show_proof(problem.proof)
        raise
    if as_json:
        print_json(result.to_json())
    else:
        show(result, verbose)


def show(result: ConvertResult, verbose: bool) -> None:
    """The passes, a line per layer, what was lost, and what the conversion promises."""
    from snnhub.passes.base import promise_of

    table("passes", ["pass", "keeps"], [[s.name, _keeps(dict(s.options))] for s in result.graph.provenance.stages])
    for name, rows in result.tables.items():
        _layers(name, rows)
    print_findings(result.findings, verbose=verbose)
    if result.proof is not None:
        show_proof(result.proof)
    out = console()
    promise = promise_of(result.graph)
    if promise is not None:
        bound = f", overlap at least {promise.overlap:.2f} in every layer" if promise.overlap is not None else ""
        hint = "  (measure it: snnhub verify)" if result.proof is None else ""
        out.print(f"promise: {promise.rung.value}{bound}{hint}")
    out.print("nothing written (--dry-run)" if result.output is None else f"wrote {result.output}")


def show_proof(proof: Proof) -> None:
    """A line per step: what it promised, what was measured, and its worst layer."""
    rows = []
    for step in proof.steps:
        worst, verdict = step.worst, step.verdict
        first = verdict.first if verdict else None
        promise = {} if step.promise is None else {"contract": step.promise.rung.value}
        if step.promise is not None and step.promise.overlap is not None:
            promise["overlap"] = f"{step.promise.overlap:.4f}"
        rows.append(
            [
                step.name,
                _keeps(promise),
                verdict.reached.value if verdict else "",
                "" if worst is None else f"{worst.overlap:.4f} {worst.a_key}",
                "" if first is None else f"step {first.step}, {first.key}{list(first.index)}",
                {True: "kept", False: "BROKEN", None: f"not measured: {step.note}"}[step.kept],
            ]
        )
    table("measured", ["step", "promised", "reached", "worst overlap", "first divergence", "contract"], rows)
    console().print(escape(f"measured on: {proof.reading}"))


def _keeps(options: dict[str, str]) -> str:
    if "contract" not in options:
        return "arguments: " + ", ".join(f"{k}={v}" for k, v in options.items()) if options else ""
    return options["contract"] + (f" (overlap at least {options['overlap']})" if "overlap" in options else "")


def _layers(name: str, rows: list[dict[str, object]]) -> None:
    columns = {
        "layer": "layer",
        "scale": "scale",
        "vThMant": "vThMant",
        "levels": "levels",
        "zeros": "zeros",
        "clipped": "clipped",
        "largest_error": "largest error",
        "rounding": "rounding",
        "never_fire": "never fire",
        "overlap": "overlap",
    }
    shown = [[_cell(row.get(key)) for key in columns] for row in rows]
    right = [title for title in columns.values() if title not in ("layer", "rounding")]
    table(name, list(columns.values()), shown, right=right)


def _cell(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.4g}"
    return "" if value is None else str(value)
