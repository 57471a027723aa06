"""What snnhub itself brings: the neutral file as importer and exporter, and the engine as a runner."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from snnhub.hub import Exporter, FormatGuess, Importer, Runner, hookimpl

ZIP_SIGNATURE = b"PK\3\4"


@hookimpl
def snnhub_register_importers() -> Iterable[Importer]:
    return (
        Importer(
            "snn",
            "snnhub's neutral, executable file",
            entry="snnhub.api.neutral:import_snn",
            formats=(".snn",),
            level="F1",
        ),
    )


@hookimpl
def snnhub_register_exporters() -> Iterable[Exporter]:
    return (
        Exporter(
            "snn",
            "snnhub's neutral, executable file",
            entry="snnhub.api.neutral:export_snn",
            formats=(".snn",),
            level="F1",
            keeps_programs=True,
        ),
    )


@hookimpl
def snnhub_register_runners() -> Iterable[Runner]:
    return (
        Runner("engine", "snnhub's reference engine (NumPy)", entry="snnhub.api.neutral:run_engine", level="R4"),
    )


@hookimpl
def snnhub_detect_format(path: Path, head: bytes) -> FormatGuess | None:
    if not head.startswith(ZIP_SIGNATURE):
        return None
    from snnhub_formats.container import is_snn

    return FormatGuess("snn", 100, "a stored zip that begins with manifest.json") if is_snn(head) else None
