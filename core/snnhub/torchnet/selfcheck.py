"""The last step of every import: the recorded run of the framework beside a run of the engine."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np

from snnhub.engine.reference import prepare
from snnhub.findings import Finding, error, info, loss
from snnhub.ir.graph import Graph, Port
from snnhub.ir.op import OpLookup
from snnhub.ir.recording import Recording
from snnhub.ir.tensor import Array
from snnhub.torchnet.events import Event, Ref
from snnhub.torchnet.layout import whole
from snnhub.torchnet.moments import WHOLE, Moments, Unit, names_of
from snnhub.torchnet.signals import Lead
from snnhub.torchnet.walk import Walk

START = "Start what is fed back at zero, as if nothing had spiked."
MANY_BINS = 2**18
"""Above so many spike bins one sample is compared, so that a large network is not imported for minutes."""
NEAR = 1e-4
"""Sums of f32 in another order differ by less, relative to the largest of a tensor."""


def spike_finding(
    graph: Graph, spikes: Mapping[str, Array], stimulus: Array, lookup: OpLookup, seed: int
) -> Finding:
    """Compare the engine's spikes with the framework's, by record key (time, samples, features…)."""
    if not spikes:
        return info("SNN-3006", graph.name, "no layer of neurons to compare")
    samples = slice(0, 1 if sum(array.size for array in spikes.values()) > MANY_BINS else None)
    stimulus = stimulus[:, samples]
    recording, _ = prepare(graph, lookup).run(stimulus, record=list(spikes))
    different, total, places = 0, 0, []
    for key, found in spikes.items():
        wrong = int(np.count_nonzero(recording[key] != found[:, samples]))
        different, total = different + wrong, total + recording[key].size
        if wrong:
            places.append(f"{key} ({wrong})")
    conditions = f"{stimulus.shape[0]} steps, {stimulus.shape[1]} samples, seed {seed}"
    words = f"{total - different} of {total} spike bins equal on random input ({conditions})"
    if different:
        return loss(
            "SNN-3006",
            ", ".join(places[:3]),
            f"engine and framework differ: {words}",
            remedy="Sums may land exactly on the threshold, where the order of summation decides.",
        )
    return info("SNN-3006", graph.name, words)


def spikes_of(walk: Walk) -> dict[str, Array]:
    """What the framework's neurons gave while they were recorded, by record key."""
    found = {}
    for unit in walk.plan.order:
        neuron = walk.plan.neuron(walk.plan.event[unit])
        if neuron is None or unit.name not in walk.ports:
            continue
        lead = walk.sites[unit.name][1]
        for name, port in walk.ports[unit.name].items():
            values = recorded(walk.moments, unit, name, lead) if name in neuron.spikes else None
            if values is not None:
                found[f"{port.node}/{port.name}"] = values
    return found


def recorded(moments: Moments, unit: Unit, name: str, lead: Lead) -> Array | None:
    """A recorded value (time, samples, features…), None where a part was overwritten since."""
    events, layout = moments.events[unit], moments.layout
    if WHOLE in events:
        part = _part(moments, events[WHOLE], name)
        return None if part is None else whole(part, lead, layout.steps, layout.samples)
    parts = [_part(moments, events[step], name) for step in range(layout.steps) if step in events]
    kept = [part for part in parts if part is not None]
    return np.stack(kept) if len(kept) == layout.steps else None


def _part(moments: Moments, event: Event, name: str) -> Array | None:
    ref: Ref | None = next((ref for ref, known in names_of(event) if known == name), None)
    tensor = None if ref is None else moments.recorder.tensor(ref)
    return None if tensor is None else tensor.detach().cpu().numpy()


def first_steps(graph: Graph, walk: Walk, stimulus: Array, lookup: OpLookup) -> Iterator[Finding]:
    """What is there before the first step, where something is fed back: every value of the first steps must be
    that of the engine, whose edges deliver zero before the start.
    """
    steps = max((edge.delay for edge in graph.edges), default=0)
    known = {
        (unit, name): signal.port
        for (unit, name), signal in walk.signals.items()
        if unit in walk.plan.event and signal.port.node in graph.node
    }
    if not steps or walk.layout.steps < steps:
        return
    plan = prepare(graph, lookup)
    keys = [key for key in {f"{port.node}/{port.name}" for port in known.values()} if key in plan.record_keys()]
    recording, _ = plan.run(stimulus[:steps], record=keys)
    bad: set[Unit] = set()
    for step in range(steps):
        yield from _other_values(walk, known, recording, step, bad)


def _other_values(
    walk: Walk, known: Mapping[tuple[Unit, str], Port], recording: Recording, step: int, bad: set[Unit]
) -> Iterator[Finding]:
    """Places whose values differ in a step although what they take does not. Neurons are no such place: a sum that
    lands on the threshold may differ, and their states have been looked at.
    """
    for (unit, name), port in known.items():
        events, key = walk.moments.events[unit], f"{port.node}/{port.name}"
        part = _part(walk.moments, events[step], name) if key in recording and step in events else None
        event = walk.plan.event[unit]
        follows = any(link.unit in bad for link in walk.plan.links(event))
        if part is None or _near(part, recording[key][step]):
            if follows:
                bad.add(unit)
            continue
        if unit not in bad and not follows and walk.plan.neuron(event) is None:
            words = f"in step {step} it is not what it is in later steps with zero before the start"
            yield error("SNN-3524", event.place, words, remedy=START)
        bad.add(unit)


def _near(found: Array, held: Array) -> bool:
    if found.shape != held.shape:
        return True  # another lead; spikes tell
    scale = max(float(np.abs(found).max(initial=0)), 1e-6)
    return bool((np.abs(found.astype(np.float64) - held) <= NEAR * scale).all())
