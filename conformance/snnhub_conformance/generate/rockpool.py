"""``importer.rockpool``: networks as Rockpool itself runs them, and what its importer must refuse.

Needs Rockpool's environment.
"""

from __future__ import annotations

import numpy as np
from snnhub.ir.tensor import Array

from snnhub_conformance.generate.live import Live
from snnhub_conformance.generate.rockpool_sources import NETWORKS, REFUSED
from snnhub_conformance.generate.write import Writer

STEPS, SAMPLES, INPUTS = 20, 2, 4


def add(writer: Writer) -> None:
    """Runner cases, importer cases of the same sources, refusals."""
    Live(
        importer="rockpool",
        runner="rockpool",
        package="rockpool",
        stimulus=stimulus(),
        ran="As Rockpool ran it; every sum of currents is exact in any order.",
        imported="Imported, it is the network that the runner case of the same name runs.",
        unstored="Imported; its decays may end in another bit on another machine, so no network is expected.",
    ).add(writer, NETWORKS, REFUSED)


def stimulus() -> Array:
    """0 to 3 by a formula: (time, batch, inputs)."""
    size = STEPS * SAMPLES * INPUTS
    values: Array = (np.arange(size) ** 2 % 11 % 4).astype(np.float32)
    return values.reshape(STEPS, SAMPLES, INPUTS)
