"""The families as targets: one core, its registers and its counts."""

from __future__ import annotations

from functools import partial

from snnhub.api.target import Limit, TargetSpec

from snnhub_xylo.families import A2, A3, IMU, OP, REGISTERS, Family
from snnhub_xylo.measure import measures, rules


def spec_of(family: Family) -> TargetSpec:
    """The allow-list and the limits of a family."""
    counts = tuple(Limit(OP, name, 0, most, source) for name, (most, source) in family.limits.items())
    return TargetSpec(
        family.name,
        {OP: (1,)},
        (*REGISTERS, *counts),
        measures=partial(measures, family=family),
        rules=partial(rules, family=family),
        lowered_by=f"{family.name} takes networks of {OP} only so far; layers and neurons are not lowered yet.",
    )


def xylo_a2() -> TargetSpec:
    """Xylo Audio 2, syns61201."""
    return spec_of(A2)


def xylo_imu() -> TargetSpec:
    """Xylo IMU, syns63300."""
    return spec_of(IMU)


def xylo_a3() -> TargetSpec:
    """Xylo Audio 3, syns65302."""
    return spec_of(A3)
