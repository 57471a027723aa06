"""Numbers of a sinabs layer as parameters of ops: torch's own values, in f32, broadcast onto the features."""

from __future__ import annotations

import math
from typing import Any

from snnhub.ir.tensor import Tensor, tensor
from snnhub.torchnet.signals import RefusedError

NUMBERS = "SNN-3551"
KEEP = "Use a number, or a float32 tensor with one entry per neuron (features…)."


Features = tuple[int, ...] | None
"""Axes of one sample without time; None where they are not known yet, and shapes are not looked at."""


def coefficient(name: str, value: Any, features: Features, recipe: str = "") -> Tensor:
    """``value`` (number or tensor) as f32, 0-d or with as many axes as ``features``.

    Torch computes with a 0-d tensor or a number in the other operand's f32, and with a longer f64 tensor in f64.
    Raises ``RefusedError`` for that, for shapes that are not broadcast onto (N, features…), and for what is not
    finite. ``recipe``: how it was computed.
    """
    import torch

    values = torch.as_tensor(value).detach().cpu()
    if values.is_complex() or values.dtype == torch.bool:
        raise RefusedError(NUMBERS, f"{name} is {values.dtype}", KEEP)
    if values.ndim and values.dtype == torch.float64:
        words = f"{name} is a float64 tensor of shape {list(values.shape)}: potentials would be in float64"
        raise RefusedError(NUMBERS, words, f"Use {name}.float(): a single number may be float64.")
    shape = tuple(values.shape) if features is None else _shape(name, tuple(values.shape), features)
    shaped = values.reshape(shape).to(torch.float32)
    if not bool(torch.isfinite(shaped).all()):
        raise RefusedError(NUMBERS, f"{name} is not finite in float32", KEEP)
    made = tensor(shaped.numpy())
    return made.described(recipe) if recipe else made


def _shape(name: str, shape: tuple[int, ...], features: tuple[int, ...]) -> tuple[int, ...]:
    """``shape`` aligned to the right with ``features``; a batch axis of one entry goes."""
    if math.prod(shape) == 1 and len(shape) <= len(features) + 1:
        return ()
    kept = shape[1:] if len(shape) == len(features) + 1 and shape[0] == 1 else shape
    full = (1,) * (len(features) - len(kept)) + kept
    if len(full) != len(features) or any(own not in (1, size) for own, size in zip(full, features, strict=True)):
        raise RefusedError(NUMBERS, f"{name} of shape {list(shape)} for features {list(features)}", KEEP)
    return full
