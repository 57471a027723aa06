"""Family ``loihi``: integer networks that a NetX file can hold, so that Lava itself can be put to the test.

They are named and ordered as NetX arranges networks. One step of delay per synapse, and more where it says so.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from math import prod
from typing import Any

import numpy as np
from snnhub.ir.builder import GraphBuilder
from snnhub.ir.graph import Graph, Port
from snnhub.ir.numtype import SPIKE
from snnhub.ir.tensor import Array

from snnhub_conformance.building import cuba
from snnhub_conformance.generate import loihi_graded
from snnhub_conformance.generate.graphs import Drawn, Random, Sketch, conv, dense, start

VTH = 50
"""The threshold of most layers, so that they can be packed: a framework may have one per layer only."""
Given = Callable[[Random], Any]


class Chain:
    """Builds a network layer by layer. ``first``: number of its first layer."""

    def __init__(self, shape: tuple[int, ...]) -> None:
        self.builder: GraphBuilder = start("loihi")
        self.shape = shape
        self.port = self.builder.input(shape, SPIKE)
        self.layer = int(len(shape) > 1)

    def dense(self, weight: Array, delay: Array | int = 0, back: Array | None = None, **numbers: Any) -> Chain:
        """A layer. ``delay``: steps beyond the one of every synapse, (out, in); ``back``: recurrent weights."""
        name, later = f"layer{self.layer}", np.broadcast_to(delay, weight.shape)
        parts = [int(steps) for steps in np.unique(later[weight != 0])]
        synapses = [
            dense(
                self.builder,
                f"{name}/synapse" if len(parts) == 1 else f"{name}/synapse_d{steps}",
                self.port,
                np.where(later == steps, weight, 0),
                delay=1 + steps,
            )
            for steps in parts
        ]
        self.port = cuba(self.builder, name, synapses[0], **numbers)
        for synapse in synapses[1:]:
            self.builder.edge(synapse, Port(name, "a"))
        if back is not None:
            self.builder.edge(
                dense(self.builder, f"{name}/synapse_rec", self.port, back, delay=1), Port(name, "a")
            )
        return self._next((weight.shape[0],))

    def conv(
        self, weight: Array, sizes: tuple[int, int], changes: dict[str, Any] | None = None, **numbers: Any
    ) -> Chain:
        """A convolution; ``sizes``: height and width that come out."""
        name = f"layer{self.layer}"
        port = conv(
            self.builder, f"{name}/synapse", self.port, weight, delay=1, accumulate="wrap24", **(changes or {})
        )
        self.port = cuba(self.builder, name, port, **numbers)
        return self._next((weight.shape[0], *sizes))

    def flatten(self) -> Chain:
        """From (channels, height, width) to elements."""
        self.port = self.builder.node(f"layer{self.layer}", "core.Flatten", self.port, start=0, end=2)
        return self._next((prod(self.shape),))

    def _next(self, shape: tuple[int, ...]) -> Chain:
        self.shape, self.layer = shape, self.layer + 1
        return self

    def graph(self) -> Graph:
        """The network."""
        self.builder.output(self.port)
        return self.builder.graph()


def even(random: Random, shape: tuple[int, ...], low: int = -60, high: int = 100) -> Array:
    """Even weights of both signs, as Lava's packing keeps them."""
    weight = 2 * random.integers(low // 2, high // 2, shape)
    weight.flat[0], weight.flat[-1] = 40, -16
    return np.asarray(weight)


def sketch(
    title: str,
    comment: str,
    build: Callable[[Random], Graph],
    *aims: str,
    length: int = 16,
    steps: int = 0,
    batch: int = 0,
    rate: float = 0.5,
) -> Sketch:
    """A network over random spikes."""

    def draw(random: Random) -> Drawn:
        graph = build(random)
        shape = (length, *([batch] if batch else []), *graph.inputs[0].shape)
        return Drawn(graph, (random.random(shape) < rate).astype(np.uint8), steps, bool(batch))

    return Sketch(title, comment, draw, aims)


def one_layer(**numbers: Given | Any) -> Callable[[Random], Graph]:
    """Four inputs, three neurons. Numbers may be drawn."""

    def build(random: Random) -> Graph:
        own = {name: value(random) if callable(value) else value for name, value in numbers.items()}
        chain = Chain((4,))
        return chain.dense(even(random, (3, 4)), **{"vth": VTH, "v_decay": 128, **own}).graph()

    return build


def layers(depth: int, **numbers: Any) -> Callable[[Random], Graph]:
    """Layers of three neurons."""

    def build(random: Random) -> Graph:
        chain = Chain((3,))
        for _ in range(depth):
            chain.dense(even(random, (3, 3)), **{"vth": VTH, "v_decay": 128, **numbers})
        return chain.graph()

    return build


def sketches() -> Iterator[Sketch]:
    """The whole family."""
    yield from neuron_cases()
    yield from layer_cases()
    yield from delay_cases()
    yield from limit_cases()
    yield from conv_cases()
    yield from batch_cases()
    yield from loihi_graded.sketches()


def neuron_cases() -> Iterator[Sketch]:
    """One layer: decays, thresholds, biases."""
    for i_decay in (0, 1, 1000, 4095, 4096):
        yield sketch(f"one layer, current decay {i_decay}", "", one_layer(i_decay=i_decay))
    for v_decay in (0, 1, 1000, 4095, 4096):
        yield sketch(f"one layer, voltage decay {v_decay}", "", one_layer(v_decay=v_decay, i_decay=2048))
    yield sketch(
        "one layer, inhibited, decays round toward zero",
        "A shift right below zero rounds up.",
        one_layer(i_decay=1001, v_decay=333),
        "round.shr_trunc-as-floor",
    )
    for vth in (0, 1, 2**17 - 1):
        yield sketch(f"one layer, threshold {vth}", "", one_layer(vth=vth, i_decay=2048))
    yield sketch(
        "one layer, exactly at the threshold",
        "It fires above the threshold, not at it.",
        _at_threshold,
        "compare.gt-as-ge",
    )
    bias = {
        "positive": lambda r: r.integers(1, 90, 3),
        "negative": lambda r: -r.integers(1, 90, 3),
        "large": lambda r: r.integers(-(2**15), 2**15, 3),
    }
    for name, given in bias.items():
        yield sketch(
            f"one layer, {name} bias per neuron",
            "Added in every step, times 64.",
            one_layer(bias=given, i_decay=2048),
        )
    for name in ("i_decay", "v_decay"):
        yield sketch(
            f"one layer, {name} per neuron",
            "",
            one_layer(**{name: lambda r: r.integers(0, 4097, 3)}),
            "parameter.first",
        )
    yield sketch(
        "one layer, everything per neuron",
        "",
        one_layer(
            i_decay=lambda r: r.integers(0, 4097, 3),
            v_decay=lambda r: r.integers(0, 4097, 3),
            bias=lambda r: r.integers(-40, 90, 3),
        ),
        "parameter.first",
    )


def _at_threshold(random: Random) -> Graph:
    weight = np.array([[50, 0, 0, 0], [30, 20, 0, 0], [70, 0, -20, 0]])
    return Chain((4,)).dense(weight, vth=VTH, i_decay=4096, v_decay=4096).graph()


def layer_cases() -> Iterator[Sketch]:
    """Several layers, recurrent ones, steps beyond the input."""
    for depth in (2, 3, 4):
        yield sketch(f"{depth} layers", "One step per synapse.", layers(depth), "delay.one-late", "delay.dropped")
    yield sketch("2 layers, slow currents", "", layers(2, i_decay=512))
    yield sketch(
        "2 layers, steps beyond the input",
        "The input is zero there.",
        layers(2, i_decay=1024),
        "time.input-held",
        length=8,
        steps=14,
    )
    yield sketch("a layer as wide as its input", "weight is (out, in).", layers(1), "weight.transposed")
    for i_decay in (4096, 1024):
        yield sketch(
            f"a recurrent layer, current decay {i_decay}",
            "",
            _recurrent(i_decay),
            "time.loop-late",
            "edges.first-only",
            "edges.last-only",
        )
    yield sketch("a recurrent layer between two others", "", _between, "time.loop-late", length=20)


def _recurrent(i_decay: int) -> Callable[[Random], Graph]:
    def build(random: Random) -> Graph:
        numbers: dict[str, Any] = {"vth": VTH, "i_decay": i_decay, "v_decay": 128}
        return Chain((3,)).dense(even(random, (3, 3)), back=even(random, (3, 3), -60, 60), **numbers).graph()

    return build


def _between(random: Random) -> Graph:
    numbers: dict[str, Any] = {"vth": 40, "v_decay": 128}
    chain = Chain((3,)).dense(even(random, (3, 3)), **numbers)
    chain.dense(even(random, (3, 3)), back=even(random, (3, 3), -60, 60), **numbers)
    return chain.dense(even(random, (2, 3)), **numbers).graph()


def delay_cases() -> Iterator[Sketch]:
    """Synapses of more than one step."""
    for delay in (1, 2, 7, 20):
        yield sketch(
            f"every synapse {delay} steps later",
            "",
            _delayed(_fixed(delay)),
            "delay.dropped",
            "delay.line-filled",
            length=26,
        )
    shapes: dict[str, tuple[int, int]] = {"output": (3, 1), "input": (1, 4), "synapse": (3, 4)}
    for name, shape in shapes.items():
        yield sketch(
            f"delays per {name}",
            "",
            _delayed(_upto(4, shape)),
            "edges.first-only",
            "edges.last-only",
            length=18,
        )
    yield sketch("delays in the second layer", "", _late_second, "delay.dropped", length=18)


def _delayed(delay: Callable[[Random], Any]) -> Callable[[Random], Graph]:
    def build(random: Random) -> Graph:
        return Chain((4,)).dense(even(random, (3, 4)), delay(random), vth=VTH, v_decay=128).graph()

    return build


def _fixed(delay: int) -> Given:
    return lambda random: delay


def _upto(end: int, shape: tuple[int, ...]) -> Given:
    return lambda random: random.integers(0, end, shape)


def _late_second(random: Random) -> Graph:
    chain = Chain((3,)).dense(even(random, (3, 3)), vth=40, v_decay=128)
    return chain.dense(even(random, (2, 3)), random.integers(0, 5, (2, 3)), vth=VTH, v_decay=128).graph()


def limit_cases() -> Iterator[Sketch]:
    """Currents that wrap at 2^23, potentials that stop there, containers of 32 bits that overflow."""
    for sign, word in ((1, "2^23"), (-1, "-2^23")):
        yield sketch(
            f"a current that wraps at {word}",
            "Once, by 2^24; it does not saturate.",
            _strong(sign),
            "operation.where-swapped",
            length=32,
            rate=1.0,
        )
    yield sketch(
        "a potential that stops at 2^23 - 1",
        "",
        _strong(1, vth=2**17, i_decay=256),
        "width.no-clip",
        "width.clip-high+1",
        length=30,
        rate=1.0,
    )
    yield sketch(
        "a potential that stops at -(2^23 - 1)",
        "Symmetric: not at -2^23.",
        _strong(-1, i_decay=256),
        "width.no-clip",
        "width.clip-low-1",
        length=30,
        rate=1.0,
    )
    for name, low, high in (("upwards", 2**20, 2**21), ("downwards", -(2**21), -(2**20))):
        yield sketch(
            f"a current that overflows 32 bits {name}",
            "Weights beyond 8 bits, as only a convolution takes them: 2^31 is passed in some steps.",
            _huge(low, high),
            "width.no-wrap",
            length=16,
            rate=1.0,
        )


def _strong(sign: int, vth: int = 2**17 - 1, i_decay: int = 0) -> Callable[[Random], Graph]:
    def build(random: Random) -> Graph:
        weight = np.full((2, 16), 254 if sign > 0 else -256)
        weight[1] = 2 * random.integers(-128, 128, 16)
        weight[1, 0], weight[1, 1] = 2, -2
        numbers: dict[str, Any] = {"vth": vth, "i_decay": i_decay, "v_decay": 1}
        back = np.array([[0, 0], [0, 2]])
        return Chain((16,)).dense(weight, back=back, **numbers, bias=np.array([sign * 8000, 0])).graph()

    return build


def _huge(low: int, high: int) -> Callable[[Random], Graph]:
    def build(random: Random) -> Graph:
        weight = random.integers(low, high, (2, 1, 2, 2))
        return Chain((1, 2, 3)).conv(weight, (1, 2), i_decay=1, v_decay=64, vth=2**17 - 1).graph()

    return build


def conv_cases() -> Iterator[Sketch]:
    """Convolutions, alone and in front of a dense layer."""
    changes: dict[str, dict[str, Any]] = {
        "plain": {},
        "stride (2, 1)": {"stride": (2, 1)},
        "padding (1, 0)": {"padding": (1, 0), "stride": (2, 1)},
        "dilation (1, 2)": {"dilation": (1, 2)},
        "groups": {"groups": 2},
        "everything": {"stride": (2, 2), "padding": (1, 1), "dilation": (1, 2), "groups": 2},
    }
    for name, given in changes.items():
        aims = ["weight.flipped"] if name == "plain" else []
        yield sketch(f"a convolution, {name}", "Sums wrap to 24 bits.", _conv(given), *aims, length=10)
    yield sketch(
        "a convolution, bias per channel", "", _conv({}, bias=lambda r: r.integers(-50, 90, (2, 1, 1))), length=10
    )
    yield sketch(
        "a convolution, decays per channel",
        "",
        _conv({}, v_decay=lambda r: r.integers(0, 4097, (2, 1, 1))),
        "parameter.first",
        length=10,
    )
    yield sketch(
        "a convolution whose sums wrap to 24 bits",
        "",
        _wrapping,
        "sum.exact",
        "sum.saturates",
        length=10,
        rate=0.8,
    )
    yield sketch(
        "a convolution, flatten, a dense layer", "Flattened in C order.", _then_dense, "flatten.order", length=12
    )
    yield sketch("two convolutions, flatten, a dense layer", "", _two_convs, "flatten.order", length=14)


def _conv(changes: dict[str, Any], **numbers: Given) -> Callable[[Random], Graph]:
    def build(random: Random) -> Graph:
        groups, stride, padding, gap = (
            changes.get("groups", 1),
            *(changes.get(k, (v, v)) for k, v in (("stride", 1), ("padding", 0), ("dilation", 1))),
        )
        weight = even(random, (2, 2 // groups, 2, 2))
        sizes = [(n + 2 * p - g - 1) // s + 1 for n, p, g, s in zip((3, 4), padding, gap, stride, strict=True)]
        own = {name: value(random) for name, value in numbers.items()}
        return (
            Chain((2, 3, 4))
            .conv(weight, (sizes[0], sizes[1]), changes, **{"vth": VTH, "v_decay": 128, **own})
            .graph()
        )

    return build


def _wrapping(random: Random) -> Graph:
    weight = random.integers(2**21, 2**22, (2, 1, 2, 2)) * random.choice([-1, 1], (2, 1, 1, 1))
    return Chain((1, 3, 3)).conv(weight, (2, 2), vth=2**16, v_decay=128).graph()


def _then_dense(random: Random) -> Graph:
    chain = Chain((1, 3, 4)).conv(even(random, (2, 1, 2, 2)), (2, 3), vth=40, v_decay=128)
    return chain.flatten().dense(even(random, (3, 12)), vth=VTH, v_decay=128).graph()


def _two_convs(random: Random) -> Graph:
    chain = Chain((1, 4, 5)).conv(even(random, (2, 1, 2, 2)), (3, 4), vth=30, v_decay=128)
    chain.conv(even(random, (2, 2, 2, 2)), (2, 3), vth=30, v_decay=128)
    return chain.flatten().dense(even(random, (2, 12)), vth=VTH, v_decay=128).graph()


def batch_cases() -> Iterator[Sketch]:
    """Samples."""
    yield sketch("2 layers, samples", "", layers(2), "state.kept", "batch.first", length=8, batch=3)
    yield sketch(
        "one layer, bias, samples",
        "",
        one_layer(bias=lambda r: r.integers(1, 60, 3)),
        "state.kept",
        length=8,
        batch=2,
    )
    yield sketch("a recurrent layer, samples", "", _recurrent(4096), "state.kept", length=8, batch=2)
    yield sketch(
        "delays per synapse, samples",
        "",
        _delayed(_upto(4, (3, 4))),
        "state.kept",
        length=10,
        batch=2,
    )
    yield sketch("a convolution, samples", "", _conv({}), "state.kept", length=8, batch=2)
