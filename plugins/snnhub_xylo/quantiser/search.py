"""The search: scale, bias and dashes of every neuron, on what the float network's neurons would hear.

The leak ``v - (v >> dash)`` rounds one way: a current with dash 7 stays up to 64 units too high. The bias register
can make up for most of it, which no scale can.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from snnhub.ir.tensor import Array

from snnhub_xylo.core import HIGH, LOW
from snnhub_xylo.quantiser.scales import WEIGHT
from snnhub_xylo.quantiser.trial import Settings, errors

BIASES = np.concatenate([np.arange(-400, -60, 8), np.arange(-60, 21)])
"""Added to a neuron's own bias, in units of its scale."""
NEAR = np.array([-24, -16, -12, -8, -5, -3, -2, -1, 0, 1, 2, 3, 5, 8, 12])
SCALES = tuple(float(factor) for factor in np.geomspace(0.45, 1.25, 33))
"""Times the scale at which a neuron's largest weight becomes 127; above 1 that weight is clipped."""


@dataclass(frozen=True, eq=False)
class Numbers:
    """Numbers of some neurons: ``scale`` f64 (neurons,); ``bias`` integers (neurons,); ``dash_mem`` (neurons,) and
    ``dash_syn`` (neurons, synapses).
    """

    scale: Array
    bias: Array
    dash_mem: Array
    dash_syn: Array

    def where(self, better: Array, other: Numbers) -> Numbers:
        """The other's numbers where they are better."""
        return Numbers(
            np.where(better, other.scale, self.scale),
            np.where(better, other.bias, self.bias),
            np.where(better, other.dash_mem, self.dash_mem),
            np.where(better[:, None], other.dash_syn, self.dash_syn),
        )


@dataclass(frozen=True, eq=False)
class Task:
    """Neurons that are searched together. ``heard``: f32 (steps, samples, sources); ``weights``: (sources,
    neurons, synapses) floats; ``threshold``, ``bias``: floats (neurons,); ``wanted``: spikes (steps, samples,
    neurons); ``weight``: (samples,) of a differing spike. ``rounded``: (neurons,) whether the chip's decays are
    not the float network's: only there other dashes are tried.
    """

    heard: Array
    weights: Array
    threshold: Array
    bias: Array
    wanted: Array
    weight: Array
    cap: int
    rounded: Array

    def arrived(self, scale: Array) -> list[Array]:
        """What each synapse gets at these scales, int32."""
        found = []
        for synapse in range(self.weights.shape[2]):
            whole = np.clip(np.rint(self.weights[..., synapse] * scale), -WEIGHT - 1, WEIGHT)
            found.append((self.heard @ whole.astype(np.float32)).astype(np.int32))
        return found

    def judge(self, numbers: Numbers, biases: Array) -> Array:
        """Errors (settings, neurons) for several biases each (settings, neurons)."""
        threshold = np.clip(np.rint(self.threshold * numbers.scale), 1, HIGH)
        settings = Settings(
            [numbers.dash_syn[None, :, synapse] for synapse in range(self.weights.shape[2])],
            numbers.dash_mem[None],
            np.clip(biases, LOW, HIGH),
            threshold[None],
        )
        found = errors(self.arrived(numbers.scale), self.wanted, self.weight, settings, self.cap)
        return np.where(np.rint(self.threshold * numbers.scale) > HIGH, np.inf, found)


def with_bias(task: Task, start: Numbers) -> tuple[Numbers, Array]:
    """The best bias of every neuron at its scale, and its error. 0 of no difference wins."""
    offsets = BIASES[np.argsort(np.abs(BIASES), kind="stable")]
    biases = np.rint(task.bias * start.scale) + offsets[:, None]
    found = task.judge(start, biases)
    best = found.argmin(axis=0)
    columns = np.arange(len(best))
    return replace(start, bias=biases[best, columns]), found[best, columns]


def with_scale(task: Task, start: Numbers, error: Array) -> Iterator[tuple[Numbers, Array]]:
    """Other scales, each with biases near the scaled one. Yields what is best so far, scale by scale."""
    best, near = start, NEAR[np.argsort(np.abs(NEAR), kind="stable")]
    for factor in SCALES:
        trial = replace(start, scale=start.scale * factor)
        best, error = _taken(task, trial, np.rint(start.bias * factor) + near[:, None], best, error)
        yield best, error


def with_dash(task: Task, start: Numbers, error: Array) -> Iterator[tuple[Numbers, Array]]:
    """One dash more or less, of the membrane or of a synapse. Yields what is best so far."""
    if not task.rounded.any():
        return
    best, near = start, NEAR[np.argsort(np.abs(NEAR), kind="stable")]
    for step in (-1, 1):
        trials = [replace(start, dash_mem=np.clip(start.dash_mem + step, 1, 15))]
        for synapse in range(start.dash_syn.shape[1]):
            dashes = start.dash_syn.copy()
            dashes[:, synapse] = np.clip(dashes[:, synapse] + step, 1, 15)
            trials.append(replace(start, dash_syn=dashes))
        for trial in trials:
            best, error = _taken(task, trial, start.bias + near[:, None], best, error, task.rounded)
            yield best, error


def _taken(
    task: Task, trial: Numbers, biases: Array, best: Numbers, error: Array, allowed: Array | bool = True
) -> tuple[Numbers, Array]:
    found = task.judge(trial, biases)
    row = found.argmin(axis=0)
    columns = np.arange(len(row))
    better = (found[row, columns] < error) & allowed
    chosen = replace(trial, bias=biases[row, columns])
    return best.where(better, chosen), np.where(better, found[row, columns], error)
