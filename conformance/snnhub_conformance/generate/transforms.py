"""Family ``transform``: every transform alone, with every attribute, on numbers for which exactness matters.

Shapes and kernels have no symmetry, so that a transposed, turned or exchanged axis shows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from math import prod
from typing import Any

import numpy as np
from snnhub.ir.graph import Port
from snnhub.ir.numtype import F32, F64, SPIKE, NumType, signed, unsigned
from snnhub.ir.tensor import Array, tensor

from snnhub_conformance.generate.graphs import Drawn, Random, Sketch, conv, dense, start, stored

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
    **changes: Any,
) -> Sketch:
    """A Dense, or a Conv where the weight has more than two axes."""

    def draw(random: Random) -> Drawn:
        builder = start("product")
        port = builder.input(shape, kind)
        own = tensor(fill(random, weight)) if kind == F64 else fill(random, weight)
        offset = None if bias is None else bias(random, weight[:1])
        build: Callable[..., Port] = dense if len(weight) == 2 else conv
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


def dense_cases() -> Iterator[Sketch]:
    """Dense."""
    yield product("Dense, f32", "The exact sum, rounded once.", (7,), F32, (3, 7), fine, "sum.f32", steps=3)
    yield product(
        "Dense, f32, terms in another order",
        "No order of the terms may show.",
        (8,),
        F32,
        (2, 8),
        fine,
        "sum.f32-backwards",
        steps=3,
    )
    yield product(
        "Dense, f32, terms that cancel",
        "f64 does not hold the partial sums.",
        (5,),
        F32,
        (2, 5),
        cancelling,
        "sum.f64",
        x=ones,
    )
    yield product(
        "Dense, f32, bias",
        "The bias is a term of the sum, which is rounded once.",
        (5,),
        F32,
        (4, 5),
        fine,
        "bias.dropped",
        "sum.bias-apart",
        bias=fine,
    )
    shown = "Whole numbers within f32, whose sum rounds differently one by one."
    yield product("Dense, f32, a large term first", shown, (4,), F32, (2, 4), large_first, "sum.f32", x=ones)
    yield product(
        "Dense, f32, a large term last", shown, (4,), F32, (2, 4), large_last, "sum.f32-backwards", x=ones
    )


def dense_whole() -> Iterator[Sketch]:
    """Dense over whole numbers in f32, where nothing is rounded."""
    yield product(
        "Dense, f32, whole numbers",
        "Nothing is rounded: any right matrix product passes.",
        (4,),
        F32,
        (3, 4),
        coarse,
        x=coarse,
    )
    yield product(
        "Dense, f32, bias of whole numbers", "", (3,), F32, (2, 3), coarse, "bias.dropped", x=coarse, bias=coarse
    )
    yield product(
        "Dense, square",
        "weight is (out, in): not transposed.",
        (3,),
        F32,
        (3, 3),
        coarse,
        "weight.transposed",
        x=coarse,
    )


def dense_axes() -> Iterator[Sketch]:
    """Dense over some axes, and inputs of other types."""
    yield product("Dense over the last of two axes", "", (2, 3), F32, (2, 3), coarse, x=coarse)
    yield product(
        "Dense over the last of three axes, bias", "", (2, 2, 3), F32, (2, 3), fine, "bias.dropped", bias=fine
    )
    yield product("Dense, spikes into f32", "", (9,), SPIKE, (3, 9), fine, "sum.f32", x=whole(0, 1))
    yield product(
        "Dense, counts into f32",
        "Several spikes in a step weigh as often.",
        (6,),
        unsigned(8),
        (3, 6),
        fine,
        "input.binary",
        x=whole(0, 4),
        landmine=16,
    )
    yield product(
        "Dense, f64", "", (6,), F64, (2, 6), lambda r, s: r.normal(0, 1, s), x=lambda r, s: r.normal(0, 1, s)
    )


def dense_integers() -> Iterator[Sketch]:
    """Dense in integers."""
    yield product("Dense, integers", "", (5,), BYTE, (3, 5), whole(-128, 127), x=whole(-128, 127))
    yield product("Dense, integers, square", "", (4,), BYTE, (4, 4), whole(-9, 9), "weight.transposed")
    yield product(
        "Dense, integers, bias", "", (4,), BYTE, (3, 4), whole(-9, 9), "bias.dropped", bias=whole(-1000, 1000)
    )
    yield product(
        "Dense, integers beyond 24 bits",
        "Sums of a Dense do not wrap unless it says so.",
        (4,),
        signed(16),
        (2, 4),
        whole(20000, 32767),
        "sum.wraps",
        x=whole(20000, 32767),
    )
    yield product(
        "Dense, integers beyond 53 bits",
        "No float holds these sums.",
        (4,),
        WORD,
        (2, 4),
        whole(2**28, 2**30),
        x=whole(2**27, 2**29),
    )


def dense_limits() -> Iterator[Sketch]:
    """Dense whose sums wrap or are shifted."""
    for aim, about in (("sum.exact", "wrap"), ("sum.saturates", "wrap and do not saturate")):
        yield product(
            f"Dense, wrap24: sums {about}",
            "Two's complement of 24 bits.",
            (3,),
            signed(16),
            (3, 3),
            whole(-32768, 32767),
            aim,
            x=whole(-32768, 32767),
            accumulate="wrap24",
        )
    yield product("Dense, wrap24 within 24 bits", "", (3,), BYTE, (2, 3), whole(-128, 127), accumulate="wrap24")
    yield product(
        "Dense, wrap24, bias",
        "The bias is a term of the sum that wraps.",
        (2,),
        signed(16),
        (2, 2),
        whole(-32768, 32767),
        "sum.exact",
        bias=whole(-(2**23), 2**23),
        x=whole(-32768, 32767),
        accumulate="wrap24",
    )
    for shift in (1, 6):
        yield product(
            f"Dense, shift {shift}",
            "The sum is shifted and rounds down, below 0 as well.",
            (3,),
            BYTE,
            (4, 3),
            whole(-31, 31),
            "sum.not-shifted",
            "sum.shift-truncates",
            shift=shift,
        )
    yield product(
        "Dense, wrap24 and shift",
        "Wrapped first, shifted then.",
        (2,),
        signed(16),
        (3, 2),
        whole(-32768, 32767),
        "sum.exact",
        x=whole(-32768, 32767),
        accumulate="wrap24",
        shift=5,
    )
    yield product("Dense, samples", "", (3,), F32, (2, 3), coarse, "batch.first-only", x=coarse, batch=3)


SHAPES = {1: (2, 7), 2: (2, 4, 5), 3: (1, 3, 4, 5)}
KERNELS = {1: (2, 2, 3), 2: (2, 2, 3, 2), 3: (1, 1, 2, 3, 3)}


def conv_cases() -> Iterator[Sketch]:
    """Conv, over one to three axes."""
    for dims in (1, 2, 3):
        shape, kernel = SHAPES[dims], KERNELS[dims]
        name = f"Conv{dims}d"
        yield product(f"{name}, f32", "The exact sum, rounded once.", shape, F32, kernel, fine, "sum.f32", steps=1)
        yield product(
            f"{name}, one-hot kernel and input",
            "Cross-correlation: the kernel is not turned around.",
            shape,
            F32,
            kernel,
            one_hot,
            "weight.flipped",
            x=pulse,
            steps=3,
            landmine=13,
        )
        yield product(
            f"{name}, bias",
            "One number per filter.",
            shape,
            F32,
            kernel,
            coarse,
            "bias.dropped",
            x=coarse,
            bias=coarse,
            steps=1,
        )
        yield product(f"{name}, integers", "", shape, BYTE, kernel, whole(-128, 127), steps=1)
        yield product(
            f"{name}, wrap24",
            "",
            shape,
            signed(16),
            kernel,
            whole(-32768, 32767),
            "sum.exact",
            x=whole(-32768, 32767),
            steps=1,
            accumulate="wrap24",
        )


def conv_windows() -> Iterator[Sketch]:
    """Conv with strides, padding and taps apart."""
    for dims in (1, 2, 3):
        shape, kernel = SHAPES[dims], KERNELS[dims]
        name = f"Conv{dims}d"
        stride = (2, 1, 3)[:dims]
        yield product(
            f"{name}, stride {stride}",
            "",
            shape,
            F32,
            kernel,
            coarse,
            "window.stride",
            *(["window.axes"] if dims > 1 else []),
            x=coarse,
            steps=1,
            stride=stride,
        )
        padding = (1, 0, 2)[:dims]
        yield product(
            f"{name}, padding {padding}",
            "Zeros on both sides.",
            shape,
            F32,
            (kernel[0], *kernel[1:2], *[2] * dims),
            coarse,
            "window.padding",
            *(["window.axes"] if dims > 1 else []),
            x=coarse,
            steps=1,
            padding=padding,
            stride=(2,) * dims,
        )
        dilation = (2, 1, 2)[:dims]
        yield product(
            f"{name}, dilation {dilation}",
            "Taps apart.",
            shape,
            F32,
            (*kernel[:2], *[2] * dims),
            coarse,
            "window.dilation",
            x=coarse,
            steps=1,
            dilation=dilation,
        )


def conv_groups() -> Iterator[Sketch]:
    """Conv in groups."""
    for dims in (1, 2, 3):
        shape = SHAPES[dims]
        name = f"Conv{dims}d"
        grouped = (4, *shape[1:])
        yield product(
            f"{name}, groups",
            "Filters follow each other group by group.",
            grouped,
            F32,
            (4, 2, *[2] * dims),
            coarse,
            "groups.interleaved",
            x=coarse,
            steps=1,
            groups=2,
            stride=(2,) * dims,
        )
        yield product(
            f"{name}, one group per channel, bias",
            "",
            (3, *shape[1:]),
            BYTE,
            (3, 1, *[2] * dims),
            whole(-99, 99),
            "bias.dropped",
            x=whole(-99, 99),
            bias=whole(-9999, 9999),
            steps=1,
            groups=3,
            stride=(3,) * dims,
        )


def conv_two() -> Iterator[Sketch]:
    """Conv over two axes: what a kernel without symmetry does not show."""
    yield product(
        "Conv2d, square kernel",
        "(height, width), not the other way round.",
        (1, 4, 4),
        F32,
        (1, 1, 2, 2),
        coarse,
        "weight.axes-swapped",
        x=coarse,
        steps=1,
    )
    yield product(
        "Conv2d, as many channels in as out",
        "weight is (out, in, height, width).",
        (2, 3, 3),
        F32,
        (2, 2, 2, 2),
        coarse,
        "weight.in-out",
        x=coarse,
        steps=1,
    )
    yield product(
        "Conv2d, terms that cancel", "", (2, 3, 3), F32, (2, 2, 2, 2), cancelling, "sum.f64", x=ones, steps=1
    )
    yield product(
        "Conv2d, sums saturate nowhere",
        "",
        (1, 3, 3),
        signed(16),
        (1, 1, 2, 2),
        whole(-32768, 32767),
        "sum.saturates",
        x=whole(-32768, 32767),
        steps=1,
        accumulate="wrap24",
    )
    yield product(
        "Conv2d, sums beyond 24 bits",
        "",
        (1, 3, 3),
        signed(16),
        (1, 1, 2, 2),
        whole(20000, 32767),
        "sum.wraps",
        x=whole(20000, 32767),
        steps=1,
    )


def conv_sums() -> Iterator[Sketch]:
    """Conv over two axes: sums."""
    yield product(
        "Conv2d, f32, bias in the sum",
        "",
        (2, 3, 3),
        F32,
        (2, 2, 2, 2),
        fine,
        "sum.bias-apart",
        bias=fine,
        steps=1,
    )
    yield product(
        "Conv2d, spikes", "", (2, 3, 4), SPIKE, (2, 2, 2, 2), fine, "sum.f32-backwards", x=whole(0, 1), steps=2
    )
    yield product(
        "Conv2d, everything at once",
        "",
        (4, 5, 6),
        BYTE,
        (4, 2, 2, 3),
        whole(-128, 127),
        "window.stride",
        "window.padding",
        "window.dilation",
        "groups.interleaved",
        bias=whole(-999, 999),
        steps=1,
        stride=(2, 3),
        padding=(1, 2),
        dilation=(2, 1),
        groups=2,
    )
    yield product(
        "Conv2d, samples", "", (1, 3, 3), F32, (2, 1, 2, 2), coarse, "batch.first-only", x=coarse, steps=1, batch=3
    )
