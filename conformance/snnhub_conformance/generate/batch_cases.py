"""Runs longer than their input, several samples, neurons in time, parameters for all and for each."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from snnhub.ir.builder import GraphBuilder
from snnhub.ir.graph import Port
from snnhub.ir.numtype import F32, SPIKE, unsigned

from snnhub_conformance.building import cuba, neurons
from snnhub_conformance.generate.graphs import Random, Sketch, dense
from snnhub_conformance.generate.timed import BYTE, Build, biased, constant, matrix, placed, timed


def length_cases() -> Iterator[Sketch]:
    """Behind the end of the input; one frame for many steps."""
    for kind in (F32, BYTE):
        yield timed(
            f"{kind}, steps beyond the input",
            "The input is zero there; what is under way still comes out.",
            placed(kind, "between two nodes", 2),
            "time.input-held",
            length=3,
            steps=8,
            kind=kind,
        )
    yield timed(
        "steps beyond the input, bias",
        "Biases go on.",
        biased(1, 1),
        "time.input-held",
        "delay.behind-synapse",
        length=2,
        steps=7,
    )
    yield timed("a run shorter than the input", "", placed(F32, "behind the input", 1), length=6, steps=3)
    yield timed(
        "one frame, held",
        "The frame is shown in every step.",
        placed(F32, "between two nodes", 1),
        "hold.once",
        length=1,
        steps=5,
        hold=5,
    )
    yield timed(
        "one frame, held for a part of the run",
        "Behind it the input is zero.",
        placed(F32, "between two nodes", 1),
        "hold.once",
        "time.input-held",
        length=1,
        steps=8,
        hold=4,
    )
    yield timed(
        "one frame, held, samples",
        "",
        placed(F32, "in front of the output", 1),
        "hold.once",
        length=1,
        steps=4,
        hold=4,
        batch=2,
    )
    yield timed(
        "several frames where one may be held",
        "They are shown one after the other.",
        placed(F32, "between two nodes", 1),
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
            placed(kind, "between two nodes", 2),
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
            placed(kind, "in front of the output", 1),
            "state.kept",
            "batch.first",
            batch=4,
            length=4,
            kind=kind,
            landmine=20,
        )
    for name, build in (("a delay", placed(F32, "between two nodes", 2)), ("neurons", _spiking())):
        yield constant(f"equal samples of equal steps, {name}", build)
    yield timed("one sample with a batch axis", "", placed(F32, "between two nodes", 1), batch=1)
    yield timed(
        "samples, steps beyond the input",
        "",
        placed(F32, "between two nodes", 2),
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
