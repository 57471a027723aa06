"""Options that several commands share, and how their values become what the library takes."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from snnhub.api.options import ImportOptions
    from snnhub.ir.tensor import Array

F = TypeVar("F", bound=Callable[..., Any])


def json_option(function: F) -> F:
    """``--json``."""
    return click.option(
        "--json", "as_json", is_flag=True, help="Print exactly one JSON document, also on failure."
    )(function)


STRUCTURE = "snnhub.structure"
"""Where ``--structure`` waits for ``collect``."""


def _keep_structure(context: click.Context, parameter: click.Parameter, value: Path | None) -> None:
    context.meta[STRUCTURE] = value


def import_options(function: F) -> F:
    """What importers take: ``--from``, ``--weights``, ``--set``, ``--input-shape``, ``--structure``."""
    for option in (
        click.option(
            "--structure",
            type=click.Path(path_type=Path),
            expose_value=False,
            callback=_keep_structure,
            metavar="S.json",
            help="Classes and order of modules, for files that do not say; short for --option structure=S.json.",
        ),
        click.option(
            "--input-shape", metavar="C,H,W", help="Features of one step of one sample: no time, no batch."
        ),
        click.option("--set", "settings", multiple=True, metavar="NAME=VALUE", help="Argument of the factory."),
        click.option(
            "--weights", type=click.Path(path_type=Path), help="Checkpoint of tensors (.pt, .pth, .safetensors)."
        ),
        click.option(
            "--from", "from_", metavar="IMPORTER", help="Importer; otherwise the content of the source tells."
        ),
    ):
        function = option(function)
    return function


def given_options(function: F) -> F:
    """``--option NAME=VALUE`` for importers and runners."""
    return click.option(
        "--option",
        "given",
        multiple=True,
        metavar="NAME=VALUE",
        help="Option of the importer or runner, such as reset_interval=16.",
    )(function)


def pairs(items: Iterable[str], option: str) -> dict[str, str]:
    """``NAME=VALUE`` items as a mapping. Raises ``click.BadParameter`` for anything else."""
    found: dict[str, str] = {}
    for item in items:
        name, separator, value = item.partition("=")
        if not separator or not name:
            raise click.BadParameter(f"found {item!r}, allowed NAME=VALUE", param_hint=option)
        found[name] = value
    return found


def shape(text: str | None) -> tuple[int, ...] | None:
    """``1,28,28`` as numbers. Raises ``click.BadParameter`` for anything but positive whole numbers."""
    if text is None:
        return None
    parts = text.strip("()[] ").split(",")
    if not all(part.strip().isdigit() and int(part) > 0 for part in parts if part.strip()) or not any(parts):
        raise click.BadParameter(
            f"found {text!r}, allowed positive numbers such as 1,28,28", param_hint="--input-shape"
        )
    return tuple(int(part) for part in parts if part.strip())


def collect(
    weights: Path | None, settings: Iterable[str], input_shape: str | None, given: Iterable[str] = ()
) -> ImportOptions:
    """The importer's options from the command line."""
    from snnhub.api.options import ImportOptions

    options = pairs(given, "--option")
    structure = click.get_current_context().meta.get(STRUCTURE)
    if structure is not None:
        options["structure"] = str(structure)
    return ImportOptions(weights, pairs(settings, "--set"), shape(input_shape), options)


def read_array(path: Path) -> Array:
    """The array of ``--input`` or ``--calibrate``."""
    from snnhub_formats.recording import load_array

    return load_array(path)
