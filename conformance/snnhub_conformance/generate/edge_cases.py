"""Delays on every kind of edge, several edges into one port, paths of different length."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
from snnhub.ir.builder import GraphBuilder
from snnhub.ir.graph import Port
from snnhub.ir.numtype import F32, NumType
from snnhub.ir.tensor import Array

from snnhub_conformance.generate.graphs import Random, Sketch, dense
from snnhub_conformance.generate.timed import BYTE, Build, biased, matrix, placed, timed
from snnhub_conformance.generate.transforms import coarse, fine


def edge_cases() -> Iterator[Sketch]:
    """One delay, on every kind of edge."""
    for kind in (F32, BYTE):
        for delay in (0, 1, 2, 5):
            yield timed(
                f"{kind}, delay {delay} between input and output",
                "What comes out was put in that many steps before.",
                _straight(delay),
                *(["delay.line-filled"] if delay else []),
                kind=kind,
                landmine=22,
            )
            for place in ("behind the input", "between two nodes", "in front of the output"):
                aims = {"behind the input": "delay.input-dropped", "between two nodes": "delay.dropped"}.get(
                    place, "delay.output-dropped"
                )
                if delay == 0 and place != "between two nodes":
                    continue
                yield timed(
                    f"{kind}, delay {delay} {place}",
                    "An edge delivers zero before the start.",
                    placed(kind, place, delay),
                    *([aims, "delay.one-late", "delay.one-early"] if delay else []),
                    kind=kind,
                )
    yield timed(
        "delays on every edge of a path",
        "They add up.",
        _path((1, 2, 3)),
        "delay.input-dropped",
        "delay.output-dropped",
        length=9,
    )
    yield timed(
        "delay 31",
        "The last step alone shows the first.",
        _straight(31),
        "delay.dropped",
        size=1,
        length=32,
    )
    yield timed(
        "a synapse with a bias behind a delay",
        "Before the start zero arrives, and the bias acts from the first step on.",
        biased(2),
        "delay.behind-synapse",
        "bias.dropped",
    )
    yield timed(
        "a synapse with a bias in front of a delay", "The bias comes out late.", biased(0, 2), "bias.dropped"
    )


def _straight(delay: int) -> Build:
    return lambda builder, x, random: builder.output(x, delay=delay)


def _twice(builder: GraphBuilder, x: Port, random: Random) -> None:
    builder.output(x)
    builder.edge(x, Port("output", "x"), 2)


def _path(delays: tuple[int, int, int]) -> Build:
    def build(builder: GraphBuilder, x: Port, random: Random) -> None:
        a = dense(builder, "a", x, matrix(random, 3, 2), delay=delays[0])
        builder.output(dense(builder, "b", a, matrix(random, 2, 3), delay=delays[1]), delay=delays[2])

    return build


def _meeting(
    delays: tuple[int, ...], kind: NumType = F32, fill: Callable[[Random, tuple[int, ...]], Array] = coarse
) -> Build:
    """Edges of several nodes into one port, each with its delay."""

    def build(builder: GraphBuilder, x: Port, random: Random) -> None:
        for number, delay in enumerate(delays):
            weight = fill(random, (3, 2))
            port = dense(builder, f"p{number}", x, weight if kind.is_float else weight.astype(np.int8))
            if number:
                builder.edge(port, Port("sum", "x"), delay)
            else:
                weight = coarse(random, (2, 3))
                last = dense(
                    builder, "sum", port, weight if kind.is_float else weight.astype(np.int8), delay=delay
                )
        builder.output(last)

    return build


def meeting_cases() -> Iterator[Sketch]:
    """Several edges into one port; paths of different length."""
    for kind in (F32, BYTE):
        for delays in ((0, 0), (1, 1, 1), (0, 1), (2, 0), (1, 3, 0)):
            yield timed(
                f"{kind}, edges of delay {delays} into one port",
                "They add up, each with its own delay.",
                _meeting(delays, kind),
                "edges.first-only",
                "edges.last-only",
                *(["delay.longest"] if len(set(delays)) > 1 else []),
                kind=kind,
            )
    yield timed(
        "three edges into an output, f32",
        "Added exactly and rounded once: 2^24 and two ones.",
        _large_last,
        "edges.rounded",
        size=1,
        length=2,
    )
    for count in (3, 5):
        yield timed(
            f"{count} edges into one port, f32",
            "Added exactly and rounded once.",
            _meeting((0,) * count, fill=fine),
            "edges.rounded",
        )
    yield timed(
        "two edges into an output",
        "",
        _twice,
        "edges.first-only",
        "edges.last-only",
        "delay.longest",
    )
    yield timed("two paths, one node longer", "A node takes no time.", _skip(0, 0), "edges.first-only")
    yield timed("two paths, the longer one later", "", _skip(2, 0), "delay.dropped")
    yield timed("two paths, the shorter one later", "", _skip(0, 2), "delay.longest", "delay.dropped")
    yield timed("two components", "Each has its own output.", _components, landmine=22)
    yield timed("one node feeds two outputs", "", _two_outputs, "delay.output-dropped")


def _large_last(builder: GraphBuilder, x: Port, random: Random) -> None:
    weights = (1.0, 1.0, 2.0**24)
    ports = [dense(builder, f"p{number}", x, [[weight]]) for number, weight in enumerate(weights)]
    builder.output(ports[0])
    for port in ports[1:]:
        builder.edge(port, Port("output", "x"))


def _skip(long: int, short: int) -> Build:
    def build(builder: GraphBuilder, x: Port, random: Random) -> None:
        a = dense(builder, "a", x, matrix(random, 3, 2))
        b = dense(builder, "b", a, matrix(random, 2, 3), delay=long)
        end = dense(builder, "end", b, matrix(random, 3, 2))
        builder.edge(x, Port("end", "x"), short)
        builder.output(end)

    return build


def _components(builder: GraphBuilder, x: Port, random: Random) -> None:
    builder.output(dense(builder, "a", x, matrix(random, 2, 2)), "one")
    builder.output(dense(builder, "b", x, matrix(random, 3, 2), delay=1), "two", delay=1)


def _two_outputs(builder: GraphBuilder, x: Port, random: Random) -> None:
    port = dense(builder, "a", x, matrix(random, 3, 2))
    builder.output(port, "now")
    builder.output(port, "later", delay=2)
