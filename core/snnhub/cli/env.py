"""``snnhub env``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from snnhub.cli.options import json_option
from snnhub.cli.output import print_json, printable, table
from snnhub.errors import SnnhubError

if TYPE_CHECKING:
    from snnhub.peers.recipe import Recipe


@click.group("env")
def group() -> None:
    """Interpreters of their own for frameworks that cannot share one. SNNHUB_ENVS says where they live."""


def _recipes() -> dict[str, Recipe]:
    """Recipes by the name of their environment; one that cannot be read is only named, on standard error."""
    from snnhub.hub.loader import load
    from snnhub.peers.recipe import read_recipe

    found = {}
    for name, item in sorted(load().environments.items()):
        try:
            found[name] = read_recipe(item.path())
        except SnnhubError as problem:
            click.echo(printable(f"{name}: {problem}"), err=True)
    return found


@group.command("list")
@json_option
def list_(as_json: bool) -> None:
    """List the environments that plugins know, and whether they are there."""
    from snnhub.peers.env import status

    rows = []
    for name, recipe in _recipes().items():
        found = status(recipe)
        rows.append(
            {
                "name": name,
                "state": found.state,
                "python": found.python,
                "folder": str(found.folder),
                "size": recipe.size,
                "summary": recipe.summary,
            }
        )
    if as_json:
        print_json({"environments": rows})
        return
    columns = ["name", "state", "python", "size", "summary", "folder"]
    table("", columns, [[row[column] for column in columns] for row in rows])


@group.command("create")
@click.argument("name")
@click.option(
    "--pip-arg",
    "pip_args",
    multiple=True,
    help="Passed to every pip install, such as --index-url=URL. Repeatable.",
)
@json_option
def create_(name: str, pip_args: tuple[str, ...], as_json: bool) -> None:
    """Make the environment NAME from its pinned recipe. Does nothing if it is ready."""
    from snnhub.hub.catalogue import find
    from snnhub.hub.loader import load
    from snnhub.peers.env import create
    from snnhub.peers.recipe import read_recipe

    recipe = read_recipe(find(load().environments, name, "environment").path())
    made = create(recipe, lambda words: click.echo(f"{name}: {words}", err=True), pip_args)
    if as_json:
        print_json({"name": made.name, "state": made.state, "folder": str(made.folder), "python": made.python})
    else:
        click.echo(f"{made.name}: {made.state}, Python {made.python}, {made.folder}")
