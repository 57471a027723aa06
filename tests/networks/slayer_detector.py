"""An eleven-layer sigma-delta detector of lava-dl's own blocks, written by their own export. Runs beside lava-dl.

``python -m tests.networks.slayer_detector FILE``: random weights, one forward pass in training mode, so that
shapes and the norms' biases are set.
"""

from __future__ import annotations

import sys
from typing import Any

LAYERS = ((3, 6, 2), (6, 8, 1), (8, 8, 2), (8, 10, 1), (10, 10, 1), (10, 12, 2), (12, 12, 1), (12, 12, 1))
LAST = ((12, 12, 1), (12, 10, 1))
"""Channels in, channels out, stride of ten convolutions; the eleventh layer is a sigma output."""
SHAPE = (3, 32, 40)
FEATURES, OUTPUTS, STEPS = 200, 12, 6
GAIN = 3.0
"""Factor of the weights: enough that all layers send something."""


def blocks() -> list[Any]:
    """The network."""
    import torch
    from lava.lib.dl import slayer
    from torch.nn import functional

    torch.manual_seed(7)
    kind = slayer.block.sigma_delta
    plain = {"threshold": 0.02, "activation": functional.relu}
    normed = {**plain, "threshold": 0.05, "norm": slayer.neuron.norm.MeanOnlyBatchNorm}
    made = [kind.Input(plain)]
    for before, after, stride in LAYERS + LAST:
        conv = kind.Conv(normed, before, after, 3, stride=stride, padding=1, weight_scale=2, weight_norm=True)
        conv.synapse.weight_g.data *= GAIN
        made.append(conv)
    return [*made, kind.Flatten(), kind.Output(plain, FEATURES, OUTPUTS, weight_scale=2, weight_norm=True)]


def prepared() -> list[Any]:
    """The network after a forward pass."""
    import torch

    made = blocks()
    flow = torch.rand(2, *SHAPE, STEPS)
    for block in made:
        flow = block(flow)
    return made


def export(made: list[Any], path: str) -> None:
    """Write the file."""
    import h5py

    with h5py.File(path, "w") as file:
        layers = file.create_group("layer")
        for number, block in enumerate(made):
            block.export_hdf5(layers.create_group(str(number)))


def main(path: str) -> None:
    """Build and write it."""
    from snnhub_lava import patches

    patches.apply()
    export(prepared(), path)


if __name__ == "__main__":
    main(sys.argv[1])
