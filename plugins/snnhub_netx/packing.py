"""What Lava makes of a dense weight matrix before it multiplies.

Lava-DL's reader shifts a matrix up until it fills eight bits and hands Lava an exponent and a number of
weight bits; Lava's dense synapse clips and truncates, multiplies, and shifts the *sum* back. For mixed and
non-negative matrices this loses nothing. For matrices without a positive entry the two disagree on the
sign mode, and weights change: a uniform -8 becomes 0. Followed step by step from lava-dl 0.6.0
(``netx/utils.py``) and lava-nc 0.10.0 (``proc/dense``, ``utils/weightutils.py``).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from snnhub.ir.tensor import Array

LOWEST, HIGHEST = -256, 254


@dataclass(frozen=True)
class Packed:
    """A matrix as the reader hands it to Lava: mantissas, weight bits, and the exponent of the sum."""

    mantissas: Array
    weight_bits: int
    exponent: int


@dataclass(frozen=True)
class Effective:
    """What Lava computes with: ``(weight . s) >> shift``. ``shift`` is 0 unless the packing was lossy."""

    weight: Array
    shift: int


def loadable(weight: Array) -> bool:
    """Whether Lava-DL's reader can load the matrix at all: it fails on one that is all zero."""
    return bool(np.any(weight))


def pack(weight: Array) -> Packed:
    """Fill eight bits. ``weight``: integers (out, in), not all zero."""
    if (weight.max() > HIGHEST and weight.min() < 0) or (weight.min() < LOWEST and weight.max() > 0):
        weight = np.clip(weight, LOWEST, HIGHEST)
    highest, lowest = int(weight.max()), int(weight.min())
    mixed = highest >= 0 and lowest < 0
    if mixed:
        scale = min(127 / highest if highest else np.inf, -128 / lowest)
    else:
        scale = 255 / highest if highest > 0 else -256 / lowest
    shift = int(np.floor(np.log2(scale))) + mixed
    spare = next((n for n in range(8, 0, -1) if not np.any(weight % 2**n)), 0) - mixed
    mantissas = weight << shift if shift >= 0 else np.zeros_like(weight)
    return Packed(mantissas, 8 - shift - spare, -shift)


def multiply_with(mantissas: Array, packed: Packed) -> Effective:
    """What the dense synapse computes with ``mantissas``, which may be a part of the packed matrix."""
    inhibitory = mantissas.max() <= 0 and mantissas.min() < 0
    mixed = mantissas.max() > 0 and mantissas.min() < 0
    size = -mantissas if inhibitory else mantissas
    size = np.clip(size, -256 if mixed else 0, 255)
    truncated = 8 - packed.weight_bits + mixed
    # A one-signed part of a mixed matrix with odd weights is shifted by -1, which in NumPy gives 0.
    size = (size >> truncated) << truncated if truncated >= 0 else np.zeros_like(size)
    weight = -size if inhibitory else size
    if packed.exponent > 0:
        return Effective(weight << packed.exponent, 0)
    shift = -packed.exponent
    if not np.any(weight % 2**shift):
        return Effective(weight >> shift, 0)
    return Effective(weight, shift)


def effective(weight: Array) -> Effective:
    """What Lava computes for a dense layer with this weight matrix (out, in)."""
    packed = pack(weight)
    return multiply_with(packed.mantissas, packed)


def effective_recurrent(weight: Array, weight_rec: Array) -> tuple[Effective, Effective]:
    """The same for a recurrent layer, whose two matrices are packed together and multiplied apart."""
    packed = pack(np.hstack([weight, weight_rec]))
    split = weight.shape[1]
    return multiply_with(packed.mantissas[:, :split], packed), multiply_with(packed.mantissas[:, split:], packed)


def survives(weight: Array, weight_rec: Array | None = None) -> bool:
    """Whether Lava computes with exactly these weights."""
    if weight_rec is None:
        whole = loadable(weight)
        return whole and _same(effective(weight), weight)
    if not loadable(np.hstack([weight, weight_rec])):
        return False
    first, second = effective_recurrent(weight, weight_rec)
    return _same(first, weight) and _same(second, weight_rec)


def _same(found: Effective, weight: Array) -> bool:
    return found.shift == 0 and bool(np.array_equal(found.weight, weight))
