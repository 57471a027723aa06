"""snnTorch: importer and runner for networks given by a factory or as live objects, and exporter of its code."""

from __future__ import annotations

from collections.abc import Iterable

from snnhub.hub import Exporter, Importer, Option, Runner, hookimpl
from snnhub.ir.op import OpSchema


@hookimpl
def snnhub_register_ops() -> Iterable[OpSchema]:
    from snnhub_snntorch.recurrent import OPS

    return OPS


@hookimpl
def snnhub_register_importers() -> Iterable[Importer]:
    from snnhub.torchnet.options import OPTIONS

    from snnhub_snntorch.elsewhere import PLACE

    return (
        Importer(
            "snntorch",
            "snnTorch networks: path/file.py:factory or package.module:factory, with --set and --weights",
            entry="snnhub_snntorch.elsewhere:import_model",
            formats=("file.py:factory", "package.module:factory"),
            live=True,
            implied=False,
            availability=PLACE.availability,
            level="F1",
            options=(*OPTIONS, PLACE.option),
        ),
        Importer(
            "snntorch-code",
            "snnTorch code that snnhub wrote, with its numbers beside it",
            entry="snnhub_snntorch.elsewhere:read_code",
            formats=(".py",),
            availability=PLACE.availability,
            level="F1",
        ),
    )


@hookimpl
def snnhub_register_exporters() -> Iterable[Exporter]:
    return (
        Exporter(
            "snntorch",
            "snnTorch code (.py) with a factory, and its numbers beside it (.pt)",
            entry="snnhub_snntorch.exporter:export_snntorch",
            formats=(".py",),
            level="F1",
            reader="snntorch-code",
        ),
    )


@hookimpl
def snnhub_register_runners() -> Iterable[Runner]:
    from snnhub_snntorch.elsewhere import PLACE

    return (
        Runner(
            "snntorch",
            "snnTorch itself, on the CPU, in this interpreter or the environment nir-frameworks",
            entry="snnhub_snntorch.elsewhere:run_model",
            takes="snntorch",
            availability=PLACE.availability,
            level="R3",
            options=(Option("batch", "samples per call of the network", "all at once"), PLACE.option),
        ),
    )
