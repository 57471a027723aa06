"""Neurons to parts (chips, or cores) so that few synapses lead from part to part."""

from __future__ import annotations

from itertools import combinations

import numpy as np

from snnhub_dynapse2.network import Floats, Ints

POWERS, MEANS, ROUNDS = 80, 20, 60
ENOUGH = 0.002
"""A round of swaps that lowers the cut by a smaller part is the last."""


def contiguous(groups: Ints, quota: Ints) -> Ints:
    """(n,) parts: the neurons of each group in order. ``quota`` (groups, parts): how many of a group go where."""
    parts = np.empty(groups.size, np.int64)
    for group, counts in enumerate(quota):
        parts[groups == group] = np.repeat(np.arange(counts.size), counts)
    return parts


def spectral(source: Ints, target: Ints, groups: Ints, quota: Ints) -> Ints:
    """(n,) parts: neurons that are close in the leading eigenvectors of the graph together, within the quota."""
    n, parts = groups.size, quota.shape[1]
    degree = np.sqrt(np.bincount(source, minlength=n) + np.bincount(target, minlength=n) + 1.0)
    points = np.linalg.qr(np.column_stack([degree, np.random.default_rng(0).normal(size=(n, parts - 1))]))[0]
    for _ in range(POWERS):
        points = points + _spread(source, target, points / degree[:, None]) / degree[:, None]
        points = np.linalg.qr(points)[0]
    points = points[:, 1:] / degree[:, None] * np.sqrt(n)
    return _filled(_distances(points, parts), groups, quota)


def _spread(source: Ints, target: Ints, points: Floats) -> Floats:
    n = len(points)
    both = ((source, target), (target, source))
    columns = [sum(np.bincount(a, column[b], minlength=n) for a, b in both) for column in points.T]
    return np.stack(columns, axis=1)


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


def refined(source: Ints, target: Ints, parts: Ints, groups: Ints) -> Ints:
    """Swaps neurons of one group between parts while the cut falls (Kernighan and Lin 1970, many pairs at a
    time).
    """
    number = int(parts.max(initial=0)) + 1
    least = cut(source, target, parts)
    for _ in range(ROUNDS):
        before = least
        for pair in combinations(range(number), 2):
            for share in (2, 8, 1000000):
                tried = _swapped(source, target, parts, groups, pair, share)
                reached = cut(source, target, tried)
                if reached < least:
                    parts, least = tried, reached
                    break
        if least > before * (1 - ENOUGH):
            break
    return parts


def _swapped(source: Ints, target: Ints, parts: Ints, groups: Ints, pair: tuple[int, int], share: int) -> Ints:
    """Of each group the pairs that gain most by a swap, a part of those that gain at all."""
    n, number = parts.size, int(parts.max()) + 1
    links = np.bincount(source * number + parts[target], minlength=n * number)
    links = (links + np.bincount(target * number + parts[source], minlength=n * number)).reshape(n, number)
    after = parts.copy()
    first, second = pair
    gains = links[:, second] - links[:, first]
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
