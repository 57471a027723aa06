"""Four bases for a set of weights: Lloyd's iteration over their subset sums, from fixed starts and from starts
that the weights suggest; nothing is drawn, so the same weights give the same bases.

Each round gives every weight to its nearest level, then solves the 4 x 4 least squares problem for the bases that
fit best (Lloyd 1982, with levels that are not free but sums). With sorted weights and prefix sums a round costs a
binary search per level, whatever the number of weights; all starts run side by side.
"""

from __future__ import annotations

from functools import cache
from itertools import combinations, product

import numpy as np

from snnhub_dynapse2.limits import BASES, MASKS
from snnhub_dynapse2.network import Floats
from snnhub_dynapse2.quantiser.levels import Sample, cells, digits

RATIOS = {1: ((1.3, 2.0, 3.0), (1.4, 2.0), (1.3, 2.0, 4.0)), 2: ((1.5, 2.5, 3.0), (2.0, 3.0), (2.0, 3.0))}
"""Ratios of a base to the one before it, from the smallest on, by depth."""
REACHES = (0.5, 0.8, 1.0)
"""The sum of the bases as a part of the largest weight that they start with."""
PARTS = (0.5, 0.7, 0.85, 0.93, 0.97, 0.985, 0.995, 0.998)
FEW = (1, 2, 4, 8, 16)
"""Where a tail may begin: after this part of the weights, or before the so many largest."""
FIRST, LATER, KEPT = 8, 24, 16
"""Rounds of all starts, rounds of the best, and how many these are."""
RIDGE = 1e-9
"""Keeps a base that no weight uses where it is."""


@cache
def starts(depth: int) -> Floats:
    """(sets, 4) bases for weights up to 1."""
    rows = [(1.0, a, a * b, a * b * c) for a, b, c in product(*RATIOS[depth])]
    shapes = np.array(rows)
    shapes = shapes / shapes.sum(1, keepdims=True) / depth
    uniform = np.array([[1.0, 2.0, 4.0, 8.0]]) / 15 if depth == 1 else np.array([[1.0, 3.0, 9.0, 27.0]]) / 80
    found = np.concatenate([uniform, *(shapes * reach for reach in REACHES)])
    found.flags.writeable = False
    return found


def tails(sample: Sample, depth: int) -> Floats:
    """(sets, 4) bases for weights of which a few are much larger than the others: two or three bases for the many,
    the others for the tail; and one for weights that are all far from 0.
    """
    values, n = sample.values, sample.values.size
    low, high = float(values[0]), float(values[-1])
    rows = [(low, *(part * (high - low) / 7 for part in (1, 2, 4)))]
    for edge in sorted({int(n * part) for part in PARTS} | {n - few for few in FEW}):
        if not 0 < edge < n:
            continue
        top, tail = float(values[edge - 1]), float(values[edge:].mean())
        half = (edge + n) // 2
        lower = float(values[edge:half].mean()) if half > edge else tail
        upper = float(values[half:].mean())
        three, two = (top / 7, top * 2 / 7, top * 4 / 7), (top / 3, top * 2 / 3)
        rows += [(*three, max(tail - top / 2, top)), (*three, tail)]
        rows += [(*two, lower, upper), (*two, lower, max(upper - lower, lower))]
    return np.sort(np.array(rows), axis=1) / depth


def combined(sample: Sample, depth: int) -> Floats:
    """(sets, 4) bases out of the weights themselves, or out of 15 levels that fit them best one by one where they
    are more: of all fours the nearest. They find bases that make the weights exactly, if they are among them.
    """
    levels = np.unique(sample.values)
    if levels.size >= MASKS:
        levels = _free(sample)
    if levels.size < BASES:
        levels = np.concatenate([levels, np.full(BASES - levels.size, levels[-1])])
    fours = np.array(list(combinations(levels.tolist(), BASES)))
    order = np.argsort(cells(sample, fours, depth).error, kind="stable")
    return fours[order[:KEPT]]


def _free(sample: Sample) -> Floats:
    """(15,) levels above 0 that need not be sums: Lloyd's iteration from quantiles."""
    values = sample.values
    levels = np.quantile(values, np.arange(1, MASKS) / MASKS)
    for _ in range(LATER):
        edges = np.searchsorted(values, np.concatenate([[levels[0] / 2], (levels[1:] + levels[:-1]) / 2]))
        edges = np.concatenate([edges, [values.size]])
        counts = np.diff(edges)
        levels = np.sort(np.where(counts > 0, np.diff(sample.sums[edges]) / np.maximum(counts, 1), levels))
    return levels


def improved(sample: Sample, bases: Floats, depth: int) -> tuple[Floats, Floats]:
    """One round: ``bases`` (sets, 4) to better ones, and the error (sets,) of those that came in."""
    found = cells(sample, bases, depth)
    rows = digits(depth)
    products = (rows[:, :, None] * rows[:, None, :]).reshape(len(rows), BASES * BASES)
    normal = (found.count @ products).reshape(-1, BASES, BASES)
    ridge = RIDGE * max(1, sample.values.size)
    normal += ridge * np.eye(BASES)
    right = found.total @ rows + ridge * bases
    return np.maximum(np.linalg.solve(normal, right[..., None])[..., 0], 0.0), found.error


def best_bases(sample: Sample, depth: int) -> Floats:
    """(KEPT, 4) bases, ascending in a row, the best row first. The weights' largest is the scale of the starts."""
    sets = np.concatenate(
        [starts(depth) * float(sample.values[-1]), tails(sample, depth), combined(sample, depth)]
    )
    for _ in range(FIRST):
        sets, _ = improved(sample, sets, depth)
    sets = sets[np.argsort(cells(sample, sets, depth).error, kind="stable")[:KEPT]]
    best, least = sets, cells(sample, sets, depth).error
    for _ in range(LATER):
        sets, _ = improved(sample, sets, depth)
        error = cells(sample, sets, depth).error
        better = error < least
        best = np.where(better[:, None], sets, best)
        least = np.minimum(least, error)
        if not better.any():
            break
    return np.asarray(np.sort(best[np.argsort(least, kind="stable")], axis=1))
