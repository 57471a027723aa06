"""Membrane potentials of single neurons over time: both sides, their thresholds and their spikes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from snnhub.ir.tensor import Array
from snnhub.plot.canvas import canvas
from snnhub.plot.table import Table

A, B = "tab:blue", "tab:red"
COLUMNS = (
    *("a", "b", "lag", "sample", "neuron", "step"),
    *("value_a", "value_b", "scale", "threshold_a", "threshold_b", "spikes_a", "spikes_b"),
)


@dataclass(frozen=True, eq=False)
class Trace:
    """One side of one neuron: ``values`` and ``spikes`` (time,); ``spikes`` is None where none were recorded."""

    values: Array
    spikes: Array | None = None
    threshold: float | None = None


@dataclass(frozen=True, eq=False)
class Membrane:
    """One neuron. Values begin at step ``first_step`` of the first side. ``scale``: b is a times this; where it is
    None, b has an axis of its own. ``different``: its spikes that differ; ``title`` says which neuron it is.
    """

    title: str
    keys: tuple[str, str]
    lag: int
    sample: int
    neuron: int
    first_step: int
    a: Trace
    b: Trace | None = None
    scale: float | None = 1.0
    different: int | None = None
    first: int | None = None


def draw(membranes: Sequence[Membrane], paths: Sequence[Path], heading: str = "") -> None:
    """A panel per neuron; thresholds are dashed, spikes are ticks above. Raises like ``canvas``."""
    with canvas(paths, 0.4 + 1.6 * len(membranes), heading) as figure:
        axes = figure.subplots(len(membranes), 1, squeeze=False)[:, 0]
        for number, (place, membrane) in enumerate(zip(axes, membranes, strict=True)):
            _panel(place, membrane, number)
        axes[-1].set_xlabel("step")


def _panel(place: Any, membrane: Membrane, number: int) -> None:
    steps = membrane.first_step + np.arange(membrane.a.values.shape[0])
    scale = 1.0 if membrane.scale is None else membrane.scale
    own = place.twinx() if membrane.b is not None and membrane.scale is None else place
    _trace(place, steps, membrane.a, A, 1.0, f"panel{number}-a", 0.93)
    if membrane.b is not None:
        _trace(own, steps, membrane.b, B, scale, f"panel{number}-b", 0.86)
    for axes, side, colour in ((place, membrane.a, A), (own, membrane.b, B)):
        low, high = axes.get_ylim()
        axes.set_ylim(low, high + 0.22 * (high - low))  # room for the spikes
        if own is not place and side is not None:
            axes.tick_params(axis="y", colors=colour)
    if own is not place:
        own.spines["right"].set_visible(True)
    if membrane.first is not None:
        place.axvline(membrane.first, ls="--", lw=0.8, c="k", zorder=0.5).set_gid(f"panel{number}-first")
    place.set_title(membrane.title)
    place.set_ylabel("potential")
    place.set_xlim(steps[0] - 0.5, max(steps[-1], steps[0] + 1) + 0.5)
    place.xaxis.get_major_locator().set_params(integer=True)
    handles = [item for axes in dict.fromkeys((place, own)) for item in axes.get_legend_handles_labels()[0]]
    place.legend(handles=handles, loc="lower right", bbox_to_anchor=(1, 1), ncols=4, borderpad=0.1)


def _trace(place: Any, steps: Array, trace: Trace, colour: str, scale: float, gid: str, height: float) -> None:
    """A curve in the unit of the axis: values and threshold over ``scale``; spikes at ``height`` of the panel."""
    name = gid[-1].upper()
    style = {"lw": 1.3 if name == "A" else 0.9, "c": colour}
    unit = "" if scale == 1.0 else f" / {scale:g}"
    place.plot(steps, trace.values / scale, label=f"{name}{unit}", **style)[0].set_gid(gid)
    if trace.threshold is not None:
        label = f"threshold {name} {trace.threshold:g}{unit}"
        line = place.axhline(trace.threshold / scale, ls=":", lw=1, c=colour, label=label)
        line.set_gid(f"{gid}-threshold")
    if trace.spikes is not None:
        at = steps[trace.spikes != 0]
        dots = place.scatter(
            at, np.full(at.size, height), marker="|", s=40, c=colour, transform=place.get_xaxis_transform()
        )
        dots.set_gid(f"{gid}-spikes")


def table(membranes: Sequence[Membrane]) -> Table:
    """A row per neuron and step. Values are as recorded, each side in its own unit."""
    rows = []
    for item in membranes:
        b, (a_key, b_key) = item.b, item.keys
        ends = (None if b is None else item.scale, item.a.threshold, None if b is None else b.threshold)
        for number, value in enumerate(item.a.values):
            place = (a_key, b_key, item.lag, item.sample, item.neuron, item.first_step + number)
            spikes = [None if side is None or side.spikes is None else side.spikes[number] for side in (item.a, b)]
            rows.append((*place, value, None if b is None else b.values[number], *ends, *spikes))
    return Table(COLUMNS, tuple(rows))
