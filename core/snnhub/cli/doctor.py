"""``snnhub doctor``."""

from __future__ import annotations

import click

from snnhub.cli.options import json_option
from snnhub.cli.output import print_json, table


@click.command("doctor")
@json_option
def command(as_json: bool) -> int:
    """Look at the installation, plugins, frameworks and peer environments. Exit 1 if something is broken."""
    from snnhub.api.doctor import doctor

    result = doctor()
    if as_json:
        print_json(result.to_json())
    else:
        rows = [[line.topic, line.name, line.state, line.detail, line.remedy] for line in result.lines]
        table("", ["topic", "name", "state", "detail", "what to do"], rows)
    return 0 if result.healthy else 1
