"""Dynap-SE2 as a target: what its neurons are, and how much of a board a mapped network uses."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from snnhub.api.target import Measured, TargetSpec
from snnhub.findings import Finding
from snnhub.ir.graph import Graph
from snnhub.ops.registry import REGISTRY
from snnhub.passes.base import PassContext

from snnhub_dynapse2.limits import LIMITS, OP
from snnhub_dynapse2.lowered.fixed import NotMappedError, fixed
from snnhub_dynapse2.lowered.mapping import run
from snnhub_dynapse2.mapping.mapped import Mapped
from snnhub_dynapse2.mapping.report import cam_counts, place_of, sram_counts

NAME = "dynapse2"
REMEDY = "snnhub convert says all of it, with what helps."


def dynapse2() -> TargetSpec:
    """A board of four chips."""
    return TargetSpec(
        NAME,
        {OP: (1,), "core.Dense": (1,)},
        LIMITS,
        notes=("positions of chips and hops to the monitor were not verified on a board",),
        measures=measures,
        rules=rules,
        lowered_by="Build the network of DynapSim and LinearJax.",
    )


def _mapped(graph: Graph) -> tuple[Mapped | None, Sequence[Finding]]:
    """The mapping behind a graph, or the one that it would get; None, and why, if it gets none."""
    context = PassContext()
    result = run(graph, context)
    made = result.graph
    try:
        return fixed(made, REGISTRY)[0], ()
    except NotMappedError:
        return None, result.findings


def rules(graph: Graph) -> Iterator[Finding]:
    """Why a network cannot be mapped."""
    mapped, found = _mapped(graph)
    yield from () if mapped is not None else found


def measures(graph: Graph) -> Iterator[Measured]:
    """Every count that a board limits."""
    mapped, _ = _mapped(graph)
    if mapped is None:
        return
    name = mapped.network.name
    yield Measured(name, "neurons", mapped.network.n, REMEDY)
    fan = np.bincount(mapped.synapses.target, minlength=mapped.network.n)
    yield Measured(name, "fan-in", int(max(fan.max(), cam_counts(mapped).max())), REMEDY)
    yield Measured(name, "destinations", int(sram_counts(mapped).max()), REMEDY)
    for core, heard in mapped.tagged.heard.items():
        yield Measured(place_of(core), "tags of a core", len(heard), REMEDY)
    yield Measured(name, "monitored neurons", len(mapped.network.monitored), REMEDY)
