"""What an importer says of a torch framework: its neurons, its layers, how states come to rest."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from snnhub.torchnet.settings import Check
from snnhub.torchnet.signals import Signal
from snnhub.torchnet.site import Handler, Site

MERGED = "merged"
Sequence = int | str | None


def first(module: Any, result: Any) -> Mapping[str, Any]:
    """The first tensor of what a call returned, as spikes ``s``."""
    while isinstance(result, tuple | list):
        result = result[0]
    return {"s": result}


def nothing(*_: Any) -> None:
    """For what a framework or a neuron does not need."""


@dataclass(frozen=True)
class Neuron:
    """A module with a state, which stays whole. Functions take the live module of the network's copy.

    ``handle(module, signal, site)`` adds its nodes and returns {name: Signal}, one for each name of ``outputs``.
    Its main node has the id ``site.name``. A port that is a state of the node may be recorded, but feeds nothing.

    ``outputs(module, result)``: the tensors of a call that mean something, by name ("s" spikes, "v" potential
    after the step, "i" current …), from what it returned or from what the module holds then. Names are those of
    the node's outputs and states. Of a sequence, they have its axis of time. What is returned and not named is a
    state.

    ``check(module)`` raises ``RefusedError`` for attributes that cannot be held.

    ``sequence``: None for modules of one step (N, …), else where time is in what it takes: 0 for (T, N, …), 1 for
    (N, T, …), or "merged" for (N*T, …), a sample's steps side by side.

    ``keeps``: whether a call without a state goes on from the call before. Where it does not, every call must be
    given what the call before returned.

    ``made_for(module)``: (samples, steps) that the module was made for, None for any.

    ``watch(module)``: have a module keep the states that ``outputs`` names, before it is run to be recorded.

    ``spikes``: those of the names that are spikes or counts, and are compared after an import.
    """

    handle: Callable[[Any, Signal, Site], Mapping[str, Signal]]
    check: Callable[[Any], None] = nothing
    outputs: Callable[[Any, Any], Mapping[str, Any]] = first
    sequence: Sequence = None
    keeps: bool = True
    made_for: Callable[[Any], tuple[int | None, int | None]] = lambda _: (None, None)
    watch: Callable[[Any], None] = nothing
    spikes: tuple[str, ...] = ("s",)


@dataclass(frozen=True)
class Framework:
    """A framework on torch.

    ``name``: root package, which is also the name of its importer. ``title``: as its authors write it.
    ``neurons``: by class name, of classes of this package. ``layers``: handlers of further layers of its own
    without state; torch's are known. ``checks``: of the settings of those layers. ``walked``: its own classes
    whose forward is followed like the user's, such as containers; those that hold other modules and are nothing
    else here, too.
    ``reset(net)``: bring hidden states to rest. ``unwrap(net)``: the network inside a wrapper of the framework's
    own.
    ``states(net)``: names in the state dict that hold states; a checkpoint may have them, and they are not loaded.
    ``dt(net)``: seconds per step, None where steps have no length. ``packages``: whose versions go into provenance
    and recordings.
    ``remedies``: what to do about classes that cannot be held, by name. ``remedy``: what to do about an exception
    of the user's factory, empty where there is nothing to say.
    """

    name: str
    title: str
    neurons: Mapping[str, Neuron]
    layers: Mapping[str, Handler] = field(default_factory=dict)
    checks: Mapping[str, Check] = field(default_factory=dict)
    walked: frozenset[str] = frozenset()
    reset: Callable[[Any], None] = nothing
    unwrap: Callable[[Any], Any] = lambda net: net
    states: Callable[[Any], frozenset[str]] = lambda _: frozenset()
    dt: Callable[[Any], float | None] = lambda _: None
    packages: tuple[str, ...] = ()
    remedies: Mapping[str, str] = field(default_factory=dict)
    remedy: Callable[[Exception], str] = lambda _: ""
