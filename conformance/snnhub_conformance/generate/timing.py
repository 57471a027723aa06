"""Family ``time``: when things happen. Delays on every kind of edge, before the start and behind the end, loops,
parallel paths, samples.

Most cases have no neurons: what is wrong with time shows without them, and nothing else can be wrong.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from snnhub.ir.builder import GraphBuilder
from snnhub.ir.graph import Port
from snnhub.ir.numtype import F32, SPIKE, NumType, signed, unsigned
from snnhub.ir.tensor import Array

from snnhub_conformance.generate.graphs import Drawn, Random, Sketch, cuba, dense, neurons, start
from snnhub_conformance.generate.loops import loop_cases
from snnhub_conformance.generate.transforms import coarse, fine

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


def sketches() -> Iterator[Sketch]:
    """The whole family."""
    yield from edge_cases()
    yield from meeting_cases()
    yield from length_cases()
    yield from batch_cases()
    yield from batch_of_neurons()
    yield from neuron_cases()
    yield from number_cases()
    yield from loop_cases()


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
                    _placed(kind, place, delay),
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
        _biased(2),
        "delay.behind-synapse",
        "bias.dropped",
    )
    yield timed(
        "a synapse with a bias in front of a delay", "The bias comes out late.", _biased(0, 2), "bias.dropped"
    )


def _placed(kind: NumType, place: str, delay: int) -> Build:
    def build(builder: GraphBuilder, x: Port, random: Random) -> None:
        port = dense(builder, "a", x, matrix(random, 3, 2, kind), delay=delay * (place == "behind the input"))
        if place == "between two nodes":
            port = dense(builder, "b", port, matrix(random, 2, 3, kind), delay=delay)
        builder.output(port, delay=delay * (place == "in front of the output"))

    return build


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


def _biased(before: int, behind: int = 0) -> Build:
    def build(builder: GraphBuilder, x: Port, random: Random) -> None:
        a = dense(builder, "a", x, matrix(random, 3, 2), bias=coarse(random, (3,)), delay=before)
        builder.output(a, delay=behind)

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


def length_cases() -> Iterator[Sketch]:
    """Behind the end of the input; one frame for many steps."""
    for kind in (F32, BYTE):
        yield timed(
            f"{kind}, steps beyond the input",
            "The input is zero there; what is under way still comes out.",
            _placed(kind, "between two nodes", 2),
            "time.input-held",
            length=3,
            steps=8,
            kind=kind,
        )
    yield timed(
        "steps beyond the input, bias",
        "Biases go on.",
        _biased(1, 1),
        "time.input-held",
        "delay.behind-synapse",
        length=2,
        steps=7,
    )
    yield timed("a run shorter than the input", "", _placed(F32, "behind the input", 1), length=6, steps=3)
    yield timed(
        "one frame, held",
        "The frame is shown in every step.",
        _placed(F32, "between two nodes", 1),
        "hold.once",
        length=1,
        steps=5,
        hold=5,
    )
    yield timed(
        "one frame, held for a part of the run",
        "Behind it the input is zero.",
        _placed(F32, "between two nodes", 1),
        "hold.once",
        "time.input-held",
        length=1,
        steps=8,
        hold=4,
    )
    yield timed(
        "one frame, held, samples",
        "",
        _placed(F32, "in front of the output", 1),
        "hold.once",
        length=1,
        steps=4,
        hold=4,
        batch=2,
    )
    yield timed(
        "several frames where one may be held",
        "They are shown one after the other.",
        _placed(F32, "between two nodes", 1),
        length=4,
        hold=4,
    )


def batch_cases() -> Iterator[Sketch]:
    """Samples share nothing."""
    comment = "A sample begins with empty delay lines and initial states."
    for kind in (F32, BYTE):
        yield timed(
            f"{kind}, samples and a delay",
            comment,
            _placed(kind, "between two nodes", 2),
            "state.kept",
            "batch.first",
            "batch.first-only",
            batch=2,
            length=5,
            kind=kind,
            landmine=20,
        )
        yield timed(
            f"{kind}, as many samples as steps",
            comment,
            _placed(kind, "in front of the output", 1),
            "state.kept",
            "batch.first",
            batch=4,
            length=4,
            kind=kind,
            landmine=20,
        )
    for name, build in (("a delay", _placed(F32, "between two nodes", 2)), ("neurons", _spiking())):
        yield constant(f"equal samples of equal steps, {name}", build)
    yield timed("one sample with a batch axis", "", _placed(F32, "between two nodes", 1), batch=1)
    yield timed(
        "samples, steps beyond the input",
        "",
        _placed(F32, "between two nodes", 2),
        "time.input-held",
        batch=2,
        length=3,
        steps=6,
        landmine=20,
    )


def batch_of_neurons() -> Iterator[Sketch]:
    """Samples of neurons share nothing."""
    comment = "A sample begins with empty delay lines and initial states."
    yield timed(
        "samples, IF neurons", comment, _spiking(), "state.kept", "batch.first", batch=3, length=6, landmine=20
    )
    yield timed(
        "samples, LIF neurons, different parameters",
        comment,
        _spiking(tau=True),
        "state.kept",
        "parameter.first",
        batch=3,
        length=6,
        landmine=20,
    )
    for reset in ((3, 0), (3, 1), (5, 4)):
        yield timed(
            f"samples, Loihi neurons, reset {reset}",
            "The phase of the reset begins anew with every sample.",
            _loihi(reset),
            "state.kept",
            "time.counter-stopped",
            batch=2,
            length=7,
            kind=SPIKE,
            landmine=20,
        )


def _spiking(tau: bool = False, depth: int = 1, delay: int = 0) -> Build:
    def build(builder: GraphBuilder, x: Port, random: Random) -> None:
        port = x
        for layer in range(depth):
            port = dense(builder, f"w{layer}", port, np.abs(matrix(random, 2, 2)) / 4, delay=delay)
            times = np.array([2.0, 4.0]) if tau else None
            port = neurons(builder, f"n{layer}", port, tau=times)
        builder.output(port)

    return build


def _loihi(reset: tuple[int, int], **changes: Any) -> Build:
    def build(builder: GraphBuilder, x: Port, random: Random) -> None:
        port = dense(builder, "w", x, random.integers(5, 60, (2, 2)), delay=1)
        builder.output(
            cuba(builder, "n", port, **{"vth": 200, "i_decay": 1000, "v_decay": 100, "reset": reset, **changes})
        )

    return build


def neuron_cases() -> Iterator[Sketch]:
    """Layers of neurons, with and without a step between them."""
    for depth in (1, 2, 3):
        yield timed(
            f"{depth} layers of IF neurons without delay",
            "All layers work within the step: no latency.",
            _spiking(depth=depth),
            *(["time.layer-latency"] if depth else []),
            length=8,
            kind=SPIKE,
            landmine=4,
        )
        yield timed(
            f"{depth} layers of IF neurons, delay 1 each",
            "One step per layer.",
            _spiking(depth=depth, delay=1),
            "delay.dropped",
            "delay.one-late",
            length=10,
            kind=SPIKE,
            landmine=4,
        )


def number_cases() -> Iterator[Sketch]:
    """Parameters for all and for each; more than one spike in a step; resets."""
    for each in (False, True):
        shown = "each" if each else "all"
        yield timed(
            f"LIF neurons, the same numbers given for {shown}",
            "Equal in effect to the other way of giving them.",
            _numbers(each),
            length=8,
            landmine=21,
        )
    yield timed(
        "LIF neurons, another number for each", "", _different, "parameter.first", size=3, length=8, landmine=21
    )
    yield timed(
        "neurons in rows and columns, numbers per row",
        "",
        _rows,
        "parameter.last-axis",
        size=4,
        length=8,
        landmine=21,
    )
    yield timed(
        "Loihi neurons, counts as input",
        "Three spikes in a step are three times the weight.",
        _loihi((0, 0), vth=500),
        "input.binary",
        kind=unsigned(4),
        length=8,
        landmine=16,
    )
    yield timed(
        "IF neurons, counts as input", "", _spiking(), "input.binary", kind=unsigned(4), length=6, landmine=16
    )
    for reset in ((1, 0), (2, 0), (2, 1), (4, 3), (4, 9)):
        yield timed(
            f"Loihi neurons, reset {reset}",
            "Reset before step t where (t + 1 - offset) is a multiple of the interval.",
            _loihi(reset, vth=400),
            *(["time.counter-stopped"] if reset[0] > 1 else []),
            kind=SPIKE,
            length=12,
        )


def _numbers(each: bool) -> Build:
    def build(builder: GraphBuilder, x: Port, random: Random) -> None:
        values_ = {"v_threshold": 1.0, "v_reset": -0.5, "tau": 3.0}
        given: dict[str, Any] = {
            name: np.full(2, value, np.float32) if each else value for name, value in values_.items()
        }
        weight = np.array([[0.5, 1.0], [1.25, -0.25]])
        builder.output(neurons(builder, "n", dense(builder, "w", x, weight), **given))

    return build


def _different(builder: GraphBuilder, x: Port, random: Random) -> None:
    given: dict[str, Any] = {
        "v_threshold": random.integers(2, 9, 3) / 2,
        "v_reset": -random.integers(0, 5, 3) / 4,
        "tau": 2.0 ** random.integers(1, 4, 3),
    }
    builder.output(neurons(builder, "n", x, **given))


def _rows(builder: GraphBuilder, x: Port, random: Random) -> None:
    square = builder.node("r", "core.Reshape", x, shape=(2, 2))
    builder.output(
        neurons(builder, "n", square, v_threshold=np.array([[2.0], [6.0]]), v_reset=np.array([[0.0], [-1.0]]))
    )
