"""In which order CPython 3.8 to 3.13 goes through a set of pairs of names where ``PYTHONHASHSEED`` is 0.

Importers that go through sets of edges take one of several ways by this order. The protocol pins the seed, and
so it can be told. Sources: the string hash is SipHash-1-3 (Aumasson and Bernstein 2012) with a key of zeros (PEP
456); the tuple hash is xxHash's of one lane per item; the set is an open table searched in runs of ten entries.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

WORD = 2**64 - 1
P1, P2, P5 = 11400714785074694791, 14029467366897019727, 2870177450012600261
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
    table: list[tuple[str, str] | None] = [None] * 8
    for used, pair in enumerate(dict.fromkeys(pairs), 1):
        _put(table, pair)
        if used * 5 >= (len(table) - 1) * 3:
            size = 8
            while size <= used * (2 if used > 50000 else 4):
                size *= 2
            old, table = table, [None] * size
            for item in old:
                if item is not None:
                    _put(table, item)
    return [item for item in table if item is not None]


def _put(table: list[tuple[str, str] | None], pair: tuple[str, str]) -> None:
    mask = len(table) - 1
    perturb = tuple_hash(pair)
    at = perturb & mask
    while True:
        for place in range(at, at + (RUN if at + RUN <= mask else 0) + 1):
            if table[place] is None:
                table[place] = pair
                return
        perturb >>= 5
        at = (at * 5 + 1 + perturb) & mask
