"""Whether the graph computes what the network did: every value that was recorded, beside the engine's.

A recording cannot tell everything, such as what was there before the first step; numbers can.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from snnhub.engine.reference import prepare
from snnhub.findings import Finding, error, info
from snnhub.ir.graph import Graph
from snnhub.ir.op import OpLookup
from snnhub.ir.recording import Recording
from snnhub.ir.tensor import Array
from snnhub.torchnet.events import Event
from snnhub.torchnet.layout import whole
from snnhub.torchnet.moments import STILL, WHOLE, Unit, names_of
from snnhub.torchnet.selfcheck import MANY_BINS, compared
from snnhub.torchnet.signals import Lead
from snnhub.torchnet.walk import Walk

NEAR = 1e-4
"""Sums of f32 in another order differ by less, relative to the largest of a tensor."""
START = "Start what is fed back at zero, as if nothing had spiked."
OTHER = "Keep what changes from call to call out of the forward; if nothing does, please report this network."


@dataclass(frozen=True)
class Kept:
    """A recorded value: its record key, and (samples, features…) by step."""

    unit: Unit
    key: str
    spikes: bool
    steps: Mapping[int, Array]


def check(graph: Graph, walk: Walk, stimulus: Array, lookup: OpLookup, seed: int) -> tuple[list[Finding], Finding]:
    """Run the engine once: ``error`` findings where it gives other numbers, and a word on the spikes."""
    plan = prepare(graph, lookup)
    known = [kept for kept in _kept(walk) if kept.key in plan.record_keys()]
    if not known:
        return [], info("SNN-3006", graph.name, "no layer of neurons to compare")
    size = sum(part.size for kept in known for part in kept.steps.values())
    samples = slice(0, 1 if size > 4 * MANY_BINS else None)
    recording, _ = plan.run(stimulus[:, samples], record=list(dict.fromkeys(kept.key for kept in known)))
    late = max((edge.delay for edge in graph.edges), default=0)
    wrong: list[Finding] = []
    bad: set[Unit] = set()
    for step in range(walk.layout.steps):
        wrong += _other_values(walk, known, recording, step, samples, late, bad)
    spikes = {
        kept.key: np.stack([kept.steps[step][samples] for step in range(walk.layout.steps)])
        for kept in known
        if kept.spikes and len(kept.steps) == walk.layout.steps
    }
    if not spikes:
        return wrong, info("SNN-3006", graph.name, "no layer of neurons to compare")
    return wrong, compared(graph, spikes, recording, seed)


def _kept(walk: Walk) -> Iterator[Kept]:
    """Everything that was recorded and has a key in the graph."""
    for (unit, name), signal in walk.signals.items():
        if unit not in walk.plan.event or signal.lead in (Lead.DECODED, Lead.FRAME):
            continue
        neuron = walk.plan.neuron(walk.plan.event[unit])
        steps = _steps(walk, unit, name, signal.lead)
        yield Kept(
            unit, f"{signal.port.node}/{signal.port.name}", neuron is not None and name in neuron.spikes, steps
        )


def _steps(walk: Walk, unit: Unit, name: str, lead: Lead) -> dict[int, Array]:
    """A value by step, as far as no part was overwritten since."""
    layout = walk.layout
    found: dict[int, Array] = {}
    for time, event in walk.moments.events[unit].items():
        part = _part(walk, event, name)
        if part is None:
            continue
        if time == STILL:
            found |= dict.fromkeys(range(layout.steps), part)
        elif time == WHOLE:
            found |= dict(enumerate(whole(part, lead, layout.steps, layout.samples)))
        else:
            found[time] = part
    return found


def _part(walk: Walk, event: Event, name: str) -> Array | None:
    ref = next((ref for ref, known in names_of(event) if known == name), None)
    tensor = None if ref is None else walk.moments.recorder.tensor(ref)
    return None if tensor is None else tensor.detach().cpu().numpy()


def _other_values(
    walk: Walk, known: list[Kept], recording: Recording, step: int, samples: slice, late: int, bad: set[Unit]
) -> Iterator[Finding]:
    """Places whose values differ in a step although what they take does not. Neurons are no such place: a sum that
    lands on the threshold may differ.
    """
    for kept in known:
        event = walk.plan.event[kept.unit]
        follows = any(link.unit in bad for link in walk.plan.links(event))
        other = step in kept.steps and not _near(kept.steps[step][samples], recording[kept.key][step])
        if other and not follows and kept.unit not in bad and walk.plan.neuron(event) is None:
            if step < late:
                words = f"in step {step} it is not what it is in later steps with zero before the start"
                yield error("SNN-3524", event.place, words, remedy=START)
            else:
                words = f"in step {step} the network gives other numbers here than the graph"
                yield error("SNN-3026", event.place, words, remedy=OTHER)
        if other or follows:
            bad.add(kept.unit)


def _near(found: Array, held: Array) -> bool:
    """Whether numbers are equal up to the order of sums; infinite ones are not judged."""
    if found.shape != held.shape:
        return False
    distance = np.abs(found.astype(np.float64) - held)
    scale = max(float(np.abs(found).max(initial=0)), 1e-6)
    return not np.isfinite(scale) or bool((distance <= NEAR * scale).all())
