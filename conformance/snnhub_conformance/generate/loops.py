"""Family ``time``, loops: which edge of a loop carries the delay, and what a recurrent bias does at the start."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
from snnhub.ir.builder import GraphBuilder
from snnhub.ir.graph import Port
from snnhub.ir.numtype import F32, SPIKE, NumType

from snnhub_conformance.building import cuba, neurons
from snnhub_conformance.generate.graphs import Drawn, Random, Sketch, dense, start
from snnhub_conformance.generate.transforms import coarse

SIZE = 2


def looped(
    title: str,
    comment: str,
    build: Callable[[GraphBuilder, Port, Random], None],
    *aims: str,
    kind: NumType = F32,
    length: int = 8,
    batch: int = 0,
) -> Sketch:
    """A network with a loop that ``build`` adds behind an input."""

    def draw(random: Random) -> Drawn:
        builder = start("loop")
        build(builder, builder.input((SIZE,), kind), random)
        shape = (length, batch, SIZE) if batch else (length, SIZE)
        spikes = random.random(shape) < 0.6
        x = spikes.astype(np.uint8) if kind == SPIKE else (coarse(random, shape) * spikes).astype(np.float32)
        return Drawn(builder.graph(), x, batched=bool(batch))

    return Sketch(title, comment, draw, aims)


def loop_cases() -> Iterator[Sketch]:
    """Loops through one node and two, with and without neurons."""
    for delay in (1, 2, 3):
        yield looped(
            f"a sum that feeds itself, delay {delay}",
            "y[t] = x[t] + w y[t - delay]",
            _self_loop(delay),
            "time.loop-late",
            *(["delay.one-early"] if delay > 1 else []),
        )
    for first, second in ((1, 0), (0, 1), (1, 1), (2, 0), (0, 2)):
        aims = ["time.loop-late"]
        name = f"delay {first} into the recurrent synapse and {second} out of it"
        yield looped(
            f"neurons and a recurrent synapse, {name}",
            "Without bias only the sum of both counts.",
            _recurrent(first, second),
            *aims,
            length=10,
        )
        extra = ["delay.behind-synapse"] if first else []
        yield looped(
            f"neurons and a recurrent synapse with a bias, {name}",
            "A bias acts from the first step on, unless it is delayed itself.",
            _recurrent(first, second, True),
            "bias.dropped",
            *aims,
            *extra,
            length=10,
        )
        yield looped(
            f"Loihi neurons, a recurrent synapse with a bias, {name}",
            "",
            _loihi(first, second),
            "bias.dropped",
            *extra,
            kind=SPIKE,
            length=10,
        )
    for first, second in ((1, 0), (0, 1), (1, 2)):
        yield looped(
            f"two layers in a loop, delay {first} forwards and {second} back",
            "",
            _two_layers(first, second),
            "time.loop-late",
            length=10,
        )
    yield looped(
        "neurons that hear themselves without a synapse",
        "Spikes come back as input one step later.",
        _direct,
        "time.loop-late",
        length=10,
    )
    yield looped("a loop and a path beside it", "", _beside, "time.loop-late", "edges.first-only", length=10)
    yield looped("a loop, samples", "", _recurrent(1, 0, True), "state.kept", "batch.first", length=6, batch=2)


def _self_loop(delay: int) -> Callable[[GraphBuilder, Port, Random], None]:
    def build(builder: GraphBuilder, x: Port, random: Random) -> None:
        port = dense(builder, "sum", x, np.array([[0.5, 1.0], [-1.0, 0.25]]))
        builder.edge(port, Port("sum", "x"), delay)
        builder.output(port)

    return build


def _weight(random: Random) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    return np.asarray(coarse(random, (SIZE, SIZE)) / 8, np.float32)


def _recurrent(first: int, second: int, bias: bool = False) -> Callable[[GraphBuilder, Port, Random], None]:
    def build(builder: GraphBuilder, x: Port, random: Random) -> None:
        port = neurons(builder, "n", dense(builder, "w", x, _weight(random) + 0.5), tau=2.0)
        own = np.asarray(random.integers(1, 8, SIZE) / 4, np.float32) if bias else None
        back = dense(builder, "rec", port, _weight(random) * 2, bias=own, delay=first)
        builder.edge(back, Port("n", "x"), second)
        builder.output(port)

    return build


def _loihi(first: int, second: int) -> Callable[[GraphBuilder, Port, Random], None]:
    def build(builder: GraphBuilder, x: Port, random: Random) -> None:
        port = dense(builder, "w", x, random.integers(-10, 40, (SIZE, SIZE)), delay=1)
        port = cuba(builder, "n", port, vth=40, i_decay=2048, v_decay=512)
        back = dense(
            builder,
            "rec",
            port,
            random.integers(-20, 20, (SIZE, SIZE)),
            bias=random.integers(1, 20, SIZE),
            delay=first,
        )
        builder.edge(back, Port("n", "a"), second)
        builder.output(port)

    return build


def _two_layers(first: int, second: int) -> Callable[[GraphBuilder, Port, Random], None]:
    def build(builder: GraphBuilder, x: Port, random: Random) -> None:
        a = neurons(builder, "a", dense(builder, "w", x, _weight(random) + 0.5))
        b = neurons(builder, "b", dense(builder, "v", a, _weight(random) + 0.5, delay=first))
        builder.edge(dense(builder, "back", b, _weight(random)), Port("a", "x"), second)
        builder.output(b)

    return build


def _direct(builder: GraphBuilder, x: Port, random: Random) -> None:
    port = neurons(builder, "n", dense(builder, "w", x, _weight(random) + 0.5), v_threshold=1.5)
    builder.edge(port, Port("n", "x"), 1)
    builder.output(port)


def _beside(builder: GraphBuilder, x: Port, random: Random) -> None:
    port = neurons(builder, "n", dense(builder, "w", x, _weight(random) + 0.5))
    builder.edge(dense(builder, "rec", port, _weight(random), delay=1), Port("n", "x"))
    builder.edge(dense(builder, "skip", x, _weight(random) * 2), Port("n", "x"), 2)
    builder.output(port)
