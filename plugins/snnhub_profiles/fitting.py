"""The shapes of a whole network as torch runs it, step after step, and what each node becomes for them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from snnhub.errors import GraphError

from snnhub_profiles.layer import Layer
from snnhub_profiles.program import PROGRAMS
from snnhub_profiles.rules.rule import Rule
from snnhub_profiles.source import Item, RefusedError
from snnhub_profiles.torch_shapes import ZERO, Fit, Signal, brought, canonical, fit, stacked, together
from snnhub_profiles.wiring import Wiring

Leaving = dict[str, Signal]


@dataclass(frozen=True)
class Arrival:
    """The value that a node gets, its sources added."""

    signal: Signal


@dataclass
class Fitting:
    """``arrivals`` and ``fits`` by name, as they are once every late source has given something.

    Raises ``RefusedError`` or ``GraphError`` where torch refuses a shape in any step.
    """

    items: Mapping[str, Item]
    layers: Mapping[str, Layer]
    wiring: Wiring
    arriving: Mapping[str, list[tuple[str, int]]]
    rule: Rule
    entry: Signal
    arrivals: dict[str, Arrival] = field(default_factory=dict)
    fits: dict[str, Fit] = field(default_factory=dict)

    def __post_init__(self) -> None:
        first = last = self._step(None)
        for _ in self.wiring.order:
            now = self._step(last)
            if now == last:
                break
            last = now
        name = self.wiring.output
        if name in first and first[name].returned != last[name].returned:
            words = f"{list(first[name].returned)} in the first step, {list(last[name].returned)} after it"
            raise RefusedError(f"what is returned changes its shape: {words}")

    def _step(self, before: Leaving | None) -> Leaving:
        """What leaves each node in a step; ``before``: in the step before, None in the first one."""
        leaving: Leaving = {}
        for name in self.wiring.order:
            item = self.items[name]
            arrival = self._arrival(name, leaving, before)
            self.arrivals[name] = Arrival(arrival)
            try:
                self.fits[name] = self._fit(name, item, arrival)
            except GraphError as problem:
                raise RefusedError(f"{item.id}: {problem}") from problem
            leaving[name] = self.fits[name].leaving
        return leaving

    def _arrival(self, name: str, leaving: Leaving, before: Leaving | None) -> Signal:
        found = [self.entry] if name == self.wiring.entry else []
        for src, steps in self.arriving[name]:
            if not steps:
                found.append(leaving[src])
            elif before is not None:
                found.append(before[src])
            elif self.rule.wire in PROGRAMS:
                found.append(Signal(ZERO, ZERO))
        if not found:
            raise RefusedError(f"nothing arrives at {name} in the first step")
        if all(signal == found[0] for signal in found):
            return found[0]
        shapes = [signal.torch for signal in found]
        shape = together(shapes, name) if self.rule.wire in PROGRAMS else stacked(shapes, name)
        for signal in found:
            if signal.torch == shape and signal.ours != ZERO:
                return signal
        return Signal(shape, canonical(shape))

    def _fit(self, name: str, item: Item, arrival: Signal) -> Fit:
        layer = self.layers.get(name, Layer())
        if item.type == "Flatten" and self.rule.flatten is not None:
            layer = self.rule.flatten(item, len(arrival.torch) - 1)
        wanted = self.rule.brings(item, arrival.torch)
        if wanted == arrival.torch:
            return fit(item, layer, arrival, self.rule.spreads, self.rule.counted)
        made = fit(item, layer, Signal(wanted, canonical(wanted)), self.rule.spreads, self.rule.counted)
        before = (*brought(arrival, wanted), *made.before)
        return Fit(made.layer, made.leaving, before, made.lost, repeated=True)
