"""States of neurons that the forward passes around: they must be what the same neuron gave one step earlier."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from snnhub.findings import Finding, error
from snnhub.ir.graph import Node
from snnhub.torchnet.events import Event, Ref, leaves
from snnhub.torchnet.moments import Moments, Unit
from snnhub.torchnet.plan import Plan

FROM_REST = "Networks start at rest: pass None, or what the framework's own function for it gives."
HAND_ON = "Pass a neuron what its own call in the step before returned, unchanged and whole."
OWN = "Use a module of its own at each place."


def problems(plan: Plan, nodes: dict[Unit, Node]) -> Iterator[Finding]:
    """Everything about states that the graph cannot hold. ``nodes``: of the neurons, as far as they were made."""
    moments = plan.moments
    for unit in plan.order:
        event = plan.event[unit]
        neuron = plan.neuron(event)
        if neuron is None:
            continue
        if unit.turn:
            words = "a module with a state is called more than once in a step"
            yield error("SNN-3004", event.place, words, remedy=OWN)
            continue
        if unit._replace(turn=1) in moments.events:
            continue  # said of its second call
        events = sorted(moments.events[unit].items())
        yield from _at_start(moments, events[0][1], nodes.get(unit))
        steps = [item for item in events if item[0] >= 0]
        for (_, before), (step, now) in pairwise(steps):
            words = _handed_on(moments, before, now, neuron.keeps)
            if words:
                yield error("SNN-3522", event.place, f"in step {step} {words}", remedy=HAND_ON)
                break


def passed(event: Event) -> list[Ref]:
    """Tensors that a neuron was given beside its input."""
    return list(event.inputs)[1:]


def _handed_on(moments: Moments, before: Event, now: Event, keeps: bool) -> str:
    """What is wrong with the states given to a call, by the call one step before; empty if nothing is."""
    given, gave = passed(now), list(leaves(before.result, Ref))
    if not given:
        return "" if keeps else "it is given no state, and starts from rest again"
    expected = [_meaning(moments, ref) for ref in gave[-len(given) :]]
    found = [_meaning(moments, ref) for ref in given]
    if found == expected:
        return ""
    if all(moments.value(ref) is None for ref in given):
        return "it is given a constant state"
    return "it is given a state that is not what it returned in the step before"


def _meaning(moments: Moments, ref: Ref) -> object:
    return moments.value(ref) or ref


def _at_start(moments: Moments, event: Event, node: Node | None) -> Iterator[Finding]:
    """States of the first call must be those at rest."""
    given, gave = passed(event), list(leaves(event.result, Ref))
    names = {ref: name for name, ref in event.named.items()}
    for ref, result in zip(given, gave[-len(given) :] if given else (), strict=False):
        fact = moments.recorder.facts[ref.value]
        wanted = _at_rest(node, names.get(result, ""))
        if fact.maker is not None:
            yield error("SNN-3522", event.place, "its first state is worked out in the forward", remedy=FROM_REST)
        elif wanted is not None and fact.all != wanted and 0 not in fact.shape:
            words = f"its state starts at something else than {wanted:g}"
            yield error("SNN-3522", event.place, words, remedy=FROM_REST)


def _at_rest(node: Node | None, name: str) -> float | None:
    """The value of a state before the first step, where it is one number; 0 of what is no state of the node."""
    if node is None or node.program is None:
        return 0.0
    init = next((state.init for state in node.program.states if state.name == name), 0.0)
    if isinstance(init, str):
        stored = node.param[init].array
        return float(stored.reshape(-1)[0]) if stored.size == 1 else None
    return float(init)
