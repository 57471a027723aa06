"""sinabs: importer and runner for networks given by a factory or as live objects."""

from __future__ import annotations

from collections.abc import Iterable
from importlib.util import find_spec
from typing import TYPE_CHECKING

from snnhub.hub import Availability, Importer, Option, Runner, hookimpl

if TYPE_CHECKING:
    from snnhub.ir.op import OpSchema

ENVIRONMENT = "nir-frameworks"
"""The environment that holds sinabs 3.1.3, of the plugin ``profiles``: AGPL-3.0, in a process of its own."""
HINT = f"Run: snnhub env create {ENVIRONMENT}"
WHERE = Option("environment", f"where to import and run, such as {ENVIRONMENT}", "here, else nir-frameworks")


def _available() -> Availability:
    if find_spec("sinabs") is not None and find_spec("torch") is not None:
        return Availability(True)
    from snnhub.hub.loader import load
    from snnhub.peers.env import status
    from snnhub.peers.recipe import read_recipe

    environment = load().environments.get(ENVIRONMENT)
    state = "unknown" if environment is None else status(read_recipe(environment.path())).state
    if state == "ready":
        return Availability(True)
    return Availability(False, f"environment {ENVIRONMENT} is {state}", HINT)


def _options() -> tuple[Option, ...]:
    from snnhub.torchnet.options import OPTIONS

    return (*OPTIONS, WHERE)


@hookimpl
def snnhub_register_ops() -> Iterable[OpSchema]:
    from snnhub_sinabs.ops import OPS

    return OPS


@hookimpl
def snnhub_register_importers() -> Iterable[Importer]:
    return (
        Importer(
            "sinabs",
            "sinabs networks: path/file.py:factory or package.module:factory, with --set and --weights",
            entry="snnhub_sinabs.elsewhere:import_model",
            formats=("file.py:factory", "package.module:factory"),
            live=True,
            implied=False,
            availability=_available,
            level="F1",
            options=_options(),
        ),
    )
