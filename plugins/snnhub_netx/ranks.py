"""Entries of a layer whose number of axes or of values no reader could take."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from math import prod

from snnhub.findings import Finding, error
from snnhub.ir.tensor import Array

GEOMETRY = {"stride": 2, "padding": 2, "dilation": 2, "groups": 1}
"""How many numbers there may be at most; one stands for both axes."""
MATRICES = ("weight", "weight_rec")


def rank_problems(kind: str, arrays: Mapping[str, Array], place: str) -> Iterator[Finding]:
    """What is wrong with the arrays of a layer, each by itself."""
    shape = arrays.get("shape")
    if shape is not None and (shape.ndim > 1 or not shape.size):
        yield _wrong(f"{place}/shape", shape, "one number or a list of numbers")
        return
    if kind == "conv":
        for name, most in GEOMETRY.items():
            if name in arrays and not 1 <= arrays[name].size <= most:
                yield _wrong(f"{place}/{name}", arrays[name], f"1 .. {most} numbers")
    rows = prod(int(size) for size in shape.reshape(-1)) if shape is not None else 1
    for name in MATRICES:
        flat = kind.startswith("dense") and name in arrays and arrays[name].ndim == 1 and rows > 0
        if flat and arrays[name].size % rows:
            yield _wrong(f"{place}/{name}", arrays[name], f"a multiple of {rows} numbers")


def _wrong(place: str, found: Array, allowed: str) -> Finding:
    return error("SNN-3101", place, "has a shape that cannot be read", old=str(list(found.shape)), remedy=allowed)
