"""What quantising did, as rows for a table and as findings: scales, lost weights, neurons that are dead or never
rest.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from snnhub.engine.reference import prepare
from snnhub.findings import Finding, info, loss, note
from snnhub.ir.tensor import Array
from snnhub.passes.base import PassContext

from snnhub_xylo.core import HIGH, LOW
from snnhub_xylo.document import CORE, graph_of
from snnhub_xylo.mapping.mapped import Mapped
from snnhub_xylo.quantiser.auto import MOST_SAMPLES, MOST_STEPS, Chosen
from snnhub_xylo.quantiser.closed import QUIET, Counts
from snnhub_xylo.quantiser.scales import WEIGHT, Quantised
from snnhub_xylo.quantiser.teacher import Teacher

LEVELS = 2 * WEIGHT + 2
"""Values that a weight of 8 bits can have."""
SATURATION_SAMPLES = 8
"""Samples whose currents and potentials are looked at for saturation."""


@dataclass(frozen=True, eq=False)
class Part:
    """A layer: its weights before and after, (sources, neurons …), and its scales."""

    layer: str
    floats: Array
    whole: Array
    scale: Array


@dataclass(frozen=True, eq=False)
class Made:
    """A quantised network. ``rule``: global, per-neuron or auto; ``chosen``: what auto tried."""

    mapped: Mapped
    quantised: Quantised
    rule: str
    taught: Teacher | None
    chosen: Chosen | None

    def parts(self) -> Iterator[Part]:
        """Every layer."""
        made, core = self.mapped, self.quantised.core
        for layer in made.network.layers:
            span = made.of(layer.id)
            floats = np.concatenate([made.weights_in[:, span], made.weights_rec[:, span]])
            whole = np.concatenate([core.weights_in[:, span], core.weights_rec[:, span]])
            yield Part(layer.id, floats, whole, self.quantised.scale[span])
        output = made.network.output
        if output is not None:
            yield Part(output.id, made.weights_out, core.weights_out, self.quantised.scale_out)

    def measured(self, chip: Counts, table: list[dict[str, Any]]) -> list[Finding]:
        """What calibration data show: quiet layers, dead neurons and those that fire in every step, saturation."""
        assert self.taught is not None  # noqa: S101  there are calibration data
        found = []
        if quiet := [f"{row['layer']} ({row['spikes']})" for row in table if row["quiet"]]:
            words = f"fewer than {QUIET} spikes in {', '.join(quiet)}: no mismatch there"
            found.append(
                info("SNN-2418", "calibration", words, remedy="Calibrate on input that makes every layer fire.")
            )
        for layer, wanted, counts in self._spikes(chip):
            found += _firing(layer, wanted, counts)
        return [*found, *self._saturation()]

    def _spikes(self, chip: Counts) -> Iterator[tuple[str, Array, Array]]:
        made, taught = self.mapped, self.taught
        assert taught is not None  # noqa: S101  there are calibration data
        for layer in made.network.layers:
            span = made.of(layer.id)
            yield layer.id, taught.heard[..., span], chip.hidden[..., span]
        if made.network.output is not None and not made.vmem:
            yield made.network.output.id, taught.own_out, chip.outputs

    def _saturation(self) -> Iterator[Finding]:
        """Bins in which a current or potential is at the end of its 16 bits."""
        assert self.taught is not None  # noqa: S101  there are calibration data
        names = ["isyn", "vmem", "isyn_out", "vmem_out"]
        events = self.taught.raw[:, :SATURATION_SAMPLES]
        recording, _ = prepare(graph_of(self.quantised.core)).run(
            events, record=[f"{CORE}/{name}" for name in names]
        )
        for name in names:
            values = recording[f"{CORE}/{name}"]
            low, high = int(np.count_nonzero(values == LOW)), int(np.count_nonzero(values == HIGH))
            if low or high:
                words = f"of {values.size} values of {name}, {low} are at the lower end, {high} at the upper"
                remedy = "Smaller weights, or fewer spikes."
                yield loss("SNN-2416", f"{CORE}/{name}", words, bound="on the calibration data", remedy=remedy)


def _firing(layer: str, wanted: Array, counts: Array) -> Iterator[Finding]:
    before, after = wanted.sum(axis=(0, 1)), counts.sum(axis=(0, 1))
    dead = np.flatnonzero((before > 0) & (after == 0))
    if dead.size:
        words = f"{dead.size} of {len(after)} neurons fall silent on the calibration data: {_listed(dead)}"
        yield loss("SNN-2415", layer, words, old=f"up to {int(before[dead].max())} spikes")
    never = np.flatnonzero((before == 0) & (after == 0))
    if never.size:
        words = f"{never.size} of {len(after)} neurons do not fire on the calibration data, before or after"
        yield info("SNN-2415", layer, words)
    always = np.flatnonzero((counts > 0).all(axis=(0, 1)) & (len(counts) > 1))
    if always.size:
        words = (
            f"{always.size} of {len(after)} neurons fire in every step of the calibration data: {_listed(always)}"
        )
        new = np.flatnonzero(~(wanted[..., always] > 0).all(axis=(0, 1)))
        yield (loss if new.size else info)("SNN-2415", layer, words)


def _listed(index: Array) -> str:
    return ", ".join(str(number) for number in index[:8]) + (" …" if index.size > 8 else "")


def layer_rows(made: Made) -> list[dict[str, Any]]:
    """A row per layer: ``scale`` from lowest to highest, weights that are 0 and were not, largest error of one.

    ``levels`` and ``clipped`` are of weights. ``at``: the node that has the layer's spikes, where that is a sum.
    """
    rows = []
    blocks = {layer: name for name, layer in made.mapped.network.sums.items()}
    for part in made.parts():
        scale = np.broadcast_to(
            part.scale[:, None] if part.floats.ndim == 3 else part.scale, part.floats.shape[1:]
        )
        back = part.whole / scale
        nonzero = part.floats != 0
        whole = np.rint(part.floats * scale)
        rows.append(
            {
                "layer": part.layer,
                "neurons": int(part.scale.size),
                "scale": float(np.median(part.scale)),
                "scale_lowest": float(part.scale.min()),
                "scale_highest": float(part.scale.max()),
                "levels": int(np.unique(part.whole[nonzero]).size),
                "levels_available": LEVELS,
                "weights": int(nonzero.sum()),
                "zeros": int(np.count_nonzero(nonzero & (part.whole == 0))),
                "clipped": int(np.count_nonzero((whole < -WEIGHT - 1) | (whole > WEIGHT))),
                "largest_error": float(np.abs(back - part.floats).max(initial=0.0)),
                "quantiser": made.rule,
                **({"at": blocks[part.layer]} if part.layer in blocks else {}),
            }
        )
    return rows


def findings(made: Made, context: PassContext) -> list[Finding]:
    """What there is to say without data, and which quantiser it was."""
    found = [_layer(row, part) for row, part in zip(layer_rows(made), made.parts(), strict=True)]
    for name, number in made.quantised.clipped.items():
        found.append(
            loss("SNN-2416", f"{CORE}/{name}", f"{number} values did not fit their register and were clipped")
        )
    if made.mapped.vmem:
        words = "decisions are read from membrane potentials: one scale for all outputs, thresholds out of reach"
        bound = (
            "not checked, for want of calibration data"
            if made.taught is None
            else "checked on the calibration data"
        )
        found.append(note("SNN-2419", f"{CORE}/vmem_out", words, bound=bound, new=f"threshold {HIGH}"))
    return [*found, *_rule(made, context)]


def _layer(row: dict[str, Any], part: Part) -> Finding:
    lost = row["weights"] and row["zeros"] == row["weights"]
    make = loss if lost else note
    scales = f"scale {row['scale_lowest']:.4g} to {row['scale_highest']:.4g}"
    words = f"{scales}; {row['zeros']} of {row['weights']} weights became 0"
    bound = f"weight error at most {row['largest_error']:.3g}"
    return make("SNN-2414", part.layer, words, bound=bound)


def _rule(made: Made, context: PassContext) -> Iterator[Finding]:
    place = "quantiser"
    asked = context.options.get("quantiser", "auto")
    if asked == "auto" and made.taught is None:
        words = "without calibration data every neuron got the scale at which its largest weight is 127"
        yield info("SNN-2417", place, words, remedy="Pass --calibrate to search scales, biases and dashes.")
        return
    if made.chosen is None or made.taught is None:
        yield note("SNN-2417", place, f"rule {made.rule}")
        return
    shares = ", ".join(f"{item.name} {item.score:.4f}" for item in made.chosen.tried)
    words = f"auto took {made.chosen.best.name}, by the mismatch on calibration data held back"
    yield note("SNN-2417", place, words, bound=shares)
    steps, samples = made.taught.raw.shape[:2]
    if steps > MOST_STEPS or samples > MOST_SAMPLES:
        used = f"{min(samples, MOST_SAMPLES)} of {samples} samples, {min(steps, MOST_STEPS)} of {steps} steps"
        words = f"the search looked at {used}"
        yield info("SNN-2417", place, words)
