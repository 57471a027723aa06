"""Family ``transform``, the rest: pools, shapes, and elementwise transforms."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from snnhub.ir.numtype import F32, SPIKE, NumType, unsigned

from snnhub_conformance.building import stored
from snnhub_conformance.generate import conv_cases, dense_cases, odd_cases, transposed_cases
from snnhub_conformance.generate.graphs import Drawn, Random, Sketch, start
from snnhub_conformance.generate.transforms import (
    BYTE,
    RECORDS,
    Fill,
    alone,
    coarse,
    fine,
    of,
    whole,
)

STRIDES = {1: (3,), 2: (2, 5), 3: (2, 3, 2)}
"""Strides at which the output size of these shapes depends on how it is rounded."""
POOLED = {1: (2, 7), 2: (1, 5, 6), 3: (1, 3, 4, 5)}


def sketches() -> Iterator[Sketch]:
    """The whole family."""
    for part in PARTS:
        yield from part()


def _window(dims: int, **changes: Any) -> dict[str, Any]:
    usual = {"kernel": (2, 3, 2), "stride": (2, 1, 2), "padding": (0, 0, 0)}
    return {**{name: value[:dims] for name, value in usual.items()}, "ceil_mode": False, **changes}


def average_cases() -> Iterator[Sketch]:
    """AvgPool."""
    for dims, shape in POOLED.items():
        name = f"AvgPool{dims}d"
        counted: dict[str, Any] = {"count_include_pad": True}
        yield alone(
            f"{name}, f32",
            "The exact sum rounded once, then divided.",
            shape,
            F32,
            "core.AvgPool",
            "pool.sum",
            steps=1,
            landmine=15,
            **_window(dims),
            **counted,
        )
        yield alone(
            f"{name}, spikes",
            "",
            shape,
            SPIKE,
            "core.AvgPool",
            "pool.sum",
            steps=2,
            landmine=15,
            **_window(dims),
            **counted,
        )
        for include in (True, False):
            yield alone(
                f"{name}, padding {'counted' if include else 'not counted'}",
                "Whether padding counts as entries.",
                shape,
                F32,
                "core.AvgPool",
                "pool.pad-counted",
                x=coarse,
                steps=1,
                landmine=15,
                **_window(dims, padding=(1,) * dims),
                count_include_pad=include,
            )


def average_sizes() -> Iterator[Sketch]:
    """AvgPool over sizes that its stride does not divide."""
    for dims, shape in POOLED.items():
        name = f"AvgPool{dims}d"
        counted: dict[str, Any] = {"count_include_pad": True}
        for ceil in (True, False):
            yield alone(
                f"{name}, ceil_mode {ceil}, odd sizes",
                "Odd sizes: the last window leaves the input.",
                shape,
                F32,
                "core.AvgPool",
                "pool.ceil",
                x=coarse,
                steps=1,
                landmine=15,
                **_window(dims, kernel=(2,) * dims, stride=STRIDES[dims], ceil_mode=ceil),
                **counted,
            )


def average_two() -> Iterator[Sketch]:
    """AvgPool over two axes."""
    every = _window(2, kernel=(3, 2), stride=(2, 3), padding=(1, 1), ceil_mode=True)
    for include in (True, False):
        yield alone(
            f"AvgPool2d, padding and ceil_mode, padding {'counted' if include else 'not counted'}",
            "A window that ceil_mode adds ends with the padding.",
            (1, 6, 6),
            F32,
            "core.AvgPool",
            "pool.pad-counted",
            steps=1,
            landmine=15,
            **every,
            count_include_pad=include,
        )
    yield alone(
        "AvgPool2d, counts, thirds",
        "A division, not a product with the reciprocal.",
        (1, 3, 6),
        unsigned(8),
        "core.AvgPool",
        "pool.reciprocal",
        x=whole(0, 255),
        steps=2,
        landmine=15,
        **_window(2, kernel=(1, 3), stride=(1, 3)),
        count_include_pad=True,
    )
    yield alone(
        "AvgPool2d, stride as (height, width)",
        "",
        (1, 4, 4),
        F32,
        "core.AvgPool",
        "window.axes",
        "window.stride",
        x=coarse,
        steps=1,
        **_window(2, kernel=(2, 2), stride=(1, 2)),
        count_include_pad=True,
    )


def maximum_cases() -> Iterator[Sketch]:
    """MaxPool."""
    for dims, shape in POOLED.items():
        name = f"MaxPool{dims}d"
        near: dict[str, Any] = {"dilation": (1,) * dims}
        yield alone(
            f"{name}, f32", "", shape, F32, "core.MaxPool", "window.stride", steps=1, **_window(dims), **near
        )
        yield alone(
            f"{name}, padding below everything",
            "Padding never wins over what is negative.",
            shape,
            F32,
            "core.MaxPool",
            "pool.max-zero",
            x=lambda r, s: -np.abs(coarse(r, s)),
            steps=1,
            **_window(dims, padding=(1,) * dims),
            **near,
        )
        yield alone(
            f"{name}, integers, padding",
            "",
            shape,
            BYTE,
            "core.MaxPool",
            "pool.max-zero",
            x=whole(-128, -1),
            steps=1,
            **_window(dims, padding=(1,) * dims),
            **near,
        )


def maximum_sizes() -> Iterator[Sketch]:
    """MaxPool with taps apart, and odd sizes."""
    for dims, shape in POOLED.items():
        name = f"MaxPool{dims}d"
        near: dict[str, Any] = {"dilation": (1,) * dims}
        yield alone(
            f"{name}, dilation",
            "",
            shape,
            F32,
            "core.MaxPool",
            "window.dilation",
            x=coarse,
            steps=1,
            **_window(dims, kernel=(2,) * dims, dilation=(2,) * dims),
        )
        for ceil in (True, False):
            yield alone(
                f"{name}, ceil_mode {ceil}",
                "",
                shape,
                F32,
                "core.MaxPool",
                "pool.ceil",
                x=coarse,
                steps=1,
                **_window(dims, kernel=(2,) * dims, stride=STRIDES[dims], ceil_mode=ceil),
                **near,
            )


def maximum_counts() -> Iterator[Sketch]:
    """MaxPool of spikes."""
    yield alone(
        "MaxPool2d, spikes",
        "",
        (2, 4, 4),
        SPIKE,
        "core.MaxPool",
        x=lambda r, s: (r.random(s) < 0.3).astype(np.uint8),
        steps=3,
        **_window(2, kernel=(2, 2), stride=(2, 2)),
        dilation=(1, 1),
    )
    yield alone(
        "MaxPool2d, counts",
        "",
        (1, 3, 3),
        unsigned(8),
        "core.MaxPool",
        "input.binary",
        x=whole(0, 9),
        landmine=16,
        **_window(2, kernel=(2, 2), stride=(1, 1)),
        dilation=(1, 1),
    )


def adaptive_cases() -> Iterator[Sketch]:
    """AdaptiveAvgPool."""
    for shape, sizes in (((2, 7), (3,)), ((1, 5, 7), (2, 3)), ((1, 3, 4, 5), (2, 2, 2))):
        name = f"AdaptiveAvgPool{len(sizes)}d to {sizes}"
        comment = "Windows overlap; the sum is divided by the length along one axis after the other."
        yield alone(
            f"{name}, f32",
            comment,
            shape,
            F32,
            "core.AdaptiveAvgPool",
            "pool.adaptive-strided",
            steps=1,
            sizes=sizes,
        )
        yield alone(
            f"{name}, counts",
            comment,
            shape,
            unsigned(8),
            "core.AdaptiveAvgPool",
            x=whole(0, 255),
            steps=1,
            sizes=sizes,
        )
    yield alone(
        "AdaptiveAvgPool2d to more than there is",
        "",
        (1, 2, 3),
        F32,
        "core.AdaptiveAvgPool",
        "pool.adaptive-strided",
        steps=1,
        sizes=(3, 5),
    )


def moved_cases() -> Iterator[Sketch]:
    """Flatten, Reshape, Pad, Upsample."""
    for kind in (F32, BYTE):
        fill: Fill = coarse if kind.is_float else of(kind)
        for start_, end in ((0, 2), (1, 2), (0, 1)):
            yield alone(
                f"Flatten {start_} .. {end}, {kind}",
                "C order: the last axis runs fastest.",
                (2, 3, 2),
                kind,
                "core.Flatten",
                "flatten.order",
                x=fill,
                landmine=14,
                start=start_,
                end=end,
            )
        yield alone(
            f"Reshape, {kind}",
            "The same numbers in C order.",
            (2, 3),
            kind,
            "core.Reshape",
            "reshape.order",
            x=fill,
            shape=(3, 1, 2),
        )


def padded_cases() -> Iterator[Sketch]:
    """Pad, Upsample."""
    for kind in (F32, BYTE):
        fill: Fill = coarse if kind.is_float else of(kind)
        for before, after in (((1,), (2,)), ((0, 1), (2, 0)), ((1, 0, 2), (0, 1, 0))):
            yield alone(
                f"Pad {before}, {after}, {kind}",
                "Zeros in front and behind.",
                (2, 1, 2)[: len(before)],
                kind,
                "core.Pad",
                "pad.sides-swapped",
                x=fill,
                steps=1,
                before=before,
                after=after,
            )
        for factor in ((2,), (2, 3), (1, 2, 2)):
            yield alone(
                f"Upsample {factor}, {kind}",
                "Every entry is repeated, not the whole.",
                (2, 2, 2, 2)[: len(factor) + 1],
                kind,
                "core.Upsample",
                "upsample.tiled",
                x=fill,
                steps=1,
                factor=factor,
            )
    yield alone(
        "Upsample, (height, width)",
        "",
        (1, 2, 3),
        F32,
        "core.Upsample",
        "window.axes",
        x=coarse,
        steps=1,
        factor=(1, 2),
    )
    yield alone("Flatten of one axis", "", (4,), F32, "core.Flatten", x=coarse, start=0, end=0)
    yield alone(
        "Flatten, samples",
        "The batch axis is not counted.",
        (2, 3),
        F32,
        "core.Flatten",
        "flatten.order",
        "batch.first-only",
        x=coarse,
        batch=3,
        landmine=14,
        start=0,
        end=1,
    )


def elementwise_cases() -> Iterator[Sketch]:
    """Scale, BatchNorm, ReLU."""
    for op in ("Scale", "BatchNorm"):
        channels = (2, 1, 1)
        own = {"scale": (channels, fine), "shift": (channels, fine)}
        mark = 28 if op == "BatchNorm" else None
        yield alone(
            f"{op}, f32, per channel",
            "x * scale + shift, rounded once.",
            (2, 2, 3),
            F32,
            f"core.{op}",
            "norm.two-roundings",
            params=own,
            landmine=mark,
        )
        exact = {"scale": (channels, coarse), "shift": (channels, coarse)}
        yield alone(
            f"{op}, f32, whole numbers",
            "",
            (2, 2, 3),
            F32,
            f"core.{op}",
            "norm.shift-first",
            x=coarse,
            params=exact,
            landmine=mark,
        )
        yield alone(
            f"{op}, as many columns as channels",
            "Numbers belong to the first axis.",
            (2, 3, 2),
            F32,
            f"core.{op}",
            "parameter.last-axis",
            x=coarse,
            params=exact,
            landmine=mark,
        )


def scaled_cases() -> Iterator[Sketch]:
    """Scale, BatchNorm: other numbers."""
    for op in ("Scale", "BatchNorm"):
        channels = (2, 1, 1)
        own = {"scale": (channels, fine), "shift": (channels, fine)}
        mark = 28 if op == "BatchNorm" else None
        yield alone(
            f"{op}, numbers for all",
            "",
            (5,),
            F32,
            f"core.{op}",
            "norm.two-roundings",
            params={"scale": ((), fine), "shift": ((), fine)},
        )
        yield alone(f"{op}, spikes", "", (2, 2, 2), SPIKE, f"core.{op}", x=whole(0, 1), params=own, landmine=mark)
        gone = {"scale": (channels, lambda r, s: fine(r, s) * np.float32(2.0**12)), "shift": (channels, fine)}
        yield alone(
            f"{op}, a factor from no variance",
            "Variance 0: the factor is 1 / sqrt(eps), large.",
            (2, 1, 3),
            F32,
            f"core.{op}",
            "norm.two-roundings",
            params=gone,
            landmine=mark,
        )
    numbers = {"scale": ((3,), whole(-9, 9)), "shift": ((3,), whole(-999, 999))}
    yield alone("Scale, integers", "Exact.", (3,), BYTE, "core.Scale", "norm.shift-first", params=numbers)
    for kind in (F32, BYTE):
        yield alone(
            f"ReLU, {kind}", "", (6,), kind, "core.ReLU", "relu.dropped", x=coarse if kind.is_float else None
        )


def joined(
    title: str,
    op: str,
    shape: tuple[int, ...],
    kind: NumType,
    *aims: str,
    x: Fill | None = None,
    **attributes: Any,
) -> Sketch:
    """An op of two inputs: the input, and the input times 3 plus 1 per entry."""

    def draw(random: Random) -> Drawn:
        builder = start(op)
        port = builder.input(shape, kind)
        factor = fine(random, shape) if kind.is_float else random.integers(2, 9, shape)
        shift = np.ones((), factor.dtype)
        other = builder.node("m", "core.Scale", port, params={"scale": stored(factor), "shift": stored(shift)})
        builder.output(builder.node("n", op, {"a": port, "b": other}, **attributes))
        return Drawn(builder.graph(), (x or of(kind))(random, (2, *shape)).astype(kind.numpy))

    return Sketch(title, "a is the input, b the input scaled by a node of its own.", draw, aims, RECORDS)


def joined_cases() -> Iterator[Sketch]:
    """Add, Mul, Concat."""
    for kind in (F32, BYTE):
        yield joined(f"Add, {kind}", "core.Add", (6,), kind)
        yield joined(f"Mul, {kind}", "core.Mul", (6,), kind)
        for axis in (0, 1, 2):
            shape = (2, 1, 2)
            yield joined(
                f"Concat along axis {axis}, {kind}",
                "core.Concat",
                shape,
                kind,
                "concat.swapped",
                axis=axis,
                sizes=(shape[axis],) * 2,
            )


PARTS = (
    *dense_cases.PARTS,
    *conv_cases.PARTS,
    *(average_cases, average_sizes, average_two, maximum_cases, maximum_sizes, maximum_counts, adaptive_cases),
    *(moved_cases, padded_cases, elementwise_cases, scaled_cases, joined_cases),
    *transposed_cases.PARTS,
    *odd_cases.PARTS,
)
