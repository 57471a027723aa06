"""Damage to a valid file: bytes flipped, cut off, or copied to another place."""

from __future__ import annotations

import numpy as np

SEED = 20261121


def mutated(whole: bytes, case: int) -> bytes:
    """``whole``, damaged; the case is the seed, and case % 3 the kind of damage."""
    random = np.random.default_rng((SEED, case))
    data = bytearray(whole)
    if case % 3 == 0:
        for _ in range(int(random.integers(1, 5))):
            data[int(random.integers(0, len(data)))] ^= int(random.integers(1, 256))
    elif case % 3 == 1:
        del data[int(random.integers(0, len(data))) :]
    else:
        start, length, to = (int(number) for number in random.integers(0, len(data), 3))
        data[to:to] = data[start : start + length % 64]
    return bytes(data)
