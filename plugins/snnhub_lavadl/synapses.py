"""slayer's synapses as transforms with the weights that they multiply with, and whether their sums are exact."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from snnhub.engine.exact import grid_exponent
from snnhub.findings import Finding, error
from snnhub.ir.tensor import Array

EXACT = 2**24
"""Sums of whole numbers below this are exact in f32 in any order."""

TRANSPOSED = ("ConvTranspose", "Unpool")
"""Synapses that keep their weights as (in, out / groups, y, x)."""

Shape = tuple[int, ...]


@dataclass(frozen=True)
class Step:
    """One transform: op, attributes, and the weight where it has one. ``name``: below the layer's."""

    name: str
    op: str
    attributes: Mapping[str, Any]
    weight: Array | None = None


@dataclass(frozen=True)
class Reach:
    """``terms``: the largest sum of |weights| of one output, in units of ``2**grid``."""

    terms: float
    grid: int

    @property
    def input(self) -> int:
        """The largest whole-number input with which every sum is exact in f32 in any order."""
        return int((EXACT - 1) // self.terms) if self.terms else EXACT - 1


def used_weight(synapse: Any) -> Array:
    """The weights (out, in, y, x) of the last forward, after weight norm, mask and quantisation."""
    hook = synapse._pre_hook_fx
    weight = synapse.weight if hook is None else hook(synapse.weight)
    array: Array = weight.detach().cpu().numpy()
    return np.ascontiguousarray(array[..., 0])


def summed_weight(synapse: Any) -> Array:
    """The weights of the last forward with the axis of outputs first, over which sums go: (out, …)."""
    weight = used_weight(synapse)
    if type(synapse).__name__ not in TRANSPOSED:
        return weight
    groups = np.split(weight, int(synapse.groups))
    return np.concatenate([group.swapaxes(0, 1) for group in groups])


def reach(weight: Array) -> Reach:
    """How far sums go. ``weight``: (out, in, …)."""
    if not np.any(weight):
        return Reach(0.0, 0)
    grid = grid_exponent(weight)
    sizes = np.abs(weight.astype(np.float64)).reshape(len(weight), -1).sum(axis=1)
    return Reach(float(np.ldexp(sizes.max(), -grid)), grid)


def steps(synapse: Any, kind: str, before: Shape, after: Shape, place: str) -> list[Step] | Finding:
    """The transforms of a real synapse that takes ``before`` to ``after``; an ``error`` for one that has none."""
    weight = used_weight(synapse)
    if kind == "Dense":
        return [_dense(weight, before)]
    if kind == "Conv":
        return [Step("synapse", "core.Conv", conv(synapse, int(synapse.groups)), weight)]
    if kind == "Pool":
        return _pool(synapse, weight, before, after)
    if kind == "Unpool":
        return _unpool(synapse, weight, before, after)
    if kind == "ConvTranspose":
        return [Step("synapse", "core.ConvTranspose", transposed(synapse, int(synapse.groups)), weight)]
    return error("SNN-3303", place, f"synapse {kind} is not known", remedy="Use slayer's own synapses.")


def conv(synapse: Any, groups: int) -> dict[str, Any]:
    """Attributes of a convolution without the axis of time."""
    return {
        "bias": False,
        "accumulate": "exact",
        "stride": tuple(int(n) for n in synapse.stride[:2]),
        "padding": tuple(int(n) for n in synapse.padding[:2]),
        "dilation": tuple(int(n) for n in synapse.dilation[:2]),
        "groups": groups,
    }


def transposed(synapse: Any, groups: int) -> dict[str, Any]:
    """Attributes of a transposed convolution without the axis of time."""
    return {**conv(synapse, groups), "output_padding": tuple(int(n) for n in synapse.output_padding[:2])}


def dense(weight: Array, name: str = "synapse") -> Step:
    """``weight``: (out, in)."""
    attributes = {"bias": False, "accumulate": "exact", "shift": 0}
    return Step(name, "core.Dense", attributes, np.ascontiguousarray(weight))


def plain(groups: int, stride: Shape = (1, 1)) -> dict[str, Any]:
    """Attributes of a convolution without padding."""
    return {
        "bias": False,
        "accumulate": "exact",
        "stride": stride,
        "padding": (0, 0),
        "dilation": (1, 1),
        "groups": groups,
    }


def _dense(weight: Array, before: Shape) -> Step:
    if len(before) == 1:
        return dense(weight.reshape(len(weight), -1))
    return Step("synapse", "core.Conv", plain(1), weight)  # a window as large as its input, or one of size 1


def _padded(before: Shape, kernel: Shape) -> tuple[int, int]:
    """Rows and columns of zeros that slayer's sum pooling appends: the remainder, not what is missing."""
    return before[1] % kernel[0], before[2] % kernel[1]


def _pool(synapse: Any, weight: Array, before: Shape, after: Shape) -> list[Step]:
    """A sum over windows. slayer puts the channels one below another and pools the whole as one picture."""
    channels, kernel = before[0], weight.shape[2:]
    rows, columns = _padded(before, kernel)
    found = []
    if rows or columns:
        found.append(Step("pad", "core.Pad", {"before": (0, 0, 0), "after": (0, rows, columns)}))
    size = before[1] + rows, before[2] + columns
    attributes = conv(synapse, channels)
    apart = attributes["stride"] == kernel and attributes["padding"] == (0, 0) and attributes["dilation"] == (1, 1)
    if apart and size[0] % kernel[0] == 0:
        return [*found, Step("synapse", "core.Conv", attributes, np.repeat(weight, channels, axis=0))]
    found.append(Step("rows", "core.Reshape", {"shape": (1, channels * size[0], size[1])}))
    found.append(Step("sums", "core.Conv", {**attributes, "groups": 1}, weight))
    return [*found, Step("synapse", "core.Reshape", {"shape": after})]


def _unpool(synapse: Any, weight: Array, before: Shape, after: Shape) -> list[Step]:
    """Every entry repeated, times its weight; where what entries are spread to overlaps or differs, slayer's own
    arithmetic: a transposed convolution of the channels one below another, as one picture.
    """
    kernel = weight.shape[2:]
    geometry = tuple(synapse.stride[:2]), tuple(synapse.padding[:2]), tuple(synapse.dilation[:2])
    if geometry == (kernel, (0, 0), (1, 1)) and np.unique(weight).size == 1:
        factor = np.full((before[0], 1, 1, 1), weight.reshape(-1)[0], np.float32)
        repeated = Step("repeat", "core.Upsample", {"factor": kernel})
        return [repeated, Step("synapse", "core.Conv", plain(before[0]), factor)]
    rows = Step("rows", "core.Reshape", {"shape": (1, before[0] * before[1], before[2])})
    spread = Step("sums", "core.ConvTranspose", transposed(synapse, 1), weight)
    return [rows, spread, Step("synapse", "core.Reshape", {"shape": after})]
