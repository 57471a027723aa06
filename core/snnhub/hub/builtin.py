"""What snnhub itself brings: the neutral file as importer and exporter, and the engines as runners."""

from __future__ import annotations

from collections.abc import Iterable
from importlib.util import find_spec
from pathlib import Path

from snnhub.hub import Availability, Exporter, FormatGuess, Importer, Option, Runner, hookimpl

ZIP_SIGNATURE = b"PK\3\4"
TORCH_OPTIONS = (
    Option("mode", "m: each layer called once over all steps; s: once per step; auto: m if it fits", "auto"),
    Option("batch", "samples per call", "all at once"),
    Option("device", "cpu or cuda", "cpu"),
    Option("threads", "threads of torch on the CPU", "as torch is set"),
)


def _torch_available() -> Availability:
    hint = "Run: pip install 'snnhub[torch]' (pin torch to a CPU build if you have no GPU)"
    return Availability(True) if find_spec("torch") else Availability(False, "torch not installed", hint)


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
        Importer(
            "graph-json",
            "the network as one JSON text, for workers in any language",
            entry="snnhub.api.neutral:import_graph_json",
            formats=(".json",),
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
            continuous=True,
        ),
        Exporter(
            "graph-json",
            "the network as one JSON text, for workers in any language",
            entry="snnhub.api.neutral:export_graph_json",
            formats=(".json",),
            level="F1",
            keeps_programs=True,
        ),
    )


@hookimpl
def snnhub_register_runners() -> Iterable[Runner]:
    return (
        Runner("engine", "snnhub's reference engine (NumPy)", entry="snnhub.api.neutral:run_engine", level="R4"),
        Runner(
            "torch",
            "snnhub's torch engine: torch's own kernels, called as a framework calls them",
            entry="snnhub.api.torch_engine:run_torch",
            availability=_torch_available,
            level="R3",
            options=TORCH_OPTIONS,
        ),
    )


@hookimpl
def snnhub_detect_format(path: Path, head: bytes) -> FormatGuess | None:
    if head.lstrip()[:1] == b"{":
        from snnhub_formats.graph_json import is_graph_json

        return FormatGuess("graph-json", 100, "JSON that begins with its schema") if is_graph_json(head) else None
    if not head.startswith(ZIP_SIGNATURE):
        return None
    from snnhub_formats.container import is_snn

    return FormatGuess("snn", 100, "a stored zip that begins with manifest.json") if is_snn(head) else None
