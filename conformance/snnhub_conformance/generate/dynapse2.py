"""``importer.dynapse2``: networks as Rockpool's DynapSim itself runs them, and what its importer must refuse.

Needs the environment dynapse2.
"""

from __future__ import annotations

import numpy as np
from snnhub.ir.tensor import Array

from snnhub_conformance.generate.dynapse2_sources import NETWORKS, REFUSED
from snnhub_conformance.generate.live import Live
from snnhub_conformance.generate.write import Writer

STEPS, SAMPLES, INPUTS = 60, 2, 4


def add(writer: Writer) -> None:
    """Runner cases, importer cases of the same sources, refusals."""
    Live(
        importer="dynapse2",
        runner="dynapsim",
        package="rockpool",
        stimulus=stimulus(),
        ran="As DynapSim ran it, with the factors that Rockpool computed.",
        imported="Imported with factors=exact, every number of it is the same on every machine.",
        unstored="Imported; its draws may end in another bit on another machine, so no network is expected.",
        exact={"factors": "exact"},
    ).add(writer, NETWORKS, REFUSED)


def stimulus() -> Array:
    """0 to 2 by a formula: (time, batch, inputs)."""
    size = STEPS * SAMPLES * INPUTS
    values: Array = np.maximum((np.arange(size) ** 2 + np.arange(size) // 3) % 13 - 10, 0).astype(np.float32)
    return values.reshape(STEPS, SAMPLES, INPUTS)
