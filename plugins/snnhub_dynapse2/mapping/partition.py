"""Neurons to parts (chips, or cores) so that few synapses lead from part to part."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from snnhub_dynapse2.network import Floats, Ints

POWERS, MEANS, ROUNDS = 80, 20, 60


def contiguous(groups: Ints, quota: Ints) -> Ints:
    """(n,) parts: the neurons of each group in order. ``quota`` (groups, parts): how many of a group go where."""
    parts = np.empty(groups.size, np.int64)
    for group, counts in enumerate(quota):
        parts[groups == group] = np.repeat(np.arange(counts.size), counts)
    return parts


def spectral(source: Ints, target: Ints, groups: Ints, quota: Ints) -> Ints:
    """(n,) parts: neurons that are close in the leading eigenvectors of the graph together, within the quota."""
    n = groups.size
    degree = np.bincount(source, minlength=n) + np.bincount(target, minlength=n)

    def step(points: Floats) -> Floats:
        return points + _sums(source, points[target], n) + _sums(target, points[source], n)

    return _leading(step, degree, groups, quota)


def listening(source: Ints, target: Ints, groups: Ints, quota: Ints) -> Ints:
    """The same, but neurons that hear the same sources together, wherever these are (inputs count too)."""
    n, sources = groups.size, int(source.max(initial=0)) + 1
    heard = np.maximum(1, np.bincount(source, minlength=sources))[:, None]

    def step(points: Floats) -> Floats:
        return _sums(target, (_sums(source, points[target], sources) / heard)[source], n)

    return _leading(step, np.bincount(target, minlength=n), groups, quota)


def _leading(step: Callable[[Floats], Floats], degree: Ints, groups: Ints, quota: Ints) -> Ints:
    """Parts by the eigenvectors that a power iteration finds; ``step`` applies a matrix whose rows sum up to about
    ``degree``.
    """
    n, parts = groups.size, quota.shape[1]
    root = np.sqrt(degree + 1.0)
    points = np.linalg.qr(np.column_stack([root, np.random.default_rng(0).normal(size=(n, parts - 1))]))[0]
    for _ in range(POWERS):
        points = np.linalg.qr(points + step(points / root[:, None]) / root[:, None])[0]
    return _filled(_distances(points[:, 1:] / root[:, None] * np.sqrt(n), parts), groups, quota)


def _sums(where: Ints, rows: Floats, size: int) -> Floats:
    return np.stack([np.bincount(where, column, minlength=size) for column in rows.T], axis=1)


def _distances(points: Floats, parts: int) -> Floats:
    """(n, parts) squared distances to centres: k-means from the points that are farthest apart."""
    centres = points[[int(np.square(points - points.mean(0)).sum(1).argmax())]]
    for _ in range(parts - 1):
        away = np.square(points[:, None] - centres).sum(2).min(1)
        centres = np.concatenate([centres, points[[int(away.argmax())]]])
    for _ in range(MEANS):
        own = np.square(points[:, None] - centres).sum(2).argmin(1)
        centres = np.stack(
            [points[own == part].mean(0) if (own == part).any() else centres[part] for part in range(parts)]
        )
    return np.asarray(np.square(points[:, None] - centres).sum(2))


def _filled(distance: Floats, groups: Ints, quota: Ints) -> Ints:
    """Every neuron to its nearest part that has room; those first that lose most by another."""
    left = quota.copy()
    ranked = np.sort(distance, axis=1)
    order = np.argsort(-(ranked[:, 1] - ranked[:, 0]), kind="stable")
    wishes = np.argsort(distance, axis=1, kind="stable").tolist()
    parts = np.empty(groups.size, np.int64)
    for neuron in order.tolist():
        room = left[groups[neuron]]
        part = next(part for part in wishes[neuron] if room[part])
        parts[neuron] = part
        room[part] -= 1
    return parts


def cut(source: Ints, target: Ints, parts: Ints) -> int:
    """Synapses from part to part."""
    return int(np.count_nonzero(parts[source] != parts[target]))


def _neighbours(source: Ints, target: Ints, parts: Ints, number: int) -> Ints:
    """(n, parts) neighbours that a neuron has in each part."""
    n = parts.size
    links = np.bincount(source * number + parts[target], minlength=n * number)
    return (links + np.bincount(target * number + parts[source], minlength=n * number)).reshape(n, number)


def reaches(source: Ints, target: Ints, parts: Ints) -> int:
    """Parts that a source reaches, summed over sources: tags that the parts need, where none are shared."""
    return int(np.unique(source * (int(parts.max(initial=0)) + 1) + parts[target]).size)


def _company(source: Ints, target: Ints, parts: Ints, number: int) -> Ints:
    """(n, parts) sources of a neuron that reach somebody else too in each part."""
    n, sources = parts.size, int(source.max(initial=0)) + 1
    reached = np.bincount(source * number + parts[target], minlength=sources * number).reshape(sources, number)
    others = reached[source]
    others[np.arange(target.size), parts[target]] -= 1
    return np.stack([np.bincount(target, column > 0, minlength=n) for column in others.T], axis=1).astype(np.int64)


@dataclass(frozen=True)
class Goal:
    """What a partition is to have little of: ``cost``, and (n, parts) what draws a neuron to a part. A round that
    lowers the cost by a smaller part than ``enough`` is the last.
    """

    cost: Callable[[Ints, Ints, Ints], int]
    pull: Callable[[Ints, Ints, Ints, int], Ints]
    enough: float


CUT = Goal(cut, _neighbours, 0.002)
REACHES = Goal(reaches, _company, 0.01)


def refined(source: Ints, target: Ints, parts: Ints, groups: Ints, goal: Goal = CUT) -> Ints:
    """Swaps neurons of one group between parts while the cost falls (Kernighan and Lin 1970, many pairs at a
    time).
    """
    number = int(parts.max(initial=0)) + 1
    least = goal.cost(source, target, parts)
    for _ in range(ROUNDS):
        before = least
        for pair in combinations(range(number), 2):
            if not set(groups[parts == pair[0]].tolist()) & set(groups[parts == pair[1]].tolist()):
                continue
            pull = goal.pull(source, target, parts, number)
            for share in (2, 8, 1000000):
                tried = _swapped(pull, parts, groups, pair, share)
                reached = goal.cost(source, target, tried)
                if reached < least:
                    parts, least = tried, reached
                    break
        if least > before * (1 - goal.enough):
            break
    return parts


def _swapped(pull: Ints, parts: Ints, groups: Ints, pair: tuple[int, int], share: int) -> Ints:
    """Of each group the pairs that gain most by a swap, a part of those that gain at all."""
    after = parts.copy()
    first, second = pair
    gains = pull[:, second] - pull[:, first]
    for group in np.unique(groups[parts == first]):
        ours = np.flatnonzero((parts == first) & (groups == group))
        theirs = np.flatnonzero((parts == second) & (groups == group))
        ours = ours[np.argsort(-gains[ours], kind="stable")]
        theirs = theirs[np.argsort(gains[theirs], kind="stable")]
        size = min(ours.size, theirs.size)
        good = int(np.count_nonzero(gains[ours[:size]] - gains[theirs[:size]] > 0))
        count = -(-good // share)
        after[ours[:count]], after[theirs[:count]] = second, first
    return after
