"""Layers and wires of a live container that is not known by its class, from its ``as_graph()``.

A graph of Rockpool drops caps of spikes, kinds of leak and dropout, and merges recurrence with what arrives. So
only the wires are taken from it: its modules name the live layers that they stand for, and those give the
parameters.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from snnhub.findings import Finding, error, info, loss

from snnhub_rockpool.neurons import MAX_CAP
from snnhub_rockpool.part import DROPOUT, LEAVES, LIF, LINEAR, NEURONS, SYNNET, WIRED, Part

ALIAS, WEIGHTS, LIF_GRAPH = "AliasConnection", "LinearWeights", "LIFNeuronWithSynsRealValue"
"""Classes of Rockpool's graph modules."""
Leaf = Callable[[Any, str, str, list[Finding]], Part]
Nodes = tuple[Any, ...]


class NotHeldError(Exception):
    """Words on why a graph cannot be taken apart into whole layers."""


def wired(module: Any, path: str, problems: list[Finding], leaf: Leaf) -> Part | None:
    """The container as parts with wires; None, with an error among ``problems``, where its graph cannot be held.

    ``leaf`` makes the part of a live layer. Returns None without an error if the class has no ``as_graph`` at all.
    """
    kind = type(module).__name__
    try:
        graph = module.as_graph()
    except Exception as problem:  # noqa: BLE001  code of the user's own
        if isinstance(problem, NotImplementedError) and f"'{kind}'" in str(problem):
            return None
        words = f"as_graph() of {kind} fails: {type(problem).__name__}: {str(problem)[:120]}"
        problems.append(error("SNN-3218", path or kind, words))
        return None
    try:
        wiring = Wiring(graph, _paths(module, path), path or kind, leaf)
        part = wiring.part(path)
    except NotHeldError as problem:
        remedy = "Put its layers into Sequential and Residual."
        problems.append(error("SNN-3218", path or kind, f"graph of {kind}: {problem}", remedy=remedy))
        return None
    words = (
        f"{kind} is not known: layers and wires are those of its as_graph(); what its forward does besides is not "
        "seen"
    )
    problems.append(info("SNN-3216", path or kind, words, remedy="Compare: snnhub verify --against rockpool."))
    problems += [*wiring.found, *_left_out(module, path, part)]
    return part


def _paths(module: Any, path: str) -> dict[int, tuple[str, Any]]:
    """Path and module of everything below a module, by identity."""
    found: dict[int, tuple[str, Any]] = {}
    for name, inner in module.modules().items():
        below = f"{path}/{name}" if path else name
        found |= {id(inner): (below, inner)} | _paths(inner, below)
    return found


def _left_out(module: Any, path: str, part: Part) -> list[Finding]:
    """Layers of the container that its graph does not have."""
    named = {inner.path for inner in part.parts}
    found = []
    for below, live in _paths(module, path).values():
        kind = type(live).__name__
        if kind == DROPOUT:
            words = "time step dropout is for training; removed"
            found.append(info("SNN-3005", below, words, old="stored as on" if live.training else "stored as off"))
        elif kind == SYNNET and live.output == "vmem":
            words = "a SynNet with output='vmem' hands on membrane potentials, which no graph here can"
            found.append(error("SNN-3209", below, words, remedy="Take its spikes: output='spikes'."))
        elif kind in LEAVES and below not in named:
            words = f"{kind} is in the container and not in its graph: left out"
            found.append(loss("SNN-3219", below, words))
    return found


class Wiring:
    """Takes a graph apart. ``names``: path and live module by identity; ``found``: what was assumed."""

    def __init__(self, graph: Any, names: Mapping[int, tuple[str, Any]], place: str, leaf: Leaf) -> None:
        self.found: list[Finding] = []
        self._names, self._place, self._leaf = names, place, leaf
        self._inputs: Nodes = tuple(graph.input_nodes)
        self._outputs: Nodes = tuple(graph.output_nodes)
        self._modules = [each for each in self._reached() if not self._recurrence(each)]
        self._layers = [each for each in self._modules if type(each).__name__ != ALIAS]

    def _reached(self) -> list[Any]:
        """Every module of the graph, in the order in which signals reach them first."""
        nodes, modules, seen = [*self._inputs, *self._outputs], [], set()
        while nodes:
            node = nodes.pop(0)
            for each in (*node.sink_modules, *node.source_modules):
                if id(each) not in seen:
                    seen.add(id(each))
                    modules.append(each)
                    nodes += [*each.input_nodes, *each.output_nodes]
        return modules

    def _recurrence(self, module: Any) -> bool:
        """Weights that a layer of neurons has within itself: they are read with its parameters."""
        live = module.computational_module
        return type(module).__name__ == WEIGHTS and type(live).__name__ in NEURONS

    def part(self, path: str) -> Part:
        """The container. Raises ``NotHeldError``."""
        feeding = {id(each): self._sources(tuple(each.input_nodes), ()) for each in self._layers}
        last = self._sources(self._outputs, ())
        ordered = self._ordered(feeding, last)
        number = {id(each): k for k, each in enumerate(ordered, start=1)} | {id(None): 0}
        parts = tuple(self._part(each, k) for k, each in enumerate(ordered))
        if len({part.path for part in parts}) < len(parts):
            raise NotHeldError("a layer is in it twice")
        wires = [tuple(number[id(source)] for source in feeding[id(each)]) for each in ordered]
        return Part(path, WIRED, {}, parts, wires=(*wires, tuple(number[id(source)] for source in last)))

    def _sources(self, nodes: Nodes, through: tuple[int, ...]) -> list[Any]:
        """Layers whose outputs add up on these nodes; None for the container's input."""
        found: list[Any] = [None] if nodes == self._inputs else []
        if not found and set(nodes) & set(self._inputs):
            raise NotHeldError("takes some of its inputs")
        every = {id(each): each for node in nodes for each in node.source_modules if each in self._modules}
        for each in every.values():
            if tuple(each.output_nodes) != nodes:
                raise NotHeldError(f"takes some outputs of {self._name(each)}, or in another order")
            if type(each).__name__ != ALIAS:
                found.append(each)
            elif id(each) in through:
                raise NotHeldError("aliases go round")
            else:
                found += self._sources(tuple(each.input_nodes), (*through, id(each)))
        if not found:
            raise NotHeldError("a layer that nothing arrives at")
        return found

    def _ordered(self, feeding: Mapping[int, list[Any]], last: list[Any]) -> list[Any]:
        """Layers after everything that feeds them; what gives the output comes last."""
        done: list[Any] = []

        def visit(each: Any, above: tuple[int, ...]) -> None:
            if each is None or each in done:
                return
            if id(each) in above:
                raise NotHeldError(f"a loop through {self._name(each)}")
            for source in feeding[id(each)]:
                visit(source, (*above, id(each)))
            done.append(each)

        for each in [*(layer for layer in self._layers if layer not in last), *last]:
            visit(each, ())
        return done

    def _name(self, module: Any) -> str:
        path = self._names.get(id(module.computational_module), ("",))[0]
        return path or type(module).__name__

    def _part(self, module: Any, number: int) -> Part:
        live, graph_kind = module.computational_module, type(module).__name__
        path, _ = self._names.get(id(live), (f"{self._place}/{number}_{graph_kind}", None))
        if live is not None:
            if type(live).__name__ not in LEAVES:
                raise NotHeldError(f"{path} is a {type(live).__name__}, which is none of {', '.join(LEAVES)}")
            return self._leaf(live, type(live).__name__, path, self.found)
        if graph_kind == WEIGHTS:
            bias = None if module.biases is None else np.asarray(module.biases, np.float32)
            return Part(path, LINEAR, {"weight": np.asarray(module.weights, np.float32), "bias": bias})
        if graph_kind != LIF_GRAPH:
            raise NotHeldError(f"a {graph_kind} that names no layer of its own")
        return self._assumed(module, path)

    def _assumed(self, module: Any, path: str) -> Part:
        """Neurons that only the graph knows: it has no cap of spikes and no kind of leak."""
        words = f"the graph names no layer: taken for LIFTorch with exp(-dt/tau) and a cap of {MAX_CAP} spikes"
        self.found.append(loss("SNN-3217", path, words))
        names = ("tau_mem", "tau_syn", "threshold", "bias")
        values: dict[str, Any] = {name: np.asarray(getattr(module, name), np.float32) for name in names}
        size, inputs = len(module.output_nodes), len(module.input_nodes)
        values["tau_syn"] = values["tau_syn"].reshape(size, inputs // size)
        return Part(path, LIF, values | {"dt": module.dt, "max_spikes_per_dt": float(MAX_CAP)})
