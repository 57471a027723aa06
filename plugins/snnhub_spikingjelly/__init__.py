"""SpikingJelly: importer and runner for networks given by a factory or as live objects, and its old version."""

from __future__ import annotations

from collections.abc import Iterable
from importlib.util import find_spec
from pathlib import Path

from snnhub.hub import Availability, Environment, FormatGuess, Importer, Option, Runner, hookimpl

HINT = "Run: pip install 'snnhub[spikingjelly]' (pin torch to a CPU build if you have no GPU)"
LAVA, OLD = "lava", "spikingjelly-0.0.0.0.14"
"""Environments that hold a SpikingJelly: 2.0 beside lava-dl (of the plugin ``lava``), and the last before 2.0."""

ENVIRONMENT = Environment(
    OLD,
    "SpikingJelly 0.0.0.0.14 on Python 3.11",
    "snnhub_spikingjelly:spikingjelly-0.0.0.0.14.toml",
    worker="snnhub_spikingjelly.worker:main",
)
WHERE = Option("environment", f"where to import and run: {LAVA} (BlockContainer), {OLD}", "this interpreter")


def missing() -> list[str]:
    """What SpikingJelly needs and this interpreter does not have."""
    return [name for name in ("torch", "spikingjelly") if find_spec(name) is None]


def _available() -> Availability:
    absent = missing()
    if not absent or _elsewhere():
        return Availability(True)
    return Availability(False, f"{' and '.join(absent)} not installed", HINT)


def _elsewhere() -> bool:
    """Whether an environment with SpikingJelly is ready."""
    from snnhub.hub.loader import load
    from snnhub.peers.env import status
    from snnhub.peers.recipe import read_recipe

    found = [environment for name, environment in load().environments.items() if name in (LAVA, OLD)]
    return any(status(read_recipe(environment.path())).state == "ready" for environment in found)


@hookimpl
def snnhub_register_environments() -> Iterable[Environment]:
    return (ENVIRONMENT,)


@hookimpl
def snnhub_register_importers() -> Iterable[Importer]:
    return (
        Importer(
            "spikingjelly",
            "SpikingJelly networks: path/file.py:factory or package.module:factory, with --set and --weights",
            entry="snnhub_spikingjelly.elsewhere:import_model",
            formats=("file.py:factory", "package.module:factory"),
            live=True,
            availability=_available,
            level="F1",
            options=(WHERE,),
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
            "SpikingJelly itself, on the CPU, in this interpreter or an environment of its own",
            entry="snnhub_spikingjelly.elsewhere:run_model",
            takes="spikingjelly",
            availability=_available,
            level="R3",
            options=(Option("batch", "samples per call of the network", "all at once"), WHERE),
        ),
    )
