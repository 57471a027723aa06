"""Frozen noise: samples of Poisson spikes that are always the same, some to know again, others never seen."""

from __future__ import annotations

from typing import Any

import numpy as np

CHANNELS, STEPS, DT, RATE = 60, 500, 1e-3, 50.0
"""60 channels of 50 Hz for 500 ms, in steps of 1 ms."""
KNOWN, UNKNOWN = (2, 2022), (100, 2023)
"""How many samples, and the seed: what the networks were trained for, and what they were not."""


def frozen_noise(samples: int, seed: int) -> np.ndarray[Any, np.dtype[np.float32]]:
    """Spike counts (steps, samples, channels), f32: in rare steps a channel fires twice.

    Drawn sample by sample from NumPy's first generator, whose numbers never change: the samples of Rockpool's
    tutorial are these.
    """
    drawn = np.random.RandomState(seed).poisson(RATE * DT, (samples, STEPS, CHANNELS))
    return np.ascontiguousarray(drawn.swapaxes(0, 1).astype(np.float32))
