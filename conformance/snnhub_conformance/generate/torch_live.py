"""``importer.snntorch``, ``importer.norse``, ``importer.sinabs``: networks as the framework itself runs them, and
what its importer must refuse. Needs the environment nir-frameworks.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from snnhub.ir.tensor import Array

from snnhub_conformance.generate import norse_sources, sinabs_sources, snntorch_sources
from snnhub_conformance.generate.live import Live, Source
from snnhub_conformance.generate.write import Writer

STEPS, SAMPLES, INPUTS = 20, 2, 4
SOURCES: dict[str, tuple[dict[str, Source], dict[str, Source]]] = {
    "snntorch": ({**snntorch_sources.NETWORKS}, {**snntorch_sources.REFUSED}),
    "norse": ({**norse_sources.NETWORKS}, {**norse_sources.REFUSED}),
    "sinabs": ({**sinabs_sources.NETWORKS}, {**sinabs_sources.REFUSED}),
}


def of(framework: str) -> Callable[[Writer], None]:
    """What adds the runner cases of one framework, the importer cases of the same sources, and refusals."""

    def add(writer: Writer) -> None:
        Live(
            importer=framework,
            runner=framework,
            package=framework,
            stimulus=stimulus(),
            ran=f"As {framework} ran it; every sum of currents is exact in any order.",
            imported="Imported, it is the network that the runner case of the same name runs.",
            unstored="Imported; torch's exp may end in another bit on another machine: no network is expected.",
            shape=(INPUTS,),
        ).add(writer, *SOURCES[framework])

    return add


def stimulus() -> Array:
    """0 to 3 by a formula: (time, batch, inputs)."""
    size = STEPS * SAMPLES * INPUTS
    values: Array = (np.arange(size) ** 2 % 11 % 4).astype(np.float32)
    return values.reshape(STEPS, SAMPLES, INPUTS)
