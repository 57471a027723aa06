"""A raster as events of a board, and events of a board as a raster.

A board's clock counts microseconds. Spikes of one step are sent 1 microsecond apart (as Rockpool sends the
channels of one bin), every one of them: where a bin holds three, three are sent, first one of each channel, then
the second ones. All destinations of a channel get a spike at the same time.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from snnhub.errors import UsageError
from snnhub.findings import Finding, info, loss

from snnhub_dynapse2.config import Configuration
from snnhub_dynapse2.limits import TAGS
from snnhub_dynapse2.network import Ints

MICROSECOND = 1e-6
PLACE = "samna"


@dataclass(frozen=True)
class Sent:
    """What was made of a raster. ``spikes``: how many; ``largest``: of one channel in one step; ``crowded``: of
    all channels in one step; ``unheard``: spikes of channels without a destination, which were not sent.
    """

    spikes: int
    largest: int
    crowded: int
    unheard: int

    def findings(self) -> Iterator[Finding]:
        if self.crowded > 1:
            words = (
                f"spikes of one step are sent one after the other, 1 us apart: up to {self.crowded}, and up to "
                f"{self.largest} of one channel"
            )
            yield info("SNN-4412", PLACE, words)
        if self.unheard:
            words = f"{self.unheard} spikes of channels that no synapse hears were not sent"
            yield info("SNN-4413", PLACE, words)


@dataclass(frozen=True)
class Heard:
    """Events of a run. ``spikes`` (steps, monitored neurons); ``outside``: events of monitored neurons before the
    first step or after the last; ``strange``: events with a tag that no monitored neuron has.
    """

    spikes: Ints
    outside: int
    strange: int

    def findings(self) -> Iterator[Finding]:
        if self.outside:
            words = f"{self.outside} spikes of monitored neurons came before the first step or after the last"
            yield info("SNN-4413", PLACE, words)
        if self.strange:
            words = f"{self.strange} events came with tags that no monitored neuron has, and are left out"
            remedy = "The board may hold more than this network, or its monitor hops may be others."
            yield loss("SNN-4414", PLACE, words, remedy=remedy)


def microseconds(dt: float) -> float:
    """A step in ticks of the board's clock. Raises ``UsageError`` if it is shorter than one."""
    ticks = dt / MICROSECOND
    if ticks < 1:
        raise UsageError("a step is shorter than the board's clock can tell", found=f"{dt:g} s", allowed="1e-06 s")
    return ticks


def timed(held: Configuration, raster: Ints) -> tuple[list[tuple[int, int]], Sent]:
    """Microseconds after the start and channel of every spike, in order, for counts (steps, channels).

    Raises ``UsageError`` for another number of channels, and for a step with more spikes than microseconds.
    """
    if raster.ndim != 2 or raster.shape[1] != len(held.inputs):
        found, allowed = str(list(raster.shape)), f"[steps, {len(held.inputs)}]"
        raise UsageError("the raster does not fit the board's inputs", found=found, allowed=allowed)
    ticks = microseconds(held.dt)
    deaf = np.array([not destinations for destinations in held.inputs], bool)
    counts = np.where(deaf, 0, raster)
    crowded = counts.sum(axis=1, dtype=np.int64)
    if crowded.size and crowded.max() > int(ticks):
        step = int(crowded.argmax())
        raise UsageError(
            "more spikes in a step than there are microseconds to send them",
            where=f"step {step}",
            found=str(int(crowded[step])),
            allowed=str(int(ticks)),
            remedy="Spread the input over more steps.",
        )
    rows = [
        (round(step * ticks) + number, channel)
        for step in np.flatnonzero(crowded).tolist()
        for number, channel in enumerate(_rounds(counts[step]))
    ]
    largest, most = int(counts.max(initial=0)), int(crowded.max(initial=0))
    return rows, Sent(len(rows), largest, most, int(np.where(deaf, raster, 0).sum()))


def _rounds(counts: Ints) -> Iterator[int]:
    """Channels of a step: one spike of each that has one, then the second ones, and so on."""
    for spike in range(int(counts.max(initial=0))):
        yield from np.flatnonzero(counts > spike).tolist()


def columns(held: Configuration) -> dict[int, int]:
    """Column of the raster by monitor tag: monitored neurons in the order of the neuron map."""
    tags = {(row.chip, row.core, row.neuron): row.tag for row in held.monitors}
    found = (tags[where] for row in held.map if (where := (row.chip, row.core, row.neuron)) in tags)
    return {tag: column for column, tag in enumerate(found)}


def control_tag(held: Configuration) -> int:
    """A tag for events that the board gives straight back, which no monitored neuron has: the largest one.

    Raises ``UsageError`` if all are taken.
    """
    taken = {row.tag for row in held.monitors}
    free = next((tag for tag in reversed(range(TAGS)) if tag not in taken), None)
    if free is None:
        words = "every tag is a monitored neuron's, and one is needed to ask the board for its time"
        raise UsageError(words, found=f"{TAGS} monitored neurons", remedy="Monitor one neuron less.")
    return free


def heard(held: Configuration, events: Sequence[tuple[int, int]], start: int, steps: int) -> Heard:
    """The raster of events, given as tag and time in microseconds. A step holds its beginning, not its end."""
    column: Mapping[int, int] = columns(held)
    ticks = microseconds(held.dt)
    edges = np.array([start + round(step * ticks) for step in range(steps + 1)], np.int64)
    spikes = np.zeros((steps, len(column)), np.int64)
    known = [(column[tag], at) for tag, at in events if tag in column]
    step = np.searchsorted(edges, np.array([at for _, at in known], np.int64), side="right") - 1
    outside = 0
    for (place, _), number in zip(known, step.tolist(), strict=True):
        if 0 <= number < steps:
            spikes[number, place] += 1
        else:
            outside += 1
    return Heard(spikes, outside, len(events) - len(known))


def plain(event: Any) -> tuple[int, int]:
    """Tag and time of an event of samna."""
    return int(event.event.tag), int(event.timestamp)
