"""Firing-rate ratios: how decided networks are over many samples, as histograms over each other."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from snnhub.api.counted import OUTPUT, Mismatch, Side, Wanted, count_side, take
from snnhub.api.draws import DRAWS
from snnhub.api.options import ImportOptions
from snnhub.api.plotted import Output, Plotted, finish, pictures_at
from snnhub.compare.rate_ratio import RateRatio, rate_ratio, summary
from snnhub.errors import UsageError
from snnhub.findings import Finding, info
from snnhub.ir.tensor import Array
from snnhub.plot.ratio_histogram import COLUMNS, Curve, draw, table

Progress = Callable[[int, int], None]
MOST = 8
"""Curves that can be told apart."""


@dataclass(frozen=True)
class _Measured:
    curve: Curve
    row: dict[str, Any]
    findings: tuple[Finding, ...]


def plot_ratios(
    networks: Any,
    output: Output,
    *,
    stimulus: Array,
    marked: Array | None = None,
    mismatch: float | None = None,
    runs: int = DRAWS,
    seed: int = 0,
    record: str = OUTPUT,
    from_: str | None = None,
    options: ImportOptions | None = None,
    progress: Progress | None = None,
) -> Plotted:
    """Draw how often each firing-rate ratio (most active over least active neuron of ``record``) occurs over the
    samples of ``stimulus`` (time, samples, features…).

    ``networks``: a source, a graph, a list of them, or a mapping from the name of each curve to a source, a graph
    or several graphs. ``marked``: samples of the same form whose ratios are drawn as lines, such as those that the
    network was trained for. ``mismatch``: also draw every single network with that share of mismatch, over
    ``runs`` draws from ``seed``. ``options``: for importing sources.

    Raises ``UsageError`` for networks with a single neuron there, and what ``distribution`` raises;
    ``MissingPeerError`` without matplotlib.
    """
    named = _named(networks)
    pictures = pictures_at(output, COLUMNS, [item for _, item in named])
    array = np.asarray(stimulus)
    wanted = Wanted(array, record, progress)
    measured: list[_Measured] = []
    for name, given in named:
        side = take(given, array, from_=from_, options=options)
        label = name or side.name
        measured.append(_measure(label, side, wanted, marked, None))
        if mismatch is not None and len(side.graphs) == 1:
            drawn = Mismatch(mismatch, runs, seed)
            words = f"{label}, {100 * mismatch:.3g} % mismatch, {runs} draws"
            measured.append(_measure(words, side, wanted, marked, drawn))
    if len(measured) > MOST:
        raise UsageError("too many curves for one picture", found=str(len(measured)), allowed=f"{MOST}")
    curves = [item.curve for item in measured]
    draw(curves, pictures)
    rows = [item.row for item in measured]
    findings = [finding for item in measured for finding in item.findings]
    names = [curve.name for curve in curves]
    return finish("ratios", names, pictures, table(curves), rows, findings, record=record)


def _named(networks: Any) -> list[tuple[str, Any]]:
    if isinstance(networks, Mapping):
        return [(str(name), item) for name, item in networks.items()]
    if isinstance(networks, list | tuple | Iterator):
        found = [("", item) for item in networks]
        if not found:
            raise UsageError("no network to draw")
        return found
    return [("", networks)]


def _measure(name: str, side: Side, wanted: Wanted, marked: Array | None, mismatch: Mismatch | None) -> _Measured:
    counted = count_side(name, side, wanted, mismatch)
    ratios = _ratios(counted.flat())
    marks: list[RateRatio] = []
    if marked is not None:
        lines = Wanted(np.asarray(marked), wanted.record)
        marks = _ratios(count_side(name, side, lines, mismatch).flat())
    seen = summary(ratios)
    row = {
        "network": name,
        **seen.to_json(),
        "won": _won(ratios, counted.spikes.shape[-1]),
        "each": [item.to_json() for item in ratios],
        "marks": [item.to_json() for item in marks],
    }
    return _Measured(Curve(name, tuple(ratios), tuple(marks)), row, (*counted.findings, *_without(name, ratios)))


def _ratios(counts: Array) -> list[RateRatio]:
    return [rate_ratio(row) for row in counts]


def _won(ratios: Sequence[RateRatio], neurons: int) -> list[int]:
    """In how many runs each neuron was the most active one, ties left out."""
    return [sum(item.winner == neuron for item in ratios) for neuron in range(neurons)]


def _without(name: str, ratios: Iterable[RateRatio]) -> list[Finding]:
    seen = summary(ratios)
    if not seen.infinite and not seen.silent:
        return []
    words = (
        f"of {seen.runs} runs {seen.infinite} have a silent neuron, so that the ratio is infinite, and "
        f"{seen.silent} are silent altogether; they are counted by themselves"
    )
    return [info("SNN-5407", name, words)]
