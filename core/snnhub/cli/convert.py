"""``snnhub convert``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from snnhub.cli.approximation import LIST, approximation_options, separate, show_cost, show_list
from snnhub.cli.lowering import chosen, lowering_options
from snnhub.cli.options import collect, given_options, import_options, json_option, read_array
from snnhub.cli.output import console, escape, print_findings, print_json, stages, table

if TYPE_CHECKING:
    from collections.abc import Mapping

    from snnhub.api.convert import ConvertResult
    from snnhub.compare.proof import Proof
    from snnhub.ir.tensor import Array


COLUMNS = (
    "layer",
    "current",
    "stands_for",
    "parameter",
    "amps",
    "neurons",
    "spikes",
    "scale",
    "scale_lowest",
    "scale_highest",
    "vThMant",
    "levels",
    "weights",
    "zeros",
    "clipped",
    "largest_error",
    "rounding",
    "never_fire",
    "timing",
    "decays",
    "caps",
    "integers",
    "overlap",
    "quantiser",
    "core",
    "cam",
    "sram",
    "tags",
    "synapses",
    "dropped",
    "split",
    "mse",
    "uniform_mse",
    "current_error",
    "spikes_after",
    "ratio",
    "rate_Hz",
    "rate_after_Hz",
    "mean_error_Hz",
    "rmse_Hz",
    "mean_hz",
    "analog_mean_hz",
    "rmse_hz",
)
"""What is shown of reports of passes, in this order; ``--json`` has the rest."""
WORDS = ("layer", "core", "current", "stands_for", "rounding", "quantiser")
"""Columns of words, which begin at the left."""


@click.command("convert")
@click.argument("source")
@click.option("-o", "--output", type=click.Path(path_type=Path), help="File to write.")
@click.option(
    "--to", metavar="EXPORTER", help="Exporter; otherwise the suffix of the output tells. snn: the neutral file."
)
@click.option("--target", metavar="TARGET", help="Which chip, where --to names several exporters: --to xylo.")
@click.option(
    "--calibrate",
    type=click.Path(path_type=Path),
    metavar="X.npy",
    help="Input (time, batch, features…) on which scales are chosen by spike overlap.",
)
@lowering_options
@approximation_options
@click.option(
    "--float-spec",
    type=click.Path(path_type=Path),
    metavar="SPEC.npz",
    help="Also write the mapped arrays before they are quantised, under the vendor's names (Xylo).",
)
@click.option(
    "--verify",
    "stimulus",
    type=click.Path(path_type=Path),
    metavar="X.npy",
    help="Input (time, batch, features…) on which every step is measured against its contract. Exit 1, and "
    "nothing is written, if one breaks it.",
)
@click.option("--for", "consumer", metavar="NAME", help="Keep to what this framework's importer takes (NIR).")
@click.option("--lossy", is_flag=True, help="Also write what NIR, or that importer, has otherwise (NIR).")
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
    target: str | None,
    calibrate: Path | None,
    approximate: tuple[str, ...],
    measure: Path | None,
    float_spec: Path | None,
    stimulus: Path | None,
    consumer: str | None,
    lossy: bool,
    strict: bool,
    dry_run: bool,
    verbose: bool,
    from_: str | None,
    weights: Path | None,
    settings: tuple[str, ...],
    input_shape: str | None,
    given: tuple[str, ...],
    as_json: bool,
    **lowering: str | tuple[str, ...] | None,
) -> None:
    """Convert SOURCE: a file, path/file.py:factory, or package.module:factory.

    A factory is run: it is its author's code. Weights are read as tensors and never unpickled.
    """
    names = separate(approximate)
    if names == [LIST]:
        return show_list(output, to, target, as_json)
    options = collect(weights, settings, input_shape, given)
    scales, proven, shown = (None if path is None else read_array(path) for path in (calibrate, stimulus, measure))
    exporting = ({"for": consumer} if consumer else {}) | ({"lossy": "true"} if lossy else {})
    choices = chosen(lowering) | ({} if float_spec is None else {"float-spec": str(float_spec)})
    result = _converted(
        as_json,
        source,
        output,
        from_=from_,
        to=to,
        target=target,
        options=options,
        calibration=scales,
        verify=proven,
        lowering=choices,
        approximate=names,
        measure=shown,
        strict=strict,
        dry_run=dry_run,
        exporting=exporting,
    )
    if float_spec is not None:
        write_arrays(result.arrays["float-spec"], float_spec)
    print_json(result.to_json()) if as_json else show(result, verbose)
    return None


def _converted(as_json: bool, *given: Any, **named: Any) -> ConvertResult:
    """``convert`` with its progress shown, and with what was measured if a step broke its promise."""
    from snnhub.api.convert import convert
    from snnhub.api.proving import BrokenPromiseError

    try:
        with stages(as_json) as report:
            return convert(*given, **named, progress=report)
    except BrokenPromiseError as problem:
        if not as_json:
            show_proof(problem.proof)
        raise


def write_arrays(arrays: Mapping[str, Array], path: Path) -> None:
    """Write arrays that a pass left beside its graph."""
    import numpy as np

    from snnhub.files import replacing

    with replacing(path) as file:
        np.savez(file, allow_pickle=False, **arrays)


def show(result: ConvertResult, verbose: bool) -> None:
    """The passes, a line per layer, what was lost, and what the conversion promises."""
    from snnhub.passes.base import promise_of

    table("passes", ["pass", "keeps"], [[s.name, _keeps(dict(s.options))] for s in result.graph.provenance.stages])
    for name, rows in result.tables.items():
        layers(name, rows)
    if result.cost is not None:
        show_cost(result.cost)
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


def layers(name: str, rows: list[dict[str, object]]) -> None:
    """One table; one with a row for every neuron or point of a curve is left to ``--json``."""
    if any("index" in row or "level" in row for row in rows):
        return
    columns = [key for key in COLUMNS if any(key in row for row in rows)]
    columns.sort(key=lambda key: key not in ("layer", "core"))
    shown = [[_share(row, key) for key in columns] for row in rows]
    titles = {key: key.replace("_", " ") for key in columns}
    right = [title for key, title in titles.items() if key not in WORDS]
    table(name, list(titles.values()), shown, right=right)


def _share(row: dict[str, object], key: str) -> str:
    """A number, with how much of it there is where the row says so."""
    most = row.get(f"{key}_of")
    return _cell(row.get(key)) + ("" if most is None else f" of {most}")


def _cell(value: object) -> str:
    if isinstance(value, list):  # a span
        return " … ".join(dict.fromkeys(_cell(item) for item in value))
    if isinstance(value, float):
        return f"{value:.4g}"
    return "" if value is None else str(value)
