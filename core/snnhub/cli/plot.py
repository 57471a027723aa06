"""``snnhub plot``: pictures of spikes, membrane potentials, weights, limits and f-I curves."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from snnhub.cli.approximation import separate
from snnhub.cli.lowering import chosen, lowering_options
from snnhub.cli.options import F, collect, given_options, import_options, json_option, pairs, read_array
from snnhub.cli.output import console, escape, print_findings, print_json, progress, stages, table

if TYPE_CHECKING:
    from snnhub.api.plotted import Plotted


OWN, SHOWN = "SNN-62", ("error", "loss")
"""Codes of findings on the picture itself, and severities that are printed of all others."""

NAMED = ("source_mean_hz", "analog_mean_hz")
"""Of an f-I curve."""


@click.group("plot")
def group() -> None:
    """Pictures: spikes, membrane potentials, weights, use of a chip's limits, and firing-rate ratios.

    Every picture is written as .svg, .png or .pdf, as the suffix of -o says, and the numbers that it shows beside
    it as .csv. Same input, same bytes. Needs matplotlib: pip install 'snnhub[plot]'.
    """


def output_option(function: F) -> F:
    """``-o``, once per picture."""
    return click.option(
        "-o",
        "--output",
        "output",
        multiple=True,
        required=True,
        type=click.Path(path_type=Path),
        metavar="OUT.svg|OUT.png",
        help="Where to write the picture; may be repeated. The numbers go beside it, as .csv.",
    )(function)


def side_options(function: F) -> F:
    """What is drawn over time: input, second side, axes of recordings, which part."""
    for option in (
        click.option(
            "--steps", type=click.IntRange(min=1), metavar="N", help="Draw so many steps at most (1000)."
        ),
        click.option("--sample", type=click.IntRange(min=0), metavar="N", help="Draw this sample of the batch."),
        click.option("--columns", metavar="NAME,NAME,…", help="Names of the columns of a recording in .csv."),
        click.option("--axes", multiple=True, metavar="[FILE=]AXES", help="Of recordings: time,batch,neuron …"),
        click.option(
            "--quantity", "quantities", multiple=True, metavar="NODE/NAME", help="Draw this only; may be repeated."
        ),
        click.option("--runner", metavar="RUNNER", help="Second side: the same network in this runner."),
        click.option(
            "--against", metavar="B", help="Second side: another network, a recording, or the name of a runner."
        ),
        click.option(
            "--input",
            "stimulus",
            type=click.Path(path_type=Path),
            metavar="X.npy",
            help="Input (time, batch, features…) or (time, features…) of networks.",
        ),
    ):
        function = option(function)
    return function


@group.command("raster")
@click.argument("a")
@side_options
@click.option(
    "--neurons", type=click.IntRange(min=1), metavar="N", help="Draw so many neurons of a layer at most (1024)."
)
@output_option
@import_options
@given_options
@json_option
def raster(a: str, output: tuple[Path, ...], as_json: bool, neurons: int | None, **options: Any) -> int:
    """The spikes of A, a network or a recording; with a second side, what differs is marked.

    Common spikes are grey, those of one side blue or red. The lag between the sides is shifted away. A dashed line
    is at the first divergence.
    """
    from snnhub.api.plot_raster import plot_raster

    return over_time(plot_raster, a, output, as_json, options, neurons=neurons)


@group.command("vmem")
@click.argument("a")
@side_options
@click.option("--worst", type=click.IntRange(min=1), metavar="N", help="Draw so many neurons (6).")
@output_option
@import_options
@given_options
@json_option
def vmem(a: str, output: tuple[Path, ...], as_json: bool, worst: int | None, **options: Any) -> int:
    """Membrane potentials of the neurons of A that differ most from the second side, or fire most without one."""
    from snnhub.api.plot_vmem import plot_vmem

    return over_time(plot_vmem, a, output, as_json, options, worst=worst)


def over_time(
    draw: Callable[..., Plotted], a: str, output: tuple[Path, ...], as_json: bool, said: dict[str, Any], **own: Any
) -> int:
    """Run a picture of sides with what was said on the command line; what was not said is left to the library."""
    from snnhub.cli.compare import by_file

    options = collect(said.pop("weights"), said.pop("settings"), said.pop("input_shape"))
    stimulus = said.pop("stimulus")
    given, axes = pairs(said.pop("given"), "--option"), by_file(said.pop("axes"))
    array = None if stimulus is None else read_array(stimulus)
    rest = {name: value for name, value in {**said, **own}.items() if value is not None}
    with progress("running", as_json) as report:
        result = draw(
            a, output, stimulus=array, options=options, runner_options=given, axes=axes, progress=report, **rest
        )
    return show(result, as_json)


@group.command("ratios")
@click.argument("networks", nargs=-1, required=True, metavar="A [B …]")
@click.option(
    "--input",
    "stimulus",
    required=True,
    type=click.Path(path_type=Path),
    metavar="X.npy",
    help="Noise samples (time, samples, features…).",
)
@click.option("--samples-first", is_flag=True, help="Inputs are (samples, time, features…).")
@click.option(
    "--mark",
    "marked",
    type=click.Path(path_type=Path),
    metavar="T.npy",
    help="Samples whose ratios are lines, such as those trained for.",
)
@click.option(
    "--mismatch",
    type=click.FloatRange(0, 1, min_open=True),
    metavar="P",
    help="Also draw each with mismatch; 0.05 is 5 %.",
)
@click.option("--runs", default=10, show_default=True, type=click.IntRange(min=1), help="Draws of mismatch.")
@click.option("--seed", default=0, show_default=True, type=click.IntRange(min=0), help="Of the draws.")
@click.option("--record", default="output", show_default=True, metavar="KEY", help="Whose spikes are counted.")
@output_option
@import_options
@given_options
@json_option
def ratios(networks: tuple[str, ...], output: tuple[Path, ...], as_json: bool, **said: Any) -> int:
    """Histograms of the firing-rate ratio: the most active over the least active neuron, sample by sample.

    How decided networks are: float, quantised, with mismatch, over each other.
    """
    from snnhub.api.plot_ratios import plot_ratios
    from snnhub.cli.distribution import samples

    options = collect(said.pop("weights"), said.pop("settings"), said.pop("input_shape"), said.pop("given"))
    stimulus, marked, first = said.pop("stimulus"), said.pop("marked"), said.pop("samples_first")
    with progress("running", as_json) as report:
        result = plot_ratios(
            list(networks),
            output,
            stimulus=samples(stimulus, first),
            marked=None if marked is None else samples(marked, first),
            options=options,
            progress=report,
            **said,
        )
    return show(result, as_json)


@group.command("weights")
@click.argument("a")
@click.option("--against", metavar="B", help="Another network, such as the integers that A became.")
@click.option("--target", metavar="TARGET", help="Whose limits tell what is saturated; otherwise those that fit.")
@output_option
@import_options
@given_options
@json_option
def weights(
    a: str,
    against: str | None,
    target: str | None,
    output: tuple[Path, ...],
    from_: str | None,
    weights: Path | None,
    settings: tuple[str, ...],
    input_shape: str | None,
    given: tuple[str, ...],
    as_json: bool,
) -> int:
    """Histograms of the weights of every synapse, of two networks side by side; zeros counted."""
    from snnhub.api.plot_weights import plot_weights

    options = collect(weights, settings, input_shape, given if against is None else ())
    others = None if against is None else pairs(given, "--option")
    result = plot_weights(
        a, output, against=against, target=target, from_=from_, options=options, against_options=others
    )
    return show(result, as_json)


@group.command("utilisation")
@click.argument("source")
@click.option("--target", "targets", multiple=True, required=True, metavar="TARGET", help="Chip. Repeatable.")
@output_option
@import_options
@given_options
@json_option
def utilisation(
    source: str,
    targets: tuple[str, ...],
    output: tuple[Path, ...],
    from_: str | None,
    weights: Path | None,
    settings: tuple[str, ...],
    input_shape: str | None,
    given: tuple[str, ...],
    as_json: bool,
) -> int:
    """Use of every limit of the targets as bars, red where there is too much; `snnhub check` prints the same."""
    from snnhub.api.plot_utilisation import plot_utilisation

    options = collect(weights, settings, input_shape, given)
    return show(plot_utilisation(source, output, targets, from_=from_, options=options), as_json)


@group.command("f-i")
@click.argument("source")
@click.option("--target", required=True, metavar="TARGET", help="Chip that the network is converted to.")
@click.option("--approximate", multiple=True, metavar="NAME[,NAME]", help="As for convert.")
@click.option(
    "--calibrate", type=click.Path(path_type=Path), metavar="X.npy", help="Input as the network will see it."
)
@lowering_options
@output_option
@import_options
@given_options
@json_option
def f_i(
    source: str,
    target: str,
    approximate: tuple[str, ...],
    calibrate: Path | None,
    output: tuple[Path, ...],
    from_: str | None,
    weights: Path | None,
    settings: tuple[str, ...],
    input_shape: str | None,
    given: tuple[str, ...],
    as_json: bool,
    **lowering: Any,
) -> int:
    """Rates of single neurons over their input, of the source and of the analog neurons that stand for them."""
    from snnhub.api.plot_response import plot_response

    options = collect(weights, settings, input_shape, given)
    with stages(as_json) as report:
        result = plot_response(
            source,
            output,
            target,
            approximate=separate(approximate),
            lowering=chosen(lowering),
            calibration=None if calibrate is None else read_array(calibrate),
            from_=from_,
            options=options,
            progress=report,
        )
    return show(result, as_json)


def show(result: Plotted, as_json: bool) -> int:
    """What is in the picture, what it leaves out, and which files were written."""
    if as_json:
        print_json(result.to_json())
        return 0
    out = console()
    for label, name in zip("AB", result.names if result.kind != "ratios" else (), strict=False):
        out.print(f"{label}  {escape(name)}")
    columns, rows = LINES[result.kind](result)
    table("", columns, rows, right=[name for name in columns if name not in TEXT])
    findings = [
        item for item in result.findings if item.code.startswith((OWN, OF_RATES)) or item.severity.value in SHOWN
    ]
    print_findings(findings)
    if len(findings) < len(result.findings):
        out.print(f"{len(result.findings) - len(findings)} notes and remarks more: --json shows them")
    for path in (*result.pictures, *result.tables):
        out.print(f"wrote {escape(str(path))}")
    return 0


TEXT = ("A", "B", "target", "place", "type", "network")
"""Columns that are not numbers."""
OF_RATES = "SNN-540"
"""Codes of findings on draws and rates."""
Lines = tuple[list[str], list[list[object]]]


def _raster(result: Plotted) -> Lines:
    columns = ["A", "B", "lag", "spikes A", "spikes B", "different", "in all samples", "first"]
    rows: list[list[object]] = []
    for row in result.rows:
        own = row["sample"]
        counts = [own["spikes_a"], own["spikes_b"], own["different"], row["different"]]
        rows.append([row["a"], row["b"], row["lag"], *counts, row["drawn"]["first_divergence"]])
    return columns, rows


def _vmem(result: Plotted) -> Lines:
    names = ["a", "b", "lag", "neuron", "different", "threshold_a", "threshold_b", "first_divergence"]
    columns = ["A", "B", "lag", "neuron", "different", "threshold A", "threshold B", "first"]
    return columns, [[row[name] for name in names] for row in result.rows]


def _ratios(result: Plotted) -> Lines:
    columns = ["network", "runs", "median ratio", "infinite", "silent", "won by", "marks"]
    rows: list[list[object]] = []
    for row in result.rows:
        marks = ", ".join(f"{item['most']}/{item['least']}" for item in row["marks"])
        median = "" if row["median"] is None else f"{row['median']:.3g}"
        won = " ".join(str(count) for count in row["won"])
        rows.append([row["network"], row["runs"], median, row["infinite"], row["silent"], won, marks])
    return columns, rows


def _weights(result: Plotted) -> Lines:
    columns = ["A", "B", "type", "weights", "zeros", "levels", "lowest", "highest", "saturated"]
    rows: list[list[object]] = []
    for row in result.rows:
        for side in "ab":
            if row[side] is not None:
                found = row[side]
                lines = [_short(found[name]) for name in ("type", *columns[3:])]
                rows.append(
                    [found["synapse"] if side == "a" else "", found["synapse"] if side == "b" else "", *lines]
                )
    return columns, rows


def _utilisation(result: Plotted) -> Lines:
    rows: list[list[object]] = [
        [
            row["target"],
            limit["place"],
            *(_range(limit["lowest"], limit["highest"]), _range(*limit["limit"])),
            f"{limit['share']:.0%}",
            "" if limit["fits"] else "too much",
        ]
        for row in result.rows
        for limit in row["limits"]
    ]
    return ["target", "place", "used", "allowed", "share", ""], rows


def _response(result: Plotted) -> Lines:
    columns = ["layer", "level", "source Hz", "analog Hz"]
    rows: list[list[object]] = [
        [
            point[name] if name in ("layer", "level") else f"{point[name]:.3g}"
            for name in ("layer", "level", *NAMED)
        ]
        for row in result.rows
        for point in row["curve"]
    ]
    return columns, rows


def _range(low: object, high: object) -> str:
    return f"{_short(low)}" if low == high else f"{_short(low)} … {_short(high)}"


def _short(value: object) -> object:
    return f"{value:.5g}" if isinstance(value, float) else value


LINES: dict[str, Callable[[Plotted], Lines]] = {
    "raster": _raster,
    "vmem": _vmem,
    "ratios": _ratios,
    "weights": _weights,
    "utilisation": _utilisation,
    "f-I": _response,
}
