"""Firing rates before and after a mapping, on the user's raster: what an analog network can be judged by."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from snnhub.engine.reference import prepare
from snnhub.engine.stimulus import read_stimulus
from snnhub.findings import Finding, info, loss
from snnhub.ir.graph import Graph
from snnhub.ir.op import OpLookup
from snnhub.ir.tensor import Array

from snnhub_dynapse2.lowered.shape import Shape
from snnhub_dynapse2.network import Floats

RATES, NEURON_RATES = "dynapse2 rates", "dynapse2 neuron rates"
QUIET = 200
"""A layer with fewer spikes before the mapping is too quiet for a statement."""
REMEDY = "Test it: snnhub.distribution(before, after, x), with more samples."
Rates = dict[str, tuple[Floats, Floats]]
"""By layer: spikes (samples, neurons) before and after."""


def counted(before: Graph, after: Graph, shape: Shape, raster: Array, lookup: OpLookup) -> Rates:
    """Spikes of every layer. ``raster``: (time, samples, channels)."""
    keys = [f"{layer.id}/s" for layer in shape.layers]
    found = []
    for graph in (before, after):
        read_stimulus(raster, graph.inputs[0])
        recording, _ = prepare(graph, lookup).run(raster, record=keys)
        found.append({key: recording.with_batch(key).astype(np.float64).sum(axis=0) for key in keys})
    old, new = found
    return {layer.id: (old[key], new[key]) for layer, key in zip(shape.layers, keys, strict=True)}


def rate_rows(rates: Rates, seconds: float) -> list[dict[str, Any]]:
    """A row per layer. Hz: mean rates before and after, and of the differences of single neurons the mean size,
    the root mean square and the largest; ``ratio``: spikes after over spikes before, None where there were none.
    ``seconds``: of one sample.
    """
    rows = []
    for layer, (old, new) in rates.items():
        before, after = old.mean(axis=0) / seconds, new.mean(axis=0) / seconds
        off = np.abs(after - before)
        spikes = int(old.sum())
        rows.append(
            {
                "layer": layer,
                "neurons": int(off.size),
                "spikes": spikes,
                "spikes_after": int(new.sum()),
                "ratio": float(new.sum() / spikes) if spikes else None,
                "rate_Hz": float(before.mean()),
                "rate_after_Hz": float(after.mean()),
                "mean_error_Hz": float(off.mean()),
                "rmse_Hz": float(np.sqrt(np.square(off).mean())),
                "largest_error_Hz": float(off.max()),
            }
        )
    return rows


def neuron_rows(rates: Rates, seconds: float) -> list[dict[str, Any]]:
    """A row per neuron: its rates in Hz before and after."""
    return [
        {"layer": layer, "index": index, "rate_Hz": float(a), "rate_after_Hz": float(b)}
        for layer, (old, new) in rates.items()
        for index, (a, b) in enumerate(zip(old.mean(axis=0) / seconds, new.mean(axis=0) / seconds, strict=True))
    ]


def rate_findings(rows: list[dict[str, Any]]) -> Iterator[Finding]:
    """What the mapping did to the rates of each layer."""
    for row in rows:
        old, new = f"{row['rate_Hz']:.4g} Hz", f"{row['rate_after_Hz']:.4g} Hz"
        if row["spikes"] < QUIET:
            words = f"only {row['spikes']} spikes on the calibration data, {row['spikes_after']} after the mapping"
            yield info(
                "SNN-2524", row["layer"], words, old=old, new=new, remedy="Give an input that makes it fire."
            )
            continue
        words = f"mean rate of {row['neurons']} neurons on the calibration data"
        bound = (
            f"of single neurons off by {row['mean_error_Hz']:.3g} Hz in the mean (RMSE {row['rmse_Hz']:.3g} Hz, "
        )
        bound += f"largest {row['largest_error_Hz']:.3g} Hz)"
        yield loss("SNN-2524", row["layer"], words, old=old, new=new, bound=bound, remedy=REMEDY)
