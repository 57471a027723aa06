"""Bases onto the currents that the bias generator has: coordinate descent of the mean square error over codes."""

from __future__ import annotations

from functools import cache

import numpy as np

from snnhub_dynapse2.dac import BASES as PARAMETERS
from snnhub_dynapse2.dac import Code, grid
from snnhub_dynapse2.limits import BASES, MASKS
from snnhub_dynapse2.network import Floats, Ints
from snnhub_dynapse2.quantiser.levels import Sample, cells

NEIGHBOURS = np.array([-3, -2, -1, 1, 2, 3])
ROUNDS = 30
FINALISTS = 3
COARSE = 24
"""Fine codes from here on are taken: lower ones are steps of more than 4 %, and a lower coarse code has them
too.
"""


def snapped(sample: Sample, finalists: Floats, iscale: float, depth: int) -> tuple[tuple[Code, ...], Floats]:
    """Codes of the four bases and their currents in A, ascending. ``finalists``: (sets, 4) bases in units of
    weight; uniform four bits is always one more of them, so that the result is never worse than it, and four
    equal bases, which reach farthest where one alone would be beyond the range.
    """
    currents, codes = base_grid()
    steps = currents / iscale
    more = np.array([[1.0, 2.0, 4.0, 8.0], [3.75] * BASES]) * float(sample.values[-1]) / (MASKS - 1)
    rows = np.concatenate([finalists[:FINALISTS], more])
    places, errors = _descended(sample, np.abs(steps - rows[..., None]).argmin(axis=2), steps, depth)
    best = np.sort(places[int(errors.argmin())])
    return tuple(codes[place] for place in best), currents[best]


@cache
def base_grid() -> tuple[Floats, tuple[Code, ...]]:
    """Currents that a base weight may take, in A, ascending, and their codes."""
    currents, codes = grid(PARAMETERS[0])
    taken = np.array([code.coarse == 0 or code.fine >= COARSE for code in codes])
    return currents[taken], tuple(code for code, take in zip(codes, taken, strict=True) if take)


def _descended(sample: Sample, places: Ints, steps: Floats, depth: int) -> tuple[Ints, Floats]:
    """For every set (row of four places on the grid) the best change of one base by a few codes, again and again
    until none helps. Returns the places and their errors.
    """
    least = cells(sample, steps[places], depth).error
    moves = np.kron(np.eye(BASES, dtype=np.int64), NEIGHBOURS[:, None])
    for _ in range(ROUNDS):
        tried = np.clip(places[:, None] + moves, 0, steps.size - 1)
        errors = cells(sample, steps[tried.reshape(-1, BASES)], depth).error.reshape(len(places), -1)
        best = errors.argmin(axis=1)
        reached = errors[np.arange(len(places)), best]
        better = reached < least
        if not better.any():
            break
        places = np.where(better[:, None], tried[np.arange(len(places)), best], places)
        least = np.minimum(least, reached)
    return places.astype(np.int64), least
