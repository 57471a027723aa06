"""Spikes, max pooling, and a layer behind it, with weights on a grid that 8 bits hold."""

from __future__ import annotations

from typing import Any

import numpy as np
from snnhub.ir.analysis import analyse
from snnhub.ir.builder import GraphBuilder
from snnhub.ir.graph import Edge, Graph, Output, Port
from snnhub.ir.numtype import F32
from snnhub.ir.tensor import Array
from snnhub.ops.registry import REGISTRY

from tests.build import conv, dense, neurons

SHAPE = (2, 7, 6)
WINDOWS: dict[str, dict[str, Any]] = {
    "tiles": {},
    "stride 1": {"stride": (1, 1)},
    "padding": {"kernel": (3, 3), "padding": (1, 1)},
    "one axis padded": {"kernel": (3, 2), "stride": (2, 1), "padding": (1, 0)},
    "dilation": {"kernel": (2, 3), "stride": (1, 2), "padding": (1, 1), "dilation": (2, 1)},
    "ceil_mode without effect": {"kernel": (3, 2), "stride": (2, 2), "ceil_mode": True},
}
"""Windows that have an equivalent. Those not named: kernel and stride 2, no padding, no dilation, floor."""


def grid(shape: tuple[int, ...], seed: int = 0) -> Array:
    """Multiples of an eighth."""
    return (np.random.default_rng(seed).integers(-4, 6, shape) / 8).astype(np.float32)


def window(**changes: Any) -> dict[str, Any]:
    """Attributes of a pooling node."""
    usual = {"kernel": (2, 2), "stride": (2, 2), "padding": (0, 0), "dilation": (1, 1), "ceil_mode": False}
    return {**usual, **changes}


def pooled(*windows: dict[str, Any]) -> Graph:
    """conv, neurons, one pool or several, flatten, dense, neurons."""
    builder = GraphBuilder("pooled", REGISTRY)
    port = neurons(
        builder, "n0", conv(builder, "c", builder.input(SHAPE, F32), grid((3, 2, 3, 3)), padding=(1, 1))
    )
    for index, changes in enumerate(windows):
        port = builder.node(f"max{index}", "core.MaxPool", port, **window(**changes))
    inner = Graph(
        "inner", tuple(builder.nodes), (*builder.edges, _end(port)), tuple(builder.inputs), (Output("o"),)
    )
    size = int(np.prod(analyse(inner, REGISTRY).shapes[port]))
    port = builder.node("flatten", "core.Flatten", port, start=0, end=2)
    builder.output(neurons(builder, "n1", dense(builder, "d", port, grid((6, size), 1))))
    return builder.graph()


def _end(port: Port) -> Edge:
    return Edge(port, Port("o", "x"))
