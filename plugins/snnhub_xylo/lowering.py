"""The lowering to Xylo: which passes run, in which order."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from snnhub.ir.rung import Rung
from snnhub.passes.base import Pass, Promise

from snnhub_xylo.admit import admit
from snnhub_xylo.families import A2, A3, IMU, Family
from snnhub_xylo.quantiser import integers
from snnhub_xylo.steps import FRONT, mapping


def _passes(family: Family) -> Sequence[Pass]:
    refuse = f"refuses, all at once, what {family.name} does not have"
    check = Pass(
        f"{family.name} admit", 1, Promise(Rung.BITS), refuse, partial(admit, family=family), tolerant=True
    )
    words = "layers become one core, in integers"
    core = Pass("xylo core", 1, Promise(Rung.DECISION), words, partial(integers.run, family=family))
    return (*FRONT, check, *mapping(family), core, check)


def xylo_a2() -> Sequence[Pass]:
    """For Xylo Audio 2."""
    return _passes(A2)


def xylo_imu() -> Sequence[Pass]:
    """For Xylo IMU."""
    return _passes(IMU)


def xylo_a3() -> Sequence[Pass]:
    """For Xylo Audio 3."""
    return _passes(A3)
