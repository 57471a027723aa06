"""How ``weights.npz`` was made: an evolution strategy on our own engine, from a seed. Takes a few minutes.

Many networks are drawn in pairs around a mean and run side by side as one wide network over both known samples;
which of each pair does better is the direction in which the mean goes (T. Salimans et al., *Evolution Strategies
as a Scalable Alternative to Reinforcement Learning*, arXiv 1703.03864), in steps of Adam. Tests never train.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import snnhub
from network import OWN, Floats, save
from noise import CHANNELS, KNOWN, frozen_noise
from snnhub.api.distribution import count_spikes

SEED, PAIRS, ROUNDS = 7, 64, 500
SPREAD, STEP, DECAY = 0.8, 0.25, 0.01
"""Standard deviation of the weights that are tried, length of a step, and share by which weights shrink."""
MOMENTS = 0.9, 0.99
RATE = 40
"""Spikes that the right neuron should fire at least: few would be easy to tell apart, and easy to lose."""


def scores(counts: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Of spikes (samples, networks, neurons): how far the right neuron is ahead, in the worse of both samples."""
    right = np.stack([counts[0, :, 0], counts[1, :, 1]])
    wrong = np.stack([counts[0, :, 1], counts[1, :, 0]])
    ahead = np.log((right + 0.5) / (wrong + 0.5)) - 3 * np.maximum(RATE - right, 0) / RATE
    return np.asarray(ahead.min(axis=0) + 0.1 * ahead.mean(axis=0))


def run(networks: Floats, x: Floats, folder: Path) -> np.ndarray[Any, Any]:
    """Spikes (samples, networks, neurons) of all networks as one."""
    wide = networks[:, :CHANNELS].transpose(1, 0, 2).reshape(CHANNELS, -1)
    back = np.zeros((wide.shape[1],) * 2, np.float32)
    for number, network in enumerate(networks):
        back[2 * number : 2 * number + 2, 2 * number : 2 * number + 2] = network[CHANNELS:]
    graph = snnhub.import_model(save(folder / "wide.npz", wide, back), source="dynapse2")
    return count_spikes(graph, x).reshape(x.shape[1], -1, 2)


def main() -> None:
    """Train, and write ``weights.npz``."""
    random, x = np.random.default_rng(SEED), frozen_noise(*KNOWN)
    mean = random.normal(0.5, SPREAD, (CHANNELS + 2, 2))
    first, second = np.zeros_like(mean), np.zeros_like(mean)
    with tempfile.TemporaryDirectory() as folder:
        for round_ in range(1, ROUNDS + 1):
            drawn = random.normal(size=(PAIRS, *mean.shape))
            tried = np.concatenate([mean + SPREAD * drawn, mean - SPREAD * drawn, mean[None]]).astype(np.float32)
            counts = run(tried, x, Path(folder))
            found = scores(counts)
            better = (found[:PAIRS] - found[PAIRS : 2 * PAIRS]) / (found[:-1].std() + 1e-9)
            slope = np.tensordot(better, drawn, 1) / PAIRS
            first = MOMENTS[0] * first + (1 - MOMENTS[0]) * slope
            second = MOMENTS[1] * second + (1 - MOMENTS[1]) * slope**2
            scale = np.sqrt(second / (1 - MOMENTS[1] ** round_)) + 1e-9
            mean = (1 - DECAY) * mean + STEP * first / (1 - MOMENTS[0] ** round_) / scale
            print(f"{round_:4} score {found[-1]:.3f} spikes {counts[:, -1].tolist()}", file=sys.stderr)
    np.savez(OWN, w_in=mean[:CHANNELS].astype(np.float32), w_rec=mean[CHANNELS:].astype(np.float32))


if __name__ == "__main__":
    main()
