"""f-I curves: the rate of single neurons over what arrives at them, before a conversion and after it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from snnhub.plot.canvas import WIDTH, canvas, plain
from snnhub.plot.table import Table

COLUMNS = (
    *("layer", "level", "input_mean", "source_mean_hz", "source_std_hz", "analog_mean_hz", "analog_std_hz"),
    "neurons",
)
SIDES = (("source", "tab:grey", "o"), ("analog", "tab:blue", "s"))
ACROSS = 3
"""Panels in a row."""
HEIGHT = 2.3


@dataclass(frozen=True)
class Curve:
    """One layer: ``rows`` by ascending level, each with the numbers of ``COLUMNS``. Rates in Hz are means and
    standard deviations over ``neurons`` neurons; ``input_mean`` is what arrives per step, in the source's units.
    """

    layer: str
    rows: tuple[Mapping[str, Any], ...]


def draw(curves: Sequence[Curve], names: Sequence[str], paths: Sequence[Path]) -> None:
    """A panel per layer: both curves with their spread. Raises like ``canvas``."""
    across = min(ACROSS, len(curves))
    down = -(-len(curves) // across)
    with canvas(paths, HEIGHT * down, plain(names[0])) as figure:
        grid = figure.subplots(down, across, squeeze=False)
        for number, place in enumerate(grid.ravel()):
            if number < len(curves):
                _panel(place, curves[number], number)
            else:
                place.set_axis_off()
        grid[0, 0].legend(loc="upper left")


def _panel(place: Any, curve: Curve, number: int) -> None:
    place.set_title(plain(curve.layer, int(WIDTH * 4)))
    levels = [row["level"] for row in curve.rows]
    for side, colour, mark in SIDES:
        mean = [row[f"{side}_mean_hz"] for row in curve.rows]
        spread = [row[f"{side}_std_hz"] for row in curve.rows]
        low = [max(0.0, m - s) for m, s in zip(mean, spread, strict=True)]
        high = [m + s for m, s in zip(mean, spread, strict=True)]
        band = place.fill_between(levels, low, high, color=colour, alpha=0.18, lw=0)
        band.set_gid(f"panel{number}-{side}-spread")
        (line,) = place.plot(levels, mean, color=colour, marker=mark, ms=3, lw=1, label=side)
        line.set_gid(f"panel{number}-{side}")
    place.axvline(1, ls="--", lw=0.8, c="k", zorder=0.5)
    place.set_xlabel("input, times what arrives in the network")
    place.set_ylabel("rate in Hz, mean and spread")


def table(curves: Sequence[Curve]) -> Table:
    """A row per layer and level."""
    rows = [tuple(row[name] for name in COLUMNS) for curve in curves for row in curve.rows]
    return Table(COLUMNS, tuple(rows))
