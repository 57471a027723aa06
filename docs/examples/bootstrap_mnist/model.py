"""The bootstrap MNIST network: lava-dl's bootstrap blocks with weight norm, 784-256-256-10, 16 steps an image.

Runs in the Lava environment only. The last block is Affine without dynamics: it has no neuron and cannot spike;
its output is the weighted input of every step, and the class with the largest sum over the steps wins.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from snnhub_lava import patches

patches.apply()

import h5py  # noqa: E402
from lava.lib.dl import bootstrap, slayer  # noqa: E402

STEPS = 16
NEURON = {"threshold": 1.25, "current_decay": 1, "voltage_decay": 0.03, "tau_grad": 1, "scale_grad": 1}
SHAPE = (28 * 28, 256, 256, 10)


class Network(torch.nn.Module):
    """Input (784), Dense, Dense, Affine. ``forward(images, mode)``: images (N, 1, 28, 28), float, in [-1, 1].

    Returns (N, 10, T) weighted input of the last layer: T is 16 in the spiking modes, 1 in ANN mode.
    """

    def __init__(self) -> None:
        super().__init__()
        block = bootstrap.block.cuba
        norm = {"weight_norm": True, "weight_scale": 2}
        entry = block.Input(NEURON, weight=1, bias=0)
        # A learned weight times a quantised pixel is finer than 1/64, which an integer input cannot hold.
        entry.weight.requires_grad_(False)
        self.blocks = torch.nn.ModuleList(
            [
                entry,
                block.Dense(NEURON, SHAPE[0], SHAPE[1], **norm),
                block.Dense(NEURON, SHAPE[1], SHAPE[2], **norm),
                block.Affine(NEURON, SHAPE[2], SHAPE[3], dynamics=False, **norm),
            ]
        )

    def forward(self, images: torch.Tensor, mode: Any) -> torch.Tensor:
        count = images.shape[0]
        still = mode.base_mode == bootstrap.Mode.ANN
        x = images.unsqueeze(-1) if still else slayer.utils.time.replicate(images, STEPS)
        x = x.reshape(count, -1, x.shape[-1])
        for block, of_block in zip(self.blocks, mode, strict=False):
            x = block(x, mode=of_block)
        return x

    def export_hdf5(self, path: Path) -> None:
        """The NetX file that lava-dl's own blocks write. Run the network once before: blocks learn shapes then."""
        with h5py.File(path, "w") as file:
            file["simulation/Ts"], file["simulation/tSample"] = 1, STEPS
            for index, block in enumerate(self.blocks):
                block.export_hdf5(file.create_group(f"layer/{index}"))


def spiking() -> Any:
    """The mode that makes every block of the network spike."""
    return bootstrap.routine.LayerMode(0, bootstrap.Mode.SNN)


def store(net: Network, path: Path) -> None:
    """Quantised weights as int8 (half of slayer's even integers, 1/32 each) and the input block's bias."""
    arrays = {"bias": np.round(net.blocks[0].bias.detach().numpy() * 32).astype(np.int8)}
    for index, block in enumerate(net.blocks[1:], start=1):
        weight = block.synapse.pre_hook_fx(block.synapse.weight, descale=True).detach().numpy()
        arrays[f"weight{index}"] = np.round(weight.reshape(weight.shape[:2]) / 2).astype(np.int8)
    np.savez_compressed(path, **arrays)


WEIGHTS = Path(__file__).parent / "weights.npz"


def stored(path: Path | str = WEIGHTS) -> Network:
    """The network with the weights of ``path``, weight norm in place (direction: the weight, size: its norm)."""
    net = Network()
    with np.load(path) as arrays, torch.no_grad():
        net.blocks[0].bias.copy_(torch.from_numpy(arrays["bias"].astype(np.float32) / 32))
        for index, block in enumerate(net.blocks[1:], start=1):
            weight = torch.from_numpy(arrays[f"weight{index}"].astype(np.float32) / 32)[:, :, None, None, None]
            block.synapse.weight_v.copy_(weight)
            block.synapse.weight_g.copy_(weight.flatten(1).norm(dim=1).reshape(block.synapse.weight_g.shape))
        net.eval()
        net(torch.zeros(1, 1, 28, 28), spiking())
    return net
