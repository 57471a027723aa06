"""Strict JSON: no duplicate keys, no large numbers, floats only where a format has them, exactly the expected
keys; else ``FormatError``.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from math import inf, isfinite
from typing import Any, TypeVar

from snnhub.errors import FormatError, SnnhubError

T = TypeVar("T")
EXACT = 2**53
"""Integers up to this size survive every JSON reader, those that use doubles too; larger ones travel as text."""
DIGITS = 17
FLOAT_DIGITS = 32


def no_float(text: str) -> float:
    """Refuses every float: a format that writes them as hexadecimal text. Raises ``ValueError``."""
    raise ValueError(f"number {text[:24]}, allowed integers and, for floats, hexadecimal text")


def finite(text: str) -> float:
    """A float of at most 32 characters that a double holds. Raises ``ValueError``."""
    value = float(text) if len(text) <= FLOAT_DIGITS else inf
    if not isfinite(value):
        raise ValueError(f"number {text[:24]}, allowed finite ones of at most {FLOAT_DIGITS} characters")
    return value


def parse(data: bytes, limit: int, real: Callable[[str], float] = no_float) -> Any:
    """The document. ``real``: reads numbers with a point or an exponent, NaN and infinities, or refuses them by a
    ``ValueError``. Raises ``FormatError`` for more than ``limit`` bytes and anything that is not strict JSON.
    """
    if len(data) > limit:
        raise FormatError("file is too large", found=f"{len(data)} bytes", allowed=f"{limit} bytes")
    try:
        return json.loads(
            data.decode("utf-8"),
            object_pairs_hook=_unique,
            parse_int=_integer,
            parse_float=real,
            parse_constant=real,
        )
    except UnicodeDecodeError:
        raise FormatError("not UTF-8 text") from None
    except (ValueError, RecursionError) as problem:
        words = str(problem)[:80] if isinstance(problem, ValueError) else "nested too deeply"
        raise FormatError("not strict JSON", found=words) from None


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    table = dict(pairs)
    if len(table) != len(pairs):
        raise ValueError("duplicate key")
    return table


def _integer(text: str) -> int:
    value = int(text) if len(text) <= DIGITS else EXACT + 1
    if abs(value) > EXACT or text == "-0":
        raise ValueError(f"number {text[:24]}, allowed -2^53 .. 2^53")
    return value


def record(value: Any, keys: Sequence[str], noun: str) -> list[Any]:
    """The values of an object that has exactly these keys, in their order."""
    if not isinstance(value, dict) or set(value) != set(keys):
        found = ", ".join(sorted(value))[:80] if isinstance(value, dict) else type(value).__name__
        raise FormatError(f"{noun} does not have the keys it must have", found=found, allowed=", ".join(keys))
    return [value[key] for key in keys]


def table(value: Any, noun: str) -> dict[str, Any]:
    """An object with any keys."""
    if not isinstance(value, dict):
        raise FormatError(f"{noun} is not an object", found=type(value).__name__)
    for key in value:
        text(key, noun)
    return value


def items(value: Any, noun: str, length: int | None = None) -> list[Any]:
    """A list, of ``length`` entries where that is given."""
    if not isinstance(value, list) or (length is not None and len(value) != length):
        found = f"{len(value)} entries" if isinstance(value, list) else type(value).__name__
        allowed = "a list" if length is None else f"a list of {length}"
        raise FormatError(f"{noun} is not a list of the right length", found=found, allowed=allowed)
    return value


def text(value: Any, noun: str) -> str:
    """A text without halves of surrogate pairs, which no UTF-8 can hold."""
    if not isinstance(value, str):
        raise FormatError(f"{noun} is not a text", found=type(value).__name__)
    if any("\ud800" <= letter <= "\udfff" for letter in value):
        raise FormatError(f"{noun} is not a text that UTF-8 can hold")
    return value


def whole(value: Any, noun: str, low: int = 0, high: int = EXACT) -> int:
    """An integer in a range."""
    if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
        raise FormatError(f"{noun} is out of range", found=repr(value)[:40], allowed=f"{low} .. {high}")
    return value


def truth(value: Any, noun: str) -> bool:
    """``true`` or ``false``."""
    if not isinstance(value, bool):
        raise FormatError(f"{noun} is neither true nor false", found=repr(value)[:40])
    return value


def located(place: str, read: Callable[..., T], *given: Any) -> T:
    """``read(*given)``, every error a ``FormatError`` that names ``place``."""
    try:
        return read(*given)
    except SnnhubError as problem:
        where = f"{place}: {problem.where}".removesuffix(": ")
        raise FormatError(
            problem.message, where=where, found=problem.found, allowed=problem.allowed, findings=problem.findings
        ) from None
    except (ValueError, OverflowError, TypeError) as problem:
        raise FormatError(str(problem)[:120] or type(problem).__name__, where=place) from None
