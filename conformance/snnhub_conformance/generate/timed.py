"""One graph in time: the frame that cases of the family ``time`` are drawn in, and their numbers."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from snnhub.ir.builder import GraphBuilder
from snnhub.ir.graph import Port
from snnhub.ir.numtype import F32, SPIKE, NumType, signed
from snnhub.ir.tensor import Array

from snnhub_conformance.generate.graphs import Drawn, Random, Sketch, dense, start
from snnhub_conformance.generate.transforms import coarse

BYTE = signed(8)
Build = Callable[[GraphBuilder, Port, Random], None]


def values(random: Random, shape: tuple[int, ...], kind: NumType = F32) -> Array:
    """Small whole numbers, never 0; spikes for an input of spikes."""
    if kind == SPIKE:
        return (random.random(shape) < 0.5).astype(np.uint8)
    low = 1 if kind.is_float or kind.range[0] < 0 else 0
    found = random.integers(low, 9, shape)
    return np.asarray(found * random.choice([-1, 1], shape) if low else found).astype(kind.numpy)


def timed(
    title: str,
    comment: str,
    build: Build,
    *aims: str,
    size: int = 2,
    kind: NumType = F32,
    length: int = 6,
    steps: int = 0,
    batch: int = 0,
    hold: int = 0,
    landmine: int | None = None,
) -> Sketch:
    """A network that ``build`` adds behind an input."""

    def draw(random: Random) -> Drawn:
        builder = start("time")
        build(builder, builder.input((size,), kind, hold=hold), random)
        shape = (length, batch, size) if batch else (length, size)
        return Drawn(builder.graph(), values(random, shape, kind), steps, bool(batch))

    return Sketch(title, comment, draw, aims, (), landmine)


def constant(title: str, build: Build) -> Sketch:
    """The same frame in every step of both samples: only what is left over from another sample shows."""

    def draw(random: Random) -> Drawn:
        builder = start("time")
        build(builder, builder.input((2,), F32), random)
        return Drawn(builder.graph(), np.broadcast_to(values(random, (2,)), (5, 2, 2)).copy(), batched=True)

    return Sketch(title, "A sample begins with empty delay lines and initial states.", draw, ("state.kept",))


def matrix(random: Random, rows: int, columns: int, kind: NumType = F32) -> Array:
    """Small whole weights."""
    found = coarse(random, (rows, columns))
    return found if kind.is_float else found.astype(np.int8)


def placed(kind: NumType, place: str, delay: int) -> Build:
    def build(builder: GraphBuilder, x: Port, random: Random) -> None:
        port = dense(builder, "a", x, matrix(random, 3, 2, kind), delay=delay * (place == "behind the input"))
        if place == "between two nodes":
            port = dense(builder, "b", port, matrix(random, 2, 3, kind), delay=delay)
        builder.output(port, delay=delay * (place == "in front of the output"))

    return build


def biased(before: int, behind: int = 0) -> Build:
    def build(builder: GraphBuilder, x: Port, random: Random) -> None:
        a = dense(builder, "a", x, matrix(random, 3, 2), bias=coarse(random, (3,)), delay=before)
        builder.output(a, delay=behind)

    return build
