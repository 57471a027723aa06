"""Firing-rate ratio of the decision neurons of a run: the most active over the least active, with both counts."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from snnhub.errors import UsageError
from snnhub.ir.tensor import Array


@dataclass(frozen=True)
class RateRatio:
    """``ratio`` is infinite where the least active neuron is silent, and NaN where all are: the counts say what
    happened, and ``to_json`` has null there. ``winner``: the most active neuron; None for a tie.
    """

    most: int
    least: int
    winner: int | None = field(default=None, compare=False)

    @property
    def ratio(self) -> float:
        if self.least:
            return self.most / self.least
        return math.inf if self.most else math.nan

    def __str__(self) -> str:
        return f"{self.most}/{self.least}" + (f" = {self.ratio:.2f}" if self.least else "")

    def to_json(self) -> dict[str, Any]:
        ratio = self.ratio if self.least else None
        return {"most": self.most, "least": self.least, "ratio": ratio, "winner": self.winner}


@dataclass(frozen=True)
class RatioSummary:
    """Of many runs: how many have a silent neuron (their ratio is infinite) or are silent altogether, and the
    median of the others and the infinite ones; None where that is infinite or there is none.
    """

    runs: int
    median: float | None
    infinite: int
    silent: int

    def __str__(self) -> str:
        middle = f"{self.median:.2f}" if self.median is not None else "infinite" if self.infinite else "none"
        more = [f"{self.infinite} infinite"] if self.infinite else []
        more += [f"{self.silent} silent"] if self.silent else []
        return f"median {middle} of {self.runs}" + (f" ({', '.join(more)})" if more else "")

    def to_json(self) -> dict[str, Any]:
        return {"runs": self.runs, "median": self.median, "infinite": self.infinite, "silent": self.silent}


def rate_ratio(counts: Array) -> RateRatio:
    """Firing-rate ratio of one run, from counts (neurons,). Raises ``UsageError`` for fewer than two neurons."""
    counts = np.asarray(counts)
    if counts.ndim != 1 or counts.size < 2:
        found, allowed = str(list(counts.shape)), "(neurons,), 2 or more"
        raise UsageError("a ratio needs two neurons", found=found, allowed=allowed)
    most, least = int(counts.max()), int(counts.min())
    alone = np.count_nonzero(counts == most) == 1
    return RateRatio(most, least, int(counts.argmax()) if alone else None)


def summary(ratios: Iterable[RateRatio]) -> RatioSummary:
    """The summary of runs. The median of an even number is the mean of the middle two."""
    found = [item.ratio for item in ratios]
    values = sorted(value for value in found if not math.isnan(value))
    middle = values[(len(values) - 1) // 2 : len(values) // 2 + 1]
    median = sum(middle) / len(middle) if middle else math.inf
    infinite = sum(math.isinf(value) for value in values)
    return RatioSummary(len(found), None if math.isinf(median) else median, infinite, len(found) - len(values))
