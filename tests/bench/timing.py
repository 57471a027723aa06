"""Two things timed in turn, so that a change of the machine's speed meets both, and their ratio."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass

ROUNDS = 5
Work = Callable[[], object]


@dataclass(frozen=True)
class Ratio:
    """One line of the report. ``ours`` and ``theirs`` are medians, ``ratio`` the median of pairs. ``unit``: ``ms``
    (they are in seconds) or ``MB``.
    """

    what: str
    peer: str
    ours: float
    theirs: float
    ratio: float
    low: float
    high: float
    unit: str = "ms"

    def __str__(self) -> str:
        scale = 1e3 if self.unit == "ms" else 1.0
        return (
            f"{self.what:<46} {self.ours * scale:>10.3f} {self.unit} {self.theirs * scale:>10.3f} {self.unit} "
            f"{self.ratio:>8.1f} x  ({self.low:.1f} .. {self.high:.1f})  {self.peer}"
        )


HEADER = f"{'':<46} {'snnhub':>13} {'peer':>13} {'ratio':>10}  (worst .. best)"


def seconds(work: Work) -> float:
    """Wall-clock seconds of one call."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def compare(what: str, peer: str, ours: Callable[[], float], theirs: Callable[[], float]) -> Ratio:
    """Measure both in turn after one round that does not count. Each returns the seconds that it took."""
    ours()
    theirs()
    pairs = [(ours(), theirs()) for _ in range(ROUNDS)]
    ratios = sorted(theirs / ours for ours, theirs in pairs)
    mine, other = (statistics.median(pair[side] for pair in pairs) for side in (0, 1))
    return Ratio(what, peer, mine, other, statistics.median(ratios), ratios[0], ratios[-1])
