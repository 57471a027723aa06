"""Reads what Rockpool's ``net.save()`` writes: objects of modules, each parameter a text that is JSON itself.

The file has no class names, no order of modules and no shapes; ``structure`` makes a network of it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from snnhub.errors import FormatError

MAX_BYTES = 2**30
MAX_DEPTH = 40
HEAD = 1 << 16


@dataclass(frozen=True)
class Saved:
    """A module as the file has it. ``values``: f32 arrays, texts, truth values or None by parameter name."""

    path: str
    values: Mapping[str, Any]
    children: tuple[Saved, ...]

    @property
    def name(self) -> str:
        """The last part of the path."""
        return self.path.rpartition("/")[2]

    def walk(self) -> Iterator[Saved]:
        """The module and all below it."""
        yield self
        for child in self.children:
            yield from child.walk()


def looks_saved(path: Path) -> bool:
    """Whether a JSON file is an object of objects whose innermost values are texts that are JSON, or null."""
    try:
        with path.open("rb") as file:
            head = file.read(HEAD).decode("utf-8", "ignore")
    except OSError:
        return False
    return any(
        f'"{name}": "' in head for name in ("weight", "tau_mem", "tau_syn", "tau", "leak_mode", "noise_std")
    )


def read_saved(path: Path) -> Saved:
    """The modules of a saved file.

    Raises ``FormatError`` for what is not an object of modules and numbers: other JSON, duplicate keys, ragged
    lists. ``NaN`` and ``Infinity`` are numbers here; what they are good for is judged later.
    """
    try:
        if path.stat().st_size > MAX_BYTES:
            raise FormatError("file is too large", where=str(path), allowed=f"{MAX_BYTES} bytes")
        data = _decode(path.read_text(encoding="utf-8"))
    except OSError as problem:
        raise FormatError("cannot be read", where=str(path), found=problem.strerror or "") from None
    except UnicodeDecodeError:
        raise FormatError("not UTF-8 text", where=str(path)) from None
    except (ValueError, RecursionError) as problem:
        raise FormatError("not JSON", where=str(path), found=str(problem)[:80]) from None
    if not isinstance(data, dict) or not data:
        raise FormatError("not a saved Rockpool network: no object of modules", where=str(path))
    return _module(data, "", str(path), 0)


def _decode(text: str) -> Any:
    return json.loads(text, object_pairs_hook=_unique)


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    table = dict(pairs)
    if len(table) != len(pairs):
        raise ValueError("duplicate key")
    return table


def _module(data: Mapping[str, Any], path: str, file: str, depth: int) -> Saved:
    if depth > MAX_DEPTH:
        raise FormatError("modules are nested too deeply", where=file, allowed=str(MAX_DEPTH))
    values: dict[str, Any] = {}
    children: list[Saved] = []
    for name, given in data.items():
        if not name or "/" in name or name.partition("/")[0] in ("input", "output"):
            raise FormatError("name of a module or parameter cannot be used", where=f"{file}: {path}", found=name)
        own = f"{path}/{name}" if path else name
        value = _value(given, f"{file}: {own}")
        if isinstance(value, dict):
            children.append(_module(value, own, file, depth + 1))
        else:
            values[name] = value
    return Saved(path, values, tuple(children))


def _value(given: Any, place: str) -> Any:
    """A value, decoded the second time where it is a text: an array, a text, a truth value, an object or None."""
    if isinstance(given, str):
        try:
            given = _decode(given)
        except (ValueError, RecursionError) as problem:
            raise FormatError("parameter is not JSON", where=place, found=str(problem)[:80]) from None
    if given is None or isinstance(given, str | bool | dict):
        return given
    try:
        array = np.asarray(given, dtype=np.float64)
    except (ValueError, TypeError, OverflowError):
        raise FormatError("parameter is not an array of numbers", where=place, found=str(given)[:40]) from None
    with np.errstate(over="ignore"):
        return array.astype(np.float32) if array.ndim else array[()]
