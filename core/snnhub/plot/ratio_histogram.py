"""Firing-rate ratios of many runs counted by value: networks over each other, infinite ones in a bar of their
own.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from snnhub.compare.rate_ratio import RateRatio, summary
from snnhub.ir.tensor import Array
from snnhub.plot.canvas import canvas, plain
from snnhub.plot.table import Table

BINS = 16
"""Few enough that ratios of small counts, which lie on a coarse grid, do not leave holes."""
LEAST_END = 1.5
"""The axis goes at least so far: ratios that are all the same fill a bin, not the picture."""
TICKS = (1, 1.1, 1.2, 1.3, 1.4, 1.6, 1.8, 2, 3, 5, 10, 20, 50, 100, 200, 500, 1000)
COARSE = (1, 2, 3, 5, 10, 20, 50, 100, 200, 500, 1000)
FEW = 4
"""Marks of a network that have room for their counts; the table has all."""
WIDE = 4.0
"""From here on an axis has the coarse ticks alone."""
COLOURS = ("tab:blue", "tab:orange", "tab:green", "tab:red", "tab:purple", "tab:brown", "tab:pink", "tab:gray")
STYLES = ("-", "--", "-.", ":")
COLUMNS = ("network", "kind", "low", "high", "runs", "most", "least")
INFINITE, SILENT, MARK, BIN = "infinite", "silent", "mark", "bin"


@dataclass(frozen=True, eq=False)
class Curve:
    """Ratios of one network. ``marks``: ratios of single runs that are drawn as lines."""

    name: str
    ratios: tuple[RateRatio, ...]
    marks: tuple[RateRatio, ...] = ()

    def numbers(self) -> Array:
        """The ratios that are numbers."""
        return np.array([item.ratio for item in self.ratios if item.least], np.float64)


def edges(curves: Iterable[Curve]) -> Array:
    """Bins from 1 on, equally wide in the logarithm, that hold every ratio which is a number."""
    highest = max((float(curve.numbers().max(initial=1.0)) for curve in curves), default=1.0)
    found = np.geomspace(1.0, max(LEAST_END, highest), BINS + 1)
    found[-1] = max(found[-1], highest)
    return found


def draw(curves: Sequence[Curve], paths: Sequence[Path]) -> None:
    """Shares of runs as steps, a colour per network; marked runs as dots in a panel beside it. Raises like
    ``canvas``.
    """
    marked = any(curve.marks for curve in curves)
    with canvas(paths, 3.4) as figure:
        found = figure.subplots(1, 1 + marked, squeeze=False, width_ratios=(3, 2) if marked else None)[0]
        _histogram(found[0], curves)
        if marked:
            _marks(found[1], curves)


def _histogram(place: Any, curves: Sequence[Curve]) -> None:
    bins = edges(curves)
    end = float(bins[-1])
    infinite = any(summary(curve.ratios).infinite for curve in curves)
    for number, curve in enumerate(curves):
        colour, style = COLOURS[number % len(COLOURS)], STYLES[number // len(COLOURS) % len(STYLES)]
        runs, seen = max(1, len(curve.ratios)), summary(curve.ratios)
        counts, _ = np.histogram(curve.numbers(), bins)
        name = f"{plain(curve.name)}: {seen}"
        place.stairs(counts / runs, bins, color=colour, ls=style, lw=1.3, label=name).set_gid(f"curve{number}")
        if seen.infinite:
            left, width = _beyond(end, number, len(curves))
            bar = place.bar(left, seen.infinite / runs, width, align="edge", color=colour)[0]
            bar.set_gid(f"curve{number}-infinite")
    _ratio_axis(place, end, infinite)
    place.set_xlabel("firing-rate ratio: most active over least active neuron")
    place.set_ylabel("share of runs")
    place.set_ylim(bottom=0)
    place.legend(loc="upper right")


def _marks(place: Any, curves: Sequence[Curve]) -> None:
    """A row per network, a dot per marked run with both counts."""
    finite = [item.ratio for curve in curves for item in curve.marks if item.least]
    end = max([LEAST_END, *finite])
    infinite = any(item.most and not item.least for curve in curves for item in curve.marks)
    for number, curve in enumerate(curves):
        for rank, item in enumerate(curve.marks):
            if item.most:
                x = item.ratio if item.least else math.sqrt(math.prod(_place_of_infinity(end)))
                few = len(curve.marks) <= FEW
                dot = place.plot(x, number, "o", ms=4 if few else 2.5, color=COLOURS[number % len(COLOURS)])[0]
                dot.set_gid(f"curve{number}-mark{rank}")
                above = 3 if rank % 2 == 0 else -9
                words = f"{item.most}/{item.least}" if few else ""
                place.annotate(words, (x, number), (3, above), textcoords="offset points", fontsize=7)
    _ratio_axis(place, end, infinite)
    place.set_ylim(len(curves) - 0.4, -0.6)
    place.set_yticks([])
    place.set_xlabel("marked samples: spikes of both")


def _place_of_infinity(end: float) -> tuple[float, float]:
    """Where the axis, logarithmic up to ``end``, has what is beyond every number."""
    return end**1.1, end**1.3


def _beyond(end: float, number: int, bars: int) -> tuple[float, float]:
    """Left end and width of one of ``bars`` bars there."""
    low, high = _place_of_infinity(end)
    step = (high / low) ** (1 / bars)
    left = low * step**number
    return left, left * (step - 1) * 0.9


def _ratio_axis(place: Any, end: float, infinite: bool) -> None:
    low, high = _place_of_infinity(end)
    place.set_xscale("log")
    place.set_xlim(1.0 if end < WIDE else 0.9, high if infinite else end**1.05)
    ticks = [tick for tick in TICKS if tick <= end and (end < WIDE or tick in COARSE)]
    more = [math.sqrt(low * high)] if infinite else []
    place.set_xticks([*ticks, *more], [*(f"{tick:g}" for tick in ticks), *("∞" for _ in more)])
    place.set_xticks([], minor=True)


def table(curves: Sequence[Curve]) -> Table:
    """A row per bin that holds runs, from ``low`` on and below ``high`` (the last: and up to it); one for infinite
    ratios and one for silent runs; one per mark, with both counts.
    """
    bins, found = edges(curves), list[tuple[Any, ...]]()
    for curve in curves:
        counts, _ = np.histogram(curve.numbers(), bins)
        for low, high, count in zip(bins[:-1], bins[1:], counts, strict=True):
            if count:
                found.append((curve.name, BIN, float(low), float(high), int(count), None, None))
        seen = summary(curve.ratios)
        for kind, number in ((INFINITE, seen.infinite), (SILENT, seen.silent)):
            if number:
                found.append((curve.name, kind, None, None, number, None, None))
        for item in curve.marks:
            ratio = item.ratio if item.least else None
            found.append((curve.name, MARK, ratio, ratio, 1, item.most, item.least))
    return Table(COLUMNS, tuple(found))
