"""What each difference between a neuron that fires once in a step and Xylo's costs, measured one after the other.

Every rung is a graph; the overlap of two of them on calibration data belongs to one difference alone.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from snnhub.engine.reference import prepare
from snnhub.engine.stimulus import read_stimulus
from snnhub.errors import UsageError
from snnhub.ir.graph import Graph
from snnhub.ir.recording import Recording
from snnhub.ir.tensor import Array
from snnhub.passes.base import PassContext

MARGIN = 0.05
"""What other data of the same kind may fall below the overlap on calibration data, beside chance."""


@dataclass(frozen=True)
class Overlap:
    """Of two trains of counts: the sum of the smaller over the sum of the larger ones. 1 if neither fires."""

    both: int
    either: int

    @classmethod
    def of(cls, a: Array, b: Array) -> Overlap:
        left, right = a.astype(np.int64), b.astype(np.int64)
        return cls(int(np.minimum(left, right).sum()), int(np.maximum(left, right).sum()))

    @property
    def value(self) -> float:
        return self.both / self.either if self.either else 1.0

    def expected(self) -> float:
        """The overlap below which other data of the same kind would be a surprise: four standard deviations."""
        share = self.value
        return share - MARGIN - 4 * math.sqrt(share * (1 - share) / max(1, self.either))


@dataclass(frozen=True)
class Ladder:
    """Spikes of the same nodes on the rungs, first the source; empty without calibration data."""

    recordings: tuple[Recording, ...]

    @classmethod
    def run(cls, rungs: Sequence[Graph], nodes: Sequence[str], context: PassContext) -> Ladder:
        """Run every rung on the calibration data. Data that do not fit are for the quantiser to refuse."""
        if context.calibration is None:
            return cls(())
        try:
            values = read_stimulus(context.calibration, rungs[0].inputs[0]).values
        except UsageError:
            return cls(())
        keys = [f"{name}/s" for name in nodes]
        return cls(tuple(prepare(graph, context.lookup).run(values, record=keys)[0] for graph in rungs))

    def several(self, node: str) -> tuple[int, int] | None:
        """On the last rung: spikes that came beside another one of the same neuron and step, and all of them."""
        if not self.recordings:
            return None
        counts = self.recordings[-1].with_batch(f"{node}/s").astype(np.int64)
        return int(np.maximum(counts - 1, 0).sum()), int(counts.sum())

    def between(self, node: str, first: int, second: int) -> Overlap | None:
        """The overlap of a node's spikes on two rungs; None where nothing was measured."""
        if not self.recordings:
            return None
        a, b = (self.recordings[index].with_batch(f"{node}/s") for index in (first, second))
        return Overlap.of(a, b)
