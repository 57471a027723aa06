"""NIR files of 50 million parameters, against ``nir.read`` and ``nir.write``: time, and memory at most.

Each call runs in a process of its own, since memory at most never falls. Writing starts from what was read, and
the memory is what it adds to that.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from snnhub.peers.env import interpreter
from snnhub.peers.recipe import read_recipe
from snnhub_nir import ENVIRONMENT

from tests.bench.timing import Ratio
from tests.conftest import ROOT
from tests.networks.nir_files import Spec, chain, write_nir

SIZE = 5000
ROUNDS = 3
MEGABYTE = 1e6
Figures = dict[str, float]


def measure(folder: Path) -> Iterator[Ratio]:
    """Reading a plain file and one that NIR's package has packed; writing packed, as both do by default."""
    python = str(interpreter(read_recipe(ENVIRONMENT.path())))
    script = str(ROOT / "tests" / "networks" / "nir_official.py")
    ours = [sys.executable, "-m", "tests.bench.nir_files"]
    plain, packed = write_nir(folder / "plain.nir", network()), folder / "packed.nir"
    subprocess.run([python, script, "again", str(plain), str(packed)], check=True)
    for what, path in (("read, plain", plain), ("read, packed", packed), ("write, packed", plain)):
        word = what.partition(",")[0]
        theirs = [python, script, "time", word, str(path)]
        yield from _lines(f"50 million parameters: {what}", [*ours, word, str(path)], theirs)


def network() -> Spec:
    """Two layers of 5000 x 5000 random weights."""
    random = np.random.default_rng(0)
    weights = {
        f"fc{n}": {"type": "Linear", "weight": random.normal(size=(SIZE, SIZE)).astype("f4")} for n in (0, 1)
    }
    return chain(*weights.items(), into=(SIZE,), out=(SIZE,))


def _lines(what: str, ours: Sequence[str], theirs: Sequence[str]) -> Iterator[Ratio]:
    pairs = [(_asked(ours), _asked(theirs)) for _ in range(ROUNDS)]
    yield _ratio(what, [(a["seconds"], b["seconds"]) for a, b in pairs], "ms")
    added = [((a["peak"] - a["before"]) / MEGABYTE, (b["peak"] - b["before"]) / MEGABYTE) for a, b in pairs]
    yield _ratio(f"{what}, memory", added, "MB")


def _asked(command: Sequence[str]) -> Figures:
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    found: Figures = json.loads(done.stdout)
    return found


def _ratio(what: str, pairs: Sequence[tuple[float, float]], unit: str) -> Ratio:
    ratios = sorted(theirs / max(ours, 1e-9) for ours, theirs in pairs)
    ours, theirs = (statistics.median(pair[side] for pair in pairs) for side in (0, 1))
    return Ratio(what, "nir 1.0.8", ours, theirs, statistics.median(ratios), ratios[0], ratios[-1], unit)
