"""MNIST images as the integers that the network's input neurons take: 64 times what slayer computes with.

    python currents.py --data package/data --network bootstrap.net --count 5 --out digits.npy

Needs NumPy and h5py only.
"""

from __future__ import annotations

import argparse
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


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder with the four MNIST IDX files")
    parser.add_argument("--network", type=Path, required=True)
    parser.add_argument("--count", type=int, default=5, help="how many test images")
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args()
    raw = np.fromfile(args.data / "t10k-images-idx3-ubyte", np.uint8)[16:].reshape(-1, 28, 28)
    np.save(args.out, encode(raw[: args.count], input_bias(args.network)))


if __name__ == "__main__":
    main()
