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

BINS = 40
LEAST_END = 2.0
"""The axis goes at least so far: ratios that are all the same fill a bin, not the picture."""
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
    """Shares of runs as steps, a colour per network; marks dashed. Raises like ``canvas``."""
    bins = edges(curves)
    finite = [item.ratio for curve in curves for item in curve.marks if item.least]
    end = max([float(bins[-1]), *finite])
    beyond = end**1.12, end**1.25  # where the bar of infinite ratios stands
    with canvas(paths, 3.4) as figure:
        place = figure.subplots()
        for number, curve in enumerate(curves):
            _curve(place, curve, bins, beyond, number, len(curves))
        place.set_xscale("log")
        place.set_xlim(1.0, beyond[1] ** 1.02)
        ticks = [tick for tick in (1, 1.2, 1.5, 2, 3, 5, 10, 20, 50, 100, 200, 500, 1000) if tick <= end]
        place.set_xticks([*ticks, math.sqrt(beyond[0] * beyond[1])], [*(f"{tick:g}" for tick in ticks), "∞"])
        place.set_xticks([], minor=True)
        place.set_xlabel("firing-rate ratio: most active over least active decision neuron")
        place.set_ylabel("share of runs")
        place.set_ylim(bottom=0)
        place.legend(loc="upper right")


def _curve(place: Any, curve: Curve, bins: Array, beyond: tuple[float, float], number: int, all_: int) -> None:
    colour, style = COLOURS[number % len(COLOURS)], STYLES[number // len(COLOURS) % len(STYLES)]
    runs = max(1, len(curve.ratios))
    counts, _ = np.histogram(curve.numbers(), bins)
    name = f"{plain(curve.name)}: {summary(curve.ratios)}"
    place.stairs(counts / runs, bins, color=colour, ls=style, lw=1.2, label=name).set_gid(f"curve{number}")
    infinite = summary(curve.ratios).infinite
    if infinite:
        width = (beyond[1] / beyond[0]) ** (1 / all_)
        left = beyond[0] * width**number
        bar = place.bar(left, infinite / runs, left * (width - 1) * 0.9, align="edge", color=colour)[0]
        bar.set_gid(f"curve{number}-infinite")
    for rank, item in enumerate(curve.marks):
        if item.most:
            x = item.ratio if item.least else math.sqrt(beyond[0] * beyond[1])
            place.axvline(x, ls=(0, (2, 3)), lw=0.9, c=colour).set_gid(f"curve{number}-mark{rank}")


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
