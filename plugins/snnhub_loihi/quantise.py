"""Floats to Loihi's integers: scales are chosen, weights rounded, thresholds carried over, all of it reported."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np
from snnhub.errors import UsageError
from snnhub.findings import Finding, error, info, loss, note
from snnhub.ir.graph import Edge, Graph, Port
from snnhub.ir.numtype import SPIKE
from snnhub.ir.rewrite import Rewriter
from snnhub.ir.rung import Rung
from snnhub.ir.tensor import Array
from snnhub.passes.base import PassContext, PassResult, Promise, unchanged

from snnhub_loihi.admit import CUBAS, lowered
from snnhub_loihi.calibrate import Choice, choose
from snnhub_loihi.currents import currents
from snnhub_loihi.integers import IntegerLayer
from snnhub_loihi.layers import float_layers
from snnhub_loihi.ops import ALIGN, DECAY_UNITY, STATE_LIMIT
from snnhub_loihi.scales import FRACTION, exact_threshold

LEVELS = 256
STATE_UNIT = 1 << ALIGN
PARTS = ("_factor", "_decay")


def run(graph: Graph, context: PassContext) -> PassResult:
    """Replace every float layer by an integer one. The table ``loihi layers`` gets a row per layer."""
    if lowered(graph):
        return unchanged(graph, context)
    layers = float_layers(graph)
    if not layers:
        return unchanged(graph, context, [error("SNN-2101", graph.name, "there is no layer of neurons to lower")])
    try:
        choices = choose(graph, layers, context)
    except UsageError as problem:
        return unchanged(graph, context, [error("SNN-2113", problem.where or "calibration", str(problem))])
    rewriter = Rewriter(graph, context.lookup)
    findings: list[Finding] = []
    rows = context.tables.setdefault("loihi layers", [])
    for choice in choices:
        _put(choice.layer, rewriter)
        rows.append(row(choice))
        findings += _findings(choice, rows[-1])
    if context.calibration is None:
        findings.append(
            info(
                "SNN-2108",
                graph.name,
                "each layer got the largest scale at which nothing is clipped",
                remedy="Pass --calibrate to choose scales by spike overlap.",
            )
        )
    else:
        worst = min(choice.overlap.value for choice in choices if choice.overlap is not None)
        findings.append(
            note(
                "SNN-2109",
                graph.name,
                f"scales chosen on {context.calibration.shape[1]} samples",
                bound=f"spike overlap {worst:.4f} or better in every layer there",
            )
        )
    result = rewriter.graph()
    findings += currents(result)
    inputs = tuple(replace(item, type=SPIKE) for item in result.inputs)
    return PassResult(replace(result, inputs=inputs), rewriter.correspondence(), tuple(findings), promise(choices))


def promise(choices: list[Choice]) -> Promise:
    """Equal spikes where nothing was rounded; else the overlap seen on calibration data, less a margin; without
    data, nothing beyond decisions.
    """
    if all(choice.layer.exact for choice in choices):
        return Promise(Rung.SPIKES)
    overlaps = [choice.overlap.expected() for choice in choices if choice.overlap is not None]
    return Promise(Rung.BOUNDED, max(0.0, min(overlaps))) if overlaps else Promise(Rung.DECISION)


def _put(layer: IntegerLayer, rewriter: Rewriter) -> None:
    scale = float(layer.scale)
    for synapse in layer.synapses:
        rewriter.put(synapse)
        rewriter.match(Port(synapse.id, "y"), Port(synapse.id, "y"), scale)
    name = layer.neuron.id
    rewriter.put(layer.neuron)
    for edge in rewriter.into(name):
        rewriter.retarget(edge, Edge(edge.src, Port(name, "a"), edge.delay))
    rewriter.match(Port(name, "v"), Port(name, "v"), scale * STATE_UNIT)
    if layer.layer.neuron.op in CUBAS:
        rewriter.match(Port(name, "u"), Port(name, "u"), scale * STATE_UNIT)


def row(choice: Choice) -> dict[str, Any]:
    """What the report says of a layer, as plain data."""
    layer = choice.layer
    weights, floats = layer.weights, layer.float_weights.astype(np.float64)
    back = weights / float(layer.scale)
    return {
        "layer": layer.neuron.id,
        "synapse": ", ".join(synapse.id for synapse in layer.synapses),
        "scale": float(layer.scale),
        "scale_exact": f"{layer.scale.numerator}/{layer.scale.denominator}",
        "vThMant": int(layer.neuron.param["vThMant"].array),
        "levels": int(np.unique(weights).size),
        "levels_available": LEVELS,
        "weights": int(weights.size),
        "zeros": int(np.count_nonzero(weights == 0)),
        "zeros_before": int(np.count_nonzero(floats == 0)),
        "clipped": layer.clipped,
        "rounding": layer.rounding,
        "largest_error": float(np.abs(back - floats).max(initial=0.0)),
        "exact": layer.exact,
        "never_fire": len(silent_neurons(layer)),
        "neurons": int(layer.synapses[0].param["weight"].shape[0]),
        "overlap": None if choice.overlap is None else choice.overlap.value,
        "scales_tried": choice.tried,
    }


def silent_neurons(layer: IntegerLayer) -> list[int]:
    """Output neurons (channels) that no input can make fire: the largest drive never passes the threshold.

    The drive per step is the sum of positive weights plus the bias; with decay d of 4096 the membrane
    potential stays below drive * 4096 / d, and so does the current, which is the drive where it decays.
    """
    drive: Array = np.zeros(layer.synapses[0].param["weight"].shape[0], np.int64)
    for synapse in layer.synapses:
        weight = synapse.param["weight"].array.astype(np.int64)
        drive = drive + np.maximum(weight, 0).reshape(weight.shape[0], -1).sum(axis=1)
    drive = drive + layer.neuron.param["bias"].array.astype(np.int64).reshape(-1)
    drive = _reach(drive, layer, "iDecay")
    threshold = int(layer.neuron.param["vThMant"].array)
    return [int(index) for index in np.flatnonzero(_reach(drive, layer, "vDecay") <= threshold)]


def _reach(drive: Array, layer: IntegerLayer, name: str) -> Array:
    """What a state that decays by a named decay stays below when it is driven like this for ever."""
    decay = layer.neuron.param[name].array.astype(np.int64).reshape(-1)
    kept = drive * DECAY_UNITY / np.maximum(decay, 1)
    return np.where(decay > 0, kept, np.where(drive > 0, STATE_LIMIT, 0))


def _findings(choice: Choice, facts: dict[str, Any]) -> list[Finding]:
    layer, place = choice.layer, facts["layer"]
    found = [
        note(
            "SNN-2102",
            place,
            f"scale {facts['scale']:.6g}, {facts['levels']} of {LEVELS} levels, {facts['zeros']} of "
            f"{facts['weights']} weights are 0 ({facts['zeros_before']} before), {facts['clipped']} clipped",
            bound="exact" if layer.exact else f"weight error at most {facts['largest_error']:.3g}",
        )
    ]
    if layer.clipped:
        found.append(loss("SNN-2103", place, f"{layer.clipped} weights or biases are clipped to the chip's range"))
    if facts["weights"] and facts["zeros"] == facts["weights"] and facts["zeros_before"] < facts["weights"]:
        found.append(loss("SNN-2112", place, "every weight became 0: the layer is dead"))
    found += _decay_findings(layer, place)
    if silent := silent_neurons(layer):
        listed = ", ".join(str(index) for index in silent[:8]) + (" …" if len(silent) > 8 else "")
        found.append(
            info(
                "SNN-2105",
                place,
                f"{len(silent)} of {facts['neurons']} neurons (channels) can never fire: {listed}",
            )
        )
    found.append(_threshold_finding(layer, place))
    return found


def _threshold_finding(layer: IntegerLayer, place: str) -> Finding:
    numbers = layer.layer.numbers()
    scaled = layer.scale * Fraction(numbers.v_threshold)
    sign = ">=" if numbers.compare == "ge" else ">"
    return note(
        "SNN-2106",
        place,
        "threshold carried over",
        old=f"v {sign} {numbers.v_threshold:g} (scaled {float(scaled):.6g})",
        new=f"v > {int(layer.neuron.param['vThMant'].array)}",
        bound=_threshold_bound(layer),
    )


def _threshold_bound(layer: IntegerLayer) -> str:
    if exact_threshold(layer.scale, layer.layer.numbers()):
        return "exact for every value that v can take"
    lowest = (int(layer.neuron.param["vThMant"].array) + FRACTION) / layer.scale
    return f"sums are exact on the grid of the weights; v fires from {float(lowest):.6g} on"


def _cuba_finding(layer: IntegerLayer, place: str) -> Finding:
    """Both decays of a current-based neuron; 4096ths in the source are carried over as they are."""
    source, target = layer.layer.neuron.param, layer.neuron.param
    decays = [target[name].array.astype(np.int64).reshape(-1) for name in ("iDecay", "vDecay")]
    wrong = [
        np.abs(decay / DECAY_UNITY - (1 - source[name].array.astype(np.float64).reshape(-1))).max()
        for name, decay in zip(("u_factor", "v_factor"), decays, strict=True)
        if name in source
    ]
    words = f"decays off by at most {max(wrong, default=0.0):.3g} per step"
    return note(
        "SNN-2104",
        place,
        "leaks of current and membrane potential in 4096ths",
        old=", ".join(f"{name} {source[name].array.flat[0]:g}" for name in source if name[1:] in PARTS),
        new=f"iDecay {decays[0][0]}, vDecay {decays[1][0]}",
        bound=f"{words}; u and v are rounded toward 0 to 1/64 of a weight unit",
    )


def _decay_findings(layer: IntegerLayer, place: str) -> list[Finding]:
    if layer.layer.neuron.op in CUBAS:
        return [_cuba_finding(layer, place)]
    if layer.layer.neuron.op != "core.LIF":
        return []
    tau = layer.layer.neuron.param["tau"].array.astype(np.float64).reshape(-1)
    decay = layer.neuron.param["vDecay"].array.astype(np.int64).reshape(-1)
    wrong = np.abs(decay / DECAY_UNITY - 1 / tau)
    worst = int(wrong.argmax())
    words = f"decay off by at most {wrong[worst]:.3g} per step; v is rounded toward 0 to 1/64 of a weight unit"
    make = loss if np.any((decay == 0) & (tau < np.inf)) else note
    return [
        make(
            "SNN-2104",
            place,
            "leak in 4096ths",
            old=f"tau {tau[worst]:g}",
            new=f"vDecay {decay[worst]}",
            bound=words,
        )
    ]
