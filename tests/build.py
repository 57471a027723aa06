"""Small graphs that many tests use."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from snnhub.ir.builder import GraphBuilder
from snnhub.ir.graph import Decoder, Graph
from snnhub.ir.numtype import F32, SPIKE, NumType
from snnhub.ir.tensor import Array
from snnhub.ops.registry import REGISTRY
from snnhub_conformance.building import IF, conv, cuba, dense, neurons, scalar

__all__ = ["IF", "conv", "cuba", "dense", "loihi_mlp", "mlp", "neurons", "scalar", "spikes"]


def mlp(sizes: Sequence[int] = (6, 5, 4), seed: int = 0, input_type: NumType = F32) -> Graph:
    """Dense layers of IF neurons with random weights."""
    random = np.random.default_rng(seed)
    builder = GraphBuilder("mlp", REGISTRY)
    port = builder.input((sizes[0],), input_type)
    for index, (before, after) in enumerate(zip(sizes, sizes[1:], strict=False)):
        weight = random.normal(0.2, 0.6, (after, before)).astype(np.float32)
        port = neurons(builder, f"n{index}", dense(builder, f"fc{index}", port, weight))
    builder.output(port)
    return builder.graph(decoder=Decoder("mean"))


def loihi_mlp(sizes: Sequence[int] = (6, 5, 4), seed: int = 0, **options: Any) -> Graph:
    """Dense layers of Loihi neurons with random even weights, one step per synapse."""
    random = np.random.default_rng(seed)
    builder = GraphBuilder("loihi", REGISTRY)
    port = builder.input((sizes[0],), SPIKE)
    for index, (before, after) in enumerate(zip(sizes, sizes[1:], strict=False)):
        weight = (2 * random.integers(-40, 60, (after, before))).astype(np.int16)
        port = cuba(builder, f"n{index}", dense(builder, f"fc{index}", port, weight, delay=1), **options)
    builder.output(port)
    return builder.graph()


def spikes(shape: Sequence[int], rate: float = 0.4, seed: int = 1) -> Array:
    """Random 0/1 input."""
    return (np.random.default_rng(seed).random(tuple(shape)) < rate).astype(np.uint8)
