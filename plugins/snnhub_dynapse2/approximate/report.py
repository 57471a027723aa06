"""What an approximation says: which current stands for what, what is lost, and how far off rates are."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from snnhub.findings import Finding, info, loss, note
from snnhub.ir.tensor import Array

from snnhub_dynapse2.approximate.currents import C_TAU, ISCALE, reach
from snnhub_dynapse2.approximate.fit import Fitted
from snnhub_dynapse2.approximate.layers import Layer
from snnhub_dynapse2.approximate.network import Layout
from snnhub_dynapse2.approximate.raster import Taught, drive
from snnhub_dynapse2.derive import DEFAULTS
from snnhub_dynapse2.network import Floats

TABLE, ERRORS = "dynapse2 analog currents", "dynapse2 analog rates"
SHORTEST = 0.01
"""Currents that keep less than this in a step count as none."""


def lost(layer: Layer) -> Iterator[tuple[str, str]]:
    """Code and words of everything that a layer loses by what it is, whatever it is driven by."""
    source = layer.source
    if source.reset == "subtract":
        yield "SNN-2544", "a spike takes the threshold away; it will set the membrane to its dark current"
    elif source.op == "core.CubaLIF" or source.op.startswith("loihi."):
        yield "SNN-2544", "a spike resets the membrane alone; the current goes on, and so it will"
    else:
        yield "SNN-2544", "a spike resets the membrane at once; it will be deaf for one step more"
    if any((link.weight < 0).any() for link in layer.links):
        yield "SNN-2545", "inhibition will reach what arrives in the same step, and nothing that arrived before"
    if source.most > 1:
        yield "SNN-2546", f"up to {source.most} spikes in a step will be one, and one step without any after it"
    if source.bias.any():
        low = int((source.bias < 0).sum())
        words = f"biases become direct currents, one per core on the chip; {low} below 0 are left out"
        yield "SNN-2547", words
    if float(source.factor.max()) < SHORTEST:
        yield "SNN-2552", "what arrives acts in its own step only; the chip has a synaptic current that decays"


def measured(
    layer: Layer, fitted: Fitted, spikes: Mapping[str, Array], seen: Taught, dt: float
) -> Iterator[Finding]:
    """Findings of one layer, once it is fitted."""
    found = dict(lost(layer))
    theirs = np.asarray(seen.spikes[layer.name])
    if "SNN-2545" in found:
        x = drive(layer, seen.spikes, seen.raster)
        negative, positive = float(-x[x < 0].sum()) + 0.0, float(x[x > 0].sum())
        share = negative / max(negative + positive, 1e-300)
        found["SNN-2545"] += f"; {share:.1%} of what arrives in steps is below 0, and lost"
    if "SNN-2546" in found:
        several = theirs > 1
        share = float(theirs[several].sum() - several.sum()) / max(1.0, float(theirs.sum()))
        found["SNN-2546"] += f"; that is {share:.1%} of the spikes on the raster"
    for code, words in found.items():
        yield loss(code, layer.name, words)
    for name, wanted, given in fitted.chosen(dt).clipped:
        low, high = reach(name)
        if name == "Idc":
            continue  # said with the biases
        bound = f"{low:.3g} .. {high:.3g} A"
        yield loss(
            "SNN-2550",
            f"{layer.name}/{name}",
            "beyond the chip's range",
            old=f"{wanted:.3g} A",
            new=f"{given:.3g} A",
            bound=bound,
        )
    chosen = fitted.chosen(dt)
    low, high = float(chosen.scale.min()), float(chosen.scale.max())
    scaled = [float(np.abs(link.weight * chosen.scale).max(initial=0.0)) for link in layer.links]
    largest = max(scaled, default=0.0)
    words = f"weights are scaled, neuron by neuron, the largest is {largest:.4g} times {ISCALE:g} A"
    yield note("SNN-2551", layer.name, words, new=f"x {low:.4g} .. {high:.4g}")
    stages = list(layer.stages)
    if len(stages) > len(layer.links) or layer.filtered:
        yield note(
            "SNN-2554",
            layer.name,
            "stages became weights or the synaptic current",
            old=", ".join([*stages, *layer.filtered]),
        )
    if not fitted.searched:
        words = "never fires on the raster: nothing to fit, currents are those of the formulas"
        yield loss("SNN-2555", layer.name, words, remedy="Pass --calibrate with input on which every layer fires.")
    yield from _rates(layer, theirs, np.asarray(spikes[layer.name]), dt)


def _rates(layer: Layer, theirs: Array, ours: Array, dt: float) -> Iterator[Finding]:
    row = rate_row(layer, theirs, ours, dt)
    words = (
        f"rates on the raster: {row['rmse_hz']:.3g} Hz off (root mean square, of {row['mean_hz']:.3g} Hz "
        f"on average); worst neuron {row['worst']}"
    )
    yield loss(
        "SNN-2548",
        layer.name,
        words,
        old=f"{row['worst_source_hz']:.3g} Hz",
        new=f"{row['worst_analog_hz']:.3g} Hz",
    )


def rate_row(layer: Layer, theirs: Array, ours: Array, dt: float) -> dict[str, Any]:
    """Rate error of a layer over the whole raster, and its worst neuron."""
    a, b = (np.asarray(array, np.float64).mean(axis=(0, 1)) / dt for array in (theirs, ours))
    worst = int(np.abs(a - b).argmax())
    return {
        "layer": layer.name,
        "neurons": layer.source.size,
        "mean_hz": float(a.mean()),
        "analog_mean_hz": float(b.mean()),
        "rmse_hz": float(np.sqrt(((a - b) ** 2).mean())),
        "worst": worst,
        "worst_source_hz": float(a[worst]),
        "worst_analog_hz": float(b[worst]),
    }


def current_rows(layer: Layer, fitted: Fitted, dt: float) -> list[dict[str, Any]]:
    """Which current stands for which parameter in a layer, as rows of a table."""
    source, shape, chosen = layer.source, fitted.shape, fitted.chosen(dt)
    tau_mem, tau_syn = source.tau(dt)
    bias = np.asarray(source.bias)
    rows = (
        ("Itau_mem", "decay of the membrane", tau_mem, f"{shape.leak:g} Ut C_mem (1 - kept) / (kappa dt)"),
        ("Itau_syn", "decay of the current", tau_syn, "Ut C_syn / (kappa tau_syn)"),
        ("Ispkthr", "threshold above rest", source.theta, "searched"),
        ("Igain_mem", "none", np.zeros(1), "searched: below imem, where the membrane is linear"),
        (
            "Igain_syn",
            "strength of weights",
            np.asarray([fitted.largest]),
            f"{shape.gain:.4g} Ispkthr / theta c_tau / (dt Igain_mem), in all",
        ),
        (
            "Idc",
            "bias",
            bias,
            f"{shape.offset:g} 2 (Itau_mem + Io) + bias Ispkthr / theta c_tau / (dt Igain_mem) gain",
        ),
        ("Iref", "none", np.zeros(1), "Vth C_ref / (dt / 2): one step is blocked"),
    )
    return [
        {
            "layer": layer.name,
            "current": name,
            "stands_for": what,
            "parameter": _span(values),
            "formula": formula,
            "amps": _span(chosen.biases[name]),
        }
        for name, what, values, formula in rows
    ]


def _span(values: Floats) -> list[float]:
    finite = np.asarray(values, np.float64)
    return [float(finite.min()), float(finite.max())]


def explained(layer: Layer, fitted: Fitted, dt: float) -> Finding:
    """The table of a layer in one line."""
    rows = current_rows(layer, fitted, dt)
    words = "; ".join(
        f"{row['current']} {row['amps'][0]:.3g} A for {row['stands_for']}"
        for row in rows
        if row["stands_for"] != "none"
    )
    return info(
        "SNN-2543",
        layer.name,
        f"currents: {words}",
        bound=f"kappa C_mem: c_tau {C_TAU:.4g} C, Io {DEFAULTS['Io']:g} A",
    )


def all_rates(layout: Layout, spikes: Mapping[str, Array], seen: Taught) -> list[dict[str, Any]]:
    """A row per layer."""
    return [rate_row(each, seen.spikes[each.name], spikes[each.name], layout.dt) for each in layout.layers]
