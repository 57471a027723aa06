"""f-I curves: rates of single neurons over what arrives, the source's and the analog neuron's."""

from __future__ import annotations

from typing import Any

import numpy as np
from snnhub.ir.graph import Graph
from snnhub.ir.op import OpLookup

from snnhub_dynapse2.approximate.bank import analog_spikes, source_spikes
from snnhub_dynapse2.approximate.currents import choose
from snnhub_dynapse2.approximate.fit import Fitted, picked_of
from snnhub_dynapse2.approximate.layers import Layer
from snnhub_dynapse2.approximate.raster import Taught, drive

LEVELS = (0.0, 0.25, 0.5, 0.75, 1.0, 1.25, 1.5, 2.0)
"""What arrives at a neuron of this network, times so much."""
NEURONS, STEPS, SAMPLES = 32, 1000, 4
"""Neurons of a layer that are driven, evenly spread, and how long."""


def curve_rows(
    graph: Graph, layer: Layer, fitted: Fitted, seen: Taught, dt: float, lookup: OpLookup
) -> list[dict[str, Any]]:
    """A row per level: mean current that arrives per step, in units of the source, and rates of both neurons in
    Hz, mean and standard deviation over neurons.
    """
    size = layer.source.size
    neurons = np.unique(np.linspace(0, size - 1, min(size, NEURONS)).round().astype(int))
    x = drive(layer, seen.spikes, seen.raster)[:STEPS, :SAMPLES][:, :, neurons]
    wide = np.concatenate([x * level for level in LEVELS], axis=2)
    every = np.tile(neurons, len(LEVELS))
    chosen = choose(
        picked_of(layer.source, every), fitted.shape, dt, fitted.largest, np.asarray(fitted.factor)[every]
    )
    shape = (len(LEVELS), len(neurons))
    found = {
        "source": source_spikes(graph, layer, every, wide, lookup),
        "analog": analog_spikes(chosen.biases, wide * chosen.scale, dt, lookup),
    }
    rate = {side: np.asarray(spikes.mean(axis=(0, 1)) / dt).reshape(shape) for side, spikes in found.items()}
    current = wide.mean(axis=(0, 1)).reshape(shape)
    return [
        {
            "layer": layer.name,
            "level": level,
            "input_mean": float(current[row].mean()),
            **{
                f"{side}_{name}_hz": float(f(rate[side][row]))
                for side in rate
                for name, f in (("mean", np.mean), ("std", np.std))
            },
            "neurons": len(neurons),
        }
        for row, level in enumerate(LEVELS)
    ]
