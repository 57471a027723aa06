"""Family ``transform``: what weights that are NaN or infinite add to a sum."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from snnhub.ir.numtype import F32
from snnhub.ir.tensor import Array

from snnhub_conformance.generate.graphs import Random, Sketch
from snnhub_conformance.generate.transforms import alone

WINDOW: dict[str, Any] = {"stride": (2, 1), "padding": (1, 0), "dilation": (1, 1)}


def _numbers(random: Random, shape: tuple[int, ...]) -> Array:
    """Numbers of both signs, some of them 0."""
    return random.choice(np.array([0, 0, -1.5, 0.25, 2, -0.5], np.float32), shape)


def _seldom(random: Random, shape: tuple[int, ...]) -> Array:
    """0 for most; else NaN (1), infinity (2), minus infinity (3)."""
    return random.choice(4, shape, p=[0.6, 0.05, 0.2, 0.15]).astype(np.int8)


def _some(random: Random, shape: tuple[int, ...]) -> Array:
    """One of each, and 0."""
    return random.permutation(np.arange(int(np.prod(shape))) % 4).astype(np.int8).reshape(shape)


def odd_cases() -> Iterator[Sketch]:
    """OddDense, OddConv: with and without biases, in groups."""
    for bias in (False, True):
        own: dict[str, Any] = {"bias_odd": ((4,), _some)} if bias else {}
        also = ", biases" if bias else ""
        yield alone(
            f"OddDense{also}",
            "An infinity times 0 is NaN, infinities of both signs are NaN, all else keeps its sign.",
            (3,),
            F32,
            "nirtorch.OddDense",
            x=_numbers,
            params={"weight_odd": ((4, 3), _seldom), **own},
            steps=6,
            bias=bias,
        )
        for groups in (1, 2):
            yield alone(
                f"OddConv, {groups} groups{also}",
                "The zeros around are inputs: an infinity times one of them is NaN.",
                (2, 3, 3),
                F32,
                "nirtorch.OddConv",
                x=_numbers,
                params={"weight_odd": ((4, 2 // groups, 2, 2), _seldom), **own},
                steps=2,
                bias=bias,
                groups=groups,
                **WINDOW,
            )


PARTS = (odd_cases,)
