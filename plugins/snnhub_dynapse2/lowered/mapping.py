"""The pass that maps: a graph of analog neurons becomes the one that a configured board runs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
from snnhub.errors import UnsupportedError
from snnhub.findings import Finding
from snnhub.ir.graph import Graph
from snnhub.ir.rung import Rung
from snnhub.passes.base import PassContext, PassResult, Promise, unchanged

from snnhub_dynapse2.configure import configure
from snnhub_dynapse2.lowered.adapter import Adapted, adapted
from snnhub_dynapse2.lowered.fixed import NotMappedError, fixed
from snnhub_dynapse2.lowered.graph import Wires, graph_of, table_of
from snnhub_dynapse2.lowered.options import Chosen, chosen, monitored
from snnhub_dynapse2.lowered.rates import NEURON_RATES, RATES, counted, neuron_rows, rate_findings, rate_rows
from snnhub_dynapse2.lowered.reports import mapping_tables
from snnhub_dynapse2.mapping.mapped import Mapped, map_network
from snnhub_dynapse2.quantiser.levels import digits

PROMISE = Promise(Rung.DISTRIBUTION)
"""An analog network on a board is never the same in bits: rates are compared."""


def run(graph: Graph, context: PassContext) -> PassResult:
    """Map a network; one that is mapped stays as it is, unless options ask for something. Leaves tables.

    Raises ``UsageError`` or ``FormatError`` for options that cannot be.
    """
    if not context.options:
        try:
            mapped, _ = fixed(graph, context.lookup)
        except NotMappedError:
            pass
        else:
            mapping_tables(mapped, None, context.tables)
            return unchanged(graph, context)
    made, found = adapted(graph, context.lookup)
    if made is None:
        return unchanged(graph, context, found)
    try:
        mapped = mapped_of(made, chosen(context.options))
    except UnsupportedError as problem:
        return unchanged(graph, context, [*found, *problem.findings])
    after = lowered(mapped, made, graph, context)
    mapping_tables(mapped, made, context.tables)
    found = [*found, *mapped.findings, *_rates(graph, after, made, context)]
    return PassResult(after, table_of(after, context.lookup), tuple(found), PROMISE)


def _rates(before: Graph, after: Graph, made: Adapted, context: PassContext) -> Iterator[Finding]:
    """Leaves the tables of rates, where there are data to measure them on."""
    if context.calibration is None:
        return
    rates = counted(before, after, made.shape, context.calibration, context.lookup)
    seconds = len(context.calibration) * made.network.dt
    context.tables[RATES] = rate_rows(rates, seconds)
    context.tables[NEURON_RATES] = neuron_rows(rates, seconds)
    yield from rate_findings(context.tables[RATES])


def mapped_of(made: Adapted, choice: Chosen) -> Mapped:
    """Map a network as it was chosen. Raises ``UnsupportedError`` with every violation."""
    network = replace(made.network, monitored=monitored(choice.monitor, made.shape))
    return map_network(network, choice.board, choice.options)


def lowered(mapped: Mapped, made: Adapted, graph: Graph, context: PassContext) -> Graph:
    """The graph that a mapped network is."""
    synapses, masks = mapped.synapses, mapped.quantised.masks
    signs = np.sign(synapses.weight).astype(np.int64)
    counts = digits(1)[masks].sum(axis=1).astype(np.int64) * signs[:, None]
    wires = Wires(synapses.source, synapses.target, counts)
    return graph_of(configure(mapped), made.shape, wires, context.lookup, graph.name)
