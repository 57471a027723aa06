"""What a network returns: which of it is the output, and how it looks over time."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from snnhub.errors import UsageError
from snnhub.findings import Finding, info
from snnhub.torchnet.events import Event, Ref, leaves
from snnhub.torchnet.layout import Kind
from snnhub.torchnet.moments import UNNAMED, Moments, Value
from snnhub.torchnet.signals import Lead

OPTION = "output"
SUMS, DIVISIONS = (
    frozenset({"add", "add_", "iadd"}),
    frozenset({"div", "div_", "truediv", "true_divide", "divide"}),
)


class Returned:
    """``value``: the output, None where what is returned is no tensor of the network. ``position``: which of the
    returned tensors it is. A list of one tensor per step counts as one.
    """

    def __init__(self, moments: Moments, position: int) -> None:
        self.moments = moments
        self.items = self._items(moments.recorder.results)
        self.position = position
        if self.items and position >= len(self.items):
            raise UsageError(
                "the network does not return so many tensors",
                where=f"--option {OPTION}",
                found=str(position),
                allowed=f"0 to {len(self.items) - 1}",
            )
        self.value = self.items[position] if self.items else None
        self.decoder = ""
        if self.value is not None and self.value.time >= 0:
            self.value, self.decoder = reduced(moments, self.value)

    def others(self) -> list[Finding]:
        """A word on the tensors that are returned and are no output."""
        known = [item for number, item in enumerate(self.items) if number != self.position and item is not None]
        rest = [item for item in known if not item.name.startswith(UNNAMED)]
        if not rest:
            return []
        names = ", ".join(
            f"{item.unit.outer and item.unit.outer + '.'}{item.unit.name} {item.name}" for item in rest
        )
        words = f"the network returns {len(self.items)} tensors; number {self.position} is the output, not {names}"
        return [info("SNN-3523", "output", words, remedy=f"Choose another with --option {OPTION}=N.")]

    def _items(self, results: list[Any]) -> list[Value | None]:
        steps = self.moments.layout.steps
        if self.moments.layout.kind is not Kind.STEP:
            return _grouped(results[0], self.moments, steps)
        rows = [[self.moments.value(ref) for ref in leaves(result, Ref)] for result in results]
        return [
            self._over_time([row[place] for row in rows if place < len(row)]) for place in range(len(rows[-1]))
        ]

    def _over_time(self, values: list[Value | None]) -> Value | None:
        """One value per call, as a sequence if it is the same in every step."""
        last = values[-1]
        if last is None or len(values) != self.moments.layout.steps:
            return last
        same = all(value == replace(last, time=step) for step, value in enumerate(values))
        return replace(last, time=-1, lead=Lead.TIME_BATCH) if same else replace(last, time=len(values) - 1)


def reduced(moments: Moments, value: Value) -> tuple[Value, str]:
    """A value of one step over time: the sum or mean that a loop adds up, else the last of its kind."""
    steps = moments.layout.steps
    event = moments.events[value.unit].get(value.time)
    if event is not None and event.name in DIVISIONS and len(event.args) == 2 and event.args[1] == steps:
        inner = moments.value(event.args[0]) if isinstance(event.args[0], Ref) else None
        added = None if inner is None else _added(moments, inner)
        if added is not None:
            return added, "mean"
    added = _added(moments, value)
    return (value, "last") if added is None else (added, "sum")


def _added(moments: Moments, value: Value) -> Value | None:
    """What ``total = total + x`` adds up from zero in every step, up to the last; None for anything else."""
    steps, events = moments.layout.steps, moments.events[value.unit]
    if value.time != steps - 1 or steps < 2:
        return None
    terms: list[Value | None] = []
    for step in range(1, steps):
        parts = _summands(moments, events.get(step))
        before = replace(value, time=step - 1)
        if step == 1 and 0 not in events and len(parts) == 2:
            before = parts[0] or before  # the first total is the first term itself
            terms.append(before)
        if before not in parts or len(parts) != 2:
            return None
        terms.append(parts[1 - parts.index(before)])
    if 0 in events:
        terms.insert(0, _started(moments, events[0]))
    first = terms[0]
    same = first is not None and all(term == replace(first, time=step) for step, term in enumerate(terms))
    return replace(first, time=-1, lead=Lead.TIME_BATCH) if first is not None and same else None


def _summands(moments: Moments, event: Event | None) -> list[Value | None]:
    if event is None or event.name not in SUMS or event.kwargs:
        return []
    return [moments.value(part) if isinstance(part, Ref) else None for part in event.args]


def _started(moments: Moments, event: Event) -> Value | None:
    """The first term, added to a zero."""
    parts = _summands(moments, event)
    known = [part for part in parts if part is not None]
    others = [part for part, value in zip(event.args, parts, strict=True) if value is None]
    zeros = [moments.recorder.facts[part.value].all if isinstance(part, Ref) else part for part in others]
    return known[0] if len(known) == 1 and zeros == [0] else None


def rows_of(result: Any, kind: type, steps: int) -> list[list[Any]]:
    """Everything of ``kind`` that a call returned, in order; a list of one per step is one, if steps are given."""
    if isinstance(result, kind):
        return [[result]]
    if isinstance(result, dict):
        result = list(result.values())
    if not isinstance(result, tuple | list):
        return []
    if steps > 1 and len(result) == steps and all(isinstance(part, kind) for part in result):
        return [list(result)]
    return [row for part in result for row in rows_of(part, kind, steps)]


def _grouped(result: Any, moments: Moments, steps: int) -> list[Value | None]:
    """Tensors that one call returned, in order. A list with one per step is one, if it is the same of each."""
    items: list[Value | None] = []
    for row in rows_of(result, Ref, steps):
        values = [moments.value(ref) for ref in row]
        first = values[0]
        if first is not None and steps == len(values) and _is_one(values, first):
            items.append(replace(first, time=-1, lead=Lead.TIME_BATCH))
        else:
            items += values
    return items


def _is_one(values: list[Value | None], first: Value) -> bool:
    return len(values) > 1 and all(value == replace(first, time=step) for step, value in enumerate(values))
