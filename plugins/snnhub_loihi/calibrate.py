"""Chooses scales on calibration data: layer by layer, each fed with the spikes of the quantised layers before.

The measure is spike overlap (Jaccard) with the float network. Accuracy cannot tell scales apart; overlap can.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np
from snnhub.engine.reference import prepare
from snnhub.engine.stimulus import read_stimulus
from snnhub.errors import UsageError
from snnhub.ir.graph import TERMINAL_PORT, Edge, Graph, Input, Node, Output, Port
from snnhub.ir.numtype import SPIKE
from snnhub.ir.op import OpLookup
from snnhub.ir.tensor import Array
from snnhub.passes.base import PassContext

from snnhub_loihi.integers import IntegerLayer, to_integers
from snnhub_loihi.layers import Layer, own_scale
from snnhub_loihi.or_layer import is_or, or_integers
from snnhub_loihi.rounding import compensated, moments
from snnhub_loihi.scales import candidates, grid_scales, lossless_scale


@dataclass(frozen=True)
class Overlap:
    """Jaccard index of two spike arrays: bins where ``both`` fire, of those where ``either`` does."""

    both: int
    either: int

    @property
    def value(self) -> float:
        """1 if neither fires at all."""
        return self.both / self.either if self.either else 1.0

    def expected(self) -> float:
        """The overlap below which other data of the same kind would be a surprise: a margin of 0.05, and four
        standard deviations of a share counted over so few bins.
        """
        share = self.value
        return share - 0.05 - 4 * math.sqrt(share * (1 - share) / max(1, self.either))


def overlap(a: Array, b: Array) -> Overlap:
    """The overlap of two boolean arrays."""
    return Overlap(int(np.count_nonzero(a & b)), int(np.count_nonzero(a | b)))


@dataclass(frozen=True)
class Choice:
    """A layer at its chosen scale, with the overlap reached on calibration data (None without data)."""

    layer: IntegerLayer
    overlap: Overlap | None
    tried: int


class Calibration:
    """Float spikes of every layer on the calibration data, and the spikes of the layers chosen so far."""

    def __init__(self, graph: Graph, data: Array, layers: list[Layer], lookup: OpLookup) -> None:
        self.graph = graph
        self.lookup = lookup
        item = graph.inputs[0]
        stimulus = read_stimulus(data, item)
        if not np.isin(stimulus.values, (0, 1)).all():
            raise UsageError(
                "calibration data must be spikes",
                where=item.id,
                found="values other than 0 and 1",
                allowed="0, 1",
                remedy="Encode them as the network's input is encoded.",
            )
        plan = prepare(graph, lookup)
        self.targets = [f"{layer.neuron.id}/s" for layer in layers]
        recording, _ = plan.run(stimulus.values, record=self.targets)
        self.wanted = {key: recording[key].astype(bool) for key in self.targets}
        self.shapes = plan.analysis.shapes
        self.spikes: dict[str, Array] = {item.id: stimulus.values.astype(np.uint8)}
        self._hessians: dict[str, list[Array] | None] = {}

    def measure(self, trial: IntegerLayer) -> tuple[Overlap, Array]:
        """Overlap of a trial with the float layer, fed with the spikes chosen so far; and its own spikes."""
        spikes = self._run(trial)
        return overlap(spikes.astype(bool), self.wanted[f"{trial.layer.neuron.id}/s"]), spikes

    def accept(self, trial: IntegerLayer, spikes: Array) -> None:
        """Feed the following layers with these spikes."""
        self.spikes[trial.layer.neuron.id] = spikes

    def compensated(self, layer: Layer, scale: Fraction) -> IntegerLayer | None:
        """The layer rounded with compensation for the spikes that reach it, or None where that is too large."""
        rounded = []
        for synapse in layer.synapses:
            hessians = self._moments(synapse)
            if hessians is None:
                return None
            rounded.append(compensated(synapse.param["weight"].array, scale, hessians))
        return replace(to_integers(layer, scale, self.lookup, rounded), rounding="compensated")

    def _moments(self, synapse: Node) -> list[Array] | None:
        if synapse.id not in self._hessians:
            source, _ = self._source(synapse.id)
            values = self.spikes.get(source)
            shape = self.shapes[Port(synapse.id, "x")]
            self._hessians[synapse.id] = (
                None if values is None else moments(synapse, values.reshape(*values.shape[:2], *shape))
            )
        return self._hessians[synapse.id]

    def _run(self, trial: IntegerLayer) -> Array:
        inputs, edges, stimuli = [], [], {}
        for number, (synapse, into) in enumerate(zip(trial.synapses, trial.layer.edges, strict=True)):
            source, delay = self._source(synapse.id)
            edges.append(Edge(Port(synapse.id, "y"), Port(trial.neuron.id, "a"), into.delay))
            if source == trial.neuron.id:
                edges.append(Edge(Port(source, "s"), Port(synapse.id, "x"), delay))
                continue
            name, shape = f"in{number}", self.shapes[Port(synapse.id, "x")]
            inputs.append(Input(name, shape, SPIKE))
            edges.append(Edge(Port(name, TERMINAL_PORT), Port(synapse.id, "x"), delay))
            values = self.spikes[source]
            stimuli[name] = values.reshape(*values.shape[:2], *shape)
        edges.append(Edge(Port(trial.neuron.id, "s"), Port("output", TERMINAL_PORT)))
        nodes = (*trial.synapses, trial.neuron)
        graph = Graph("trial", nodes, tuple(edges), tuple(inputs), (Output("output"),))
        recording, _ = prepare(graph, self.lookup).run(stimuli)
        return recording["output"]

    def _source(self, synapse: str) -> tuple[str, int]:
        """The neurons (or the input) whose spikes reach a synapse, through flattens, and the delay."""
        edge, delay = self.graph.feeding(synapse)[0], 0
        while edge.src.node in self.graph.node and self.graph.node[edge.src.node].op == "core.Flatten":
            delay += edge.delay
            edge = self.graph.feeding(edge.src.node)[0]
        return edge.src.node, delay + edge.delay


def choose(graph: Graph, layers: list[Layer], context: PassContext) -> list[Choice]:
    """A scale for every layer.

    A lossless scale is always taken. Otherwise, with calibration data, each layer gets the scale of largest
    overlap; that choice and the one of largest scales throughout are then compared by their worst layer.
    """
    if context.calibration is None:
        return [_largest(layer, context.lookup) for layer in layers]
    calibration = Calibration(graph, context.calibration, layers, context.lookup)
    best = _walk(calibration, layers, context, search=True)
    plain = _walk(calibration, layers, context, search=False)
    return max((best, plain), key=_worst)


def _worst(choices: list[Choice]) -> float:
    return min((choice.overlap.value for choice in choices if choice.overlap is not None), default=1.0)


def _largest(layer: Layer, lookup: OpLookup) -> Choice:
    if is_or(layer):
        return Choice(or_integers(layer, lookup), None, 1)
    numbers = layer.numbers()
    scale = (
        own_scale(layer) or lossless_scale(numbers) or next(grid_scales(numbers), None) or candidates(numbers)[0]
    )
    return Choice(to_integers(layer, scale, lookup), None, 1)


def _walk(calibration: Calibration, layers: list[Layer], context: PassContext, search: bool) -> list[Choice]:
    choices = []
    for number, layer in enumerate(layers):
        trials = _trials(calibration, layer) if search else [_largest(layer, context.lookup).layer]
        best: tuple[Overlap, Array, IntegerLayer] | None = None
        tried = 0
        for trial in trials:
            tried += 1
            reached, spikes = calibration.measure(trial)
            if best is None or reached.value > best[0].value:
                best = (reached, spikes, trial)
        if best is not None:
            calibration.accept(best[2], best[1])
            choices.append(Choice(best[2], best[0], tried))
        if search:
            context.report("calibrating", number + 1, len(layers))
    return choices


def _trials(calibration: Calibration, layer: Layer) -> Iterator[IntegerLayer]:
    """A lossless scale alone if there is one; else every scale, rounded to nearest and with compensation."""
    if is_or(layer):
        yield or_integers(layer, calibration.lookup)
        return
    numbers = layer.numbers()
    lossless = own_scale(layer) or lossless_scale(numbers)
    grid = itertools.islice(grid_scales(numbers), 1)
    for scale in [lossless] if lossless is not None else [*grid, *candidates(numbers)]:
        yield to_integers(layer, scale, calibration.lookup)
        trial = calibration.compensated(layer, scale) if lossless is None else None
        if trial is not None:
            yield trial
