"""Family ``loihi``, sigma-delta: networks of graded spikes that a NetX file can hold, named as there."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from snnhub.ir.builder import GraphBuilder
from snnhub.ir.graph import Graph, Port
from snnhub.ir.numtype import signed
from snnhub.ir.tensor import Array
from snnhub_netx.sigma_delta_width import WORD, shift_of

from snnhub_conformance.building import stored
from snnhub_conformance.generate.graphs import Drawn, Random, Sketch, conv, dense, start

STEPS = 14
VTH = 5
"""The threshold of most layers, so that they can be packed."""


class Chain:
    """Builds a network layer by layer, behind an input layer of delta encoders."""

    def __init__(self, shape: tuple[int, ...], vth: int = 0) -> None:
        self.builder: GraphBuilder = start("sigma_delta")
        source = self.builder.input(shape, signed(32))
        self.port = self.builder.node("layer0", "loihi.Delta", source, params={"vThMant": stored(vth)})
        self.layer = 1

    def dense(self, weight: Array, vth: int = VTH, bias: Any = 0, sigma: bool = False, delay: int = 0) -> Chain:
        """A dense layer, or a sigma output."""
        port = dense(self.builder, f"layer{self.layer}/synapse", self.port, weight, delay=1 + delay)
        return self._neurons(port, WORD if delay else WORD - shift_of(weight), vth, bias, sigma)

    def conv(self, weight: Array, vth: int = VTH, bias: Any = 0, **changes: Any) -> Chain:
        """A convolution."""
        name = f"layer{self.layer}/synapse"
        port = conv(self.builder, name, self.port, weight, delay=1, accumulate="wrap24", **changes)
        return self._neurons(port, WORD, vth, bias, False)

    def flatten(self) -> Chain:
        """From (channels, height, width) to elements."""
        self.port = self.builder.node(f"layer{self.layer}", "core.Flatten", self.port, start=0, end=2)
        self.layer += 1
        return self

    def _neurons(self, port: Port, bits: int, vth: int, bias: Any, sigma: bool) -> Chain:
        name = f"layer{self.layer}"
        if sigma:
            self.port = self.builder.node(name, "loihi.Sigma", port, a_bits=bits)
        else:
            params = {"vThMant": stored(vth), "bias": stored(bias)}
            self.port = self.builder.node(name, "loihi.SigmaDelta", port, params=params, a_bits=bits)
        self.layer += 1
        return self

    def graph(self) -> Graph:
        """The network."""
        self.builder.output(self.port)
        return self.builder.graph()


def even(random: Random, *shape: int) -> Array:
    """Even weights of both signs, as Lava's packing keeps them."""
    weight = 2 * random.integers(-12, 16, shape)
    weight.flat[0], weight.flat[-1] = 30, -8
    return np.asarray(weight)


def sketch(
    title: str, comment: str, build: Callable[[Random], Graph], *aims: str, reach: int = 60, batch: int = 0
) -> Sketch:
    """A network over random integers in ``-reach .. reach``."""

    def draw(random: Random) -> Drawn:
        graph = build(random)
        shape = (STEPS, *([batch] if batch else []), *graph.inputs[0].shape)
        return Drawn(graph, random.integers(-reach, reach + 1, shape).astype(np.int32), 0, bool(batch))

    return Sketch(title, comment, draw, aims)


def layers(depth: int, sigma: bool = False, **numbers: Any) -> Callable[[Random], Graph]:
    """Layers of three neurons, the last one a sigma output if ``sigma``."""

    def build(random: Random) -> Graph:
        chain = Chain((3,))
        for index in range(depth):
            last = sigma and index == depth - 1
            bias = 0 if last else random.integers(-20, 40, 3)
            chain.dense(even(random, 3, 3), bias=bias, sigma=last, **numbers)
        return chain.graph()

    return build


def _image(random: Random) -> Graph:
    chain = Chain((2, 3, 2)).conv(even(random, 2, 2, 2, 2), bias=random.integers(-20, 40, (2, 1, 1)))
    return chain.flatten().dense(even(random, 2, 4), sigma=True).graph()


def _geometry(random: Random) -> Graph:
    changes: dict[str, Any] = {"stride": (2, 1), "padding": (1, 0), "dilation": (1, 2), "groups": 2}
    return Chain((2, 3, 3)).conv(even(random, 2, 1, 2, 2), **changes).graph()


def _wrapping(random: Random) -> Graph:
    return Chain((1, 3, 3)).conv(2**13 * even(random, 2, 1, 2, 2)).graph()


def _encoder(vth: int) -> Callable[[Random], Graph]:
    return lambda random: Chain((3,), vth).dense(even(random, 3, 3)).graph()


def sketches() -> Iterator[Sketch]:
    """All of them."""
    yield sketch("sigma-delta: one layer", "Graded spikes multiply.", layers(1))
    yield sketch(
        "sigma-delta: three layers", "One step per synapse.", layers(3), "delay.one-late", "delay.dropped"
    )
    yield sketch("sigma-delta: a sigma output", "Its output is the sum, in every step.", layers(2, True))
    yield sketch("sigma-delta: high thresholds", "What is not sent is kept.", layers(2, vth=70))
    yield sketch("sigma-delta: an input with a threshold", "Small changes wait.", _encoder(40))
    yield sketch("sigma-delta: one step more per synapse", "", layers(2, delay=3), "delay.dropped")
    yield sketch("sigma-delta: a convolution, flatten, a sigma output", "", _image, "flatten.order")
    yield sketch("sigma-delta: a convolution, everything", "Sums wrap to 24 bits.", _geometry)
    yield sketch("sigma-delta: a convolution whose sums wrap", "To 24 bits.", _wrapping, "sum.exact", reach=12)
    yield sketch("sigma-delta: words that overflow", "32 bits, fewer on the way in.", layers(2), reach=2**31 - 2)
    yield sketch("sigma-delta: samples", "", layers(2), "state.kept", "batch.first", batch=3)
