"""The pass that makes the core: layers get their neurons, numbers become integers, and the report is written."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from snnhub.errors import UsageError
from snnhub.findings import error
from snnhub.ir.graph import TERMINAL_PORT, Decoder, Graph, Match, Port
from snnhub.ir.rung import Rung
from snnhub.passes.base import PassContext, PassResult, Promise, unchanged

from snnhub_xylo.core import HIGH
from snnhub_xylo.document import CORE, IN, OUT, graph_of
from snnhub_xylo.families import OP, Family
from snnhub_xylo.mapping.layers import Network, read_network
from snnhub_xylo.mapping.mapped import Mapped, mapped
from snnhub_xylo.mapping.promise import promised
from snnhub_xylo.mapping.specification import specification
from snnhub_xylo.quantiser.auto import auto
from snnhub_xylo.quantiser.closed import Counts, counts
from snnhub_xylo.quantiser.ladder import ladder, rungs_of
from snnhub_xylo.quantiser.report import Made, findings, layer_rows
from snnhub_xylo.quantiser.scales import neuron_scales, quantise
from snnhub_xylo.quantiser.teacher import Teacher, teacher

HEADROOM = 0.5
"""Share of 16 bits that the potential of an output neuron may take on calibration data."""
QUANTISERS = ("auto", "per-neuron", "global")


def run(graph: Graph, context: PassContext, family: Family) -> PassResult:
    """Replace all layers by one core. Tables: ``xylo layers``, ``xylo ladder``; arrays: ``float-spec``."""
    if any(node.op == OP for node in graph.nodes):
        words = "the network is a core already: there are no numbers before quantising"
        asked = "float-spec" in context.options
        return unchanged(graph, context, [error("SNN-2417", "--float-spec", words)] if asked else ())
    network, refused = read_network(graph, context.lookup)
    if refused:
        return unchanged(graph, context, refused)
    made, unplaced = mapped(network, family, vmem=is_vmem(graph, network))
    if unplaced:
        return unchanged(graph, context, unplaced)
    rungs = rungs_of(graph, context)
    context.arrays["float-spec"] = specification(made, family, rungs.timing)
    try:
        taught = None
        if context.calibration is not None:
            taught = teacher(rungs.timing, made, context.calibration, context.lookup)
    except UsageError as problem:
        return unchanged(graph, context, [error("SNN-2417", problem.where or "calibration", str(problem))])
    result = _quantised(made, taught, context)
    after = graph_of(result.quantised.core, graph.dt, decoder_of(graph, made), graph.name)
    found = findings(result, context)
    promise = Promise(Rung.DECISION)
    context.tables["xylo layers"] = layer_rows(result)
    if taught is not None:
        chip = counts(result.quantised, taught.raw)
        table = ladder(rungs, made, taught, chip, context.lookup)
        context.tables["xylo ladder"] = table
        found += result.measured(chip, table)
        promise = promised(_pairs(made, taught, chip))
    scale = float(result.quantised.scale_out[0])
    return PassResult(after, tuple(matches(graph, made, scale)), tuple(found), promise)


def is_vmem(graph: Graph, network: Network) -> bool:
    """Whether decisions are read from potentials of the output neurons."""
    return (
        graph.decoder is not None
        and network.output is not None
        and graph.decoder.quantity == f"{network.output.id}/vmem"
    )


def decoder_of(graph: Graph, made: Mapped) -> Decoder | None:
    """The decoder of the core."""
    if made.vmem and graph.decoder is not None:
        return replace(graph.decoder, quantity=f"{CORE}/vmem_out")
    return graph.decoder


def _quantised(made: Mapped, taught: Teacher | None, context: PassContext) -> Made:
    name = context.options.get("quantiser", "auto")
    scale_out = _potential_scale(made, taught) if made.vmem else None
    if name == "auto" and taught is not None:
        chosen = auto(made, taught, context.report, scale_out)
        return Made(made, chosen.best.quantised, "auto", taught, chosen)
    rule = "global" if name == "global" else "per-neuron"
    return Made(made, quantise(made, rule, scale_out), rule, taught, None)


def _potential_scale(made: Mapped, taught: Teacher | None) -> np.ndarray:
    """One scale for all outputs, at which no potential of the calibration data comes near the threshold."""
    _, scale = neuron_scales(made)
    if taught is None:
        return scale
    most = float(np.abs(taught.vmem_out).max(initial=0))
    return np.minimum(scale, HEADROOM * HIGH / most) if most else scale


def _pairs(made: Mapped, taught: Teacher, chip: Counts) -> list[tuple[np.ndarray, np.ndarray]]:
    pairs = [
        (taught.heard[..., made.of(layer.id)], chip.hidden[..., made.of(layer.id)])
        for layer in made.network.layers
    ]
    return [*pairs, (taught.own_out, chip.outputs)] if not made.vmem else pairs


def matches(graph: Graph, made: Mapped, scale: float | None = None) -> list[Match]:
    """Which quantity of the layers is which of the core. Neurons that end a residual block have the sum's spikes.

    ``scale``: of output potentials, where all have the same.
    """
    network = made.network
    blocks = {layer: name for name, layer in network.sums.items()}
    hidden, own = Port(CORE, "s"), made.places
    found = [Match(Port(network.input, TERMINAL_PORT), Port(IN, TERMINAL_PORT))]
    for (name, depth, _), first in own.first.items():
        select = (first, first + network.sizes[name])
        if name == network.input:
            old, late = Port(name, TERMINAL_PORT), depth - 1
        else:
            old, late = (Port(blocks[name], "y") if name in blocks else Port(name, "s")), depth
        if name != network.input or depth > 1:
            whole = select == (0, own.hidden)
            found.append(Match(old, hidden, late, 1.0, None if whole else select))
    output = network.output
    assert output is not None  # noqa: S101  admitted
    found.append(Match(Port(output.id, "s"), Port(CORE, "s_out")))
    if made.vmem:
        found.append(Match(Port(output.id, "vmem"), Port(CORE, "vmem_out"), 0, scale))
    found += [Match(Port(item.id, TERMINAL_PORT), Port(OUT, TERMINAL_PORT)) for item in graph.outputs]
    return found
