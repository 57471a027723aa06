"""Mean rate of a neuron over runs, with its confidence interval."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from snnhub.compare.student import student_quantile
from snnhub.ir.tensor import Array

LEAST_RUNS = 2
"""Runs from which a spread can be told."""


@dataclass(frozen=True)
class Rate:
    """Mean rate over runs with its confidence interval (1 - alpha), per second, or per run without dt. ``high`` is
    None where a single run tells nothing of it.
    """

    mean: float
    low: float
    high: float | None
    runs: int
    spikes: int

    def to_json(self) -> dict[str, Any]:
        return {"mean": self.mean, "low": self.low, "high": self.high, "runs": self.runs, "spikes": self.spikes}


def rate(counts: Array, alpha: float, seconds: float) -> Rate:
    """Of counts (runs, samples) of one neuron: over runs, or over the samples of a single run. ``seconds``: length
    of a sample.

    The interval is Student's, cut off at 0. Of a neuron that never fired it is that of a Poisson process without
    an event, 0 .. -log(alpha / 2) / n (J. A. Hanley, A. Lippman-Hand, JAMA 249(13), 1983): n silent runs do not
    show that the next one is silent.
    """
    total, seen = int(counts.sum()), counts.size
    over = counts.mean(axis=1) if len(counts) > 1 else counts[0]
    mean = float(over.mean())
    if len(over) < LEAST_RUNS:
        return Rate(mean / seconds, 0.0, None, len(over), total)
    if not total:
        return Rate(0.0, 0.0, -math.log(alpha / 2) / seen / seconds, len(over), 0)
    reach = student_quantile(1 - alpha / 2, len(over) - 1) * standard_error(over)
    return Rate(mean / seconds, max(0.0, mean - reach) / seconds, (mean + reach) / seconds, len(over), total)


def standard_error(values: Array) -> float:
    """Of the mean of ``values`` (runs,), two or more."""
    return float(np.std(values, ddof=1)) / math.sqrt(len(values))
