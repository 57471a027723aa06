"""Four bases for a set of weights: Lloyd's iteration over their subset sums, from the same starts every time.

Each round gives every weight to its nearest level, then solves the 4 x 4 least squares problem for the bases that
fit best (Lloyd 1982, with levels that are not free but sums). With sorted weights and prefix sums a round costs a
binary search per level, whatever the number of weights; all starts run side by side.
"""

from __future__ import annotations

from functools import cache
from itertools import product

import numpy as np

from snnhub_dynapse2.limits import BASES
from snnhub_dynapse2.network import Floats
from snnhub_dynapse2.quantiser.levels import Sample, cells, digits

RATIOS = {1: ((1.3, 2.0, 3.0), (1.4, 2.0), (1.3, 2.0, 4.0)), 2: ((1.5, 2.5, 3.0), (2.0, 3.0), (2.0, 3.0))}
"""Ratios of a base to the one before it, from the smallest on, by depth."""
REACHES = (0.5, 0.8, 1.0)
"""The sum of the bases as a part of the largest weight that they start with."""
FIRST, LATER, KEPT = 8, 24, 12
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
    sets = starts(depth) * float(sample.values[-1])
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
