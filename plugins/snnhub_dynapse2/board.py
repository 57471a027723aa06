"""Where the chips of a board are, where inputs come from, and where monitored spikes go.

A board file is JSON or TOML with the keys of ``KEYS``. The default is a row of chips at (1, 0) to (4, 0), as
Rockpool and public scripts have it; nothing of it was verified on a board, and ``verified`` says so.
"""

from __future__ import annotations

import json
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from snnhub.errors import FormatError
from snnhub_formats.strictjson import items, located, no_float, parse, record, truth, whole

from snnhub_dynapse2.limits import CHIPS, HOP

KEYS = ("positions", "input", "monitor_hop", "verified")
MAX_BYTES = 2**16
Place = tuple[int, int]


@dataclass(frozen=True)
class Board:
    """``positions`` of the chips as (x, y), ``input``: where the events of input channels start, ``monitor_hop``:
    hops that take a spike off the board. Raises ``FormatError`` if chips cannot reach each other.
    """

    positions: tuple[Place, ...] = ((1, 0), (2, 0), (3, 0), (4, 0))
    input: Place = (0, 0)
    monitor_hop: Place = (-HOP, -HOP)
    verified: bool = False

    def __post_init__(self) -> None:
        if not 1 <= len(self.positions) <= CHIPS or len(set(self.positions)) != len(self.positions):
            raise FormatError("chips are too many, or at one place", found=str(self.positions), allowed=f"{CHIPS}")
        for start in (self.input, *self.positions):
            for chip in range(len(self.positions)):
                hop = self.hop(start, chip)
                if max(map(abs, hop)) > HOP:
                    allowed = f"-{HOP} .. {HOP}"
                    raise FormatError(f"chip {chip} is too far from {start}", found=str(hop), allowed=allowed)
                if hop == self.monitor_hop:
                    raise FormatError(f"the monitor's hops lead from {start} to chip {chip}", found=str(hop))

    def hop(self, start: Place, chip: int) -> Place:
        """Hops in x and y from a place to a chip."""
        x, y = self.positions[chip]
        return x - start[0], y - start[1]

    def chip_at(self, start: Place, hop: Place) -> int | None:
        """The chip that hops lead to, or None: off the board."""
        place = (start[0] + hop[0], start[1] + hop[1])
        return self.positions.index(place) if place in self.positions else None

    def to_json(self) -> dict[str, Any]:
        """The object that a board file holds."""
        return {
            "positions": [list(place) for place in self.positions],
            "input": list(self.input),
            "monitor_hop": list(self.monitor_hop),
            "verified": self.verified,
        }


def board_of(value: Any) -> Board:
    """A board from its JSON. Raises ``FormatError``."""
    positions, start, monitor, verified = record(value, KEYS, "board")
    places = tuple(_place(place, "position of a chip") for place in items(positions, "positions"))
    hop = _place(monitor, "monitor_hop", HOP)
    return Board(places, _place(start, "input"), hop, truth(verified, "verified"))


def _place(value: Any, noun: str, most: int = 63) -> Place:
    x, y = items(value, noun, 2)
    return whole(x, noun, -most, most), whole(y, noun, -most, most)


def read_board(path: Path) -> Board:
    """A board file, JSON or TOML (``.toml``). Raises ``FormatError`` naming the place."""
    data = path.read_bytes() if path.stat().st_size <= MAX_BYTES else b""
    return located(str(path), lambda: board_of(_toml(data) if path.suffix == ".toml" else _json(data)))


def _json(data: bytes) -> Any:
    return parse(data, MAX_BYTES, no_float)


def _toml(data: bytes) -> Any:
    try:
        return tomllib.loads(data.decode())
    except (ValueError, RecursionError) as problem:
        raise FormatError("not TOML", found=str(problem)[:80]) from None


def write_board(board: Board, path: Path) -> None:
    """Write a board file."""
    path.write_text(json.dumps(board.to_json(), indent=1) + "\n")
