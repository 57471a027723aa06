"""Numbers of a snnTorch neuron as stored ones: one for all, or one for each of the features."""

from __future__ import annotations

from typing import Any

import numpy as np
from snnhub.findings import note
from snnhub.ir.tensor import Array, Tensor, tensor
from snnhub.torchnet.signals import RefusedError
from snnhub.torchnet.site import Site

UNFIT, CLAMPED = "SNN-3533", "SNN-3534"
F32_BYTES = 4
EXACT = 2**24
"""Integers up to this are f32 numbers."""


def per_neuron(name: str, value: Any, features: tuple[int, ...]) -> Tensor:
    """A number, or an array that torch broadcasts onto (N, features…), with an axis for each of the features.

    A 0-d number of f64 is rounded to f32, as torch does beside f32.

    Raises ``RefusedError`` for numbers that are not finite, not exact in f32, or differ between samples.
    """
    found = _plain(name, value)
    if found.ndim == 0:
        return tensor(found)
    while found.ndim > len(features) and found.shape[0] == 1:
        found = found[0]
    shape = (1,) * (len(features) - found.ndim) + found.shape
    fits = len(shape) == len(features) and all(own in (1, size) for own, size in zip(shape, features, strict=True))
    if not fits:
        words = f"{name} of shape {list(found.shape)} does not go with one sample's features {list(features)}"
        raise RefusedError(UNFIT, words, "Give one number, or one for each feature.")
    return tensor(found.reshape(shape))


def _plain(name: str, value: Any) -> Array:
    """The numbers in f32, as torch sees them beside f32."""
    import torch

    if not isinstance(value, torch.Tensor):
        value = torch.as_tensor(value)
    given = value.detach().cpu().numpy()
    if given.dtype.itemsize > F32_BYTES and given.dtype.kind == "f" and given.ndim:
        raise RefusedError(UNFIT, f"{name} is {value.dtype}", "Convert the network with net.float().")
    found: Array = given.astype(np.float32)
    if not np.all(np.isfinite(found)):
        raise RefusedError(UNFIT, f"{name} is not finite", "Look at how the network was trained.")
    if given.dtype.kind in "iu" and given.size and int(np.abs(given).max()) > EXACT:
        raise RefusedError(UNFIT, f"{name} is an integer beyond 2^24", "Give it as a float.")
    return found


def factor(name: str, value: Any, features: tuple[int, ...], site: Site) -> Tensor:
    """A decay as snnTorch uses it, clamped to 0 .. 1 in each step; where that changes it, a finding says so."""
    given = per_neuron(name, value, features)
    clamped = np.clip(given.array, np.float32(0), np.float32(1))
    changed = int((clamped != given.array).sum())
    if not changed:
        return given
    worst = given.array[clamped != given.array].flat[0]
    words = f"{changed} of {given.array.size} {name} lie outside 0 .. 1; snnTorch clamps them in every step"
    site.builder.findings.append(
        note(CLAMPED, site.name, words, old=f"{name} = {worst:g}", new=f"{name} = {np.clip(worst, 0, 1):g}")
    )
    return tensor(clamped)
