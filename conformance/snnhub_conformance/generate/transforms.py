"""What the family ``transform`` is made of: one transform alone, and numbers for which exactness matters.

Shapes and kernels have no symmetry, so that a transposed, turned or exchanged axis shows.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import prod
from typing import Any

import numpy as np
from snnhub.ir.graph import Port
from snnhub.ir.numtype import F64, NumType, signed
from snnhub.ir.tensor import Array, tensor

from snnhub_conformance.building import stored
from snnhub_conformance.generate.graphs import Drawn, Random, Sketch, conv, conv_transpose, dense, start

RECORDS = ("n/y",)
BYTE, WORD = signed(8), signed(32)
Fill = Callable[[Random, tuple[int, ...]], Array]


def fine(random: Random, shape: tuple[int, ...]) -> Array:
    """Floats with all their digits, over some powers of two: their sums depend on how they are rounded."""
    values = random.normal(0, 1, shape) * 2.0 ** random.integers(-6, 7, shape)
    return np.asarray(values, np.float32)


def coarse(random: Random, shape: tuple[int, ...]) -> Array:
    """Small whole numbers other than 0, in f32: nothing is ever rounded."""
    return np.asarray(random.integers(1, 9, shape) * random.choice([-1, 1], shape), np.float32)


def whole(low: int, high: int) -> Fill:
    """Integers of a range, both ends included."""
    return lambda random, shape: random.integers(low, high + 1, shape)


def of(kind: NumType) -> Fill:
    """What an input of a type gets."""
    return fine if kind.is_float else whole(max(kind.range[0], -100), min(kind.range[1], 100))


def alone(
    title: str,
    comment: str,
    features: tuple[int, ...],
    kind: NumType,
    op: str,
    *aims: str,
    x: Fill | None = None,
    params: Mapping[str, Fill | tuple[tuple[int, ...], Fill]] | None = None,
    steps: int = 2,
    batch: int = 0,
    landmine: int | None = None,
    **attributes: Any,
) -> Sketch:
    """One op with one input between an input and an output."""

    def draw(random: Random) -> Drawn:
        builder = start(op)
        port = builder.input(features, kind)
        made = {name: stored(fill(random, size)) for name, (size, fill) in (params or {}).items()}  # type: ignore[misc]
        builder.output(builder.node("n", op, port, params=made, **attributes))
        size = (steps, batch, *features) if batch else (steps, *features)
        values = (x or of(kind))(random, size).astype(kind.numpy)
        return Drawn(builder.graph(), values, batched=bool(batch))

    return Sketch(title, comment, draw, aims, RECORDS, landmine)


def product(
    title: str,
    comment: str,
    shape: tuple[int, ...],
    kind: NumType,
    weight: tuple[int, ...],
    fill: Fill,
    *aims: str,
    x: Fill | None = None,
    bias: Fill | None = None,
    steps: int = 2,
    batch: int = 0,
    landmine: int | None = None,
    transposed: bool = False,
    **changes: Any,
) -> Sketch:
    """A Dense, or a Conv (``transposed``: ConvTranspose) where the weight has more than two axes."""

    def draw(random: Random) -> Drawn:
        builder = start("product")
        port = builder.input(shape, kind)
        own = tensor(fill(random, weight)) if kind == F64 else fill(random, weight)
        outputs = weight[1] * changes.get("groups", 1) if transposed else weight[0]
        offset = None if bias is None else bias(random, (outputs,))
        build: Callable[..., Port] = dense if len(weight) == 2 else conv_transpose if transposed else conv
        builder.output(build(builder, "n", port, own, bias=offset, **changes))
        size = (steps, batch, *shape) if batch else (steps, *shape)
        return Drawn(builder.graph(), (x or of(kind))(random, size).astype(kind.numpy), batched=bool(batch))

    return Sketch(title, comment, draw, aims, RECORDS, landmine)


def cancelling(random: Random, shape: tuple[int, ...]) -> Array:
    """Weights whose first and last columns cancel where the input is equal, and swallow all others until then."""
    values = fine(random, shape).reshape(shape[0], -1)
    values[:, 0] = 2.0 ** random.integers(50, 60, shape[0])
    values[:, -1] = -values[:, 0]
    return values.reshape(shape)


def large_first(random: Random, shape: tuple[int, ...]) -> Array:
    """2^24 and ones: f32 loses the ones when they come one by one behind it."""
    values = np.ones(shape, np.float32)
    values[:, 0] = 2.0**24
    return values * random.choice([-1, 1], (shape[0], 1)).astype(np.float32)


def large_last(random: Random, shape: tuple[int, ...]) -> Array:
    """The same the other way round."""
    return large_first(random, shape)[:, ::-1]


def ones(random: Random, shape: tuple[int, ...]) -> Array:
    """Ones, in f32."""
    return np.ones(shape, np.float32)


def one_hot(random: Random, shape: tuple[int, ...]) -> Array:
    """A kernel with a single 1 off its centre."""
    kernel = np.zeros(shape, np.float32)
    kernel.reshape(shape[0], -1)[:, random.integers(0, prod(shape[1:]) // 2)] = 1
    return kernel


def pulse(random: Random, shape: tuple[int, ...]) -> Array:
    """A single 1 in every step."""
    x = np.zeros((shape[0], prod(shape[1:])), np.float32)
    x[np.arange(shape[0]), random.integers(0, x.shape[1], shape[0])] = 1
    return x.reshape(shape)
