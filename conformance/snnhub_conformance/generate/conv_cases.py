"""Conv alone, over one to three axes: windows, groups, and sums that tell their order."""

from __future__ import annotations

from collections.abc import Iterator

from snnhub.ir.numtype import F32, SPIKE, signed

from snnhub_conformance.generate.graphs import Sketch
from snnhub_conformance.generate.transforms import (
    BYTE,
    cancelling,
    coarse,
    fine,
    one_hot,
    ones,
    product,
    pulse,
    whole,
)

SHAPES = {1: (2, 7), 2: (2, 4, 5), 3: (1, 3, 4, 5)}
KERNELS = {1: (2, 2, 3), 2: (2, 2, 3, 2), 3: (1, 1, 2, 3, 3)}


def conv_axes() -> Iterator[Sketch]:
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


PARTS = (conv_axes, conv_windows, conv_groups, conv_two, conv_sums)
"""Makers of the cases, in order."""
