"""The families as targets: one core, its registers and its counts. Networks of layers are mapped to be checked."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from snnhub.api.target import TargetSpec

from snnhub_xylo.admit import preview
from snnhub_xylo.families import A2, A3, IMU, Family
from snnhub_xylo.limits import core_spec


def spec_of(family: Family) -> TargetSpec:
    """The allow-list and the limits of a family, and how a network of layers is mapped to see whether it fits."""
    return replace(core_spec(family), lower=partial(preview, family=family))


def xylo_a2() -> TargetSpec:
    """Xylo Audio 2, syns61201."""
    return spec_of(A2)


def xylo_imu() -> TargetSpec:
    """Xylo IMU, syns63300."""
    return spec_of(IMU)


def xylo_a3() -> TargetSpec:
    """Xylo Audio 3, syns65302."""
    return spec_of(A3)
