"""Networks of Loihi neurons with delays that a NetX file cannot hold."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from snnhub.ir.builder import GraphBuilder
from snnhub.ir.graph import Graph, Port
from snnhub.ir.numtype import SPIKE
from snnhub.ops.registry import REGISTRY

from tests.build import conv, cuba, dense


def delayed(
    delays: Sequence[int], *, size: int = 5, seed: int = 0, recurrent: bool = False, bias: int = 0
) -> Graph:
    """Three dense layers; between the first two, one synapse for each of ``delays`` (steps in all)."""
    random = np.random.default_rng((20261121, seed))
    builder = GraphBuilder("delayed", REGISTRY)
    port = builder.input((size,), SPIKE)
    first = (2 * random.integers(-10, 40, (size, size))).astype(np.int16)
    port = cuba(builder, "n0", dense(builder, "s0", port, first, 1), vth=20)
    owner = np.arange(4 * size).reshape(4, size) % len(delays)
    weight = 2 * random.integers(1, 40, (4, size)) * random.choice([-1, 1], (4, size), p=[0.3, 0.7])
    parts = [
        dense(builder, f"s1_{delay}", port, np.where(owner == index, weight, 0).astype(np.int16), delay)
        for index, delay in enumerate(delays)
    ]
    port = cuba(builder, "n1", parts[0], vth=30, i_decay=900, v_decay=300)
    for part in parts[1:]:
        builder.edge(part, Port("n1", "a"))
    if recurrent:
        back = (2 * random.integers(-20, 20, (4, 4))).astype(np.int16)
        builder.edge(dense(builder, "r1", port, back, 1), Port("n1", "a"))
    last = (2 * random.integers(-10, 40, (3, 4))).astype(np.int16)
    builder.output(cuba(builder, "n2", dense(builder, "s2", port, last, 1), vth=20, bias=bias))
    return builder.graph()


def delayed_conv(delay: int, seed: int = 0) -> Graph:
    """Two convolutions, the second one delayed, and a dense layer behind a flatten that is delayed by 70 steps."""
    random = np.random.default_rng((20261121, seed))
    builder = GraphBuilder("delayed conv", REGISTRY)
    port = builder.input((2, 5, 4), SPIKE)
    for index, (steps, channels) in enumerate(((1, 2), (delay, 2))):
        weight = (2 * random.integers(-20, 50, (3, channels + index, 2, 3))).astype(np.int16)
        made = conv(builder, f"s{index}", port, weight, steps, accumulate="wrap24", padding=(0, 1))
        port = cuba(builder, f"n{index}", made, vth=40)
    port = builder.node("flat", "core.Flatten", port, start=0, end=2)
    weight = (2 * random.integers(-30, 40, (4, 3 * 3 * 4))).astype(np.int16)
    builder.output(cuba(builder, "n2", dense(builder, "s2", port, weight, 70), vth=30))
    return builder.graph()
