"""Scales: by which number the weights of a layer are multiplied before they are rounded to even integers.

Loihi's weights are even integers in -256 .. 254, its threshold an integer, and it fires above the threshold
where the float network fires at it. How ``>=`` becomes ``>``, for a scale alpha and threshold theta:

without decay, v is an integer: v >= alpha theta  <=>  v > ceil(alpha theta) - 1, for any alpha;
with decay, v has 6 more bits: v >= m + 1/64 <=> v > m, so alpha theta = m + 1/64 with an integer m.

All of it in rational arithmetic: one ulp on the wrong side of an integer would cost a whole unit.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from snnhub.ir.tensor import Array

LOWEST, HIGHEST = -256, 254
MAX_THRESHOLD = 2**17 - 1
FRACTION = Fraction(1, 64)
CANDIDATES = 24
SMALLEST_PART = 0.55
"""Scales below this part of the largest one throw away a bit; none of them has ever been the best."""


@dataclass(frozen=True)
class LayerNumbers:
    """Float weights (and biases) of all synapses into a layer, its threshold, and whether it leaks."""

    weights: tuple[Array, ...]
    bias: Array | None
    v_threshold: float
    compare: str
    leaks: bool


def threshold(scale: Fraction, numbers: LayerNumbers) -> int:
    """``vThMant`` for a scale: the chip fires above it exactly when the scaled float network fires."""
    scaled = scale * Fraction(numbers.v_threshold)
    if numbers.compare == "ge":
        return math.ceil(scaled) - 1
    return math.floor(scaled)


def exact_threshold(scale: Fraction, numbers: LayerNumbers) -> bool:
    """Whether the chip's comparison decides like the float one for every value that its v can take."""
    if not numbers.leaks:
        return True
    rest = scale * Fraction(numbers.v_threshold) - threshold(scale, numbers)
    return 0 < rest <= FRACTION if numbers.compare == "ge" else 0 <= rest < FRACTION


def largest_scale(numbers: LayerNumbers) -> Fraction:
    """The largest scale at which no weight is clipped and the threshold has a place; 1 for all-zero weights."""
    bounds = [Fraction(MAX_THRESHOLD) / Fraction(numbers.v_threshold)]
    for weight in numbers.weights:
        high, low = float(weight.max(initial=0.0)), float(weight.min(initial=0.0))
        # rounding to even goes up by less than one, so 255 and -257 would still be in range; keep off them
        bounds += [Fraction(HIGHEST) / Fraction(high)] if high > 0 else []
        bounds += [Fraction(LOWEST) / Fraction(low)] if low < 0 else []
    if not any(weight.any() for weight in numbers.weights):
        return min(Fraction(64), bounds[0])
    return min(bounds)


def lossless_scale(numbers: LayerNumbers) -> Fraction | None:
    """The largest scale at which weights, biases and threshold are carried over without rounding, if there is one.

    Weights on a coarse grid (average pooling, ternary networks) have one; trained weights do not.
    """
    return next((scale for scale in grid_scales(numbers) if exact_threshold(scale, numbers)), None)


def grid_scales(numbers: LayerNumbers) -> Iterator[Fraction]:
    """Scales at which every weight is an even integer and every bias an integer, largest first.

    On a grid, potentials land on the threshold exactly and often: what matters then is that these sums stay exact,
    even where the threshold itself is not (a leaking neuron fires above an integer, and not at it).
    """
    values = np.concatenate([weight.reshape(-1) for weight in numbers.weights])
    unit = _common_unit(values)
    if unit is None or unit == 0:
        return
    top = largest_scale(numbers)
    steps = int(top * unit / 2)
    for step in range(steps, 0, -1):
        scale = Fraction(2 * step) / unit
        whole_bias = numbers.bias is None or all(
            (scale * Fraction(float(b))).denominator == 1 for b in numbers.bias.flat
        )
        if whole_bias:
            yield scale


def _common_unit(values: Array) -> Fraction | None:
    """The largest number that every value is an integer multiple of, if that is at most 128 of them."""
    sizes = np.unique(np.abs(values[values != 0]))
    if not sizes.size or sizes.size > 128:
        return None
    unit = Fraction(0)
    for size in sizes:
        unit = _gcd(unit, Fraction(float(size)))
        if Fraction(float(sizes[-1])) / unit > 128:
            return None
    return unit


def _gcd(a: Fraction, b: Fraction) -> Fraction:
    common = math.lcm(a.denominator, b.denominator)
    return Fraction(math.gcd(int(a * common), int(b * common)), common)


def candidates(numbers: LayerNumbers, count: int = CANDIDATES) -> list[Fraction]:
    """Scales worth trying, largest first: those at which the threshold is carried over without rounding."""
    top = largest_scale(numbers)
    theta = Fraction(numbers.v_threshold)
    offset = FRACTION if numbers.leaks and numbers.compare == "ge" else Fraction(0)
    highest = math.floor(top * theta - offset)
    lowest = max(1, math.floor(highest * SMALLEST_PART))
    if highest < 1:
        return [top] if not numbers.leaks else [(offset or FRACTION / 2) / theta]
    chosen = sorted({int(m) for m in np.linspace(lowest, highest, min(count, highest - lowest + 1))}, reverse=True)
    scales = [(m + offset) / theta for m in chosen]
    if not numbers.leaks and len(scales) < count:
        # few whole thresholds fit: any other scale is right too, with its threshold rounded up
        scales += [
            top * Fraction(round(1000 * part), 1000)
            for part in np.linspace(SMALLEST_PART, 1.0, count - len(scales))
        ]
    return sorted(set(scales), reverse=True)


def even_integers(weight: Array, scale: Fraction) -> tuple[Array, int]:
    """``2 * round(scale * weight / 2)``, half to even, clipped to Loihi's range; and how many were clipped."""
    wanted = 2 * np.rint(weight.astype(np.float64) * (float(scale) / 2))
    clipped = np.clip(wanted, LOWEST, HIGHEST)
    return clipped.astype(np.int64), int(np.count_nonzero(clipped != wanted))
