"""Rasters: the spikes of a network or recording, or of two over each other, with what differs marked."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from snnhub.api.options import ImportOptions
from snnhub.api.plot_sides import Asked, Progress, Sides, select, take_sides
from snnhub.api.plotted import Output, Plotted, finish, pictures_at
from snnhub.api.recorded import Said
from snnhub.compare.kind import SPIKES
from snnhub.compare.marks import Marks
from snnhub.compare.verdict import Divergence
from snnhub.errors import UsageError
from snnhub.findings import Finding, info
from snnhub.plot.canvas import plain, sides_of
from snnhub.plot.couple import Couple, first_of
from snnhub.plot.raster import PANELS, Raster, draw
from snnhub.plot.table import Table
from snnhub.plot.window import NEURONS, STEPS, Window, choose, left_out

COLUMNS = ("a", "b", "lag", "sample", "step", "neuron", "spikes_a", "spikes_b", "mark")


def plot_raster(
    a: Any,
    output: Output,
    *,
    stimulus: Any = None,
    against: Any = None,
    runner: str | None = None,
    quantities: Iterable[str] = (),
    sample: int | None = None,
    steps: int = STEPS,
    neurons: int = NEURONS,
    from_: str | None = None,
    options: ImportOptions | None = None,
    runner_options: Mapping[str, str] | None = None,
    axes: Said = None,
    columns: str | None = None,
    progress: Progress | None = None,
) -> Plotted:
    """Draw the spikes of ``a`` (a network, run on ``stimulus``, or a recording), one panel per spike train.

    With ``against`` (a network or recording) or ``runner`` a second side lies over it: common spikes grey, those
    of one side in its colour, the lag between the sides shifted away, a line at the first divergence.
    ``quantities``: record keys such as ``conv1/s``. ``sample``: which one is drawn; by default that of the first
    divergence, else the first with a spike. ``steps``, ``neurons``: most that a panel shows. ``options``: for
    importing ``a``; ``runner_options``: of the runner, or for importing ``against``, as in ``verify``. ``axes``,
    ``columns``: of recordings, as in ``compare_recordings``.

    Raises ``UsageError`` where nothing fired, for unknown quantities, and what ``verify`` and
    ``compare_recordings`` raise; ``MissingPeerError`` without matplotlib.
    """
    pictures = pictures_at(output, COLUMNS, (a, against))
    wanted = tuple(quantities)
    asked = Asked(
        *(a, SPIKES, stimulus, against, runner, wanted),
        *(from_, options, runner_options, axes, columns, progress),
    )
    sides = take_sides(asked)
    couples = select(sides.spikes, wanted)
    first = first_of(couples)
    chosen, told = sample_of(sides, couples, first, sample)
    shown, omitted = _panels(couples)
    drawn = [_Drawn.of(couple, chosen, steps, neurons) for couple in shown]
    draw([item.raster for item in drawn], pictures, sides_of(sides.names, which(chosen, couples)))
    table = Table(COLUMNS, tuple(row for item in drawn for row in item.rows(chosen)))
    findings = [*sides.findings, *told, *omitted, *(finding for item in drawn for finding in item.findings)]
    facts = {"input": sides.reading, "sample": chosen, "samples": couples[0].samples}
    divergence = None if first is None else first.to_json()
    rows = [item.to_json() for item in drawn]
    return finish("raster", sides.names, pictures, table, rows, findings, **facts, first_divergence=divergence)


def which(sample: int, couples: Sequence[Couple]) -> str:
    """Words on the sample that is drawn; none where there is one."""
    samples = max((couple.samples for couple in couples), default=1)
    return f"sample {sample} of {samples}" if samples > 1 else ""


@dataclass(frozen=True)
class _Drawn:
    """A panel with what is known of it: all of its spikes, those that are drawn, and what is left out."""

    couple: Couple
    marks: Marks
    raster: Raster
    findings: tuple[Finding, ...]

    @classmethod
    def of(cls, couple: Couple, sample: int, steps: int, neurons: int) -> _Drawn:
        marks = couple.marks(sample)
        wrong = np.flatnonzero(marks.a != marks.b) if marks.b is not None else np.zeros(0, int)
        first = (int(marks.steps[wrong[0]]), int(marks.elements[wrong[0]])) if wrong.size else None
        whole = Window(couple.origin, couple.a.shape[0], 0, couple.neurons)
        window = choose(whole, steps, neurons, first)
        inside = window.of(marks)
        words = "" if couple.b is None else f"   {marks.different} of {couple.a.shape[0] * couple.neurons} differ"
        words += f", first in step {first[0]}" if first is not None else ""
        raster = Raster(plain(couple.title, 90) + words, inside, window, None if first is None else first[0])
        hidden = marks.size - inside.size
        rest = left_out(couple.a_key, whole, window, hidden, marks.different - inside.different)
        return cls(couple, marks, raster, tuple(rest))

    def rows(self, sample: int) -> Iterable[tuple[Any, ...]]:
        """The spikes that are drawn, for the table."""
        couple, marks = self.couple, self.raster.marks
        kinds = np.empty(marks.size, object)
        for kind, chosen in marks.kinds().items():
            kinds[chosen] = kind
        counts = marks.b if marks.b is not None else [None] * marks.size
        ends = zip(marks.steps, marks.elements, marks.a, counts, kinds, strict=True)
        return ((couple.a_key, couple.b_key, couple.lag, sample, *end) for end in ends)

    def to_json(self) -> dict[str, Any]:
        couple, window, inside = self.couple, self.raster.window, self.raster.marks
        return {
            "a": couple.a_key,
            "b": couple.b_key or None,
            "lag": couple.lag,
            "compared": None if couple.b is None else int(couple.a.size),
            "different": couple.different,
            "sample": {
                "spikes_a": int(self.marks.a.sum()),
                "spikes_b": None if self.marks.b is None else int(self.marks.b.sum()),
                "different": None if self.marks.b is None else self.marks.different,
            },
            "drawn": {
                "steps": [window.first_step, window.first_step + window.steps],
                "neurons": [window.first_neuron, window.first_neuron + window.neurons],
                "first_divergence": self.raster.first,
                "marks": {kind: int(np.count_nonzero(chosen)) for kind, chosen in inside.kinds().items()},
            },
        }


def _panels(couples: Sequence[Couple]) -> tuple[list[Couple], list[Finding]]:
    """As many as one picture holds, in order; those that differ before those that do not."""
    ranked = sorted(couples, key=lambda couple: not couple.different)[:PANELS]
    rest = [couple.a_key for couple in couples if couple not in ranked]
    if not rest:
        return list(couples), []
    words = f"{len(rest)} of {len(couples)} spike trains are not drawn: {', '.join(rest[:8])}"
    more = [info("SNN-6201", "picture", words, remedy="--quantity NODE/s chooses.")]
    return [couple for couple in couples if couple in ranked], more


def sample_of(
    sides: Sides, couples: Sequence[Couple], first: Divergence | None, wanted: int | None, silent: bool = False
) -> tuple[int, list[Finding]]:
    """The sample to draw, and a finding where there are several. Raises ``UsageError`` where nothing fired, unless
    ``silent`` says that this may be.
    """
    count = min(couple.samples for couple in couples)
    if wanted is not None and not 0 <= wanted < count:
        raise UsageError("no such sample", found=str(wanted), allowed=f"0 .. {count - 1}")
    firing = np.zeros(count, bool)
    for couple in couples:
        for side in (couple.a, couple.b):
            if side is not None:
                firing |= side[:, :count].any(axis=(0, *range(2, side.ndim)))
    if not silent and (not firing.any() or (wanted is not None and not firing[wanted])):
        some = (
            "" if not firing.any() else f"samples with spikes: {', '.join(map(str, np.flatnonzero(firing)[:8]))}"
        )
        raise UsageError(
            "nothing fired, so there is nothing to draw",
            where=" and ".join(sides.names),
            found=f"no spike in {', '.join(couple.a_key for couple in couples[:8])}",
            allowed=some,
            remedy="Give an input that makes the network fire.",
        )
    chosen = wanted if wanted is not None else first.sample if first is not None else int(np.argmax(firing))
    if count == 1:
        return chosen, []
    why = (
        "as asked"
        if wanted is not None
        else "it has the first divergence"
        if first is not None
        else "the first that fires"
    )
    words = f"sample {chosen} of {count} is drawn, {why}"
    return chosen, [info("SNN-6202", "picture", words, remedy="--sample N draws another.")]
