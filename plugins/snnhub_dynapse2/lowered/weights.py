"""Weights as sums of four bases: the number that stands for a mask, and the masks that stand for a number.

``w = sign (n0 W0 + n1 W1 + n2 W2 + n3 W3) / iscale``, added up in this order in f64 and rounded once to f32, is
the only reading of a weight; n counts the CAM entries with that base. The lowered graph and the reader share it.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from snnhub.ir.tensor import Array

from snnhub_dynapse2.network import Floats, Ints
from snnhub_dynapse2.quantiser.levels import digits, masks_of

DEPTHS = (1, 2)
"""CAM entries that a synapse may have."""


def weight_of(counts: Ints, bases: Floats, iscale: float) -> Array:
    """(n,) f32 from ``counts`` (n, 4), below 0 for GABA; ``bases`` (4,) and ``iscale`` in A."""
    total = counts[:, 0] * bases[0]
    for bit in range(1, bases.size):
        total = total + counts[:, bit] * bases[bit]
    return np.asarray((total / iscale).astype(np.float32))


@dataclass(frozen=True, eq=False)
class Levels:
    """The weights that the bases of a core can make. ``bases`` (4,), ``iscale`` in A."""

    bases: Floats
    iscale: float

    @cached_property
    def _known(self) -> tuple[Array, Ints]:
        """(levels,) magnitudes ascending, and their masks (levels, 2): of equal ones the fewest entries."""
        masks = np.concatenate(
            [
                np.column_stack([masks_of(np.arange(len(digits(1))), 1), np.zeros(len(digits(1)), np.int64)]),
                masks_of(np.arange(len(digits(2))), 2),
            ]
        )
        counts = digits(1)[masks].sum(axis=1).astype(np.int64)
        values = weight_of(counts, self.bases, self.iscale)
        order = np.lexsort((masks[:, 0], counts.sum(1), (masks != 0).sum(1), values))
        ranked = values[order]
        first = np.concatenate([[True], ranked[1:] != ranked[:-1]])
        return ranked[first], masks[order][first]

    def masks(self, weights: Array) -> Ints | None:
        """(n, 2) masks of ``weights`` (n,) f32, their signs left out; None if one of them is no sum of bases."""
        values, masks = self._known
        place = np.minimum(np.searchsorted(values, np.abs(weights)), values.size - 1)
        return masks[place] if (values[place] == np.abs(weights)).all() else None
