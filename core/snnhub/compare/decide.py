"""Decisions: what the decoder makes of an output."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from snnhub.ir.graph import Decoder
from snnhub.ir.tensor import Array

DEFAULT = Decoder("sum")
"""Where a network has no decoder of its own: most spikes win, ties go to the lowest index."""


@dataclass(frozen=True)
class Decisions:
    """One decision per sample, and how many samples had more than one winner."""

    winners: Array
    ties: int


def decide(output: Array, decoder: Decoder | None) -> Decisions | None:
    """Decisions from an output (time, samples, classes); None if it has no single class axis."""
    decoder = decoder or DEFAULT
    if output.ndim != 3 or output.shape[2] < 2 or not output.shape[0] or not decoder.argmax:
        return None
    wide = output.astype(np.float64 if output.dtype.kind == "f" else np.int64)
    # mean and sum order the classes alike; the sum of spikes is exact
    scores = wide[-1] if decoder.reduce == "last" else wide.sum(axis=0)
    best = scores.max(axis=1, keepdims=True)
    ties = int(np.count_nonzero((scores == best).sum(axis=1) > 1))
    return Decisions(scores.argmax(axis=1), ties)
