"""What a family runs and how much of it, for networks of one core."""

from __future__ import annotations

from functools import partial

from snnhub.api.target import Limit, TargetSpec

from snnhub_xylo.families import OP, REGISTERS, Family
from snnhub_xylo.measure import measures, rules


def core_spec(family: Family) -> TargetSpec:
    """The allow-list and the limits of a family."""
    counts = tuple(Limit(OP, name, 0, most, source) for name, (most, source) in family.limits.items())
    return TargetSpec(
        family.name,
        {OP: (1,)},
        (*REGISTERS, *counts),
        measures=partial(measures, family=family),
        rules=partial(rules, family=family),
    )
