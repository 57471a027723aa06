"""Pictures of two recordings: spikes that both have, that only one has, and where they first part."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from snnhub.compare.lag import Train, window
from snnhub.compare.quantity import Quantity
from snnhub.compare.trace_row import TraceRow
from snnhub.compare.traces import PairVerdict
from snnhub.errors import MissingPeerError, UsageError
from snnhub.files import check_writable, staged
from snnhub.ir.tensor import Array

FORMATS = (".svg", ".png", ".pdf")
PANELS = 12
"""Most panels of one picture; those that differ come first."""
DOTS = 20_000
"""Spikes from which dots are drawn as one image inside a ``.svg``: a million shapes open nowhere."""
COLOURS = {"both": "0.6", "only A": "tab:blue", "only B": "tab:red"}
Panel = tuple[PairVerdict, TraceRow, Quantity, Quantity]


def ensure_drawable(path: Path) -> None:
    """Raise ``MissingPeerError`` where matplotlib, the extra ``plot``, is not installed, and ``UsageError`` for
    another suffix than ``.svg``, ``.png`` or ``.pdf`` or a folder that cannot be written: before any work is done.
    """
    if path.suffix.lower() not in FORMATS:
        raise UsageError("unknown kind of picture", where=str(path), allowed=", ".join(FORMATS))
    check_writable(path)
    if find_spec("matplotlib") is None:
        raise MissingPeerError(
            "pictures need matplotlib", found="not in this interpreter", remedy="Run: pip install 'snnhub[plot]'"
        )


def split(row: TraceRow, a: Quantity, b: Quantity) -> dict[str, tuple[Array, Array]]:
    """Steps (of a) and elements of the spikes that both have, only a, only b, at the lag of the row."""
    left, right = window(Train.of(a.values), Train.of(b.values), row.lag)
    shifted = right.at - row.lag * left.width
    sets = {
        "both": np.intersect1d(left.at, shifted, assume_unique=True),
        "only A": np.setdiff1d(left.at, shifted, assume_unique=True),
        "only B": np.setdiff1d(shifted, left.at, assume_unique=True),
    }
    return {name: (at // left.width, at % left.width) for name, at in sets.items()}


def draw(panels: Sequence[Panel], path: Path) -> None:
    """Raster overlays, one per spike train and pair: common spikes grey, a dashed line at the first divergence.

    Raises ``MissingPeerError`` without matplotlib, ``UsageError`` where there is no spike train to draw.
    """
    ensure_drawable(path)
    if not panels:
        raise UsageError("no spike train to draw", where=str(path))
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    shown = sorted(panels, key=lambda panel: not panel[1].different)[:PANELS]
    with rc_context({"svg.hashsalt": "snnhub", "font.size": 8}):
        figure = Figure(figsize=(9, 0.6 + 1.7 * len(shown)), layout="constrained")
        axes = figure.subplots(len(shown), 1, squeeze=False)[:, 0]
        for place, (pair, row, left, right) in zip(axes, shown, strict=True):
            _panel(place, pair, row, left, right)
        axes[-1].set_xlabel(f"step of {shown[-1][0].a}")
        with staged(path) as staging:
            metadata = {"Date": None} if path.suffix.lower() == ".svg" else None
            figure.savefig(staging, dpi=150, metadata=metadata)


def _panel(place: Any, pair: PairVerdict, row: TraceRow, a: Quantity, b: Quantity) -> None:
    found = split(row, a, b)
    many = sum(steps.size for steps, _ in found.values()) > DOTS
    for name, (steps, elements) in found.items():
        label = f"{name} {steps.size}"
        size = 30 if int(np.prod(a.values.shape[1:])) < 8 else 4
        place.scatter(steps, elements, s=size, marker="|", c=COLOURS[name], label=label, rasterized=many)
    if row.first is not None:
        place.axvline(row.first.step, ls="--", lw=0.8, c="k")
    lag = f", lag {row.lag:+d}" if row.lag else ""
    place.set_title(f"A {pair.a}   B {pair.b}   {row.key}{lag}", fontsize=8, loc="left")
    place.set_ylabel("neuron")
    place.set_ylim(-0.5, int(np.prod(a.values.shape[1:])) - 0.5)
    place.yaxis.get_major_locator().set_params(integer=True)
    place.set_xlim(-1, max(a.values.shape[0], 1))
    place.legend(loc="upper right", fontsize=6, ncols=3, framealpha=0.8)


WIDTH, HEIGHT = 100, 24
MARKS = {"both": "|", "only A": "A", "only B": "B"}


def text_raster(row: TraceRow, a: Quantity, b: Quantity) -> list[str]:
    """A raster in letters: ``|`` both, ``A`` or ``B`` one of them, ``:`` the first divergence.

    The window begins shortly before the first divergence, at the neuron that differs.
    """
    found = split(row, a, b)
    neurons, steps = int(np.prod(a.values.shape[1:])), a.values.shape[0]
    start, first = 0, 0
    if row.first is not None:
        start = max(0, min(row.first.step - WIDTH // 4, steps - WIDTH))
        element = int(np.ravel_multi_index(row.first.index, a.values.shape[1:])) if row.first.index else 0
        first = max(0, min(element - HEIGHT // 2, neurons - HEIGHT))
    width, height = min(WIDTH, steps - start), min(HEIGHT, neurons - first)
    grid = [["."] * width for _ in range(height)]
    if row.first is not None and 0 <= row.first.step - start < width:
        for line in grid:
            line[row.first.step - start] = ":"
    for name, (at, elements) in found.items():
        inside = (at >= start) & (at < start + width) & (elements >= first) & (elements < first + height)
        for step, element in zip(at[inside].tolist(), elements[inside].tolist(), strict=True):
            grid[element - first][step - start] = MARKS[name]
    head = f"{row.key}: steps {start} to {start + width - 1}, neurons {first} to {first + height - 1}"
    return [f"{head}   | both, A or B alone, : first divergence", *("".join(line) for line in grid)]
