"""``snnhub fuzz``."""

from __future__ import annotations

from pathlib import Path

import click

from snnhub.cli.options import json_option
from snnhub.cli.output import console, escape, print_json, progress


@click.command("fuzz")
@click.option("--runner", "a", required=True, help="The runner whose word counts, such as engine.")
@click.option("--against", "b", required=True, help="The runner that is compared with it.")
@click.option(
    "--graphs", default="float", show_default=True, help="Kind of networks: float, layers, conv or netx."
)
@click.option("--seed", default=0, show_default=True, help="The same seed draws the same networks.")
@click.option("--count", default=100, show_default=True, type=click.IntRange(min=1), help="How many networks.")
@click.option("--spikes", "spikes_only", is_flag=True, help="Compare spikes and outputs only, no states.")
@click.option("--save", "folder", type=click.Path(path_type=Path), metavar="DIR", help="Save a finding as a case.")
@json_option
def command(
    a: str, b: str, graphs: str, seed: int, count: int, spikes_only: bool, folder: Path | None, as_json: bool
) -> int:
    """Run random networks in two runners until they differ; the difference is made as small as possible.

    Exit code 1 if they differ.
    """
    from snnhub_conformance import fuzz as fuzzing

    with progress(f"{a} against {b}, seed {seed}", as_json) as tell:
        result = fuzzing.fuzz(a, b, graphs=graphs, seed=seed, count=count, spikes_only=spikes_only, progress=tell)
    place = None
    if folder is not None and result.found is not None and result.found.expected:
        place = fuzzing.save(result, folder)
    if as_json:
        print_json({**result.to_json(), "saved": None if place is None else str(place)})
        return 1 if result.found else 0
    out = console()
    out.print(f"{a} against {b}: {result.ran} networks ran in both, {result.skipped} were refused, seed {seed}")
    if result.found is None:
        out.print("no difference")
        return 0
    found = result.found
    out.print("they differ on this network:")
    for node in found.graph.nodes:
        out.print(f"  {escape(node.id)}: {node.kind}")
    out.print(escape(found.problem or str(found.first)), soft_wrap=True)
    if place is not None:
        out.print(f"saved {place}")
    return 1
