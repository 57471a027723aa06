"""NetX files read and written, against lava-dl's own reader (``netx.hdf5.Network``) and ``export_hdf5``."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO

from snnhub.api.options import ImportOptions
from snnhub.passes.base import PassContext, run_passes
from snnhub.peers.env import interpreter, own_packages
from snnhub.peers.recipe import read_recipe
from snnhub_lava import ENVIRONMENT
from snnhub_netx.arrange import passes
from snnhub_netx.reader import import_netx
from snnhub_netx.writer import export_netx

from tests.bench.engine import SHARED
from tests.bench.timing import Ratio, compare, seconds

FILES = ("pilotnet_sdnn_test", "oxford")
DETECTOR = "detector, 11 layers"


def measure(folder: Path) -> Iterator[Ratio]:
    """A line for each file that is read, and one for the detector that both write."""
    folders = {str(Path(package).parent) for package in own_packages().values()}
    command = [str(interpreter(read_recipe(ENVIRONMENT.path()))), "-m", "tests.bench.lava_files"]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sorted(folders))}
    process = subprocess.Popen(command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    with process:
        if process.stdin is None or process.stdout is None:
            raise RuntimeError("no pipes")
        yield from _ratios(_asking(process.stdin, process.stdout), folder)
        process.stdin.close()


def _asking(ask: IO[str], answers: IO[str]) -> Callable[[str, Path], float]:
    def theirs(word: str, path: Path) -> float:
        ask.write(f"{word} {path.resolve()}\n")
        ask.flush()
        return float(answers.readline())

    return theirs


def _ratios(theirs: Callable[[str, Path], float], folder: Path) -> Iterator[Ratio]:
    detector, ours = folder / "theirs.net", folder / "ours.net"
    theirs("write", detector)
    shared = {name: SHARED / f"{name}.net" for name in FILES if (SHARED / f"{name}.net").exists()}
    for name, path in {DETECTOR: detector, **shared}.items():
        yield compare(
            f"{name}: read",
            "lava-dl, netx.hdf5.Network",
            lambda path=path: seconds(lambda: import_netx(path, ImportOptions())),  # type: ignore[misc]
            lambda path=path: theirs("read", path),  # type: ignore[misc]
        )
    graph = run_passes(import_netx(detector, ImportOptions()), passes(), PassContext())
    yield compare(
        f"{DETECTOR}: write",
        "lava-dl, export_hdf5",
        lambda: seconds(lambda: export_netx(graph, ours)),
        lambda: theirs("write", detector),
    )
