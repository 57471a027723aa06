"""Sums that saturate at 16 bits in a fixed order of sources, computed at once wherever order cannot matter."""

from __future__ import annotations

import numpy as np
from snnhub.ir.tensor import Array

from snnhub_xylo.core import HIGH, LOW, Ints

EXACT_F32 = 2**24
CHUNK = 2**20
"""Terms that are looked at one by one at a time: eight megabytes."""
FEW = 0.25
"""Up to this share of active sources only their rows are added up."""
SPARSE = 4
"""Where a target has so many times fewer sources than there are active ones, its terms are picked out."""


class OrderedSum:
    """Adds ``count`` times ``weight`` of every source to currents, source after source, saturating each time.

    ``weights``: (sources, targets), what one event adds; ``caps``: most events per source. Repeating a
    saturating addition of one number is one saturating addition of its multiple, so a source is one term. Where
    the current stays within 16 bits with all terms above 0 alone, and with all below 0 alone, no partial sum in
    any order can leave them, and the sum is a matrix product; elsewhere the terms are taken in order.
    """

    def __init__(self, weights: Ints, caps: Ints) -> None:
        largest = float((np.abs(weights) * caps[:, None]).sum(axis=0).max(initial=0))
        self._float = np.dtype(np.float32 if largest < EXACT_F32 else np.float64)
        self._weights = weights.astype(self._float)
        self._sizes = np.abs(self._weights)
        self._largest = self._sizes.max(axis=1, initial=0)
        self._sources, terms = _fan_in(weights)
        self._terms = terms.astype(np.int32 if largest < 2**30 else np.int64)

    def add(self, currents: Ints, counts: Ints) -> Ints:
        """``currents`` (samples, targets) after one step with ``counts`` (samples, sources) events."""
        active = np.nonzero(counts.any(axis=0))[0]
        if not active.size:
            return currents
        if len(counts) * self._sources.shape[1] * SPARSE < active.size:
            return self._picked(currents, counts)
        rows = slice(None) if active.size > FEW * len(self._weights) else active
        number = counts[:, rows].astype(self._float)
        change = (number @ self._weights[rows]).astype(np.int64)
        total = currents + change
        if ((number @ self._largest[rows])[:, None] <= HIGH - np.abs(currents)).all():
            return total
        tight = np.nonzero(_may_leave(currents, change, (number @ self._sizes[rows]).astype(np.int64)))
        if tight[0].size:
            total[tight] = self._in_order(currents[tight], counts, *tight)
        return total

    def _picked(self, currents: Ints, counts: Ints) -> Ints:
        """As ``add``, from the terms of each target alone: for few samples and targets with few sources."""
        result = np.empty_like(currents)
        for sample, (current, count) in enumerate(zip(currents, counts, strict=True)):
            terms = count.astype(self._terms.dtype).take(self._sources)
            terms *= self._terms
            change, size = terms.sum(axis=1), np.abs(terms).sum(axis=1)
            total = current + change
            tight = np.nonzero(_may_leave(current, change, size))[0]
            if tight.size:
                total[tight] = _add_up(current[tight].astype(terms.dtype), terms[tight])
            result[sample] = total
        return result

    def _in_order(self, currents: Ints, counts: Ints, samples: Array, targets: Array) -> Ints:
        """Those (sample, target) pairs for which order may matter."""
        result, flat = np.empty_like(currents), counts.astype(self._terms.dtype).reshape(-1)
        group = max(1, CHUNK // max(1, self._sources.shape[1]))
        for first in range(0, currents.size, group):
            part = slice(first, first + group)
            places = self._sources[targets[part]] + counts.shape[1] * samples[part, None]
            terms = flat.take(places)
            terms *= self._terms[targets[part]]
            result[part] = _add_up(currents[part].astype(terms.dtype), terms)
        return result


def _may_leave(currents: Ints, change: Ints, size: Ints) -> Array:
    """Whether a partial sum in some order could leave 16 bits: all that add up first, or all that take away.

    ``change``: sum of the terms, ``size``: sum of their sizes, so that those above 0 are half of both together.
    """
    return np.asarray((currents + (size + change) // 2 > HIGH) | (currents - (size - change) // 2 < LOW))


def _fan_in(weights: Ints) -> tuple[Array, Ints]:
    """By target, its sources in order and their weights, filled up with a source of weight 0."""
    targets, sources = np.nonzero(weights.T)
    fan_in = np.bincount(targets, minlength=weights.shape[1])
    place = np.arange(targets.size) - np.repeat(np.cumsum(fan_in) - fan_in, fan_in)
    shape = (weights.shape[1], int(fan_in.max(initial=0)))
    rows, terms = np.zeros(shape, np.intp), np.zeros(shape, np.int64)
    rows[targets, place] = sources
    terms[targets, place] = weights[sources, targets]
    return rows, terms


def _add_up(currents: Ints, terms: Ints) -> Ints:
    """``currents`` (n,) plus ``terms`` (n, sources) from the first to the last, saturating where it happens.

    A sum that saturates on both sides has a closed form, the Skorokhod map on an interval (Kruk, Lehoczky,
    Ramanan, Shreve: An explicit formula for the Skorokhod map on [0, a], Annals of Probability 35, 2007): with
    partial sums p counted from the lower limit, what is cut off is max(min(0, min p), max over s of min(p[s] -
    a, min p[s:])).
    """
    partial = np.cumsum(terms, axis=1, dtype=terms.dtype)
    partial += currents[:, None]
    result = partial[:, -1].copy()
    beyond = np.nonzero((partial.max(axis=1) > HIGH) | (partial.min(axis=1) < LOW))[0]
    if beyond.size:
        from_low = partial[beyond] - LOW
        least_after = np.minimum.accumulate(from_low[:, ::-1], axis=1)[:, ::-1]
        above = np.minimum(from_low - (HIGH - LOW), least_after).max(axis=1)
        result[beyond] -= np.maximum(np.minimum(least_after[:, 0], 0), above)
    return result
