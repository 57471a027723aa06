"""What a family runs and how much of it, for networks of one core."""

from __future__ import annotations

from functools import partial

from snnhub.api.target import Limit, Reach, TargetSpec

from snnhub_xylo.core import CAP_HIDDEN, CAP_OUTPUT, HIGH, LOW
from snnhub_xylo.families import OP, REGISTERS, Family
from snnhub_xylo.measure import measures, rules

SIMULATOR = "xylosim 0.1.3"
REACHES = (
    *(
        Reach(OP, name, spikes, LOW, HIGH, f"{SIMULATOR}: int16, saturates")
        for spikes, names in (("s", ("isyn", "isyn2", "vmem")), ("s_out", ("isyn_out", "vmem_out")))
        for name in names
    ),
    Reach(OP, "s", "s", 0, CAP_HIDDEN, f"{SIMULATOR}: {CAP_HIDDEN} spikes per step and hidden neuron"),
    Reach(OP, "s_out", "s_out", 0, CAP_OUTPUT, f"{SIMULATOR}: {CAP_OUTPUT} spike per step and output neuron"),
)
"""States and counts at whose ends a layer is saturated."""


def core_spec(family: Family) -> TargetSpec:
    """The allow-list and the limits of a family."""
    counts = tuple(Limit(OP, name, 0, most, source) for name, (most, source) in family.limits.items())
    return TargetSpec(
        family.name,
        {OP: (1,)},
        (*REGISTERS, *counts),
        measures=partial(measures, family=family),
        rules=partial(rules, family=family),
        reaches=REACHES,
    )
