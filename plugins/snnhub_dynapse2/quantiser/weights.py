"""The weights of one core: four bases shared by both signs, and one or two masks for each synapse."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from snnhub.errors import UnsupportedError
from snnhub.findings import error

from snnhub_dynapse2.dac import BASES, Code, nearest, span
from snnhub_dynapse2.dac import amps as amps_of
from snnhub_dynapse2.limits import CAM, MASKS
from snnhub_dynapse2.network import Floats, Ints
from snnhub_dynapse2.quantiser.grid import snapped
from snnhub_dynapse2.quantiser.levels import Sample, digits, masks_of
from snnhub_dynapse2.quantiser.levels import nearest as nearest_level
from snnhub_dynapse2.quantiser.lloyd import best_bases

GAIN = "DEAM_EGAIN_P"
LOWEST, HIGHEST = 2e-10, 6e-8
"""Between these currents (A) a base has coarse code 2 to 4: there codes are near each other, and the bias model
is right to 0.4 %; below and above it is off by up to 10 % and 1 %.
"""
GAIN_HIGHEST = 1.9e-7
"""The same for Igain_syn, which moves against iscale."""
HALF = 0.5
"""Where iscale puts the largest base at least, as a part of the largest current, whatever the gain."""
SPLITS = ("off", "auto")
ISCALES = ("auto", "keep")


@dataclass(frozen=True, eq=False)
class CoreWeights:
    """``codes`` and ``bases`` (A) of the four base weights, none in a core without synapses; ``iscale`` in A per
    unit of weight, ``gain``: the code of Igain_syn that keeps its product with iscale, None where it is not set
    here. ``masks`` (n, 1 or 2), ``values`` (n,): what each synapse weighs now, in units of weight, with its sign.
    """

    codes: tuple[Code, ...]
    bases: Floats
    iscale: float
    gain: Code | None
    masks: Ints
    values: Floats


def quantise(
    weights: Floats,
    iscale: float,
    gain: float,
    *,
    target: Ints | None = None,
    split: str = "off",
    choose: str = "auto",
    place: str = "core",
) -> CoreWeights:
    """``weights`` (n,) of the synapses of a core, none of them 0; ``iscale`` and ``gain`` (Igain_syn) in A.

    ``split`` ``auto``: a synapse may be a sum of two masks while its neuron (``target``) has CAM left. ``choose``
    ``auto``: iscale may change, its product with the gain is kept; ``keep``: neither changes. The same weights
    give the same result. Raises ``UnsupportedError`` if a base would need more current than there is.
    """
    gain = max(gain, span(GAIN)[0])
    if not weights.size:
        code = nearest(GAIN, gain) if choose == "auto" else None
        kept = gain * iscale / amps_of(GAIN, code) if code else iscale
        return CoreWeights((), np.zeros(0), kept, code, np.zeros((0, 1), np.int64), np.zeros(0))
    sample = Sample.of(np.abs(weights))
    found = [(1, best_bases(sample, 1))]
    if split == "auto":
        found.append((2, best_bases(sample, 2)))
    results = [
        _at(weights, sample, bases, depth, iscale, gain, target, split, choose, place) for depth, bases in found
    ]
    errors = [float(np.square(result.values - weights).mean()) for result in results]
    return results[int(np.argmin(errors))]


def _at(
    weights: Floats,
    sample: Sample,
    bases: Floats,
    depth: int,
    iscale: float,
    gain: float,
    target: Ints | None,
    split: str,
    choose: str,
    place: str,
) -> CoreWeights:
    needed = float(sample.values[-1]) / depth
    chosen, code = _iscale(bases, needed, iscale, gain, choose, place)
    codes, amps = snapped(sample, bases, chosen, depth)
    masks = _masks(np.abs(weights), amps / chosen, target, split)
    values = np.sign(weights) * (digits(1)[masks] @ (amps / chosen)).sum(axis=1)
    return CoreWeights(codes, amps, chosen, code, masks, values)


def _iscale(
    bases: Floats, needed: float, iscale: float, gain: float, choose: str, place: str
) -> tuple[float, Code | None]:
    """The iscale with which the bases fit, and the code of the gain that goes with it. Raises if the largest
    weight (``needed``: of one mask) is beyond the sum of four bases; one base alone may be, it is then clipped.
    """
    top = span(BASES[0])[1]
    largest, used = float(bases[0].max()), bases[0][bases[0] > 0]
    chosen, code = iscale, None
    if choose == "auto":
        wanted = iscale
        if largest * iscale > HIGHEST:
            least = max(HIGHEST / largest, min(gain * iscale / GAIN_HIGHEST, HALF * top / largest))
            wanted = min(iscale, least)
        elif float(used.min()) * iscale < LOWEST:
            wanted = min(LOWEST / float(used.min()), HIGHEST / largest)
        low, high = span(GAIN)
        code = nearest(GAIN, min(max(gain * iscale / wanted, low), high))
        chosen = gain * iscale / amps_of(GAIN, code)
    if needed * chosen > len(BASES) * top:
        raise _saturated(needed * chosen, len(BASES) * top, place)
    return chosen, code


def _saturated(needed: float, top: float, place: str) -> UnsupportedError:
    words = "the largest weight needs more current than four base weights have"
    remedy = "Use a smaller iscale, or smaller weights with a larger Igain_syn."
    found, allowed = f"{needed:.4g} A", f"at most {top:.4g} A"
    item = error("SNN-2512", place, words, old=found, bound=allowed, remedy=remedy)
    return UnsupportedError(words, where=place, found=found, allowed=allowed, remedy=remedy, findings=[item])


def _masks(magnitudes: Floats, bases: Floats, target: Ints | None, split: str) -> Ints:
    one = masks_of(nearest_level(magnitudes, bases, 1), 1)
    if split != "auto" or target is None:
        return one
    two = masks_of(nearest_level(magnitudes, bases, 2), 2)
    gained = _off(magnitudes, one, bases) - _off(magnitudes, two, bases)
    chosen = (gained > 0) & (two[:, 1] != 0)
    order = np.lexsort((np.arange(target.size), -gained * chosen, target))
    ends = target[order]
    first = np.searchsorted(ends, ends)
    rank = np.empty(target.size, np.int64)
    rank[order] = np.arange(target.size) - first
    free = CAM - np.bincount(target)[target]
    both = np.where((chosen & (rank < free))[:, None], two, np.column_stack([one, np.zeros_like(one)]))
    return both if both[:, 1].any() else one


def _off(magnitudes: Floats, masks: Ints, bases: Floats) -> Floats:
    return np.asarray(np.square((digits(1)[masks] @ bases).sum(axis=1) - magnitudes))


def uniform_error(weights: Floats) -> float:
    """Mean square error of plain uniform four bits of ``weights`` (n,), none of them 0: what to be better than."""
    magnitudes = np.abs(weights)
    step = float(magnitudes.max(initial=0)) / (MASKS - 1)
    return float(np.square(np.rint(magnitudes / step) * step - magnitudes).mean()) if step else 0.0
