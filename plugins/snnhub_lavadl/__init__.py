"""Lava-DL: slayer's neurons as integer ops, and the importer of live slayer and bootstrap networks."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from snnhub.hub import Availability, Importer, Option, Runner, hookimpl

if TYPE_CHECKING:
    from snnhub.ir.op import OpSchema

ENVIRONMENT = "lava"
"""Where lava-dl is: the environment of the plugin for Lava, whose worker hosts imports and runs."""
OPTIONS = (
    Option("environment", "where a factory is run", ENVIRONMENT),
    Option("mode", "mode of bootstrap blocks: snn; ann, fit and sample are refused", "snn"),
)


@hookimpl
def snnhub_register_ops() -> Iterable[OpSchema]:
    from snnhub_lavadl.ops import OPS

    return OPS


@hookimpl
def snnhub_register_importers() -> Iterable[Importer]:
    return (
        Importer(
            "lava-dl",
            "networks of slayer and bootstrap: path/file.py:factory or package.module:factory",
            entry="snnhub_lavadl.importer:import_model",
            formats=("file.py:factory", "package.module:factory"),
            live=True,
            implied=False,
            level="F1",
            options=OPTIONS,
        ),
    )


@hookimpl
def snnhub_register_runners() -> Iterable[Runner]:
    return (
        Runner(
            "lava-dl",
            "slayer's own forward, in the Lava environment (or here, for live modules)",
            entry="snnhub_lavadl.runner:run_model",
            takes="lava-dl",
            availability=_available,
            level="R4",
        ),
    )


def _available() -> Availability:
    from importlib.util import find_spec

    from snnhub.errors import SnnhubError
    from snnhub.hub.catalogue import find
    from snnhub.hub.loader import load
    from snnhub.peers.env import status
    from snnhub.peers.recipe import read_recipe

    if find_spec("lava") is not None:
        return Availability(True)
    try:
        environment = find(load().environments, ENVIRONMENT, "environment")
    except SnnhubError as problem:
        return Availability(False, str(problem))
    found = status(read_recipe(environment.path()))
    if found.state == "ready":
        return Availability(True)
    return Availability(
        False, f"environment {ENVIRONMENT} is {found.state}", f"Run: snnhub env create {ENVIRONMENT}"
    )
