"""Random networks of ``slayer_nets.py`` written by lava-dl's own ``export_hdf5``. Runs beside lava-dl.

``slayer_export.py FOLDER SEEDS KIND…`` writes ``FOLDER/<kind>_<seed>.net`` for all kinds and all seeds below
SEEDS, of the very modules that snnhub's importer makes of that kind and seed.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

NETS = Path(__file__).with_name("slayer_nets.py")
FEATURES = 20


def export(blocks: list[Any], path: Path) -> None:
    """Write the file as lava-dl's tutorials do."""
    import h5py

    with h5py.File(path, "w") as file:
        layers = file.create_group("layer")
        for number, block in enumerate(blocks):
            block.export_hdf5(layers.create_group(str(number)))


def main(folder: str, seeds: str, *kinds: str) -> None:
    """Build and write them."""
    from snnhub_lava import patches

    patches.apply()
    from snnhub.api.options import ImportOptions
    from snnhub_lavadl.importer import prepare

    for kind in kinds:
        for seed in range(int(seeds)):
            settings = {"kind": kind, "seed": str(seed)}
            prepared = prepare(f"{NETS}:net", ImportOptions(settings=settings, input_shape=(FEATURES,)))
            export([block.module for block in prepared.blocks], Path(folder) / f"{kind}_{seed}.net")


if __name__ == "__main__":
    main(*sys.argv[1:])
