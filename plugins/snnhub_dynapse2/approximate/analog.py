"""The approximation ``analog``: a network of LIF neurons becomes one of DynapSim neurons that fire as often."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy as np
from snnhub.findings import Finding, Severity, error, of_severity
from snnhub.ir.graph import Graph
from snnhub.ir.op import OpLookup
from snnhub.ir.rung import Rung
from snnhub.ir.tensor import Array
from snnhub.passes.base import Pass, PassContext, PassResult, Promise, unchanged

from snnhub_dynapse2.approximate.bank import analog_spikes, source_spikes
from snnhub_dynapse2.approximate.curves import curve_rows
from snnhub_dynapse2.approximate.fit import Fitted, fit
from snnhub_dynapse2.approximate.layers import Layer, Reading, neurons_of
from snnhub_dynapse2.approximate.network import Layout, build, closed, run, table
from snnhub_dynapse2.approximate.raster import Taught, drive, taught
from snnhub_dynapse2.approximate.report import ERRORS, TABLE, all_rates, current_rows, explained, lost, measured

OPTION, REQUESTED = "neurons", "analog"
NAME = "analog"
CURVES = "f-I"


@dataclass(frozen=True, eq=False)
class Analog:
    """The analog network of ``layout``, how each layer was fitted, and what was measured on the raster."""

    graph: Graph
    layout: Layout
    fitted: dict[str, Fitted]
    seen: Taught
    spikes: dict[str, Array]

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What stands for what, what is lost, how far off it is."""
        found: list[Finding] = [*self.seen.findings]
        for layer in self.layout.layers:
            item = self.fitted[layer.name]
            found.append(explained(layer, item, self.layout.dt))
            found += measured(layer, item, self.spikes, self.seen, self.layout.dt)
        return tuple(found)


def analog(graph: Graph, context: PassContext) -> PassResult:
    """The pass. Networks of analog neurons stay as they are; others are refused unless it is asked for."""
    if not any(True for _ in neurons_of(graph)):
        return unchanged(graph, context)
    reading = Reading(graph, context.lookup)
    layers = reading.layers()
    found = list(reading.found)
    if context.options.get(OPTION) != REQUESTED:
        found += [_unasked(layer) for layer in layers] or [_unread(graph)]
        return unchanged(graph, context, found)
    dt, problem = step_of(graph)
    found += problem
    if of_severity(found, Severity.ERROR) or dt is None:
        return unchanged(graph, context, found)
    made = approximated(Layout(graph, layers, dt), context.calibration, context.lookup, context)
    _leave(made, context)
    return PassResult(made.graph, table(made.layout, context.lookup), made.findings)


def _unasked(layer: Layer) -> Finding:
    words = "; ".join(words for _, words in lost(layer))
    return error(
        "SNN-2542",
        layer.name,
        f"{layer.source.op} is no analog neuron; an approximation would lose: {words}",
        remedy="Pass --approximate analog.",
    )


def _unread(graph: Graph) -> Finding:
    place = next(node.id for node in neurons_of(graph))
    return error("SNN-2542", place, "the network has no analog neurons, and cannot be approximated as it is")


def step_of(graph: Graph) -> tuple[float | None, list[Finding]]:
    """Length of a step in s, 1e-6 to 1. An error where there is none, or another."""
    remedy = "Pass --dt with the length of a step in seconds, such as --dt 0.001."
    if graph.dt is None:
        words = "currents need the length of a step, and the network has none"
        return None, [error("SNN-2541", graph.name, words, remedy=remedy)]
    if not 1e-6 <= graph.dt <= 1:
        words = "no length of a step for analog neurons"
        return None, [error("SNN-2541", graph.name, words, old=f"{graph.dt:g} s", bound="1e-6 .. 1 s")]
    return graph.dt, []


def approximated(
    layout: Layout, calibration: Array | None, lookup: OpLookup, context: PassContext | None = None
) -> Analog:
    """Fit layer by layer: a layer hears what the analog layers before it fire, and what the source's layers fire
    where none is before it yet; then the whole network.
    """
    seen = taught(layout.graph, calibration, layout.layers, layout.dt, lookup)
    spikes: dict[str, Array] = dict(seen.spikes)
    fitted: dict[str, Fitted] = {}
    for number, layer in enumerate(layout.layers):
        if context is not None:
            context.report(f"fitting {layer.name}", number, len(layout.layers) + 1)
        x = drive(layer, spikes, seen.raster)
        largest = max((float(np.abs(link.weight).max(initial=0.0)) for link in layer.links), default=0.0)
        teach = partial(source_spikes, layout.graph, layer, lookup=lookup)
        fitted[layer.name] = fit(layer.source, x, seen.spikes[layer.name], largest, layout.dt, lookup, teach)
        spikes[layer.name] = _heard(layer, fitted[layer.name], x, layout.dt, lookup)
    fitted = closed(layout, fitted, seen, lookup)
    graph = build(layout, fitted, lookup)
    return Analog(graph, layout, fitted, seen, run(graph, layout.layers, seen.raster, lookup))


def _heard(layer: Layer, fitted: Fitted, x: Array, dt: float, lookup: OpLookup) -> Array:
    chosen = fitted.chosen(dt)
    return analog_spikes(chosen.biases, x * chosen.scale, dt, lookup)


def _leave(made: Analog, context: PassContext) -> None:
    """Tables for ``--json`` and pictures."""
    dt = made.layout.dt
    rows = [row for layer in made.layout.layers for row in current_rows(layer, made.fitted[layer.name], dt)]
    context.tables[TABLE] = rows
    context.tables[ERRORS] = all_rates(made.layout, made.spikes, made.seen)
    context.tables[CURVES] = [
        row
        for layer in made.layout.layers
        for row in curve_rows(made.layout.graph, layer, made.fitted[layer.name], made.seen, dt, context.lookup)
    ]


def concerned(graph: Graph) -> tuple[str, ...]:
    """Names of the nodes that the approximation would replace."""
    return tuple(node.id for node in neurons_of(graph))


PASS = Pass(
    "dynapse2 analog",
    1,
    Promise(Rung.DIVERGED),
    "LIF neurons become DynapSim neurons that fire as often, where that is asked for",
    analog,
    tolerant=True,
)
