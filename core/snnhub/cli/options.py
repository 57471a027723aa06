"""Options that several commands share, and how their values become what the library takes."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
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


PROFILE, STEP, WITHOUT = "snnhub.profile", "snnhub.dt", "snnhub.ignore-metadata"


def _keep_profile(context: click.Context, parameter: click.Parameter, value: tuple[str, ...]) -> None:
    if len(value) > (2 if context.info_name == "diff" else 1):
        raise click.BadParameter(f"found {len(value)} profiles, allowed 1 (diff: 2)")
    context.meta[PROFILE] = value


def _keep_step(context: click.Context, parameter: click.Parameter, value: float | None) -> None:
    context.meta[STEP] = value


def _keep_without(context: click.Context, parameter: click.Parameter, value: bool) -> None:
    context.meta[WITHOUT] = value


def import_options(function: F) -> F:
    """What importers take: ``--from``, ``--weights``, ``--set``, ``--input-shape``, ``--structure``,
    ``--ignore-metadata``; and what turns a network in continuous time into steps: ``--profile``, ``--dt``.
    """
    for option in (
        click.option(
            "--ignore-metadata",
            is_flag=True,
            expose_value=False,
            callback=_keep_without,
            help="Read the plain fields of a NIR file without snnhub's own metadata; short for "
            "--option ignore_metadata=true.",
        ),
        click.option(
            "--dt",
            type=float,
            expose_value=False,
            callback=_keep_step,
            metavar="SECONDS",
            help="Length of a step, for --profile and for networks that do not say it.",
        ),
        click.option(
            "--profile",
            expose_value=False,
            callback=_keep_profile,
            multiple=True,
            metavar="NAME",
            help="What one step computes, for networks in continuous time (NIR): norse-1, nir-euler … "
            "(snnhub plugins list).",
        ),
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
    meta = click.get_current_context().meta
    if meta.get(WITHOUT):
        options["ignore_metadata"] = "true"
    named = [*filter(None, [options.pop("profile", "")]), *meta.get(PROFILE, ())]
    profile, dt = named[0] if named else "", options.pop("dt", None) or meta.get(STEP)
    made = ImportOptions(weights, pairs(settings, "--set"), shape(input_shape), options)
    return replace(made, profile=profile, dt=_seconds(dt))


def _seconds(value: str | float | None) -> float | None:
    """A length of a step. Raises ``click.BadParameter`` for anything but a number."""
    try:
        return None if value is None else float(value)
    except ValueError:
        raise click.BadParameter(f"found {value!r}, allowed seconds such as 1e-4", param_hint="--dt") from None


def read_array(path: Path) -> Array:
    """The array of ``--input`` or ``--calibrate``. Raises ``UsageError`` for a file that is none."""
    from snnhub_formats.recording import load_array

    from snnhub.errors import FormatError, UsageError

    try:
        return load_array(path)
    except FormatError as problem:
        raise UsageError(
            problem.message,
            where=problem.where,
            found=problem.found,
            allowed=problem.allowed,
            remedy=problem.remedy,
        ) from None
