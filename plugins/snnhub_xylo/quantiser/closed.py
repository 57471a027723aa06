"""A whole core against the float network with the chip's timing: the measure of the ladder.

mismatch(layer) = sum of |n_chip - n_float| over neurons and steps / sum of n_float. Counts of neurons that end a
residual block are those of the sum, since the chip's hold what aliases lend.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from snnhub.engine.reference import prepare
from snnhub.ir.tensor import Array

from snnhub_xylo.document import CORE, graph_of
from snnhub_xylo.mapping.mapped import Mapped
from snnhub_xylo.quantiser.scales import Quantised
from snnhub_xylo.quantiser.teacher import Teacher

QUIET = 200
"""A layer with fewer spikes in the float network says nothing."""


@dataclass(frozen=True, eq=False)
class Counts:
    """Spikes (steps, samples, neurons) of hidden and output neurons."""

    hidden: Array
    outputs: Array


@dataclass(frozen=True)
class Row:
    """A layer: differing spikes, spikes of the float network with the chip's timing, and of what it is compared
    with.
    """

    layer: str
    wrong: int
    spikes: int
    found: int

    @property
    def share(self) -> float:
        """The mismatch."""
        return self.wrong / max(1, self.spikes)

    @property
    def overlap(self) -> float:
        """Jaccard's: the sum of the smaller counts over that of the larger ones; 1 if neither fires."""
        either = self.spikes + self.found + self.wrong
        return (self.spikes + self.found - self.wrong) / either if either else 1.0

    @property
    def quiet(self) -> bool:
        """Whether there are too few spikes to tell."""
        return self.spikes < QUIET


def counts(quantised: Quantised, events: Array) -> Counts:
    """What the core does."""
    keys = [f"{CORE}/s", f"{CORE}/s_out"]
    recording, _ = prepare(graph_of(quantised.core)).run(events, record=keys)
    return Counts(*(recording[key].astype(np.int64) for key in keys))


def rows(found: Counts, mapped: Mapped, taught: Teacher) -> list[Row]:
    """Every hidden layer, then the output layer if it gives spikes."""
    network = mapped.network
    pairs = [
        (layer.id, found.hidden[..., mapped.of(layer.id)], taught.heard[..., mapped.of(layer.id)])
        for layer in network.layers
    ]
    if network.output is not None and not mapped.vmem:
        pairs.append((network.output.id, found.outputs, taught.own_out))
    return [row_of(name, chip, wanted) for name, chip, wanted in pairs]


def row_of(name: str, found: Array, wanted: Array) -> Row:
    """Counts of a layer against those of the float network with the chip's timing."""
    return Row(name, int(np.abs(found - wanted).sum()), int(wanted.sum()), int(found.sum()))


def score(found: Counts, mapped: Mapped, taught: Teacher) -> float:
    """One number, for choosing: the mismatch over all layers, every sample with the same weight."""
    total, spikes = np.zeros(taught.samples), np.zeros(taught.samples)
    own = ~mapped.relay
    for chip, wanted in (
        (found.hidden[..., own], taught.heard[..., own]),
        (found.outputs, found.outputs if mapped.vmem else taught.own_out),
    ):
        total += np.abs(chip - wanted).sum(axis=(0, 2))
        spikes += wanted.sum(axis=(0, 2))
    return float((total / np.maximum(1, spikes)).mean())
