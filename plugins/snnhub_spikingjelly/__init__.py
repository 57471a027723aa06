"""SpikingJelly 2: importer and runner for networks given by a factory or as live objects."""

from __future__ import annotations

from collections.abc import Iterable
from importlib.util import find_spec
from pathlib import Path

from snnhub.hub import Availability, FormatGuess, Importer, Option, Runner, hookimpl

HINT = "Run: pip install 'snnhub[spikingjelly]' (pin torch to a CPU build if you have no GPU)"


def _available() -> Availability:
    missing = [name for name in ("torch", "spikingjelly") if find_spec(name) is None]
    return Availability(False, f"{' and '.join(missing)} not installed", HINT) if missing else Availability(True)


@hookimpl
def snnhub_register_importers() -> Iterable[Importer]:
    return (
        Importer(
            "spikingjelly",
            "SpikingJelly networks: path/file.py:factory or package.module:factory, with --set and --weights",
            entry="snnhub_spikingjelly.importer:import_spikingjelly",
            formats=("file.py:factory", "package.module:factory"),
            live=True,
            availability=_available,
            level="F1",
        ),
    )


@hookimpl
def snnhub_detect_format(path: Path, head: bytes) -> FormatGuess | None:
    """Files of torch.save, so that the importer can say what is inside; none of them is a network."""
    zipped = head[:4] == b"PK\3\4" and b"data.pkl" in head[:300]
    return FormatGuess("spikingjelly", 40, "PyTorch checkpoint") if zipped else None


@hookimpl
def snnhub_register_runners() -> Iterable[Runner]:
    return (
        Runner(
            "spikingjelly",
            "SpikingJelly itself, on the CPU, in this interpreter",
            entry="snnhub_spikingjelly.runner:run_spikingjelly",
            takes="spikingjelly",
            availability=_available,
            level="R3",
            options=(Option("batch", "samples per call of the network", "all at once"),),
        ),
    )
