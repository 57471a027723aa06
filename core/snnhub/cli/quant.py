"""``snnhub quant``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from snnhub.cli.lowering import chosen, lowering_options
from snnhub.cli.options import collect, given_options, import_options, json_option, read_array
from snnhub.cli.output import console, escape, print_findings, print_json, stages, table

if TYPE_CHECKING:
    from snnhub.api.quant_report import LayerReport, MethodReport, QuantResult

COLUMNS = ("scale", "levels", "zeros", "clipped", "largest_error")
"""What is shown of the passes' tables, in this order; ``--json`` has the rest."""


@click.command("quant")
@click.argument("source")
@click.option("--target", required=True, metavar="TARGET", help="Chip: loihi2, xylo-a2 …")
@click.option(
    "--calibrate",
    type=click.Path(path_type=Path),
    metavar="X.npy",
    help="Input (time, batch, features…) on which scales are chosen, and every method is measured.",
)
@click.option("--method", "methods", multiple=True, metavar="METHOD", help="Only this one; may be repeated.")
@lowering_options
@click.option("-v", "--verbose", is_flag=True, help="Show the findings of every method.")
@import_options
@given_options
@json_option
def command(
    source: str,
    target: str,
    calibrate: Path | None,
    methods: tuple[str, ...],
    verbose: bool,
    from_: str | None,
    weights: Path | None,
    settings: tuple[str, ...],
    input_shape: str | None,
    given: tuple[str, ...],
    as_json: bool,
    **lowering: str | None,
) -> None:
    """What quantising SOURCE for a chip does, by every method that the chip's lowering has. Nothing is written.

    SOURCE: a file, path/file.py:factory, or package.module:factory. A factory is run: it is its author's code.
    """
    from snnhub.api.quant import quant

    options = collect(weights, settings, input_shape, given)
    calibration = None if calibrate is None else read_array(calibrate)
    with stages(as_json) as report:
        result = quant(
            source,
            target,
            calibration=calibration,
            methods=methods,
            from_=from_,
            options=options,
            lowering=chosen(lowering),
            progress=report,
        )
    if as_json:
        print_json(result.to_json())
    else:
        show(result, verbose)


def show(result: QuantResult, verbose: bool) -> None:
    """A line per layer and method, a line per method, and which one is best."""
    _layers(result)
    out = console()
    out.print()
    _methods(result)
    _reasons(result)
    for method in result.methods:
        for problem in method.problems:
            out.print(escape(f"{method.name}: {problem}"))
        if method.refused or verbose:
            out.print(escape(f"\n{method.name}: {method.doc}"))
            print_findings(method.findings, verbose=verbose)
    if not any(method.tables or method.reason for method in result.methods):
        out.print("no pass left numbers of layers: nothing was quantised, or the target does not say how")
    out.print(escape(f"calibration: {result.reading or 'none; pass --calibrate X.npy to measure'}"))
    best = "" if result.best is None else f"{result.best}, "
    out.print(escape(f"best: {best}{result.why}"))


def _layers(result: QuantResult) -> None:
    layers = [(method, layer) for method in result.methods for layer in method.layers]
    shown = [column for column in COLUMNS if any(column in layer.numbers for _, layer in layers)]
    counts = ["overlap", "mismatch", "silent"] if any(layer.tally for _, layer in layers) else []
    rows, label = [], ""
    for name in _names(result):
        label = name
        for method, layer in ((method, layer) for method, layer in layers if layer.layer == name):
            cells = [_number(layer, column) for column in shown]
            rows.append(
                [label, _marked(result, method), *cells, *(_spikes(layer) if counts else ()), layer.verdict]
            )
            label = ""
    titles = [column.removeprefix("largest_") for column in shown]
    columns = ["layer", "method", *titles, *counts, "verdict"]
    table(f"{result.source} for {result.target}", columns, rows, right=[*titles, *counts])


def _names(result: QuantResult) -> list[str]:
    """Layers in the order of the network, as the method with most of them has it."""
    methods = sorted(result.methods, key=lambda method: -len(method.layers))
    return list(dict.fromkeys(layer.layer for method in methods for layer in method.layers))


def _marked(result: QuantResult, method: MethodReport) -> str:
    return method.name + ("*" if method.name == result.best else "")


def _reasons(result: QuantResult) -> None:
    """Every layer that is dead or saturated by some method, and those with few spikes."""
    from snnhub.api.quant_report import DEAD, SATURATED
    from snnhub.compare.tally import QUIET

    out, quiet = console(), dict[str, int]()
    for method in result.methods:
        for layer in method.layers:
            if layer.verdict in (DEAD, SATURATED):
                out.print(escape(f"{layer.verdict}: {layer.layer}, {method.name}: {layer.why}"))
            if layer.tally is not None and layer.tally.quiet:
                quiet[layer.layer] = layer.tally.a_spikes
    if quiet:
        listed = ", ".join(f"{layer} ({spikes})" for layer, spikes in quiet.items())
        out.print(escape(f"fewer than {QUIET} spikes before, so that overlap says little: {listed}"))


def _number(layer: LayerReport, column: str) -> str:
    """A cell: levels of those that there are, zeros of all weights, the lowest and highest of several scales."""
    value, numbers = layer.numbers.get(column), layer.numbers
    if column == "levels" and "levels_available" in numbers:
        return f"{value}/{numbers['levels_available']}"
    if column == "zeros" and "weights" in numbers:
        return f"{value}/{numbers['weights']}"
    low, high = numbers.get("scale_lowest"), numbers.get("scale_highest")
    if column == "scale" and isinstance(low, float) and isinstance(high, float) and low != high:
        return f"{_short(low)}..{_short(high)}"
    return _short(value) if isinstance(value, float) else "" if value is None else str(value)


def _short(value: float) -> str:
    return f"{value:.0f}" if abs(value) >= 1000 else f"{value:.3g}"


def _spikes(layer: LayerReport) -> list[str]:
    tally = layer.tally
    if tally is None:
        return ["", "", ""]
    return [f"{tally.overlap:.4f}", f"{tally.mismatch:.4f}", f"{tally.fell_silent}/{tally.neurons}"]


def _methods(result: QuantResult) -> None:
    rows = [[_marked(result, method), *_method(method)] for method in result.methods]
    columns = ["worst overlap", "mismatch", "dead", "saturated", "losses", "decisions equal"]
    table("methods", ["method", *columns, ""], rows, right=columns)


def _method(method: MethodReport) -> list[str]:
    from snnhub.api.quant_report import DEAD, SATURATED, losses

    if method.reason:
        return [*[""] * 6, f"refused: {method.reason}" if method.refused else f"left out: {method.reason}"]
    worst = "" if method.overlap is None or method.worst is None else f"{method.overlap:.4f} {method.worst.layer}"
    mismatch = "" if method.mismatch is None else f"{method.mismatch:.4f}"
    numbers = [str(number) for number in (method.number(DEAD), method.number(SATURATED), losses(method))]
    count = method.decisions
    equal = "" if count is None else f"{count.equal} of {count.total}"
    if count is not None and any(count.ties):
        equal += f" (ties {count.ties[0]}, {count.ties[1]})"
    return [worst, mismatch, *numbers, equal, ""]
