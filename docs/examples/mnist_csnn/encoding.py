"""Deterministic rate coding of grey images: floor differences with an ordered-dither phase.

A pixel of value ``p`` (0 to 255) emits ``floor(((t + 1) * p + phase) / 255) - floor((t * p + phase) / 255)``
spikes in step ``t``: never more than one, ``p / 255`` per step on average. The phase comes from an
8 x 8 Bayer matrix, so that equal pixels beside each other do not all fire in the same step.
Integers throughout: no random numbers, the same spikes on every machine.
"""

import numpy as np
from numpy.typing import NDArray


def bayer(order: int) -> NDArray[np.int64]:
    """The Bayer threshold matrix of side ``2**order``, a permutation of 0 .. 4**order - 1."""
    matrix = np.zeros((1, 1), dtype=np.int64)
    for _ in range(order):
        matrix = np.block([[4 * matrix, 4 * matrix + 2], [4 * matrix + 3, 4 * matrix + 1]])
    return matrix


def encode(images: NDArray[np.uint8], steps: int) -> NDArray[np.uint8]:
    """Spikes of shape (steps, batch, 1, height, width), values 0 and 1, for images (batch, height, width)."""
    if images.dtype != np.uint8 or images.ndim != 3:
        raise ValueError(f"images: found {images.dtype} {images.shape}, allowed uint8 (batch, height, width)")
    _, height, width = images.shape
    tile = bayer(3)
    phase = np.tile(tile, (height // 8 + 1, width // 8 + 1))[:height, :width] * 255 // 64
    time = np.arange(steps + 1, dtype=np.int64).reshape(-1, 1, 1, 1)
    count = (time * images.astype(np.int64) + phase) // 255
    return np.diff(count, axis=0).astype(np.uint8)[:, :, None]
