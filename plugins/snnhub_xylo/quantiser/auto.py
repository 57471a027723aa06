"""The quantiser ``auto``: searched neuron by neuron, accepted only if the whole core is better on data not
searched on.

Deterministic: the same network and calibration data give the same integers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from snnhub.ir.tensor import Array

from snnhub_xylo.core import CAP_HIDDEN, CAP_OUTPUT, Ints
from snnhub_xylo.mapping.mapped import Mapped
from snnhub_xylo.quantiser.closed import Counts, counts, score
from snnhub_xylo.quantiser.scales import Quantised, quantise, rounded
from snnhub_xylo.quantiser.search import SCALES, Numbers, Task, with_bias, with_dash, with_scale
from snnhub_xylo.quantiser.teacher import Teacher, later

MOST_SAMPLES, MOST_STEPS = 32, 2000
"""What the search looks at; the rest of longer or more data is left out, which is reported."""
Report = Callable[[str, int, int], None]


@dataclass(frozen=True, eq=False)
class Candidate:
    """One way to the integers. ``score``: its mismatch on data that it was not searched on."""

    name: str
    quantised: Quantised
    score: float


@dataclass(frozen=True, eq=False)
class Chosen:
    """The best candidate, and all that were tried, Rockpool's rules among them."""

    best: Candidate
    tried: tuple[Candidate, ...]


@dataclass(frozen=True, eq=False)
class Fold:
    """Data to search on, and data that decide: from step ``first`` on."""

    search: Teacher
    held: Teacher
    first: int = 0

    def score(self, quantised: Quantised, mapped: Mapped) -> float:
        """The mismatch on what was held back."""
        found = counts(quantised, self.held.raw)
        cut = Counts(found.hidden[self.first :], found.outputs[self.first :])
        return score(cut, mapped, self.held.steps(self.first, None))


def auto(mapped: Mapped, taught: Teacher, report: Report, scale_out: Array | None = None) -> Chosen:
    """The integers. ``taught``: from all calibration data; ``scale_out``: of outputs that are potentials.

    How far the search goes is decided on data held back: every half of the samples once. The winner is searched
    again on all of them.
    """
    taught = limited(taught)
    parts = folds(taught)
    scores: dict[str, list[float]] = {}
    for number, fold in enumerate(parts):
        for name, made in candidates(mapped, fold.search, _part(report, number, len(parts) + 1), scale_out):
            scores.setdefault(name, []).append(fold.score(made, mapped))
    last = _part(report, len(parts), len(parts) + 1)
    tried = [
        Candidate(name, made, float(np.mean(scores[name])))
        for name, made in candidates(mapped, taught, last, scale_out)
    ]
    return Chosen(min(tried, key=lambda item: item.score), tuple(tried))


def candidates(
    mapped: Mapped, taught: Teacher, report: Report, scale_out: Array | None
) -> Iterator[tuple[str, Quantised]]:
    """Both rules, then the search after each of its stages."""
    yield "global", quantise(mapped, "global", scale_out)
    start = quantise(mapped, "per-neuron", scale_out)
    yield "per-neuron", start
    outputs: Iterator[tuple[str, Numbers]] | None = None
    if not mapped.vmem:
        outputs = _stages(_output(mapped, taught), _numbers(mapped, start.scale_out, "output"), report, "outputs")
    hidden = _stages(_hidden(mapped, taught), _numbers(mapped, start.scale, "hidden"), report, "hidden neurons")
    for name, numbers in hidden:
        yield name, _made(mapped, numbers, None if outputs is None else next(outputs)[1], start)


def limited(taught: Teacher) -> Teacher:
    """What the search looks at."""
    return taught.steps(0, MOST_STEPS).part(np.arange(min(taught.samples, MOST_SAMPLES)))


def folds(taught: Teacher) -> tuple[Fold, ...]:
    """Even and odd samples by turns; of a single sample the last third of its steps is held back."""
    index = np.arange(taught.samples)
    if len(index) > 1:
        even, odd = taught.part(index[::2]), taught.part(index[1::2])
        return Fold(even, odd), Fold(odd, even)
    border = max(1, 2 * len(taught.raw) // 3)
    return (Fold(taught.steps(0, border), taught, border),)


def _part(report: Report, number: int, of: int) -> Report:
    """Progress of one search of several."""
    return lambda what, done, steps: report(what, number * steps + done, of * steps)


def _stages(task: Task, numbers: Numbers, report: Report, what: str) -> Iterator[tuple[str, Numbers]]:
    """Bias, then scale, then dash. Yields the best after each."""
    steps = 1 + len(SCALES) + 2 * (1 + numbers.dash_syn.shape[1])
    numbers, error = with_bias(task, numbers)
    yield "bias", numbers
    done = 1
    for name, stage in (("bias, scale", with_scale), ("bias, scale, dash", with_dash)):
        for better, less in stage(task, numbers, error):
            done += 1
            report(f"quantiser: {what}", done, steps)
            numbers, error = better, less
        yield name, numbers


def _hidden(mapped: Mapped, taught: Teacher) -> Task:
    """All hidden neurons. Relays hear and say what they must already: they stay as they are."""
    heard = np.concatenate([taught.events, later(taught.heard, 1)], axis=2).astype(np.float32)
    weights = np.concatenate([mapped.weights_in, mapped.weights_rec])
    weight = _weights(taught.own[..., ~mapped.relay])
    return Task(heard, weights, mapped.threshold, mapped.bias, taught.own, weight, CAP_HIDDEN, taught.rounded)


def _output(mapped: Mapped, taught: Teacher) -> Task:
    heard = later(taught.heard, 1).astype(np.float32)
    weights = mapped.weights_out[..., None]
    weight = _weights(taught.own_out)
    return Task(
        heard,
        weights,
        mapped.threshold_out,
        mapped.bias_out,
        taught.own_out,
        weight,
        CAP_OUTPUT,
        taught.rounded_out,
    )


def _weights(wanted: Ints) -> Array:
    """Every sample counts alike, however many spikes it has; those with hardly any count less."""
    spikes = wanted.sum(axis=(0, 2)).astype(np.float64)
    return np.asarray(1.0 / np.maximum(1.0, np.maximum(spikes, 0.1 * spikes.mean())))


def _numbers(mapped: Mapped, scale: Array, part: str) -> Numbers:
    if part == "output":
        return Numbers(scale, np.rint(mapped.bias_out * scale), mapped.dash_mem_out, mapped.dash_syn_out[:, None])
    return Numbers(scale, np.rint(mapped.bias * scale), mapped.dash_mem, mapped.dash_syn)


def _made(mapped: Mapped, hidden: Numbers, outputs: Numbers | None, start: Quantised) -> Quantised:
    """The integers of searched neurons; relays as they must be."""
    own = _numbers(mapped, np.ones(mapped.relay.shape), "hidden")
    hidden = hidden.where(mapped.relay, own)
    changed = {"bias": hidden.bias, "dash_mem": hidden.dash_mem, "dash_syn": hidden.dash_syn}
    scale_out = start.scale_out
    if outputs is not None:
        scale_out = outputs.scale
        changed |= {
            "bias_out": outputs.bias,
            "dash_mem_out": outputs.dash_mem,
            "dash_syn_out": outputs.dash_syn[:, 0],
        }
    return rounded(mapped, hidden.scale, scale_out, changed)
