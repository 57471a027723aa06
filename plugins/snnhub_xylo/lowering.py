"""What stands before an export to Xylo. Layers and neurons are not mapped yet: they are refused by name."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from snnhub.api.check import check_target
from snnhub.findings import Severity
from snnhub.ir.graph import Graph
from snnhub.ir.rung import Rung
from snnhub.passes.base import Pass, PassContext, PassResult, Promise, unchanged

from snnhub_xylo.families import A2, A3, IMU, Family
from snnhub_xylo.target import spec_of


def _admit(graph: Graph, context: PassContext, family: Family) -> PassResult:
    """Everything that the family does not have, at once; the graph stays as it is."""
    found = check_target(graph, spec_of(family)).findings
    return unchanged(graph, context, (item for item in found if item.severity is not Severity.INFO))


def _passes(family: Family) -> Sequence[Pass]:
    words = f"refuses, all at once, what {family.name} does not have"
    return (Pass(f"{family.name} admit", 1, Promise(Rung.BITS), words, partial(_admit, family=family)),)


def xylo_a2() -> Sequence[Pass]:
    """For Xylo Audio 2."""
    return _passes(A2)


def xylo_imu() -> Sequence[Pass]:
    """For Xylo IMU."""
    return _passes(IMU)


def xylo_a3() -> Sequence[Pass]:
    """For Xylo Audio 3."""
    return _passes(A3)
