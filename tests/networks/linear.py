"""Networks with transforms between layers of neurons that Loihi has no layer for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from snnhub.ir.analysis import analyse
from snnhub.ir.builder import GraphBuilder
from snnhub.ir.graph import Graph, Port
from snnhub.ir.numtype import F32, SPIKE
from snnhub.ir.tensor import Array, tensor
from snnhub.ops.registry import REGISTRY

from tests.build import conv, cuba, dense, neurons

SHAPE = (2, 4, 4)
Middle = Callable[[GraphBuilder, Port, "Parts"], Port]


class Parts:
    """Weights of a network, floats or Loihi's integers: ``conv`` and ``dense`` add synapses of one step if any."""

    def __init__(self, integer: bool, seed: int) -> None:
        self.integer = integer
        self.random = np.random.default_rng((20261122, seed))

    def weight(self, *shape: int) -> Array:
        if self.integer:
            return (2 * self.random.integers(-20, 45, shape)).astype(np.int16)
        return (self.random.integers(-20, 45, shape) / 32).astype(np.float32)

    @property
    def step(self) -> int:
        return int(self.integer)

    def conv(self, builder: GraphBuilder, name: str, source: Port, *shape: int, **changes: Any) -> Port:
        changes = {"accumulate": "wrap24", **changes} if self.integer else changes
        return conv(builder, name, source, self.weight(*shape), **changes)

    def neurons(self, builder: GraphBuilder, name: str, source: Port, channels: int = 0) -> Port:
        """``channels``: decays per channel, where there are any."""
        if not self.integer:
            return neurons(builder, name, source)
        decay: Any = self.random.integers(100, 900, (channels, 1, 1)) if channels else 300
        return cuba(builder, name, source, vth=60, i_decay=700, v_decay=decay)


def unpooled(builder: GraphBuilder, port: Port, parts: Parts) -> Port:
    """Entries repeated two by two, then a convolution."""
    port = builder.node("repeat", "core.Upsample", port, delay=parts.step, factor=(2, 2))
    return parts.conv(builder, "middle", port, 3, 3, 1, 1)


def picture(builder: GraphBuilder, port: Port, parts: Parts) -> Port:
    """Channels one below another, pooled as one picture, as slayer pools."""
    port = builder.node("rows", "core.Reshape", port, delay=parts.step, shape=(1, 12, 4))
    port = parts.conv(builder, "sums", port, 1, 1, 2, 2, stride=(2, 2))
    return builder.node("middle", "core.Reshape", port, shape=(3, 2, 2))


def padded(builder: GraphBuilder, port: Port, parts: Parts) -> Port:
    port = builder.node("pad", "core.Pad", port, delay=parts.step, before=(0, 1, 1), after=(0, 1, 1))
    return parts.conv(builder, "middle", port, 3, 3, 3, 3)


def one_sided(builder: GraphBuilder, port: Port, parts: Parts) -> Port:
    port = builder.node("pad", "core.Pad", port, delay=parts.step, before=(0, 0, 0), after=(0, 1, 1))
    return parts.conv(builder, "middle", port, 3, 3, 3, 3)


def transposed(builder: GraphBuilder, port: Port, parts: Parts) -> Port:
    """A transposed convolution: what entries are spread to overlaps, and is cut off at the ends."""
    attributes: dict[str, Any] = {"stride": (2, 1), "padding": (1, 0), "output_padding": (1, 0)}
    attributes |= {"dilation": (1, 1), "groups": 1, "bias": False, "accumulate": "exact"}
    params = {"weight": tensor(parts.weight(3, 3, 3, 2))}
    return builder.node("middle", "core.ConvTranspose", port, params=params, delay=parts.step, **attributes)


def averaged(builder: GraphBuilder, port: Port, parts: Parts) -> Port:
    return builder.node("middle", "core.AdaptiveAvgPool", port, sizes=(1, 1))


def unequal(builder: GraphBuilder, port: Port, parts: Parts) -> Port:
    window: dict[str, Any] = {
        "kernel": (3, 3),
        "stride": (3, 3),
        "padding": (0, 0),
        "ceil_mode": True,
        "count_include_pad": True,
    }
    return builder.node("middle", "core.AvgPool", port, **window)


BOTH: dict[str, Middle] = {
    "unpooled": unpooled,
    "picture": picture,
    "padded": padded,
    "one_sided": one_sided,
    "transposed": transposed,
}
FLOAT: dict[str, Middle] = {**BOTH, "averaged": averaged, "unequal": unequal}


def linear(middle: Middle, *, integer: bool, seed: int = 0, size: tuple[int, int, int] = SHAPE) -> Graph:
    """Convolution, ``middle``, convolution with padding, flatten, and a dense layer; neurons behind each."""
    parts, builder = Parts(integer, seed), GraphBuilder("linear", REGISTRY)
    port = builder.input(size, SPIKE if integer else F32)
    port = parts.conv(builder, "first", port, 3, size[0], 3, 3, padding=(1, 1), delay=parts.step)
    port = parts.neurons(builder, "n0", port, 3)
    port = parts.neurons(builder, "n1", middle(builder, port, parts), 3)
    port = parts.conv(builder, "second", port, 2, 3, 1, 1, padding=(1, 1), delay=parts.step)
    port = parts.neurons(builder, "n2", port, 2)
    port = builder.node("flat", "core.Flatten", port, start=0, end=2)
    shape = _count(builder, port)
    weight = parts.weight(4, shape)
    port = parts.neurons(builder, "n3", dense(builder, "last", port, weight, parts.step))
    builder.output(port)
    return builder.graph()


def _count(builder: GraphBuilder, port: Port) -> int:
    so_far = Graph("", tuple(builder.nodes), tuple(builder.edges), tuple(builder.inputs), ())
    return int(np.prod(analyse(so_far, REGISTRY).shapes[port]))
