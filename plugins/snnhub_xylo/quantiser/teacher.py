"""What the float network with the chip's timing does on calibration data: what every neuron hears, and should
say.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from snnhub.engine.reference import prepare
from snnhub.engine.stimulus import read_stimulus
from snnhub.errors import UsageError
from snnhub.ir.graph import Graph, Node
from snnhub.ir.op import OpLookup
from snnhub.ir.tensor import Array

from snnhub_xylo.core import CAP_HIDDEN, CAP_INPUT
from snnhub_xylo.mapping.decays import dash_of, kept, names_of
from snnhub_xylo.mapping.mapped import Mapped

COUNTED = ("raw", "events", "heard", "own", "own_out", "vmem_out")
"""Arrays of a teacher whose axes are steps, samples, and channels or neurons."""
MOST_EVENTS = 255
"""What an input channel of the core can be given in a step."""


@dataclass(frozen=True, eq=False)
class Teacher:
    """Counts (steps, samples, n): ``events`` of inputs as the chip takes them, ``heard`` of hidden neurons by
    others (with what aliases lend, one row of relays behind the other), ``own`` spikes of hidden and ``own_out``
    of output neurons. ``vmem_out``: potentials of output neurons, f32. ``raw``: the data as they were given.
    ``rounded`` (hidden,), ``rounded_out`` (outputs,): neurons whose decays are not the chip's.
    """

    raw: Array
    events: Array
    heard: Array
    own: Array
    own_out: Array
    vmem_out: Array
    rounded: Array
    rounded_out: Array

    @property
    def samples(self) -> int:
        """How many samples there are."""
        return int(self.events.shape[1])

    def part(self, samples: Array) -> Teacher:
        """Some of the samples."""
        return replace(self, **{name: getattr(self, name)[:, samples] for name in COUNTED})

    def steps(self, first: int, last: int | None) -> Teacher:
        """Some of the steps."""
        return replace(self, **{name: getattr(self, name)[first:last] for name in COUNTED})


def teacher(timed: Graph, mapped: Mapped, data: Array, lookup: OpLookup) -> Teacher:
    """Run the graph with the chip's timing. Raises ``UsageError`` for data that are no counts of events."""
    values = counts_of(timed, data)
    network = mapped.network
    blocks = {layer: name for name, layer in network.sums.items()}  # the outermost comes last
    heard = {
        layer.id: f"{blocks[layer.id]}/y" if layer.id in blocks else f"{layer.id}/s" for layer in network.layers
    }
    own = {layer.id: f"{layer.id}/s" for layer in network.ends}
    output = network.output
    assert output is not None  # noqa: S101  admitted
    wanted = {*heard.values(), *own.values(), f"{output.id}/vmem"}
    recording, _ = prepare(timed, lookup).run(values, record=sorted(wanted))
    events = np.minimum(values, CAP_INPUT).astype(np.int64)
    shape = (*values.shape[:2], mapped.places.hidden)
    hears, does = np.zeros(shape, np.int64), np.zeros(shape, np.int64)
    for key in mapped.places.first:
        name, depth, _ = key
        span = slice(*mapped.places.span(key, network.sizes[name]))
        if name == network.input:
            counts, late = events, depth - 1
        else:
            counts, late = np.minimum(recording[heard[name]], CAP_HIDDEN).astype(np.int64), depth
        hears[..., span] = later(counts, late)
        does[..., span] = hears[..., span] if depth else recording[own[name]]
    rounded = np.zeros(mapped.places.hidden, bool)
    for layer in network.layers:
        rounded[mapped.of(layer.id)] = _rounded(timed.node[layer.id])
    counts_out = recording[own[output.id]].astype(np.int64)
    rounded_out = np.broadcast_to(_rounded(timed.node[output.id]), counts_out.shape[-1:])
    return Teacher(values, events, hears, does, counts_out, recording[f"{output.id}/vmem"], rounded, rounded_out)


def _rounded(layer: Node) -> Array:
    """Whether decays of a layer's neurons are not the chip's, () or (neurons,)."""
    factors = [layer.param[name].array for name in names_of(layer)]
    return np.asarray(sum((factor != kept(dash_of(factor, "log2"))).astype(int) for factor in factors) > 0)


def later(counts: Array, steps: int) -> Array:
    """The same, some steps later."""
    if not steps:
        return counts
    return np.concatenate([np.zeros_like(counts[:steps]), counts[:-steps]])[: len(counts)]


def counts_of(graph: Graph, data: Array) -> Array:
    """Calibration data (steps, samples, channels) as counts of events. Raises ``UsageError``."""
    values = read_stimulus(data, graph.inputs[0]).values
    whole = (values == np.rint(values)) & (values >= 0) & (values <= MOST_EVENTS)
    if not whole.all():
        raise UsageError(
            "calibration data must be counts of events",
            where=graph.inputs[0].id,
            found=f"{int(np.count_nonzero(~whole))} values such as {values[~whole].flat[0]:g}",
            allowed=f"integers from 0 to {MOST_EVENTS}",
            remedy="Encode them as the network's input is encoded.",
        )
    return np.asarray(values)
