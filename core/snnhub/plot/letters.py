"""Rasters in letters, for a terminal."""

from __future__ import annotations

import numpy as np

from snnhub.compare.lag import Train
from snnhub.compare.marks import BOTH, COUNTS, ONLY_A, ONLY_B, Marks
from snnhub.compare.quantity import Quantity
from snnhub.compare.trace_row import TraceRow

WIDTH, HEIGHT = 100, 24
LETTERS = {BOTH: "|", COUNTS: "#", ONLY_A: "A", ONLY_B: "B"}


def text_raster(row: TraceRow, a: Quantity, b: Quantity) -> list[str]:
    """A raster in letters: ``|`` both, ``#`` both, but another number of them, ``A`` or ``B`` one of them, ``:``
    the first divergence.

    The window begins shortly before the first divergence, at the neuron that differs.
    """
    marks = Marks.of(Train.of(a.values), Train.of(b.values), row.lag)
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
    for kind, chosen in marks.kinds().items():
        at, elements = marks.steps[chosen], marks.elements[chosen]
        inside = (at >= start) & (at < start + width) & (elements >= first) & (elements < first + height)
        for step, element in zip(at[inside].tolist(), elements[inside].tolist(), strict=True):
            grid[element - first][step - start] = LETTERS[kind]
    head = f"{row.key}: steps {start} to {start + width - 1}, neurons {first} to {first + height - 1}"
    return [
        f"{head}   | both, # another number, A or B alone, : first divergence",
        *("".join(line) for line in grid),
    ]
