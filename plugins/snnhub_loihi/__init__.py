"""Loihi: its integer op set, the lowering to it, and its limits. No chip and no Lava is needed for any of it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from snnhub.hub import Approximation, Method, Option, Target, hookimpl

if TYPE_CHECKING:
    from snnhub.ir.op import OpSchema


@hookimpl
def snnhub_register_ops() -> Iterable[OpSchema]:
    from snnhub_loihi import ops, resonate

    return (*ops.OPS, *resonate.OPS)


@hookimpl
def snnhub_register_targets() -> Iterable[Target]:
    return (
        Target(
            "loihi2",
            "Loihi in Lava's fixed-point arithmetic (bit-accurate CPU models of lava-nc 0.10)",
            entry="snnhub_loihi.target:spec",
            lowering="snnhub_loihi.lowering:passes",
            chips=("Loihi 1", "Loihi 2"),
            options=(
                Option(
                    "maxpool",
                    "max pooling of spikes: refused, or exactly as one more layer of neurons",
                    "refuse",
                    ("refuse", "or-layer"),
                ),
                Option(
                    "reset",
                    "soft resets, several spikes per step: refused, or approximated by a reset to 0 and one spike",
                    "refuse",
                    ("refuse", "zero"),
                ),
            ),
            approximations=(
                Approximation(
                    "hard-reset",
                    "soft resets become resets to 0, several spikes per step become one",
                    {"reset": "zero"},
                    "snnhub_loihi.approximations:soft_resets",
                ),
            ),
            methods=(
                Method(
                    "largest-scale",
                    "every layer at the largest scale at which nothing is clipped, rounded to nearest",
                    calibration="unused",
                ),
                Method(
                    "calibrated",
                    "scale and rounding of every layer by spike overlap on calibration data",
                    calibration="needed",
                ),
            ),
        ),
    )
