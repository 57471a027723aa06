"""norse: importer and runner for networks given by a factory or as live objects."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from snnhub.hub import Availability, Importer, Option, Runner, hookimpl

if TYPE_CHECKING:
    from snnhub.ir.op import OpSchema


def _available() -> Availability:
    from snnhub_norse.place import NORSE_AT

    return NORSE_AT.availability()


@hookimpl
def snnhub_register_ops() -> Iterable[OpSchema]:
    from snnhub_norse.ops import OPS

    return OPS


@hookimpl
def snnhub_register_importers() -> Iterable[Importer]:
    from snnhub.torchnet.options import OPTIONS

    from snnhub_norse.place import NORSE_AT

    return (
        Importer(
            "norse",
            "norse networks: path/file.py:factory or package.module:factory, with --set and --weights",
            entry="snnhub_norse.place:import_model",
            formats=("file.py:factory", "package.module:factory"),
            live=True,
            implied=False,
            availability=_available,
            level="F1",
            options=(NORSE_AT.option, *OPTIONS),
        ),
    )


@hookimpl
def snnhub_register_runners() -> Iterable[Runner]:
    from snnhub_norse.place import NORSE_AT

    return (
        Runner(
            "norse",
            "norse itself, on the CPU, in this interpreter or an environment of its own",
            entry="snnhub_norse.place:run_model",
            takes="norse",
            availability=_available,
            level="R3",
            options=(Option("batch", "samples per call of the network", "all at once"), NORSE_AT.option),
        ),
    )
