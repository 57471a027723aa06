"""Weights of a synapse counted by value: a column per network, zeros and saturated weights in numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from snnhub.ir.tensor import Array
from snnhub.plot.canvas import canvas, plain
from snnhub.plot.table import Table

BINS = 129
"""Most bins: as many as an 8-bit weight of even numbers has values, and one between for zero of a float one."""
COLUMNS = ("row", "side", "network", "synapse", "type", "low", "high", "weights")
COLOURS = ("tab:blue", "tab:red")


@dataclass(frozen=True, eq=False)
class Synapse:
    """Weights of one parameter of a node. ``edges`` are of the bins, ``counts`` one fewer; every weight is in one.

    ``saturated``: weights at least as large as the smaller of both limits, of integers whose limits are known;
    ``limits`` and ``source``: lowest and highest allowed, and who says so.
    """

    name: str
    type: str
    size: int
    zeros: int
    levels: int
    low: float
    high: float
    edges: Array
    counts: Array
    saturated: int | None = None
    limits: tuple[int, int] | None = None
    source: str = ""

    def to_json(self) -> dict[str, Any]:
        return {
            "synapse": self.name,
            "type": self.type,
            "weights": self.size,
            "zeros": self.zeros,
            "levels": self.levels,
            "lowest": self.low,
            "highest": self.high,
            "saturated": self.saturated,
            "limits": None if self.limits is None else list(self.limits),
            "source": self.source,
        }


def counted(name: str, weights: Array, limits: tuple[int, int] | None = None, source: str = "") -> Synapse:
    """Count weights of any shape and dtype, all finite. Bins of floats are even around 0, with 0 in the middle of
    one; bins of integers hold equally many of the values that the grid of the weights has.
    """
    flat = weights.reshape(-1)
    low, high = (flat.min().item(), flat.max().item()) if flat.size else (0, 0)
    integer = flat.dtype.kind in "iu"
    edges = _integer_edges(flat, low, high) if integer else _float_edges(max(-low, high))
    counts, _ = np.histogram(flat.astype(np.float64), edges)
    saturated = None
    if limits is not None:
        saturated = int(np.count_nonzero(np.abs(flat.astype(np.int64)) >= min(-limits[0], limits[1])))
    zeros, levels = int(flat.size - np.count_nonzero(flat)), int(np.unique(flat).size)
    kind = flat.dtype.name
    return Synapse(name, kind, int(flat.size), zeros, levels, low, high, edges, counts, saturated, limits, source)


def _float_edges(reach: float) -> Array:
    """Bins of equal width with 0 in the middle of one; the outermost hold the largest weight either way."""
    half = BINS // 4
    width = (float(reach) or 1.0) / half
    return (np.arange(-half, half + 2) - 0.5) * width


def _integer_edges(flat: Array, low: int, high: int) -> Array:
    """Bins whose width is a multiple of the grid of the weights, between values that weights can have."""
    grid = int(np.gcd.reduce(np.abs(flat.astype(np.int64)))) or 1 if flat.size else 1
    values = (high - low) // grid + 1
    width = grid * -(-values // BINS)
    return low - grid / 2 + width * np.arange(-(-(high - low + grid) // width) + 1, dtype=np.float64)


Row = tuple[Synapse | None, ...]
"""One synapse in every network that is drawn; None where a network has no counterpart."""


def draw(rows: Sequence[Row], names: Sequence[str], paths: Sequence[Path]) -> None:
    """A row per synapse, a column per network; counts are on a logarithmic axis. Raises like ``canvas``."""
    with canvas(paths, 0.5 + 1.5 * len(rows), "" if len(names) > 1 else plain(names[0])) as figure:
        axes = figure.subplots(len(rows), len(names), squeeze=False)
        for number, row in enumerate(rows):
            for column, synapse in enumerate(row):
                if synapse is None:
                    axes[number][column].set_axis_off()
                else:
                    _panel(axes[number][column], synapse, COLOURS[column], f"panel{number}-{'ab'[column]}")
        for column, name in enumerate(names):
            axes[-1][column].set_xlabel(f"weight in {plain(name)}")


def _panel(place: Any, synapse: Synapse, colour: str, gid: str) -> None:
    widths = np.diff(synapse.edges)
    shown = synapse.counts > 0
    bars = place.bar(
        synapse.edges[:-1][shown], synapse.counts[shown], widths[shown] * 0.9, align="edge", color=colour
    )
    for number, bar in enumerate(bars):
        bar.set_gid(f"{gid}-bar{number}")
    words = f"{synapse.type}, {synapse.size} weights, zeros {synapse.zeros}, levels {synapse.levels}"
    if synapse.limits is not None:
        words += f", saturated {synapse.saturated} (limits dashed)"
        for end, limit in zip(("low", "high"), synapse.limits, strict=True):
            place.axvline(limit, ls="--", lw=0.8, c="k").set_gid(f"{gid}-limit-{end}")
    place.set_title(f"{plain(synapse.name)}\n{words}")
    place.set_yscale("log")
    place.yaxis.set_major_formatter(lambda value, _: f"{value:g}")
    place.set_ylim(0.5, max(2.0, 2.0 * float(synapse.counts.max(initial=1))))
    place.set_ylabel("weights")


def table(rows: Sequence[Row], names: Sequence[str]) -> Table:
    """A row per bin that holds weights: from ``low`` on, below ``high``."""
    found = []
    for number, row in enumerate(rows):
        for side, name, item in zip("ab", names, row, strict=False):
            if item is None:
                continue
            for low, high, count in zip(item.edges[:-1], item.edges[1:], item.counts, strict=True):
                if count:
                    found.append((number, side, name, item.name, item.type, low, high, int(count)))
    return Table(COLUMNS, tuple(found))
