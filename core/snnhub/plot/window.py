"""The part of a large quantity that is drawn, and what is said about the rest."""

from __future__ import annotations

from dataclasses import dataclass

from snnhub.compare.marks import Marks
from snnhub.findings import Finding, info

STEPS, NEURONS = 1000, 1024
"""Most steps and neurons of one panel, unless told otherwise."""


@dataclass(frozen=True)
class Window:
    """``steps`` steps from ``first_step``, which may be below 0, and ``neurons`` neurons from ``first_neuron``."""

    first_step: int
    steps: int
    first_neuron: int
    neurons: int

    def of(self, marks: Marks) -> Marks:
        """The marks inside."""
        step, neuron = marks.steps - self.first_step, marks.elements - self.first_neuron
        return marks.take((step >= 0) & (step < self.steps) & (neuron >= 0) & (neuron < self.neurons))


def choose(whole: Window, steps: int, neurons: int, first: tuple[int, int] | None = None) -> Window:
    """At most so many steps and neurons: the first ones, or those around the bin ``first`` (step, neuron)."""
    step, neuron = first or (whole.first_step, 0)
    return Window(
        *_part(whole.first_step, whole.steps, steps, step),
        *_part(whole.first_neuron, whole.neurons, neurons, neuron),
    )


def _part(start: int, size: int, most: int, wanted: int) -> tuple[int, int]:
    if size <= most:
        return start, size
    if wanted < start + most:
        return start, most
    return min(wanted - most // 4, start + size - most), most


def left_out(place: str, whole: Window, shown: Window, hidden: int, different: int) -> list[Finding]:
    """A finding if not everything is drawn: ``hidden`` spikes are not, ``different`` of which differ."""
    if shown == whole:
        return []
    words = []
    if shown.neurons < whole.neurons:
        words.append(
            f"neurons {shown.first_neuron} to {shown.first_neuron + shown.neurons - 1} of {whole.neurons}"
        )
    if shown.steps < whole.steps:
        words.append(f"steps {shown.first_step} to {shown.first_step + shown.steps - 1} of {whole.steps}")
    rest = f"; {hidden} spikes are not drawn" + (f", {different} of them differ" if different else "")
    remedy = "--neurons N and --steps N draw more."
    return [info("SNN-6201", place, f"drawn are {' and '.join(words)}{rest}", remedy=remedy)]
