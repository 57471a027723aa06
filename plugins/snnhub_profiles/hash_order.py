"""In which order CPython 3.8 to 3.13 goes through a set of names, or pairs of them, where ``PYTHONHASHSEED`` is 0.

Importers that go through sets of edges take one of several ways by this order. The protocol pins the seed, and
so it can be told. Sources: the string hash is SipHash-1-3 (Aumasson and Bernstein 2012) with a key of zeros (PEP
456); the tuple hash is xxHash's of one lane per item; the set is an open table searched in runs of ten entries.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence, Set
from typing import TypeVar

T = TypeVar("T", str, tuple[str, str])

WORD = 2**64 - 1
P1, P2, P5 = 11400714785074694791, 14029467366897019727, 2870177450012600261
SMALLEST = 8
"""Places of the smallest table."""
RUN = 9
"""Entries beside the first that are tried before the next place is computed."""


def string_hash(text: str) -> int:
    """``hash(text)`` as an unsigned word."""
    if not text:
        return 0
    top = max(map(ord, text))
    codec = "latin-1" if top < 256 else "utf-16-le" if top < 65536 else "utf-32-le"
    found = _siphash13(text.encode(codec, "surrogatepass"))
    return WORD - 1 if found == WORD else found


def _turned(value: int, bits: int) -> int:
    return ((value << bits) | (value >> (64 - bits))) & WORD


def _half(a: int, b: int, c: int, d: int, s: int, t: int) -> tuple[int, int, int, int]:
    a, c = (a + b) & WORD, (c + d) & WORD
    return _turned(a, 32), _turned(b, s) ^ a, c, _turned(d, t) ^ c


def _round(v: list[int]) -> None:
    v[0], v[1], v[2], v[3] = _half(v[0], v[1], v[2], v[3], 13, 16)
    v[2], v[1], v[0], v[3] = _half(v[2], v[1], v[0], v[3], 17, 21)


def _siphash13(data: bytes) -> int:
    v = [0x736F6D6570736575, 0x646F72616E646F6D, 0x6C7967656E657261, 0x7465646279746573]
    whole = len(data) - len(data) % 8
    words = [int.from_bytes(data[at : at + 8], "little") for at in range(0, whole, 8)]
    words.append((len(data) & 255) << 56 | int.from_bytes(data[whole:], "little"))
    for word in words:
        v[3] ^= word
        _round(v)
        v[0] ^= word
    v[2] ^= 255
    for _ in range(3):
        _round(v)
    return v[0] ^ v[1] ^ v[2] ^ v[3]


def tuple_hash(items: Sequence[str]) -> int:
    """``hash(tuple(items))`` as an unsigned word."""
    acc = P5
    for item in items:
        acc = (_turned((acc + string_hash(item) * P2) & WORD, 31) * P1) & WORD
    acc = (acc + (len(items) ^ (P5 ^ 3527539))) & WORD
    return 1546275796 if acc == WORD else acc


def set_order(pairs: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    """``list(set(pairs))``."""
    return [item for item in _table(pairs, tuple_hash) if item is not None]


def difference_order(names: Iterable[str], gone: Set[str]) -> list[str]:
    """``list(set(names) - gone)``. What stays is put into a new set, or a small ``gone`` out of a copy."""
    table = _table(names, string_hash)
    held = [name for name in table if name is not None]
    if len(held) >> 2 <= len(gone):
        table = _table([name for name in held if name not in gone], string_hash)
    elif len(held) * 5 >= (SMALLEST - 1) * 3 and len(table) != _size(len(held) * 2):
        table = _sized(held, _size(len(held) * 2), string_hash)
    return [name for name in table if name is not None and name not in gone]


def _table(items: Iterable[T], hashed: Callable[[T], int]) -> list[T | None]:
    """The open table after all of ``items`` came in one by one."""
    table: list[T | None] = [None] * SMALLEST
    for used, item in enumerate(dict.fromkeys(items), 1):
        _put(table, item, hashed(item))
        if used * 5 >= (len(table) - 1) * 3:
            held = [each for each in table if each is not None]
            table = _sized(held, _size(used * (2 if used > 50000 else 4)), hashed)
    return table


def _size(more: int) -> int:
    """The power of two above it, 8 at least."""
    return max(SMALLEST, 1 << more.bit_length())


def _sized(items: Iterable[T], size: int, hashed: Callable[[T], int]) -> list[T | None]:
    table: list[T | None] = [None] * size
    for item in items:
        _put(table, item, hashed(item))
    return table


def _put(table: list[T | None], item: T, perturb: int) -> None:
    mask = len(table) - 1
    at = perturb & mask
    while True:
        for place in range(at, at + (RUN if at + RUN <= mask else 0) + 1):
            if table[place] is None:
                table[place] = item
                return
        perturb >>= 5
        at = (at * 5 + 1 + perturb) & mask
