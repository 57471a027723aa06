"""Finds the currents of a layer with which analog neurons fire as often as those they stand for.

Every neuron runs on its own, on what really arrives at it. First the shape of the layer (leak, threshold, gain
current, offset) on some of its neurons: gains of their own are chosen on what arrives, and the shape with which
they then come nearest on that, on less and on more decides, so that a whole f-I curve is fitted and not one point.
Then the layer's gain, then a gain for every neuron. All candidates run side by side; the smallest error wins, the
first of equal ones.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import product

import numpy as np
from snnhub.ir.op import OpLookup
from snnhub.ir.tensor import Array

from snnhub_dynapse2.approximate.bank import analog_spikes
from snnhub_dynapse2.approximate.currents import Chosen, Shape, choose
from snnhub_dynapse2.approximate.raster import rates
from snnhub_dynapse2.approximate.source import Source
from snnhub_dynapse2.network import Floats

Teach = Callable[[Array, Floats], Array]
LEAKS = (0.5, 1.0, 1.75, 3.0, 6.0, 12.0)
THRESHOLDS = (1e-11, 1e-10)
IGAINS = (2e-12, 1e-11)
OFFSETS = (0.0, 1.0)
"""What a layer is searched over: shapes."""
GAINS = tuple(float(gain) for gain in np.geomspace(0.25, 16, 13))
COARSE, KEPT = GAINS[::2], 6
"""Gains that every shape is tried with; so many shapes are tried with all of them."""
LEVELS = (1.0, 0.6, 1.6)
"""What arrives, times so much: what gains are chosen on, and what else decides between shapes."""
NEURONS, STEPS = 24, 1000
"""Neurons and steps of all samples that the shape is searched on."""
OWN = tuple(float(gain) for gain in 2.0 ** (np.arange(-12, 13) / 4))
"""Gains of a neuron over its layer's, at first; then between the best ones."""
FINE = tuple(float(gain) for gain in 2.0 ** (np.arange(-4, 5) / 20))
PULL = 0.02
"""Spikes per piece, squared, that doubling a neuron's gain may cost: silent neurons keep their layer's."""
START = Shape(1.75, 1e-10, 2e-12, 0.0, 1.5)
"""What is taken where a layer never fires, so that nothing can be searched."""


@dataclass(frozen=True, eq=False)
class Fitted:
    """``shape`` of the layer and gains (size,) of its neurons; ``searched``: False where the layer never fired."""

    source: Source
    shape: Shape
    factor: Floats
    largest: float
    searched: bool = True

    def chosen(self, dt: float) -> Chosen:
        """Its currents and scales of weights."""
        return choose(self.source, self.shape, dt, self.largest, self.factor)


def fit(
    source: Source, x: Floats, wanted: Array, largest: float, dt: float, lookup: OpLookup, teach: Teach
) -> Fitted:
    """``x`` arrives, ``wanted`` is what the source fires on it, both (time, samples, neurons). ``teach``: what
    some of its neurons would fire on something else.
    """
    start = Fitted(source, START, np.ones(source.size), largest, searched=False)
    if not wanted.any():
        return start
    bench = _Bench(source, x, wanted, largest, dt, lookup)
    shape = bench.part(teach).best_shape(len(LEVELS))
    shape = bench.best_gain(shape)
    return replace(start, shape=shape, factor=bench.own_gains(shape), searched=True)


@dataclass(frozen=True, eq=False)
class _Bench:
    source: Source
    x: Floats
    wanted: Array
    largest: float
    dt: float
    lookup: OpLookup

    def part(self, teach: Teach) -> _Bench:
        """Fewer neurons and steps, at every level, one after the other as samples: neurons evenly spread, and the
        busiest.
        """
        size = self.source.size
        picked = np.linspace(0, size - 1, min(size, NEURONS)).round().astype(int)
        busiest = np.argsort(-self.wanted.sum(axis=(0, 1)), kind="stable")[: NEURONS // 2]
        picked = np.unique(np.concatenate([picked[:: 2 if size > NEURONS else 1], busiest]))
        samples = max(1, min(self.x.shape[1], STEPS // self.x.shape[0]))
        chosen = np.linspace(0, self.x.shape[1] - 1, samples).round().astype(int)
        x, wanted = (array[:STEPS, chosen][:, :, picked] for array in (self.x, self.wanted))
        levels = [wanted, *(teach(picked, x * level) for level in LEVELS[1:])]
        wide = np.concatenate([x * level for level in LEVELS], axis=1)
        return replace(self, source=picked_of(self.source, picked), x=wide, wanted=np.concatenate(levels, axis=1))

    def respond(self, shapes: Sequence[Shape], factors: Sequence[Floats | float]) -> Floats:
        """Rates (candidates, pieces, neurons) of every candidate."""
        found = []
        size = self.source.size
        room = max(1, int(4e6 // max(1, self.x.size)))
        pairs = list(zip(shapes, factors, strict=True))
        for first in range(0, len(pairs), room):
            some = [
                choose(self.source, shape, self.dt, self.largest, factor)
                for shape, factor in pairs[first : first + room]
            ]
            biases = {name: np.concatenate([item.biases[name] for item in some]) for name in some[0].biases}
            x = np.concatenate([self.x * item.scale for item in some], axis=2)
            made = rates(analog_spikes(biases, x, self.dt, self.lookup), self.dt)
            found.append(made.reshape(len(made), len(some), size).transpose(1, 0, 2))
        return np.concatenate(found)

    @property
    def target(self) -> Floats:
        return rates(self.wanted, self.dt)

    def best_shape(self, levels: int) -> Shape:
        """The shape whose neurons, with gains chosen at the first of ``levels``, come nearest at all of them: all
        shapes with few neurons and gains, then the best with more.
        """
        shapes = [Shape(*each, 1.0) for each in product(LEAKS, THRESHOLDS, IGAINS, OFFSETS)]
        every = np.arange(0, self.source.size, 2 if self.source.size > NEURONS // 2 else 1)
        rough = replace(
            self, source=picked_of(self.source, every), x=self.x[..., every], wanted=self.wanted[..., every]
        )
        cost, _ = rough.costs(shapes, COARSE, levels)
        shapes = [shapes[number] for number in np.argsort(cost, kind="stable")[:KEPT]]
        cost, gains = self.costs(shapes, GAINS, levels)
        number = int(np.argmin(cost))
        return replace(shapes[number], gain=gains[number])

    def costs(self, shapes: Sequence[Shape], gains: Sequence[float], levels: int) -> tuple[Floats, list[float]]:
        """For every shape, how far off it is in Hz, and the best gain of the layer."""
        every = [replace(shape, gain=gain) for shape in shapes for gain in gains]
        off = self.respond(every, [1.0] * len(every)) - self.target
        samples = self.x.shape[1] // levels
        off = off.reshape(len(shapes), len(gains), -1, levels, samples, off.shape[2])
        first = off[:, :, :, 0]
        best = np.argmin((first**2).mean(axis=(2, 3)), axis=1)
        own = np.take_along_axis(off, best[:, None, None, None, None, :], axis=1)[:, 0]
        layer = np.sqrt((first**2).mean(axis=(2, 3, 4)))
        cost = np.sqrt((own**2).mean(axis=(1, 2, 3, 4))) + 0.25 * layer.min(axis=1)
        return np.asarray(cost), [gains[number] for number in layer.argmin(axis=1).tolist()]

    def best_gain(self, shape: Shape) -> Shape:
        """The layer's gain, between those of ``GAINS``."""
        step = (GAINS[1] / GAINS[0]) ** (1 / 5)
        shapes = [replace(shape, gain=shape.gain * step**k) for k in range(-5, 6)]
        off = self.respond(shapes, [1.0] * len(shapes)) - self.target
        return shapes[int(np.argmin((off**2).mean(axis=(1, 2))))]

    def own_gains(self, shape: Shape) -> Floats:
        """A gain for every neuron over its layer's."""
        found = self._nearest(shape, np.ones(self.source.size), OWN)
        return self._nearest(shape, found, FINE)

    def _nearest(self, shape: Shape, around: Floats, steps: Sequence[float]) -> Floats:
        factors = [around * step for step in steps]
        off = self.respond([shape] * len(steps), list(factors)) - self.target
        pieces = off.shape[1]
        spike = 1 / (self.dt * self.x.shape[0] * self.x.shape[1] / pieces)
        doubled = np.log2(np.stack(factors))
        # the sum over pieces decides together with the pieces themselves: a rate that is right on average
        cost = off.mean(axis=1) ** 2 + 0.25 * (off**2).mean(axis=1) + PULL * (spike * doubled) ** 2
        return np.asarray(np.take_along_axis(np.stack(factors), np.argmin(cost, axis=0)[None], axis=0)[0])


def picked_of(source: Source, neurons: Array) -> Source:
    """Some neurons of a layer."""
    numbers = {name: getattr(source, name)[neurons] for name in ("kept", "factor", "jump", "theta", "bias")}
    return replace(source, size=len(neurons), **numbers)
