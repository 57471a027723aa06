"""When every recorded value exists: in one step, in all of them, or without time; and which call made it.

Turns of a loop are told apart by counting: the k-th call from one place is step k. Where a place is called in some
steps only (``if t > 0``), the latest step among its inputs decides.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from snnhub.torchnet.events import INPUT, Event, Ref, leaves
from snnhub.torchnet.framework import Framework
from snnhub.torchnet.kinds import neuron_of
from snnhub.torchnet.layout import Kind, Layout
from snnhub.torchnet.recorder import Recorder
from snnhub.torchnet.signals import Lead

JOINS = frozenset({"stack"})
INDEXES = frozenset({"getitem", "select", "unbind"})
INTO = frozenset({"setitem"})
UNNAMED = "state "
"""How states begin that a neuron returns and its framework gives no name."""
SAME = frozenset({"detach", "detach_", "clone", "contiguous", "alias"})


class Unit(NamedTuple):
    """One place of the network: a module, or a function's line of code; ``turn`` counts calls within a step."""

    outer: str
    name: str
    site: tuple[tuple[int, int], ...]
    turn: int


GIVEN = Unit("", "input", (), 0)
WHOLE, STILL = -1, -2
"""Times of values that hold all steps, and of values without time."""


@dataclass(frozen=True)
class Value:
    """A value of the network: output ``name`` of ``unit`` in step ``time``, or ``WHOLE`` or ``STILL``.

    ``lead``: of whole sequences, what leads in them as far as the recording tells.
    """

    unit: Unit
    name: str
    time: int
    lead: Lead | None = None


class Moments:
    """``values`` by number; ``units`` and ``times`` of events by index; ``events`` of a unit by time."""

    def __init__(self, framework: Framework, recorder: Recorder, layout: Layout) -> None:
        self.framework = framework
        self.recorder = recorder
        self.layout = layout
        self.values: dict[int, Value] = {}
        self.units: dict[int, Unit] = {}
        self.times: dict[int, int] = {}
        self.events: dict[Unit, dict[int, Event]] = {}
        self.aliases: set[int] = set()
        self._filled: dict[int, dict[int, Value]] = {}
        self._counts: Counter[Unit] = Counter(self._place(event) for event in recorder.events)
        self._done: Counter[tuple[Unit, int]] = Counter()
        self._met: Counter[Unit] = Counter()
        for number, fact in enumerate(recorder.facts):
            if fact.maker == INPUT:
                self.values[number] = self._given(fact.call)
        for event in recorder.events:
            self._event(event)

    def _given(self, call: int) -> Value:
        kind = self.layout.kind
        if kind is Kind.STEP:
            return Value(GIVEN, "x", call)
        return Value(GIVEN, "x", STILL) if kind is Kind.FRAME else Value(GIVEN, "x", WHOLE, kind.lead)

    def value(self, ref: Ref) -> Value | None:
        """What a reference means; None for constants."""
        return self.values.get(ref.value)

    @staticmethod
    def _place(event: Event) -> Unit:
        if event.module is not None:
            return Unit("", event.name, (), 0)
        return Unit(event.outer, event.name, event.site, 0)

    def _event(self, event: Event) -> None:
        given = [value for ref in event.inputs if (value := self.value(ref)) is not None]
        if not given and event.module is None:
            return
        alias = self._alias(event)
        if alias is not None:
            self.aliases.add(event.index)
            for ref, value in alias.items():
                self.values[ref.value] = value
            return
        whole = any(value.time == WHOLE for value in given)
        time = WHOLE if whole else self._step(event, given)
        place = self._place(event)
        turn = self._done[place, time]
        self._done[place, time] += 1
        unit = place._replace(turn=turn)
        self.units[event.index], self.times[event.index] = unit, time
        self.events.setdefault(unit, {})[time] = event
        for ref, name in names_of(event):
            self.values[ref.value] = Value(unit, name, time, self._lead(event, given, ref, time))

    def _step(self, event: Event, given: list[Value]) -> int:
        """The step of a call that sees no whole sequence."""
        place = self._place(event)
        met = self._met[place]
        self._met[place] += 1
        if self.layout.kind is Kind.STEP:
            return event.call
        neuron = event.module is not None and neuron_of(self.framework, event.module) is not None
        latest = max((value.time for value in given), default=STILL)
        if self._counts[place] % self.layout.steps == 0 and (neuron or self.layout.steps > 1 or latest >= 0):
            return met // (self._counts[place] // self.layout.steps)
        return latest

    def _lead(self, event: Event, given: list[Value], ref: Ref, time: int) -> Lead | None:
        """What leads in a whole sequence that a call gives; None where time may be gone."""
        if time != WHOLE:
            return None
        before = next(value for value in given if value.time == WHOLE)
        shape = self.recorder.facts[ref.value].shape
        first = next(ref for ref in event.inputs if self.value(ref) == before)
        axes = before.lead.axes if before.lead else 0
        turned = event.module is None and event.name in ("permute", "transpose", "swapaxes")
        if before.lead and shape[:axes] == self.recorder.facts[first.value].shape[:axes] and not turned:
            return before.lead
        return self.layout.lead_of(shape)

    def _alias(self, event: Event) -> Mapping[Ref, Value] | None:
        """Values that are only taken out of a sequence or put together to one; None for all other calls."""
        if event.module is not None:
            return None
        if event.name in SAME and (source := self.value(next(event.inputs))) is not None:
            return {event.made[0]: source}
        if event.name in INDEXES:
            return self._taken(event)
        if event.name in JOINS:
            parts = [self.value(ref) for ref in leaves(event.args[:1] or event.kwargs.get("tensors"), Ref)]
            dim = event.kwargs.get("dim", event.args[1] if len(event.args) > 1 else 0)
            joined = self._joined(dict(enumerate(parts)), dim)
            return None if joined is None else {event.made[0]: joined}
        return self._put(event) if event.name in INTO else None

    def _joined(self, parts: Mapping[int, Value | None], dim: Any) -> Value | None:
        """The sequence of one value in every step, or None."""
        first = parts.get(0)
        whole = dim in (0, 1) and len(parts) == self.layout.steps and first is not None
        if first is None or not whole:
            return None
        if any(parts.get(step) != replace(first, time=step) for step in range(self.layout.steps)):
            return None
        lead = Lead.TIME_BATCH if dim == 0 else Lead.BATCH_TIME
        return replace(first, time=WHOLE, lead=lead)

    def _taken(self, event: Event) -> Mapping[Ref, Value] | None:
        """One step of a sequence: ``x[t]``, ``x[:, t]``, ``x.select(dim, t)``, or all by a loop over it."""
        source = self.value(event.args[0]) if isinstance(event.args[0], Ref) else None
        axis = None if source is None else {Lead.TIME_BATCH: 0, Lead.BATCH_TIME: 1}.get(source.lead or Lead.BATCH)
        if source is None or axis is None:
            return None
        if event.name == "unbind":
            if event.kwargs.get("dim", event.args[1] if len(event.args) > 1 else 0) != axis:
                return None
            return {ref: replace(source, time=step, lead=None) for step, ref in enumerate(event.result)}
        step = _index(event, axis)
        if step is None or not isinstance(event.result, Ref):
            return None
        return {event.result: replace(source, time=step % self.layout.steps, lead=None)}

    def _put(self, event: Event) -> Mapping[Ref, Value] | None:
        """``rec[t] = spikes``: a sequence once every step has been put."""
        target, index, content = event.args[:3]
        value = self.value(content) if isinstance(content, Ref) else None
        if value is None or value.time < 0:
            return None
        place = index if isinstance(index, tuple) else (index,)
        while len(place) > 1 and place[-1] in (slice(None), Ellipsis):
            place = place[:-1]
        dim = len(place) - 1
        full = all(part == slice(None) for part in place[:-1]) and isinstance(place[-1], int)
        filled = {**self._filled.get(target.value, {}), int(place[-1]) % self.layout.steps: value} if full else {}
        made = event.made[0]
        self._filled[made.value] = filled
        joined = self._joined(filled, dim)
        return {made: joined} if joined is not None else {}


def names_of(event: Event) -> list[tuple[Ref, str]]:
    """Values of an event that mean something, by name: those of a neuron, else ``y`` or ``y0``, ``y1`` …"""
    if event.named:
        states = [ref for ref in event.made if ref not in event.named.values()]
        unnamed = [(ref, f"{UNNAMED}{number}") for number, ref in enumerate(states)]
        return [*((ref, name) for name, ref in event.named.items()), *unnamed]
    if len(event.made) == 1:
        return [(event.made[0], "y")]
    return [(ref, f"y{number}") for number, ref in enumerate(event.made)]


def _index(event: Event, axis: int) -> int | None:
    """The step that an indexing call takes along ``axis``, if it does nothing else."""
    if event.name == "select":
        given = [*event.args[1:], *event.kwargs.values()]
        return int(given[1]) if len(given) == 2 and given[0] == axis and isinstance(given[1], int) else None
    place = event.args[1] if isinstance(event.args[1], tuple) else (event.args[1],)
    place = tuple(part for part in place if part is not Ellipsis or part is not place[-1])
    if len(place) <= axis or not isinstance(place[axis], int) or isinstance(place[axis], bool):
        return None
    others = (*place[:axis], *place[axis + 1 :])
    return int(place[axis]) if all(part == slice(None) for part in others) else None
