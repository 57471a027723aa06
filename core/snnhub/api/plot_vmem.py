"""Membranes: the potentials of the neurons that differ most between two sides, or fire most on one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from snnhub.api.options import ImportOptions
from snnhub.api.plot_raster import sample_of, which
from snnhub.api.plot_sides import Asked, Potential, Progress, select, take_sides
from snnhub.api.plotted import Output, Plotted, finish, pictures_at
from snnhub.api.recorded import Said
from snnhub.compare.kind import STATE
from snnhub.compare.marks import Marks
from snnhub.errors import UsageError
from snnhub.findings import Finding, info
from snnhub.ir.tensor import Array
from snnhub.plot.canvas import plain, sides_of
from snnhub.plot.couple import Couple, first_of
from snnhub.plot.membrane import COLUMNS, Membrane, Trace, draw, table
from snnhub.plot.threshold import OUT
from snnhub.plot.window import STEPS, Window, choose

WORST = 6
"""Neurons of one picture, unless told otherwise."""


def plot_vmem(
    a: Any,
    output: Output,
    *,
    stimulus: Any = None,
    against: Any = None,
    runner: str | None = None,
    quantities: Iterable[str] = (),
    sample: int | None = None,
    worst: int = WORST,
    steps: int = STEPS,
    from_: str | None = None,
    options: ImportOptions | None = None,
    runner_options: Mapping[str, str] | None = None,
    axes: Said = None,
    columns: str | None = None,
    progress: Progress | None = None,
) -> Plotted:
    """Draw membrane potentials, the sides as in ``plot_raster``; ``quantities`` may name any states.

    Of two sides those ``worst`` neurons are drawn whose spikes differ most; where none do, those whose potentials
    differ most, as a share of the largest potential of the layer. Of one side, those that fire most. Potentials
    that a correspondence relates by a factor are drawn in the unit of the first side; others have an axis each.
    Thresholds are dotted where they are parameters. Raises like ``plot_raster``, but not where nothing fired.
    """
    pictures = pictures_at(output, COLUMNS, (a, against))
    wanted = tuple(quantities)
    asked = Asked(
        *(a, STATE, stimulus, against, runner, wanted),
        *(from_, options, runner_options, axes, columns, progress),
    )
    sides = take_sides(asked)
    spikes = select(sides.spikes, ()) if sides.spikes else []
    first = first_of(spikes)
    # a neuron that never fires is one to look at
    chosen, told = sample_of(sides, spikes, first, sample, silent=True) if spikes else (sample or 0, [])
    potentials = sides.states(wanted, chosen)
    if any(not item.couple.samples for item in potentials):
        raise UsageError("no such sample", found=str(chosen))
    layers = [_Layer.of(item, spikes, chosen) for item in potentials]
    if not layers:
        raise UsageError("no membrane potential that both sides have", where=" and ".join(sides.names))
    drawn = [layer.membrane(neuron, chosen, steps) for layer, neuron in _worst(layers, worst)]
    draw(drawn, pictures, sides_of(sides.names, which(chosen, spikes)))
    kept = {item.keys[0]: item for item in drawn}
    findings = [*sides.findings, *told, *_remarks(kept.values()), *_left_out(layers, drawn)]
    facts = {"input": sides.reading, "sample": chosen}
    rows = [_to_json(item) for item in drawn]
    return finish("vmem", sides.names, pictures, table(drawn), rows, findings, **facts)


@dataclass(frozen=True)
class _Layer:
    """The potentials of a layer (time, neurons), its spikes, and what ranks its neurons."""

    potential: Potential
    spikes: Couple | None
    marks: Marks | None
    different: Array
    apart: Array
    fired: Array

    @classmethod
    def of(cls, potential: Potential, spikes: Sequence[Couple], sample: int) -> _Layer:
        couple = potential.couple
        fitting = [
            item for item in spikes if _together(item.a_key, couple.a_key) and item.neurons == couple.neurons
        ]
        train = fitting[0] if fitting else None
        marks = None if train is None else train.marks(sample)
        zeros = np.zeros(couple.neurons, np.int64)
        if marks is None:
            return cls(potential, None, None, zeros, _apart(couple), zeros)
        wrong = np.zeros(marks.size, bool) if marks.b is None else marks.a != marks.b
        different = np.bincount(marks.elements[wrong], minlength=couple.neurons)
        fired = np.bincount(marks.elements, minlength=couple.neurons)
        return cls(potential, train, marks, different, _apart(couple), fired)

    def membrane(self, neuron: int, sample: int, steps: int) -> Membrane:
        """One neuron, at most ``steps`` steps of it: the first ones, or those around its first difference."""
        couple, marks = self.potential.couple, self.marks
        own = None if marks is None else marks.take(marks.elements == neuron)
        wrong = np.zeros(0, int) if own is None or own.b is None else own.steps[own.a != own.b]
        first = int(wrong[0]) if wrong.size else None
        whole = Window(couple.origin, couple.a.shape[0], 0, 1)
        window = choose(whole, steps, 1, None if first is None else (first, 0))
        start = window.first_step - couple.origin
        part = slice(start, start + window.steps)
        values = couple.sample(0)
        thresholds = [None if t is None else float(t[neuron]) for t in self.potential.thresholds]
        ends = [_dense(own, side, window) for side in "ab"]
        a, b = (
            None if array is None else Trace(array[part, neuron], spikes, threshold)
            for array, spikes, threshold in zip(values, ends, thresholds, strict=True)
        )
        assert a is not None  # noqa: S101  the first side is always there
        different = None if b is None or marks is None else int(self.different[neuron])
        words = "" if different is None else f"   {different} spikes differ"
        title = f"{plain(couple.title, 90)}   neuron {neuron}{words}"
        keys = (couple.a_key, couple.b_key)
        place = (title, keys, couple.lag, sample, neuron, window.first_step)
        return Membrane(*place, a, b, couple.scale, different, first)


def _together(spikes: str, state: str) -> bool:
    """Whether a spike train and a state are of the same neurons, by their record keys."""
    (node, _, train), (other, _, name) = spikes.rpartition("/"), state.rpartition("/")
    return node == other and train.endswith(OUT) == name.endswith(OUT)


def _apart(couple: Couple) -> Array:
    """Largest difference of each neuron's potential, as a share of the largest potential of the layer."""
    a, b = couple.sample(0)
    if b is None or couple.scale is None or not a.size:
        return np.zeros(couple.neurons)
    left = a.astype(np.float64)
    reach = float(np.abs(left[np.isfinite(left)]).max(initial=0)) or 1.0
    with np.errstate(invalid="ignore"):
        apart = np.abs(left - b / couple.scale) / reach
    return np.asarray(np.where(np.isnan(apart), np.inf, apart).max(axis=0))  # what is no number is far from any


def _dense(marks: Marks | None, side: str, window: Window) -> Array | None:
    """Spikes of one neuron in every step of a window."""
    counts = None if marks is None else marks.a if side == "a" else marks.b
    if marks is None or counts is None:
        return None
    found = np.zeros(window.steps, counts.dtype)
    at = marks.steps - window.first_step
    inside = (at >= 0) & (at < window.steps)
    found[at[inside]] = counts[inside]
    return found


def _worst(layers: Sequence[_Layer], most: int) -> list[tuple[_Layer, int]]:
    """Neurons of all layers: most differing spikes first, then largest difference, then most spikes."""
    if most < 1:
        raise UsageError("a picture has one neuron at least", found=f"worst {most}")
    sizes = [layer.potential.couple.neurons for layer in layers]
    ranks = [
        np.concatenate([getattr(layer, name) for layer in layers]) for name in ("fired", "apart", "different")
    ]
    order = np.lexsort([-rank for rank in ranks])[:most]  # the last is the first criterion; ties in order
    ends = np.cumsum(sizes)
    found = []
    for place in order:
        layer = int(np.searchsorted(ends, place, side="right"))
        found.append((layers[layer], int(place - ends[layer] + sizes[layer])))
    return found


def _remarks(membranes: Iterable[Membrane]) -> list[Finding]:
    """One finding per layer for units that nobody knows, and for thresholds that are no parameters."""
    found = []
    for item in membranes:
        if item.b is not None and item.scale is None:
            words = "its unit on the second side is not known: each side has an axis of its own"
            found.append(info("SNN-6203", item.keys[0], words))
        sides = [side for side in (item.a, item.b) if side is not None]
        if any(side.threshold is None for side in sides):
            words = "no parameter is the threshold that this potential is compared with: no line is drawn for it"
            found.append(info("SNN-6204", item.keys[0], words))
    return found


def _left_out(layers: Sequence[_Layer], drawn: Sequence[Membrane]) -> list[Finding]:
    total = sum(layer.potential.couple.neurons for layer in layers)
    differing = sum(int(np.count_nonzero(layer.different)) for layer in layers)
    found = []
    if total > len(drawn):
        rest = differing - sum(bool(item.different) for item in drawn)
        words = f"{len(drawn)} of {total} neurons are drawn" + (f"; {rest} more differ" if rest > 0 else "")
        found.append(info("SNN-6201", "picture", words, remedy="--worst N draws more; --quantity NODE/v chooses."))
    lengths = {layer.potential.couple.a_key: layer.potential.couple.a.shape[0] for layer in layers}
    cut = [item for item in drawn if item.a.values.shape[0] < lengths[item.keys[0]]]
    for key, item in {item.keys[0]: item for item in cut}.items():
        end = item.first_step + item.a.values.shape[0] - 1
        words = f"drawn are steps {item.first_step} to {end} of {lengths[key]}"
        found.append(info("SNN-6201", key, words, remedy="--steps N draws more."))
    return found


def _to_json(item: Membrane) -> dict[str, Any]:
    return {
        "a": item.keys[0],
        "b": item.keys[1] or None,
        "lag": item.lag,
        "neuron": item.neuron,
        "steps": [item.first_step, item.first_step + item.a.values.shape[0]],
        "different": item.different,
        "scale": None if item.b is None else item.scale,
        "threshold_a": item.a.threshold,
        "threshold_b": None if item.b is None else item.b.threshold,
        "first_divergence": item.first,
    }
