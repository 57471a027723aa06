"""Numbers of a norse cell as parameters of ops: what torch makes of them, in f32, broadcast onto the features."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from snnhub.ir.tensor import Tensor, tensor
from snnhub.torchnet.signals import RefusedError

NUMBERS = "SNN-3541"
KEEP = "Use a number, or a float32 tensor with one entry per neuron (features…)."


@dataclass(frozen=True)
class Number:
    """A number or tensor as norse's step computes with it, and how it came about (empty: as it was given)."""

    value: Any
    recipe: str = ""


def given(holder: Any, name: str) -> Number:
    """A field of norse's parameters as it is."""
    return Number(getattr(holder, name))


def times_dt(holder: Any, name: str, dt: float) -> Number:
    """``dt * field``, as norse multiplies them: in f32 where the field is a tensor of f32, else in f64."""
    found = dt * getattr(holder, name)
    return Number(found, f"{precision(found)}: dt * {name}, dt = {dt!r}")


def precision(value: Any) -> str:
    """In what torch computed a product: of Python's numbers in f64, rounded where it meets a tensor."""
    return (
        str(value.dtype).removeprefix("torch.") if hasattr(value, "dtype") else "float64, rounded once to float32"
    )


def checked(name: str, number: Number) -> Any:
    """``number`` as a tensor of f32, whatever its shape.

    Torch computes with a number or a 0-d tensor in the other operand's f32, and with a longer f64 tensor in f64:
    that is refused (``RefusedError``), and so is what is not finite.
    """
    import torch

    values = torch.as_tensor(number.value).detach().cpu()
    if values.is_complex() or values.dtype == torch.bool:
        raise RefusedError(NUMBERS, f"{name} is {values.dtype}", KEEP)
    if values.ndim and values.dtype == torch.float64:
        words = f"{name} is a float64 tensor of shape {list(values.shape)}: norse computes the state in float64"
        raise RefusedError(NUMBERS, words, f"Use {name}.float(): a single number may be float64.")
    values = values.to(torch.float32)
    if not bool(torch.isfinite(values).all()):
        raise RefusedError(NUMBERS, f"{name} is not finite in float32", KEEP)
    return values


def coefficient(name: str, number: Number, features: tuple[int, ...]) -> Tensor:
    """``number`` as f32, 0-d or with as many axes as ``features``.

    Raises ``RefusedError`` as ``checked`` does, and for shapes that are not broadcast onto (N, features…).
    """
    values = checked(name, number)
    made = tensor(values.reshape(_shape(name, tuple(values.shape), features)).numpy())
    return made.described(number.recipe) if number.recipe else made


def _shape(name: str, shape: tuple[int, ...], features: tuple[int, ...]) -> tuple[int, ...]:
    """``shape`` aligned to the right with ``features``; a batch axis of one entry goes."""
    if math.prod(shape) == 1 and len(shape) <= len(features) + 1:
        return ()
    kept = shape[1:] if len(shape) == len(features) + 1 and shape[0] == 1 else shape
    full = (1,) * (len(features) - len(kept)) + kept
    if len(full) != len(features) or any(own not in (1, size) for own, size in zip(full, features, strict=True)):
        raise RefusedError(NUMBERS, f"{name} of shape {list(shape)} for features {list(features)}", KEEP)
    return full
