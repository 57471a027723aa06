"""The graph of one step: which calls the output needs, and what each takes from this step and the one before.

Every place is looked at in a late step; the others from step 1 on must do the same. What step 0 does differently
is the value before the start, which is compared by numbers once the graph runs.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from snnhub.findings import Finding, error
from snnhub.torchnet.events import Event, Ref, mapped
from snnhub.torchnet.framework import Neuron
from snnhub.torchnet.kinds import neuron_of
from snnhub.torchnet.moments import GIVEN, Moments, Unit, Value
from snnhub.torchnet.signals import Lead

LOOPS = (
    "A loop over time must do the same in every step; what is there before the first is zero or the state at rest."
)


@dataclass(frozen=True)
class Link:
    """A value as one step sees it: of the step itself, or ``delay`` steps old. ``lead``: of a whole sequence."""

    unit: Unit
    name: str
    delay: int
    lead: Lead | None
    shape: tuple[int, ...]


@dataclass(frozen=True)
class Constant:
    """A tensor that is none of the network's. ``number``: if it has one element. ``name``: of a parameter."""

    shape: tuple[int, ...]
    number: float | None
    name: str
    stale: bool = False


class Plan:
    """``order``: the places that the output needs, in order; ``event``: the call that each is read from."""

    def __init__(self, moments: Moments, wanted: list[Value]) -> None:
        self.moments = moments
        self.problems: list[Finding] = []
        self.event: dict[Unit, Event] = {}
        waiting = [value.unit for value in wanted]
        while waiting:
            unit = waiting.pop()
            if unit == GIVEN or unit in self.event:
                continue
            self.event[unit] = self._chosen(unit)
            waiting += [link.unit for link in self.links(self.event[unit])]
        self.order = sorted(self.event, key=lambda unit: self.event[unit].index)
        for unit in self.order:
            self._ensure_same(unit)

    def neuron(self, event: Event) -> Neuron | None:
        """What the framework says of the module of a call, if it is a neuron."""
        return None if event.module is None else neuron_of(self.moments.framework, event.module)

    def _chosen(self, unit: Unit) -> Event:
        events = self.moments.events[unit]
        early = self.moments.layout.steps - 2
        return events[early] if early > 0 and early in events else events[max(events)]

    def arguments(self, event: Event) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """Arguments of a call with links and constants in place of tensors; of a neuron without its states."""
        args, kwargs = event.args, dict(event.kwargs)
        if self.neuron(event) is not None:
            args, kwargs = args[:1] or tuple(kwargs.values())[:1], {}
        time = self.moments.times[event.index]
        found: tuple[tuple[Any, ...], dict[str, Any]] = mapped(
            (args, kwargs), Ref, lambda ref: self.link(ref, time)
        )
        return found

    def links(self, event: Event) -> list[Link]:
        """Every tensor of the network among the arguments of a call."""
        found: list[Link] = []
        mapped(self.arguments(event), Link, found.append)
        return found

    def link(self, ref: Ref, time: int) -> Link | Constant:
        """What a reference means in step ``time``."""
        fact, value = self.moments.recorder.facts[ref.value], self.moments.value(ref)
        if value is None or fact.stale:
            return Constant(fact.shape, fact.number, fact.name, fact.stale)
        delay = time - value.time if time >= 0 and value.time >= 0 else 0
        return Link(value.unit, value.name, delay, value.lead, fact.shape)

    def _ensure_same(self, unit: Unit) -> None:
        """Every step from 1 on must be what the chosen one is."""
        chosen, events = self.event[unit], self.moments.events[unit]
        steps = self.moments.layout.steps
        if min(events) < 0 or self.moments.times[chosen.index] < 0:
            return
        expected = self.arguments(chosen)
        absent = [step for step in range(1, steps - 1) if step not in events and step < max(events)]
        other = [step for step, event in events.items() if step > 0 and self.arguments(event) != expected]
        if absent:
            self._refuse(chosen, f"is not called in step {absent[0]}")
        elif other:
            self._refuse(chosen, f"takes something else in step {other[0]} than in step {max(1, steps - 2)}")

    def _refuse(self, event: Event, words: str) -> None:
        self.problems.append(error("SNN-3521", event.place, words, remedy=LOOPS))
