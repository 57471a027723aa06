"""``--approximate`` of ``snnhub convert``: its options, the list of what there is, and what was measured."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from snnhub.cli.output import console, escape, print_json, table

if TYPE_CHECKING:
    from snnhub.api.approximation_cost import Cost

LIST = "list"
"""``--approximate list`` shows what there is."""


def approximation_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """``--approximate`` and ``--input``, given to a command as ``approximate`` and ``measure``."""
    command = click.option(
        "--input",
        "measure",
        type=click.Path(path_type=Path),
        metavar="X.npy",
        help="Input (time, batch, features…) on which the cost of --approximate is measured.",
    )(command)
    command = click.option(
        "--approximate",
        "approximate",
        multiple=True,
        metavar="NAME[,NAME]",
        help="Allow a change of meaning by name, such as soft-reset, and measure what it costs on --input, "
        "--verify or --calibrate. list: show what there is.",
    )(command)
    return command


def separate(given: Iterable[str]) -> list[str]:
    """Names, which may be given one by one or with commas."""
    return [name.strip() for item in given for name in item.split(",") if name.strip()]


def show_list(output: Path | None, to: str | None, target: str | None, as_json: bool) -> None:
    """What the target of this conversion has, or every target where none is named."""
    from snnhub.api.approximate import listing
    from snnhub.api.lower import choose_exporter

    named = target if to is None and output is None else choose_exporter(output, to, target).target
    rows = [] if named == "" else listing(named)
    if as_json:
        return print_json({"approximations": rows})
    columns = ["target", "name", "what changes", "the same as", "without it"]
    cells = [
        [
            row["target"],
            row["name"],
            row["what"],
            " ".join(f"--{name} {value}" for name, value in row["options"].items()),
            "refused" if row["lifts_a_refusal"] else "converted",
        ]
        for row in rows
    ]
    table("approximations", columns, cells)
    if not rows:
        console().print("no approximations: what cannot be converted exactly is refused")
    return None


def show_cost(cost: Cost) -> None:
    """A line per layer: how much of its spikes an approximation leaves."""
    rows = [
        [name, tally.a_spikes, tally.b_spikes, f"{tally.overlap:.4f}" if tally.either else "silent"]
        for name, tally in cost.layers.items()
    ]
    columns = ["layer", "spikes before", "spikes after", "overlap"]
    table(f"approximated: {', '.join(cost.names)}", columns, rows, right=columns[1:])
    if cost.decisions is not None:
        console().print(f"decisions: {cost.decisions.equal} of {cost.decisions.total} equal")
    console().print(escape(f"measured on: {cost.data}"))
