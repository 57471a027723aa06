"""The lowering to a board of Dynap-SE2."""

from __future__ import annotations

from collections.abc import Sequence

from snnhub.passes.base import Pass

from snnhub_dynapse2.approximate.analog import PASS as ANALOG
from snnhub_dynapse2.lowered.mapping import PROMISE, run

MAP = Pass(
    "dynapse2 map",
    1,
    PROMISE,
    "weights become sums of four bases, currents codes, neurons get their cores and tags",
    run,
)


def passes() -> Sequence[Pass]:
    """LIF neurons become analog where that is asked for; then one pass: everything depends on everything."""
    return (ANALOG, MAP)
