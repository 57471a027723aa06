"""ConvTranspose alone, over one to three axes: where products land, what is cut off, and sums in every order."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np
from snnhub.ir.numtype import F32, SPIKE, signed
from snnhub.ir.tensor import Array

from snnhub_conformance.generate.graphs import Random, Sketch
from snnhub_conformance.generate.transforms import (
    BYTE,
    coarse,
    fine,
    one_hot,
    ones,
    product,
    pulse,
    whole,
)

SHAPES = {1: (3, 4), 2: (2, 3, 4), 3: (2, 2, 3, 2)}
KERNELS = {1: (3, 2, 3), 2: (2, 3, 3, 2), 3: (2, 1, 2, 1, 3)}
transposed = partial(product, transposed=True)


def cancelling(random: Random, shape: tuple[int, ...]) -> Array:
    """Weights of which the first and last input channel cancel where their input is equal, and swallow all others
    until then.
    """
    values = fine(random, shape)
    values[0] = 2.0 ** random.integers(50, 60, shape[1:])
    values[-1] = -values[0]
    return np.asarray(values)


def axes() -> Iterator[Sketch]:
    """Over one to three axes."""
    for dims in (1, 2, 3):
        shape, kernel = SHAPES[dims], KERNELS[dims]
        name = f"ConvTranspose{dims}d"
        yield transposed(
            f"{name}, f32", "The exact sum, rounded once.", shape, F32, kernel, fine, "sum.f32", steps=1
        )
        yield transposed(
            f"{name}, one-hot kernel and input",
            "The kernel lies as it is: tap 0 comes first.",
            shape,
            F32,
            kernel,
            one_hot,
            "weight.flipped",
            x=pulse,
            steps=3,
        )
        yield transposed(
            f"{name}, bias",
            "One number per filter, also where nothing lands.",
            shape,
            F32,
            kernel,
            coarse,
            "bias.dropped",
            x=coarse,
            bias=coarse,
            steps=1,
            stride=(4,) * dims,
        )
        yield transposed(f"{name}, integers", "", shape, BYTE, kernel, whole(-128, 127), steps=1)
        yield transposed(
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


def windows() -> Iterator[Sketch]:
    """Strides, padding, output padding and taps apart."""
    for dims in (1, 2, 3):
        shape, kernel = SHAPES[dims], KERNELS[dims]
        name, turned = f"ConvTranspose{dims}d", ["window.axes"] if dims > 1 else []
        plain = partial(transposed, shape=shape, kind=F32, weight=kernel, fill=coarse, x=coarse, steps=1)
        stride, padding, dilation = (2, 1, 3)[:dims], (1, 0, 2)[:dims], (2, 1, 3)[:dims]
        more = (2, 1, 3)[:dims]
        yield _with(plain, f"{name}, stride {stride}", "", "window.stride", *turned, stride=stride)
        yield _with(
            plain,
            f"{name}, padding {padding}",
            "What lands outside is cut off.",
            "window.padding",
            *turned,
            stride=(2,) * dims,
            padding=padding,
        )
        yield _with(
            plain,
            f"{name}, padding beyond the kernel",
            "Inputs at the ends are cut off altogether.",
            "window.padding",
            stride=(7,) * dims,
            padding={1: (5,), 2: (5, 4), 3: (3, 4, 3)}[dims],
        )
        yield _with(plain, f"{name}, dilation {dilation}", "Taps apart.", "window.dilation", dilation=dilation)
        yield _with(
            plain,
            f"{name}, output padding {more}",
            "Entries more at the end, none in front.",
            "window.output-padding",
            *turned,
            stride=(4,) * dims,
            padding=(1,) * dims,
            output_padding=more,
        )


def _with(make: partial[Sketch], title: str, comment: str, *aims: str, **window: Any) -> Sketch:
    """``product`` takes its aims by place, behind the shapes."""
    given: dict[str, Any] = dict(make.keywords)
    shape, kind, weight, fill = (given.pop(name) for name in ("shape", "kind", "weight", "fill"))
    return product(title, comment, shape, kind, weight, fill, *aims, **given, **window)


def groups() -> Iterator[Sketch]:
    """In groups."""
    for dims in (1, 2, 3):
        shape = SHAPES[dims]
        name = f"ConvTranspose{dims}d"
        yield transposed(
            f"{name}, groups",
            "weight is (in, out / groups, …): filters follow each other group by group.",
            (4, *shape[1:]),
            F32,
            (4, 2, *[2] * dims),
            coarse,
            "groups.interleaved",
            x=coarse,
            steps=1,
            groups=2,
            stride=(2,) * dims,
        )
        yield transposed(
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


def two() -> Iterator[Sketch]:
    """Over two axes: what a kernel without symmetry does not show, and sums."""
    plain = partial(transposed, shape=(2, 3, 3), kind=F32, weight=(2, 2, 2, 2), fill=coarse, steps=1)
    square = "ConvTranspose2d, square kernel"
    yield _with(plain, square, "(height, width), not the other way round.", "weight.axes-swapped")
    equal = "ConvTranspose2d, as many channels in as out"
    yield _with(plain, equal, "weight is (in, out, height, width).", "weight.in-out")
    yield transposed(
        "ConvTranspose2d, terms that cancel",
        "",
        (3, 2, 3),
        F32,
        (3, 2, 2, 2),
        cancelling,
        "sum.f64",
        x=ones,
        steps=1,
        stride=(2, 2),
    )
    for title, low, aim, change in (
        ("sums saturate nowhere", -32768, "sum.saturates", "wrap24"),
        ("sums beyond 24 bits", 20000, "sum.wraps", "exact"),
    ):
        yield transposed(
            f"ConvTranspose2d, {title}",
            "",
            (1, 3, 3),
            signed(16),
            (1, 1, 2, 2),
            whole(low, 32767),
            aim,
            x=whole(low, 32767),
            steps=1,
            accumulate=change,
        )


def sums() -> Iterator[Sketch]:
    """Over two axes: bias, spikes, samples, everything at once."""
    yield transposed(
        "ConvTranspose2d, f32, bias in the sum",
        "",
        (2, 3, 3),
        F32,
        (2, 2, 2, 2),
        fine,
        "sum.bias-apart",
        bias=fine,
        steps=1,
    )
    yield transposed(
        "ConvTranspose2d, spikes",
        "",
        (3, 3, 4),
        SPIKE,
        (3, 2, 2, 2),
        fine,
        "sum.f32-backwards",
        x=whole(0, 1),
        steps=2,
    )
    yield transposed(
        "ConvTranspose2d, everything at once",
        "",
        (4, 3, 4),
        BYTE,
        (4, 2, 2, 3),
        whole(-128, 127),
        "window.stride",
        "window.padding",
        "window.output-padding",
        "window.dilation",
        "groups.interleaved",
        bias=whole(-999, 999),
        steps=1,
        stride=(2, 3),
        padding=(1, 2),
        output_padding=(1, 2),
        dilation=(2, 1),
        groups=2,
    )
    yield transposed(
        "ConvTranspose2d, samples",
        "",
        (1, 3, 3),
        F32,
        (1, 2, 2, 2),
        coarse,
        "batch.first-only",
        x=coarse,
        steps=1,
        batch=3,
    )


PARTS = (axes, windows, groups, two, sums)
"""Makers of the cases, in order."""
