"""What a mapping chose and no number of the graph says: which neuron is on which core, the base weights of each
core, who is monitored. It travels as the recipe of ``Iscale`` of every node of neurons.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from snnhub.errors import FormatError
from snnhub.ir.graph import Graph
from snnhub_formats.strictjson import finite, items, parse, record, whole

from snnhub_dynapse2.board import Board, board_of
from snnhub_dynapse2.config import Configuration
from snnhub_dynapse2.dac import BASES, Code
from snnhub_dynapse2.limits import CHIPS, CORES, NEURONS
from snnhub_dynapse2.lowered.shape import Shape

WORDS = "current of one unit of weight; mapped to Dynap-SE2: "
CHOICE = ("board", "cores", "monitored")
CORE = ("core", "iscale_A", "bases", "neurons")
TENSOR = "Iscale"
MAX_BYTES = 2**22


@dataclass(frozen=True)
class CoreChoice:
    """``core`` is counted over all chips. ``bases``: four codes, or none where a core has no synapses."""

    core: int
    iscale: float
    bases: tuple[Code, ...]


@dataclass(frozen=True)
class Choice:
    """``core_of``: the core of every neuron by its label; ``monitored``: labels."""

    board: Board
    cores: Mapping[int, CoreChoice]
    core_of: Mapping[tuple[str, int], int]
    monitored: frozenset[tuple[str, int]]


def choice_of(held: Configuration) -> Choice:
    """Of a configured board."""
    cores = {}
    for chip in held.chips:
        for core in chip.cores:
            codes = tuple(core.parameters[name] for name in BASES if name in core.parameters)
            number = CORES * chip.id + core.id
            cores[number] = CoreChoice(number, core.iscale, codes if len(codes) == len(BASES) else ())
    watched = {(row.chip, row.core, row.neuron) for row in held.monitors}
    return Choice(
        held.board,
        cores,
        {(row.node, row.index): CORES * row.chip + row.core for row in held.map},
        frozenset((row.node, row.index) for row in held.map if (row.chip, row.core, row.neuron) in watched),
    )


def recipe(choice: Choice, layer: str, size: int) -> str:
    """The text that goes with a node of ``size`` neurons."""
    where: dict[int, list[int]] = {}
    for index in range(size):
        where.setdefault(choice.core_of[layer, index], []).append(index)
    cores = []
    for number, neurons in sorted(where.items()):
        core = choice.cores[number]
        codes = [[code.coarse, code.fine] for code in core.bases]
        cores.append(dict(zip(CORE, (number, core.iscale, codes, spans(neurons)), strict=True)))
    watched = spans([index for index in range(size) if (layer, index) in choice.monitored])
    document = dict(zip(CHOICE, (choice.board.to_json(), cores, watched), strict=True))
    return WORDS + json.dumps(document, separators=(",", ":"))


def spans(numbers: Sequence[int]) -> list[list[int]]:
    """Ascending numbers as pairs of the first and the last in a row."""
    found: list[list[int]] = []
    for number in numbers:
        if found and found[-1][1] == number - 1:
            found[-1][1] = number
        else:
            found.append([number, number])
    return found


def read_choice(graph: Graph, shape: Shape) -> Choice | None:
    """What the graph says of its mapping; None where it was not mapped. Raises ``FormatError`` for nonsense."""
    texts = {layer.id: graph.node[layer.id].param[TENSOR].recipe for layer in shape.layers}
    if not all(text.startswith(WORDS) for text in texts.values()):
        return None
    board: Board | None = None
    cores: dict[int, CoreChoice] = {}
    core_of: dict[tuple[str, int], int] = {}
    monitored: set[tuple[str, int]] = set()
    for layer in shape.layers:
        document = parse(texts[layer.id].removeprefix(WORDS).encode(), MAX_BYTES, finite)
        where, parts, watched = record(document, CHOICE, "recipe")
        held = board_of(where)
        if board is not None and held != board:
            raise FormatError("layers are mapped to different boards", where=layer.id)
        board = held
        for part in items(parts, "cores"):
            core, neurons = _core(part, layer.size)
            if cores.setdefault(core.core, core) != core:
                raise FormatError(
                    "layers say different things of a core", where=layer.id, found=f"core {core.core}"
                )
            core_of |= {(layer.id, index): core.core for index in neurons}
        monitored |= {(layer.id, index) for index in _numbers(watched, layer.size)}
    missing = [label for label in shape.labels if label not in core_of]
    if missing or board is None:
        raise FormatError("neurons have no core", where=shape.layers[0].id, found=str(missing[:1]))
    return Choice(board, cores, core_of, frozenset(monitored))


def _core(value: Any, size: int) -> tuple[CoreChoice, list[int]]:
    number, iscale, codes, neurons = record(value, CORE, "core")
    if not isinstance(iscale, float) or not 0 < iscale <= 1:
        raise FormatError("iscale_A is out of range", found=repr(iscale)[:40])
    bases = []
    for pair in items(codes, "bases"):
        coarse, fine = items(pair, "code", 2)
        bases.append(Code(whole(coarse, "coarse code", 0, 5), whole(fine, "fine code", 0, 255)))
    if len(bases) not in (0, len(BASES)):
        raise FormatError("a core has four base weights", found=str(len(bases)))
    core = CoreChoice(whole(number, "core", 0, CHIPS * CORES - 1), iscale, tuple(bases))
    return core, _numbers(neurons, size)


def _numbers(value: Any, size: int) -> list[int]:
    found: list[int] = []
    for pair in items(value, "neurons"):
        first, last = (
            whole(number, "neuron", 0, min(size, CHIPS * CORES * NEURONS) - 1) for number in items(pair, "span", 2)
        )
        found += range(first, last + 1)
    if found != sorted(set(found)):
        raise FormatError("neurons are not in order")
    return found
