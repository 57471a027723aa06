"""Stimuli by formula: the same numbers on every machine, so that a claim can name them in one line."""

from __future__ import annotations

import hashlib
import math

import numpy as np

from snnhub.errors import UsageError
from snnhub.ir.tensor import Array

UNIFORM, BERNOULLI = "uniform", "bernoulli"
FORMULAS = {
    UNIFORM: {"seed": 0.0, "steps": 1000.0, "low": -1.0, "high": 3.0},
    BERNOULLI: {"seed": 0.0, "steps": 1000.0, "rate": 0.3, "value": 1.0},
}
"""By name: what may be said, and what holds where nothing is said."""
MOST = 2**28
"""Values of one stimulus."""


def stimulus_by(formula: str, shape: tuple[int, ...]) -> tuple[Array, str]:
    """The stimulus (time, *shape) in f32, and the formula with every number written out.

    ``uniform:seed=S,steps=T,low=A,high=B``: A + (B - A) u. ``bernoulli:seed=S,steps=T,rate=P,value=V``: V where
    u < P, else 0. u = (word >> 11) 2^-53 of NumPy's PCG64 with ``SeedSequence(S)``, element by element in row
    order; computed in f64 and rounded once to f32.

    Raises ``UsageError`` for an unknown formula, unknown or impossible numbers.
    """
    name, _, rest = formula.partition(":")
    if name not in FORMULAS:
        raise UsageError("unknown formula of a stimulus", found=name, allowed=", ".join(FORMULAS))
    numbers = _numbers(name, rest)
    steps, seed = int(numbers["steps"]), int(numbers["seed"])
    size = math.prod((steps, *shape))
    if steps < 1 or seed < 0 or (steps, seed) != (numbers["steps"], numbers["seed"]) or size > MOST:
        raise UsageError(
            "steps and seed are whole numbers, steps from 1",
            found=formula,
            allowed=f"at most {MOST} values in all",
        )
    words = np.random.PCG64(seed).random_raw(size)
    chance = (words >> np.uint64(11)).astype(np.float64) * 2.0**-53
    if name == UNIFORM:
        values = numbers["low"] + (numbers["high"] - numbers["low"]) * chance
    else:
        values = np.where(chance < numbers["rate"], numbers["value"], 0.0)
    said = ",".join(f"{key}={value:g}" for key, value in numbers.items())
    return values.astype(np.float32).reshape(steps, *shape), f"{name}:{said}"


def _numbers(name: str, text: str) -> dict[str, float]:
    numbers = dict(FORMULAS[name])
    for part in filter(None, text.split(",")):
        key, _, value = part.partition("=")
        try:
            number = float(value)
        except ValueError:
            number = math.nan
        if key not in numbers or not math.isfinite(number) or f"{number:g}" != f"{float(f'{number:g}'):g}":
            raise UsageError(
                "a formula takes NAME=NUMBER", found=part, allowed=", ".join(f"{item}=" for item in numbers)
            )
        numbers[key] = number
    return numbers


def digest_of(values: Array) -> str:
    """SHA-256 over dtype, shape and bytes in row order, little-endian."""
    array = np.ascontiguousarray(values).astype(values.dtype.newbyteorder("<"), copy=False)
    head = f"{array.dtype.str}{list(array.shape)}".encode()
    return f"sha256:{hashlib.sha256(head + array.tobytes()).hexdigest()}"
