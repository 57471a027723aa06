"""Spike rasters: a panel per spike train, two sides over each other, what differs in colours."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from snnhub.compare.lag import Train
from snnhub.compare.marks import BOTH, COUNTS, ONLY_A, ONLY_B, SPIKES, Marks
from snnhub.compare.quantity import Quantity
from snnhub.compare.trace_row import TraceRow
from snnhub.compare.traces import PairVerdict
from snnhub.errors import UsageError
from snnhub.plot.canvas import DOTS, WIDTH, canvas, plain
from snnhub.plot.window import Window

PANELS = 12
"""Most panels of one picture."""
COLOURS = {SPIKES: "0.15", BOTH: "0.62", ONLY_A: "tab:blue", ONLY_B: "tab:red", COUNTS: "tab:purple"}
POINTS = 72
"""Points of an inch."""
SEEN = 3.0
"""Points from which a single mark is seen: those that differ are as high at least, where they are few."""
FEW = 500
SPARSE = 5000
"""Marks of a panel up to which they may be larger than their bin, to be seen."""
Panel = tuple[PairVerdict, TraceRow, Quantity, Quantity]


@dataclass(frozen=True, eq=False)
class Raster:
    """One panel: ``marks`` inside ``window``. ``first``: the step at which the two sides first differ."""

    title: str
    marks: Marks
    window: Window
    first: int | None = None
    xlabel: str = "step"


def compared(panel: Panel) -> Raster:
    """A panel of two recordings, whole; the lag is that of the comparison."""
    pair, row, a, b = panel
    left, right = Train.of(a.values), Train.of(b.values)
    lag = f", lag {row.lag:+d}" if row.lag else ""
    title = f"A {plain(pair.a)}   B {plain(pair.b)}   {plain(row.key)}{lag}"
    whole = Window(0, max(left.steps, 1), 0, left.width)
    first = None if row.first is None else row.first.step
    return Raster(title, Marks.of(left, right, row.lag), whole, first, f"step of {plain(pair.a)}")


def draw(rasters: Sequence[Raster], paths: Sequence[Path], heading: str = "") -> None:
    """One panel under the other: common spikes grey, a dashed line at the first divergence of each.

    Raises ``MissingPeerError`` without matplotlib, ``UsageError`` where there is no spike train to draw.
    """
    if not rasters:
        raise UsageError("no spike train to draw", where=", ".join(str(path) for path in paths))
    heights = [0.75 + 1.15 * min(raster.window.neurons, 64) / 64 for raster in rasters]
    with canvas(paths, 0.3 + sum(heights), heading) as figure:
        axes = figure.subplots(len(rasters), 1, squeeze=False, height_ratios=heights)[:, 0]
        for number, (place, raster, height) in enumerate(zip(axes, rasters, heights, strict=True)):
            _panel(place, raster, height - 0.45, number)
        axes[-1].set_xlabel(rasters[-1].xlabel)
        same = {(raster.window.first_step, raster.window.steps, raster.xlabel) for raster in rasters}
        for place in axes[:-1] if len(same) == 1 else ():
            place.tick_params(labelbottom=False)


def _panel(place: Any, raster: Raster, height: float, number: int) -> None:
    window, marks = raster.window, raster.marks
    thin, low = (0.6, 1.2) if marks.size > SPARSE else (0.9, 2.2)
    tall = min(8.0, max(low, 0.8 * POINTS * height / max(window.neurons, 1)))
    wide = min(10.0, max(thin, 0.4 * POINTS * (WIDTH - 1) / max(window.steps, 1)))
    for kind, chosen in marks.kinds().items():
        found = marks.take(chosen)
        if kind == COUNTS and not found.size:
            continue
        high = max(tall, SEEN) if kind not in (SPIKES, BOTH) and found.size < FEW else tall
        dots = place.scatter(
            found.steps,
            found.elements,
            s=high**2,
            linewidths=wide,
            marker="|",
            c=COLOURS[kind],
            label=f"{kind} {found.size}",
            rasterized=marks.size > DOTS,
        )
        dots.set_gid(f"panel{number}-{kind.replace(' ', '-')}")
    if raster.first is not None:
        line = place.axvline(raster.first - 0.5, ls="--", lw=0.8, c="k", zorder=0.5)  # where the step begins
        line.set_gid(f"panel{number}-first")
    place.set_title(raster.title)
    place.set_ylabel("neuron")
    place.set_xlim(window.first_step - 0.7, window.first_step + window.steps - 0.3)
    place.set_ylim(window.first_neuron - 0.5, window.first_neuron + window.neurons - 0.5)
    for axis in (place.xaxis, place.yaxis):
        axis.get_major_locator().set_params(integer=True)
    if window.neurons == 1:  # no tick between neurons
        place.set_yticks([window.first_neuron])
    place.legend(
        loc="lower right", bbox_to_anchor=(1, 1), ncols=4, borderpad=0.1, handletextpad=0.1, markerscale=1.0
    )
