"""What a user may choose of a mapping: the board, the neurons that are watched, how weights are treated."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from snnhub.errors import UsageError

from snnhub_dynapse2.board import Board, read_board
from snnhub_dynapse2.limits import CHIPS
from snnhub_dynapse2.lowered.shape import Shape
from snnhub_dynapse2.mapping.options import Options

BOARD, MONITOR, SPLIT, ISCALE, CHIP_COUNT = "board", "monitor", "split-synapses", "iscale", "chips"
OUTPUT, ALL = "output", "all"
SPAN = re.compile(r"(?P<node>.+):(?P<first>\d{1,7})(-(?P<last>\d{1,7}))?")


@dataclass(frozen=True)
class Chosen:
    """``board`` with as many chips as wanted; ``options`` of the mapper; ``monitor``: names of neurons."""

    board: Board
    options: Options
    monitor: str


def chosen(given: Mapping[str, str]) -> Chosen:
    """From the options of a conversion. Raises ``UsageError`` or ``FormatError`` for what they cannot be."""
    board = read_board(_file(given[BOARD])) if BOARD in given else Board()
    if CHIP_COUNT in given:
        board = _fewer(board, given[CHIP_COUNT])
    return Chosen(board, Options(given.get(SPLIT, "off"), given.get(ISCALE, "auto")), given.get(MONITOR, OUTPUT))


def _file(text: str) -> Path:
    path = Path(text)
    if not path.is_file():
        raise UsageError("no such board file", where=text, remedy="docs/dynapse2.md shows one.")
    return path


def _fewer(board: Board, text: str) -> Board:
    most = len(board.positions)
    if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= most:
        raise UsageError("option chips", found=text, allowed=f"1 .. {most} (a board has up to {CHIPS})")
    return replace(board, positions=board.positions[: int(text)])


def monitored(text: str, shape: Shape) -> tuple[int, ...]:
    """Numbers of the neurons that ``text`` names, those of all layers counted in one row: ``output``, ``all``, or
    ``NODE``, ``NODE:5``, ``NODE:0-9`` with commas between. Raises ``UsageError`` for one that is not there.
    """
    found: set[int] = set()
    sizes = {layer.id: layer.size for layer in shape.layers}
    for part in (item.strip() for item in text.split(",")):
        if part in sizes or part in (OUTPUT, ALL):
            names = [part] if part in sizes else [shape.reads] if part == OUTPUT else list(sizes)
            for name in names:
                own = shape.columns(name)
                found |= set(range(own.start, own.stop))
            continue
        match = SPAN.fullmatch(part)
        name = match["node"] if match else ""
        if match is None or name not in sizes:
            allowed = ", ".join([OUTPUT, ALL, *(f"{name}:0-{size - 1}" for name, size in sizes.items())])
            raise UsageError("neurons to monitor that are not there", found=part, allowed=allowed)
        first, last = int(match["first"]), int(match["last"] or match["first"])
        if not first <= last < sizes[name]:
            raise UsageError(
                "neurons to monitor that are not there", found=part, allowed=f"{name}:0-{sizes[name] - 1}"
            )
        start = shape.columns(name).start
        found |= set(range(start + first, start + last + 1))
    return tuple(sorted(found))
