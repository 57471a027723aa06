"""``snnhub plugins``."""

from __future__ import annotations

import click

from snnhub.cli.options import json_option
from snnhub.cli.output import console, escape, print_json, table


@click.group("plugins")
def group() -> None:
    """What can be read, written and run here."""


@group.command("list")
@json_option
def list_(as_json: bool) -> None:
    """List importers, exporters, runners and targets, with what they need. Imports no framework."""
    from snnhub.hub.loader import load

    hub = load()
    rows = []
    for item in hub.objects():
        availability = item.availability()
        rows.append(
            {
                "kind": item.kind,
                "name": item.name,
                "plugin": hub.owner(item),
                "available": availability.ok,
                "reason": availability.reason,
                "hint": availability.hint,
                "level": item.level,
                "formats": list(getattr(item, "formats", ())),
                "summary": item.summary,
                "options": {option.name: option.doc for option in item.options},
            }
        )
    if as_json:
        print_json(
            {
                "plugins": [_plugin(p) for p in hub.plugins],
                "objects": rows,
                "problems": [p.to_json() for p in hub.problems],
            }
        )
        return
    shown = [
        [
            row["kind"],
            row["name"],
            row["plugin"],
            "ok" if row["available"] else "unavailable",
            row["level"],
            row["summary"],
        ]
        for row in rows
    ]
    table("", ["kind", "name", "plugin", "state", "claims", "what it is"], shown)
    out = console()
    for row in rows:
        if not row["available"]:
            out.print(escape(f"{row['kind']} {row['name']}: {row['reason']}. {row['hint']}"))
    for problem in hub.problems:
        out.print(
            f"[red]{problem.state}[/] {escape(problem.plugin)} ({escape(problem.distribution)}): "
            f"{escape(problem.message)}"
        )


def _plugin(item: object) -> dict[str, str]:
    return {name: str(getattr(item, name)) for name in ("name", "distribution", "version")}


@group.command("doctor")
@json_option
def doctor_(as_json: bool) -> int:
    """Load every plugin, try what it registers, and name what is broken. Exit 1 if anything is."""
    from snnhub.api.doctor_plugins import plugin_lines
    from snnhub.hub.loader import load

    lines = plugin_lines(load())
    broken = any(line.state == "broken" for line in lines)
    if as_json:
        print_json({"healthy": not broken, "lines": [line.to_json() for line in lines]})
    else:
        columns = ["plugin", "distribution", "state", "detail", "what to do"]
        table("", columns, [[i.name, i.distribution, i.state, i.detail, i.remedy] for i in lines])
    return 1 if broken else 0


@group.command("new")
@click.argument("name")
@click.option(
    "--kind", required=True, type=click.Choice(["importer", "exporter", "runner"]), help="What it brings."
)
@click.option("--path", default=".", show_default=True, help="Folder that the new project is written into.")
@json_option
def new_(name: str, kind: str, path: str, as_json: bool) -> None:
    """Write the project of a new plugin NAME, with tests that pass as it is."""
    from snnhub.api.new_plugin import new_plugin

    made = new_plugin(name, kind, path)
    if as_json:
        print_json(made.to_json())
        return
    for file in made.files:
        click.echo(str(made.folder / file))
    click.echo(f"\ncd {made.folder} && pip install -e '.[test]' && pytest")
