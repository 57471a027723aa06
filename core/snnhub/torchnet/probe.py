"""Runs a network on random input until it is clear how it takes its input, and keeps the recording.

Steps and samples differ, so that axes can be told apart by their length.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from snnhub.api.options import ImportOptions
from snnhub.errors import UsageError
from snnhub.ir.tensor import Array
from snnhub.torchnet.caller import Caller
from snnhub.torchnet.copying import copied
from snnhub.torchnet.events import INPUT, Event, Ref
from snnhub.torchnet.framework import MERGED, Framework, Sequence
from snnhub.torchnet.kinds import neuron_of
from snnhub.torchnet.layout import Kind, Layout, asked_for
from snnhub.torchnet.recorder import Recorder

if TYPE_CHECKING:
    from torch import nn

STEPS, SAMPLES, SEED = 4, 3, 20261121
MOST_STEPS = 1024
BY_SEQUENCE: dict[Sequence, tuple[Kind, ...]] = {
    MERGED: (Kind.MERGED, Kind.BATCH_FIRST, Kind.TIME_FIRST),
    1: (Kind.BATCH_FIRST, Kind.TIME_FIRST),
    0: (Kind.TIME_FIRST, Kind.BATCH_FIRST),
    None: (Kind.STEP, Kind.TIME_FIRST, Kind.BATCH_FIRST),
}
SHAPE = "Pass --input-shape without time and batch, such as 1,28,28."
HOW = "Say how the network is called: --option layout=, with steps= and samples= where it takes only so many."


class _DoesNotFitError(Exception):
    """The network does not take its input like this."""


class _LongerError(_DoesNotFitError):
    """The network wants more steps than it was given."""


@dataclass(frozen=True)
class Probe:
    """``layout``: how the network takes its input; ``stimulus`` (time, samples, features…), uniform in 0 .. 1."""

    layout: Layout
    stimulus: Array
    recorder: Recorder


def probe(framework: Framework, net: nn.Module, options: ImportOptions) -> Probe:
    """The first layout that the network takes. Raises ``UsageError`` with what it said to each otherwise."""
    steps, samples = sizes(framework, net)
    first = Layout(
        Kind.STEP, options.integer("steps", steps or STEPS), options.integer("samples", samples or SAMPLES)
    )
    free = steps is None and "steps" not in options.given
    said: list[str] = []
    for kind in kinds_of(framework, net, options):
        layout = replace(first, kind=kind)
        while True:
            try:
                return _tried(framework, net, layout, options, free)
            except _LongerError as problem:
                if free and layout.steps < MOST_STEPS:
                    layout = replace(layout, steps=2 * layout.steps)
                    continue
                said.append(f"{kind.value}: {problem}")
            except _DoesNotFitError as problem:
                said.append(f"{kind.value}: {problem}")
            break
    listing = "\n    ".join(["", *said])
    shape = list(options.input_shape or ())
    raise UsageError(
        f"the network does not take input of shape {shape}; what each way to call it gave:{listing}\n ",
        where=type(net).__name__,
        remedy=f"{SHAPE} {HOW}",
    )


def kinds_of(framework: Framework, net: nn.Module, options: ImportOptions) -> tuple[Kind, ...]:
    """Layouts to try, in order: what the user says, else what the neurons take."""
    asked = asked_for(options)
    if asked is not None:
        return (asked,)
    wanted = {neuron.sequence for module in net.modules() if (neuron := neuron_of(framework, module))}
    known = [kinds for sequence, kinds in BY_SEQUENCE.items() if sequence in wanted]
    return tuple(dict.fromkeys(kind for kinds in known or [BY_SEQUENCE[None]] for kind in kinds))


def sizes(framework: Framework, net: nn.Module) -> tuple[int | None, int | None]:
    """Steps and samples that modules of the network were made for."""
    pairs = [neuron.made_for(module) for module in net.modules() if (neuron := neuron_of(framework, module))]
    samples = next((pair[0] for pair in pairs if pair[0] is not None), None)
    return next((pair[1] for pair in pairs if pair[1] is not None), None), samples


def _tried(framework: Framework, net: nn.Module, layout: Layout, options: ImportOptions, free: bool) -> Probe:
    """A run that fits. Raises ``_DoesNotFitError`` with what is wrong."""
    found = _run(framework, net, layout, options)
    fitting = _judged(framework, found, asked_for(options) is None)
    if fitting == found.layout:
        return found
    if fitting.steps != found.layout.steps and not free:
        raise _DoesNotFitError(f"it loops over {fitting.steps} steps, {found.layout.steps} were given")
    if fitting.steps == fitting.samples and "samples" not in options.given:
        fitting = replace(fitting, samples=fitting.samples + 1)
    again = _run(framework, net, fitting, options)
    if _judged(framework, again, False) != fitting:
        raise _DoesNotFitError("the number of its steps changes from call to call")
    return again


def _run(framework: Framework, net: nn.Module, layout: Layout, options: ImportOptions) -> Probe:
    import torch

    random = np.random.default_rng(SEED)
    shape = (layout.steps, layout.samples, *(options.input_shape or ()))
    stimulus = random.random(shape, dtype=np.float32)
    if layout.kind is Kind.FRAME:
        stimulus[:] = stimulus[:1]
    net = copied(net, share=True)  # networks may keep states in attributes of their own
    recorder, caller = Recorder(framework, net), Caller(net)
    framework.reset(net)
    try:
        for values in layout.calls(stimulus):
            recorder.call(caller.step, torch.from_numpy(values.copy()))
    except UsageError:
        raise
    except Exception as problem:
        words = f"{type(problem).__name__}: {(str(problem).strip() or '?').splitlines()[0][:160]}"
        where = f" after {recorder.last}" if recorder.last else ""
        longer = isinstance(problem, IndexError) and layout.kind is not Kind.STEP
        raise (_LongerError if longer else _DoesNotFitError)(f"{words}{where}") from problem
    finally:
        framework.reset(net)
    return Probe(layout, stimulus, recorder)


def _judged(framework: Framework, found: Probe, open_: bool) -> Layout:
    """The layout that the recording speaks for; ``open_``: whether another kind may be meant.

    Raises ``_DoesNotFitError`` if the network was called in a way that it is not meant for.
    """
    layout, recorder = found.layout, found.recorder
    _ensure_meant(framework, found)
    calls: dict[int, list[Event]] = {}
    for event in recorder.events:
        neuron = None if event.module is None else neuron_of(framework, event.module)
        if neuron is not None and neuron.sequence is None:
            calls.setdefault(id(event.module), []).append(event)
    if not calls:
        return layout
    counts = {len(events) for events in calls.values()}
    turns = min(counts)
    if layout.kind is Kind.STEP:
        if turns == layout.steps or len(counts) > 1 or not open_:
            return layout
        if _taken_apart(recorder):
            raise _DoesNotFitError("the forward loops over the first axis of its input")
        return replace(layout, kind=Kind.FRAME, steps=turns // layout.steps)
    if turns == 1 and layout.steps > 1 and layout.kind is not Kind.FRAME:
        raise _DoesNotFitError("its neurons take one step, and there is no loop over time")
    return replace(layout, steps=turns)


def _ensure_meant(framework: Framework, found: Probe) -> None:
    """Raise ``_DoesNotFitError`` if a neuron saw other axes in front than it takes."""
    steps, samples = found.layout.steps, found.layout.samples
    leads = {None: (samples,), 0: (steps, samples), 1: (samples, steps), MERGED: (steps * samples,)}
    for event in found.recorder.events:
        neuron = None if event.module is None else neuron_of(framework, event.module)
        given = next(event.inputs, None)
        if neuron is None or given is None:
            continue
        wanted, shape = leads[neuron.sequence], found.recorder.facts[given.value].shape
        if shape[: len(wanted)] != wanted:
            raise _DoesNotFitError(f"{event.name} sees {list(shape)} and takes {list(wanted)} in front")


def _taken_apart(recorder: Recorder) -> bool:
    """Whether the forward indexes its input, or loops over it."""
    given = {number for number, fact in enumerate(recorder.facts) if fact.maker == INPUT}
    names = ("getitem", "unbind", "select")
    return any(
        isinstance(event.args[0], Ref) and event.args[0].value in given
        for event in recorder.events
        if event.module is None and event.name in names and event.args
    )
