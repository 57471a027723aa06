"""Dynap-SE2 as a target: what its neurons are, and how much of a board a mapped network uses."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial

import numpy as np
from snnhub.api.target import Measured, TargetSpec
from snnhub.findings import Finding
from snnhub.ir.graph import Graph
from snnhub.ops.registry import REGISTRY
from snnhub.passes.base import PassContext

from snnhub_dynapse2.limits import LIMITS, OP
from snnhub_dynapse2.lowered.fixed import NotMappedError, fixed
from snnhub_dynapse2.lowered.layers import WEIGHTS
from snnhub_dynapse2.lowered.mapping import run
from snnhub_dynapse2.mapping.mapped import Mapped
from snnhub_dynapse2.mapping.report import cam_counts, place_of, sram_counts

NAME = "dynapse2"
REMEDY = "snnhub convert says all of it, with what helps."


def dynapse2() -> TargetSpec:
    """A board of four chips."""
    preview = _Preview()
    return TargetSpec(
        NAME,
        {OP: (1,), WEIGHTS: (1,)},
        LIMITS,
        notes=("positions of chips and hops to the monitor were not verified on a board",),
        measures=partial(measures, preview=preview),
        rules=partial(rules, preview=preview),
        lowered_by="Build the network of DynapSim and LinearJax.",
    )


@dataclass
class _Preview:
    """What the last graph that was asked for would become: counts and rules both want it, and it takes a while."""

    graph: Graph | None = None
    mapped: Mapped | None = None
    found: Sequence[Finding] = ()

    def of(self, graph: Graph) -> tuple[Mapped | None, Sequence[Finding]]:
        """The mapping behind a graph, or the one that it would get; None, and why, if it gets none."""
        if self.graph is not graph:
            result = run(graph, PassContext())
            self.graph, self.mapped, self.found = graph, None, result.findings
            with suppress(NotMappedError):
                self.mapped = fixed(result.graph, REGISTRY)[0]
        return self.mapped, self.found


def rules(graph: Graph, preview: _Preview) -> Iterator[Finding]:
    """Why a network cannot be mapped, beyond ops that are not listed."""
    mapped, found = preview.of(graph)
    strange = {node.id for node in graph.nodes if node.op not in (OP, WEIGHTS)}
    if mapped is None:
        yield from (item for item in found if item.place not in strange)


def measures(graph: Graph, preview: _Preview) -> Iterator[Measured]:
    """Every count that a board limits, of a network that can be mapped."""
    mapped, _ = preview.of(graph)
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
