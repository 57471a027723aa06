"""Rockpool: importer of its saved JSON and of networks given by a factory, and Rockpool itself as a runner."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from snnhub.hub import Availability, Environment, FormatGuess, Importer, Option, Runner, hookimpl

ENVIRONMENT = Environment(
    "rockpool",
    "Rockpool 3.1.0 with torch, without samna and jax",
    "snnhub_rockpool:rockpool.toml",
    worker="snnhub_rockpool.worker:main",
)
OPTIONS = (
    Option("structure", "file that says classes and order where the saved file does not", "names of the file"),
    Option("output", "what the last layer gives: spikes or vmem", "vmem where its threshold is 32767"),
    Option(
        "environment", "where a factory is run: rockpool, or here (if this interpreter has Rockpool)", "rockpool"
    ),
)
"""Options of the importer; the runner runs what was imported with them."""


@hookimpl
def snnhub_register_environments() -> Iterable[Environment]:
    return (ENVIRONMENT,)


@hookimpl
def snnhub_register_importers() -> Iterable[Importer]:
    return (
        Importer(
            "rockpool",
            "Rockpool networks: JSON of net.save(), path/file.py:factory or package.module:factory",
            entry="snnhub_rockpool.importer:import_model",
            formats=("JSON of net.save()", "file.py:factory", "package.module:factory"),
            live=True,
            implied=False,
            level="F1",
            options=OPTIONS,
        ),
    )


@hookimpl
def snnhub_detect_format(path: Path, head: bytes) -> FormatGuess | None:
    """By the keys that only Rockpool's modules write. ``head`` may end before the first of them."""
    if head.lstrip()[:1] != b"{":
        return None
    sure = b'"spike_generation_fn"' in head or b'"max_spikes_per_dt"' in head or b'"learning_window"' in head
    if sure:
        return FormatGuess("rockpool", 90, "parameters of Rockpool's neurons")
    from snnhub_rockpool.document import looks_saved

    return FormatGuess("rockpool", 60, "modules with parameters as JSON texts") if looks_saved(path) else None


@hookimpl
def snnhub_register_runners() -> Iterable[Runner]:
    return (
        Runner(
            "rockpool",
            "Rockpool's own float simulation, in its environment (or here, for live modules)",
            entry="snnhub_rockpool.runner:run_model",
            takes="rockpool",
            availability=_available,
            level="R3",
        ),
    )


def _available() -> Availability:
    from importlib.util import find_spec

    from snnhub.peers.env import status
    from snnhub.peers.recipe import read_recipe

    found = status(read_recipe(ENVIRONMENT.path()))
    if found.state == "ready" or find_spec("rockpool") is not None:
        return Availability(True)
    return Availability(False, f"environment rockpool is {found.state}", "Run: snnhub env create rockpool")
