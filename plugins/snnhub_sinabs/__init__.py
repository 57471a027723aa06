"""sinabs: importer and runner for networks given by a factory or as live objects, and the ops of its neurons."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from snnhub.hub import Availability, Importer, Option, Runner, hookimpl

if TYPE_CHECKING:
    from snnhub.ir.op import OpSchema


def _available() -> Availability:
    from snnhub_sinabs.elsewhere import ELSEWHERE

    return ELSEWHERE.availability()


def _options() -> tuple[Option, ...]:
    from snnhub.torchnet.options import OPTIONS

    from snnhub_sinabs.elsewhere import ELSEWHERE

    return (*OPTIONS, ELSEWHERE.option)


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


@hookimpl
def snnhub_register_runners() -> Iterable[Runner]:
    return (
        Runner(
            "sinabs",
            "sinabs itself, on the CPU, in this interpreter or the environment nir-frameworks",
            entry="snnhub_sinabs.elsewhere:run_model",
            takes="sinabs",
            availability=_available,
            level="R3",
            options=(
                Option("batch", "samples per call of the network", "what it was made for, else all at once"),
                *_options(),
            ),
        ),
    )
