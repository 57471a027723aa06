"""Lava-DL networks of the table of conversions. Only for interpreters that have lava-dl: its worker."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

WEIGHTS = Path(__file__).with_name("hard_if.npz")
NEURON = {"threshold": 1.0, "current_decay": 1.0, "voltage_decay": 0.0}
"""An integrator without a current, as the trained network has. Weights are quantised by default."""


def _sequential(*blocks: Any) -> Any:
    import torch

    class Network(torch.nn.Module):
        """Blocks one after the other."""

        def __init__(self) -> None:
            super().__init__()
            self.blocks = torch.nn.ModuleList(blocks)

        def forward(self, x: Any) -> Any:
            for block in self.blocks:
                x = block(x)
            return x

    return Network()


def dense() -> Any:
    """16-60-8 of CUBA blocks with the weights of a trained network."""
    import torch
    from lava.lib.dl import slayer

    blocks = [slayer.block.cuba.Dense(dict(NEURON), *sizes) for sizes in ((16, 60), (60, 8))]
    with np.load(WEIGHTS) as file:
        for block, number in zip(blocks, (0, 2), strict=True):
            weight = torch.tensor(file[f"{number}.weight"])
            block.synapse.weight.data = weight.reshape(block.synapse.weight.shape)
    return _sequential(*blocks)


def conv() -> Any:
    """Input (2, 6, 5): a convolution with decaying currents and potentials, flatten, dense."""
    import torch
    from lava.lib.dl import slayer

    torch.manual_seed(3)
    neuron = {"threshold": 1.0, "current_decay": 0.5, "voltage_decay": 0.1}
    first = slayer.block.cuba.Conv(dict(neuron), 2, 3, 3)
    last = slayer.block.cuba.Dense(dict(neuron), 36, 4)
    for block, low, high in ((first, -0.35, 0.3), (last, -0.3, 0.35)):
        block.synapse.weight.data.uniform_(low, high)
    return _sequential(first, slayer.block.cuba.Flatten(), last)
