"""The format: one JSON object, checked as a whole. See the README for a description.

All problems of a file are reported at once, each with its place.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from snnhub.errors import FormatError, UsageError
from snnhub.findings import Finding, error

from snnhub_example.op import NUMBERS, RESETS

FORMAT, VERSION = "snnhub-example", 1
LARGEST = float(np.finfo(np.float32).max)
MAX_BYTES = 2**26
"""Larger files are refused before they are read: a hostile one must not fill the memory."""


@dataclass(frozen=True)
class Layer:
    """``weight``: f32 (out, in). ``numbers``: the op's parameters; None where the file does not say."""

    name: str
    weight: NDArray[np.float32]
    numbers: dict[str, float | None]
    reset: str


def parse(path: Path) -> tuple[str, list[Layer]]:
    """Name and layers of a file. Raises ``UsageError`` if there is none, ``FormatError`` with every problem."""
    try:
        if path.stat().st_size > MAX_BYTES:
            raise FormatError("file is too large", where=str(path), allowed=f"{MAX_BYTES} bytes")
        data = json.loads(path.read_bytes().decode("utf-8"))
    except OSError as problem:
        raise UsageError("cannot be read", where=str(path), found=problem.strerror or "") from None
    except (ValueError, RecursionError) as problem:  # not UTF-8, or not JSON
        raise FormatError("not JSON", where=str(path), found=str(problem)[:100]) from None
    if not isinstance(data, dict) or (data.get("format"), data.get("version")) != (FORMAT, VERSION):
        raise FormatError(
            "not a file of this format", where=str(path), allowed=f"format {FORMAT}, version {VERSION}"
        )
    problems: list[Finding] = []
    rows = data.get("layers")
    rows = rows if isinstance(rows, list) else []
    layers = [layer for number, row in enumerate(rows) if (layer := _layer(row, f"layers/{number}", problems))]
    for number, (before, after) in enumerate(pairwise(layers)):
        if before.weight.shape[0] != after.weight.shape[1]:
            problems.append(error("SNN-3107", f"layers/{number + 1}/weight", "does not fit the layer before it"))
    if not rows or len({layer.name for layer in layers}) != len(layers):
        problems.append(error("SNN-3101", "layers", "needs a list of layers with different names"))
    if problems:
        words = f"{len(problems)} problems; the first: {problems[0].message}"
        raise FormatError(words, where=f"{path}:{problems[0].place}", findings=problems)
    return str(data.get("name", path.stem)), layers


def _layer(row: Any, place: str, problems: list[Finding]) -> Layer | None:
    """A layer, or None with what is wrong with it added to ``problems``."""
    before = len(problems)
    row = row if isinstance(row, dict) else {}
    name, reset = row.get("name"), row.get("reset", "value")
    if not isinstance(name, str) or not name.isidentifier() or name in ("input", "output"):
        problems.append(error("SNN-3101", f"{place}/name", "needs a name of letters, digits and _"))
    if reset not in RESETS:
        problems.append(error("SNN-3101", f"{place}/reset", f"allowed {', '.join(RESETS)}"))
    problems += [
        error("SNN-3105", f"{place}/{key}", "no such field")
        for key in row
        if key not in ("name", "reset", "weight", *NUMBERS)
    ]
    numbers: dict[str, float | None] = {}
    for key in NUMBERS:
        value = row.get(key)
        if value is not None and not _is_number(value):
            problems.append(error("SNN-3104", f"{place}/{key}", "needs one finite number"))
        numbers[key] = value if value is None or not _is_number(value) else float(value)
    weight = _matrix(row.get("weight"))
    if weight is None:
        problems.append(error("SNN-3101", f"{place}/weight", "needs rows of finite numbers, all of one length"))
    if weight is None or len(problems) > before:
        return None
    return Layer(str(name), weight, numbers, str(reset))


def _is_number(value: Any) -> bool:
    """A JSON number that f32 holds. A bool is none."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return math.isfinite(value) and abs(value) <= LARGEST


def _matrix(rows: Any) -> NDArray[np.float32] | None:
    if not isinstance(rows, list) or not rows or not all(isinstance(row, list) and row for row in rows):
        return None
    if len({len(row) for row in rows}) != 1 or not all(_is_number(value) for row in rows for value in row):
        return None
    return np.array(rows, np.float32)
