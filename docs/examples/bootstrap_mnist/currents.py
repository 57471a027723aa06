"""MNIST images as the integers that the network's input neurons take: 64 times what slayer computes with."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
from numpy.typing import NDArray

STEPS = 16


def pixels(images: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Grey values 0 .. 255 as float32 in [-1, 1]."""
    return images.astype(np.float32) / np.float32(127.5) - np.float32(1)


def input_bias(network: Path) -> int:
    """The bias of the input block, times 64, as lava-dl writes it. Lava's reader adds it nowhere."""
    with h5py.File(network) as file:
        return int(np.asarray(file["layer/0/bias"]).reshape(-1)[0])


def encode(images: NDArray[np.uint8], bias: int) -> NDArray[np.int16]:
    """(N, 28, 28) as (16, N, 784): slayer rounds a pixel to 1/32 (half to even) and adds the bias; times 64.

    Every step shows the same image.
    """
    still = 2 * np.rint(32 * pixels(images)).astype(np.int16) + np.int16(bias)
    return np.broadcast_to(still.reshape(len(images), -1), (STEPS, len(images), images[0].size))
