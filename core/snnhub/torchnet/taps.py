"""Keeps what modules give while a network runs: outputs and states of neurons, outputs of layers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from snnhub.ir.graph import TERMINAL_PORT, Graph, Port
from snnhub.ir.tensor import Array
from snnhub.torchnet.framework import Framework, nothing
from snnhub.torchnet.kinds import neuron_of
from snnhub.torchnet.layout import Kind, Layout, whole
from snnhub.torchnet.moments import WHOLE, Unit
from snnhub.torchnet.signals import Lead
from snnhub.torchnet.walk import Walk

if TYPE_CHECKING:
    from torch import nn


@dataclass(frozen=True)
class Tap:
    """A quantity: ``name`` of what the module at ``path`` gives, with the axes that ``lead`` it in the network."""

    path: str
    name: str
    lead: Lead
    integer: bool


def taps_of(walk: Walk, graph: Graph) -> dict[str, Tap]:
    """Everything that can be recorded, by record key. Layers that are called twice in a step, or not in every
    one, are left out.
    """
    called = [unit for unit in walk.plan.order if walk.plan.event[unit].module is not None]
    uses = Counter(unit.name for unit in called for _ in range(1 if _in_every_step(walk, unit) else 2))
    found: dict[str, Tap] = {}
    for path, (node, lead) in walk.sites.items():
        if uses[path] == 1:
            ports = walk.ports.get(path, {"y": Port(node, "y")})
            given = _given(walk, path, ports)
            for name, port in ports.items():
                if name not in given:
                    continue
                found[f"{port.node}/{port.name}"] = Tap(path, name, lead, _integer(graph, port))
    value = walk.output
    last = graph.into[Port(graph.outputs[0].id, TERMINAL_PORT)][0]
    key = f"{last.src.node}/{last.src.name}"
    if key in found and not last.delay:
        return {"output": found[key], **found}
    if (
        graph.decoder is None and value is not None and value.time == WHOLE
    ):  # a sum, say: only the network gives it
        port = Port(last.src.node, last.src.name)
        lead = Lead.BATCH if walk.layout.kind is Kind.STEP else value.lead or Lead.TIME_BATCH
        return {"output": Tap("", "", lead, _integer(graph, port)), **found}
    return found


def _given(walk: Walk, path: str, ports: Mapping[str, Port]) -> set[str]:
    """Names that a module gives when it runs: those it gave, and all where it can be told to keep them."""
    event = next(walk.plan.event[unit] for unit in walk.plan.order if unit.name == path)
    neuron = walk.plan.neuron(event)
    return set(ports) if neuron is None or neuron.watch is not nothing else set(event.named)


def _in_every_step(walk: Walk, unit: Unit) -> bool:
    times = walk.moments.events[unit]
    return min(times) < 0 or len(times) == walk.layout.steps


def _integer(graph: Graph, port: Port) -> bool:
    """Whether an output of a neuron is spikes or counts, by its program."""
    node = graph.node.get(port.node)
    if node is None or node.program is None or port.name not in dict(node.program.outputs):
        return False
    return not node.program.output_type(port.name).is_float


class Taps:
    """Collects while the network runs: ``told`` is for ``calling_through``."""

    def __init__(self, framework: Framework, net: nn.Module, taps: Mapping[str, Tap]) -> None:
        self.framework = framework
        self.taps = taps
        modules = dict(net.named_modules())
        self._wanted: dict[int, set[tuple[str, str]]] = {}
        for tap in taps.values():
            if not tap.path:
                continue
            module = modules[tap.path]
            self._wanted.setdefault(id(module), set()).add((tap.path, tap.name))
            if neuron := neuron_of(framework, module):
                neuron.watch(module)
        self._seen: dict[tuple[str, str], list[Array]] = {}

    def told(self, module: nn.Module, call: Callable[[], Any], args: Any, kwargs: Any) -> Any:
        """Keep what a module gives."""
        result = call()
        wanted = self._wanted.get(id(module), set())
        neuron = neuron_of(self.framework, module) if wanted else None
        named = neuron.outputs(module, result) if neuron else {"y": result}
        for path, name in wanted:
            self._seen.setdefault((path, name), []).append(named[name].detach().cpu().numpy().copy())
        return result

    def returned(self, tensors: list[Any]) -> None:
        """What the network returned as its output: one tensor per call, or per step."""
        self._seen["", ""] = [tensor.detach().cpu().numpy().copy() for tensor in tensors]

    def arrays(self, layout: Layout) -> dict[str, Array]:
        """What was kept, by record key (time, samples, features…)."""
        return {key: self._array(tap, layout) for key, tap in self.taps.items()}

    def _array(self, tap: Tap, layout: Layout) -> Array:
        parts = self._seen[tap.path, tap.name]
        if tap.lead is not Lead.BATCH and len(parts) == 1:
            array = whole(parts[0], tap.lead, layout.steps, layout.samples)
        elif len(parts) == 1 and layout.kind is Kind.FRAME:  # before the loop over time: the same in every step
            array = np.repeat(parts[0][None], layout.steps, axis=0)
        else:
            array = np.stack(parts)
        return counted(array) if tap.integer else array


def counted(array: Array) -> Array:
    """Spikes and counts as integers, unsigned where none is negative."""
    if array.size and array.min() < 0:
        return array.astype(np.int32)
    return array.astype(np.uint8 if not array.size or array.max() < 2**8 else np.uint32)
