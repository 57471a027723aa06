"""Dense alone: sums, axes, integers that wrap and are shifted, and the limits of both."""

from __future__ import annotations

from collections.abc import Iterator

from snnhub.ir.numtype import F32, F64, SPIKE, signed, unsigned

from snnhub_conformance.generate.graphs import Sketch
from snnhub_conformance.generate.transforms import (
    BYTE,
    WORD,
    cancelling,
    coarse,
    fine,
    large_first,
    large_last,
    ones,
    product,
    whole,
)


def dense_sums() -> Iterator[Sketch]:
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


PARTS = (dense_sums, dense_whole, dense_axes, dense_integers, dense_limits)
"""Makers of the cases, in order."""
