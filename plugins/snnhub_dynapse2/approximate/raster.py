"""What an approximation is fitted on: the user's raster or a Poisson raster, and what the network does on it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from snnhub.engine.reference import prepare
from snnhub.findings import Finding, info, loss
from snnhub.ir.graph import Graph
from snnhub.ir.op import OpLookup
from snnhub.ir.tensor import Array

from snnhub_dynapse2.approximate.layers import Layer
from snnhub_dynapse2.network import Floats

MOST = 8000
"""Steps of all samples together that are looked at; the rest of a longer raster is left out."""
SAMPLES, STEPS = 8, 500
RATES = (5.0, 20.0, 50.0, 100.0)
"""Of the default raster, in Hz, by turns."""
PIECE, PIECES = 200, 4
"""Long samples are counted in pieces of at least so many steps, at most so many."""


@dataclass(frozen=True, eq=False)
class Taught:
    """The raster (time, samples, inputs), flat, and the spikes of every layer of the source on it."""

    raster: Array
    spikes: Mapping[str, Array]
    findings: tuple[Finding, ...] = field(default=())

    def of(self, name: str) -> Array:
        """What a layer fires, or what the input holds, (time, samples, entries)."""
        return self.spikes.get(name, self.raster)


def poisson(graph: Graph, dt: float) -> Array:
    """The default raster: ``SAMPLES`` samples, each channel a Poisson train of one of ``RATES``; always one."""
    shape = graph.inputs[0].shape
    draws = np.random.default_rng(0).random((STEPS, SAMPLES, *shape))
    rate = np.resize(np.array(RATES), SAMPLES).reshape(1, SAMPLES, *(1 for _ in shape))
    return np.asarray((draws < np.minimum(rate * dt, 0.5)).astype(np.float32))


def taught(
    graph: Graph, calibration: Array | None, layers: tuple[Layer, ...], dt: float, lookup: OpLookup
) -> Taught:
    """Run the source on ``calibration`` (time, samples, features…), or on the default raster."""
    findings: list[Finding] = []
    place = graph.inputs[0].id
    raster = calibration
    if raster is None:
        raster = poisson(graph, dt)
        words = (
            f"no raster was given: fitted on {SAMPLES} samples of {STEPS} steps of Poisson trains of "
            f"{', '.join(f'{rate:g}' for rate in RATES)} Hz"
        )
        findings.append(
            loss("SNN-2549", place, words, remedy="Pass --calibrate with input as the network sees it.")
        )
    samples = max(1, min(raster.shape[1], MOST // max(1, raster.shape[0])))
    if raster.shape[0] > MOST or samples < raster.shape[1]:
        old = f"{raster.shape[0]} steps x {raster.shape[1]}"
        chosen = np.linspace(0, raster.shape[1] - 1, samples).round().astype(int)
        raster = raster[:MOST, chosen]
        new = f"{raster.shape[0]} steps x {raster.shape[1]}"
        findings.append(info("SNN-2549", place, "a part of the raster is looked at", old=old, new=new))
    keys = [f"{layer.name}/s" for layer in layers]
    recording, _ = prepare(graph, lookup).run(raster, record=keys)
    spikes = {layer.name: _flat(recording[f"{layer.name}/s"]) for layer in layers}
    return Taught(_flat(raster), spikes, tuple(findings))


def _flat(array: Array) -> Array:
    return np.asarray(array.reshape(*array.shape[:2], -1), np.float32)


def drive(layer: Layer, spikes: Mapping[str, Array], raster: Array) -> Floats:
    """What arrives at a layer, (time, samples, neurons), f64: spikes of its sources, delayed, times weights."""
    total = np.zeros((*raster.shape[:2], layer.source.size))
    for link in layer.links:
        source = np.asarray(spikes.get(link.source, raster), np.float64)
        moved = source @ link.weight
        if link.delay:
            moved = np.concatenate([np.zeros_like(moved[: link.delay]), moved[: -link.delay]])[: len(total)]
        total += moved
    return total


def rates(spikes: Array, dt: float) -> Floats:
    """Rates (pieces, neurons) in Hz: samples, long ones in up to ``PIECES`` pieces."""
    steps, samples, neurons = spikes.shape
    parts = max(1, min(PIECES, steps // PIECE))
    length = steps // parts
    cut = spikes[: parts * length].reshape(parts, length, samples, neurons)
    return np.asarray(cut.sum(axis=1, dtype=np.float64).reshape(-1, neurons) / (length * dt))
