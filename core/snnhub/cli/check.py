"""``snnhub check``."""

from __future__ import annotations

from pathlib import Path

import click

from snnhub.cli.options import collect, given_options, import_options, json_option
from snnhub.cli.output import console, escape, print_findings, print_json, table


@click.command("check")
@click.argument("source")
@click.option(
    "--target",
    "targets",
    multiple=True,
    metavar="TARGET",
    help="Chip to check against, such as loihi2. Repeatable.",
)
@import_options
@given_options
@json_option
def command(
    source: str,
    targets: tuple[str, ...],
    from_: str | None,
    weights: Path | None,
    settings: tuple[str, ...],
    input_shape: str | None,
    given: tuple[str, ...],
    as_json: bool,
) -> int:
    """Check a file as a whole: structure, digests of all numbers, and the limits of targets. Exit 1 on errors."""
    from snnhub.api.check import check

    result = check(source, targets, from_=from_, options=collect(weights, settings, input_shape, given))
    if as_json:
        print_json(result.to_json())
        return 0 if result.passed else 1
    out = console()
    print_findings(result.findings)
    for report in result.targets:
        rows = [
            [
                place,
                f"{low}" if low == high else f"{low} … {high}",
                f"{limit.low} … {limit.high}",
                f"{limit.share(low, high):.0%}",
                limit.source,
            ]
            for place, low, high, limit in report.usage
        ]
        table(
            f"target {report.target}",
            ["parameter", "used", "allowed", "of range", "source of the limit"],
            rows,
            right=["of range"],
        )
        print_findings(report.findings)
        out.print(f"target {escape(report.target)}: {'fits' if report.fits else 'does not fit'}")
    out.print(f"{escape(result.source)}: {'sound' if result.passed else 'has problems'}")
    return 0 if result.passed else 1
