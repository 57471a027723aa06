"""From a graph in continuous time to steps by a rule: layers, edges with their delays, findings, refusals."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from snnhub.errors import GraphError, ProgramError, UnsupportedError
from snnhub.findings import Finding, error, info, loss
from snnhub.ir.builder import GraphBuilder
from snnhub.ir.graph import Graph, Origin, Output, Port
from snnhub.ir.numtype import F32, F64
from snnhub.ops.registry import REGISTRY

from snnhub_profiles.layer import Layer
from snnhub_profiles.nested import flattened
from snnhub_profiles.rules import RULES
from snnhub_profiles.rules.rule import Rule
from snnhub_profiles.source import REFUSED, Item, RefusedError, Source, source_of
from snnhub_profiles.wiring import NEURONS, Wiring, ours

CYCLE, LEFT, FIXED = "SNN-2604", "SNN-2605", "SNN-2609"


def discretise(graph: Graph, dt: float, profile: str) -> Graph:
    """The network that the profile's framework makes of ``graph``. Node ids stay.

    Raises ``UnsupportedError`` with every reason where the framework, or the profile, refuses the file.
    """
    rule = RULES[profile]
    try:
        whole = flattened(graph, rule)
    except RefusedError as problem:
        raise _refused(profile, [error(REFUSED, graph.name or "network", str(problem))]) from problem
    source = source_of(whole)
    step = dt if rule.dt is None else rule.dt
    refusals = [error(REFUSED, place, words) for place, words in rule.check(source)]
    layers = _layers(source, rule, step, refusals)
    if rule.wire is not ours:
        refusals += _single_numbers(source)
    known = [name for name, item in source.items.items() if item.type in rule.known]
    wiring = None
    try:
        wiring = rule.wire(source, known)
    except RefusedError as problem:
        refusals.append(error(REFUSED, graph.name or "network", str(problem)))
    if wiring is None or refusals:
        raise _refused(profile, refusals)
    assembly = _Assembly(whole, source, layers, wiring, rule)
    try:
        made = assembly.graph(step)
    except (GraphError, ProgramError, RefusedError) as problem:
        places = [error(REFUSED, item.place, item.message) for item in getattr(problem, "findings", ())]
        raise _refused(profile, places or [error(REFUSED, graph.name or "network", str(problem))]) from problem
    findings = (*graph.findings, *_remarks(source, wiring, rule, dt), *assembly.findings)
    return replace(made, findings=findings, provenance=graph.provenance)


def descriptor(profile: str) -> Mapping[str, Any]:
    """What a profile chooses, as data: schema in docs/profiles.md."""
    return RULES[profile].descriptor


def _refused(profile: str, refusals: list[Finding]) -> UnsupportedError:
    first = refusals[0]
    return UnsupportedError(
        f"{profile} refuses this network: {first.message}", where=first.place, findings=refusals
    )


def _layers(source: Source, rule: Rule, dt: float, refusals: list[Finding]) -> dict[str, Layer]:
    """A layer for every node that the rule knows; Flatten waits for its rank. Refusals are collected."""
    layers: dict[str, Layer] = {}
    for name, item in source.items.items():
        words = rule.refuses.get(item.type)
        if words is None and item.type not in rule.known and not rule.drops:
            words = f"{item.type} is no type that the importer knows"
        if words is not None:
            refusals.append(error(REFUSED, item.id, words))
        elif item.type in rule.makes:
            try:
                layers[name] = rule.makes[item.type](item, dt)
            except RefusedError as problem:
                refusals.append(error(REFUSED, item.id, str(problem)))
    return layers


def _single_numbers(source: Source) -> list[Finding]:
    """Neurons whose fields are single numbers: ``nir.read``, through which every importer goes, refuses them."""
    words = "its fields are single numbers; nir.read wants one per neuron"
    neurons = [item for item in source.of(*NEURONS) if any(not values.shape for values in item.fields.values())]
    return [error(REFUSED, item.id, words) for item in neurons]


def _remarks(source: Source, wiring: Wiring, rule: Rule, dt: float) -> list[Finding]:
    found = [
        info(
            CYCLE,
            f"{source.items[a].id} -> {source.items[b].id}",
            "this edge brings the value of the step before",
            new="1",
        )
        for a, b, steps in wiring.edges
        if steps
    ]
    left = [source.items[name] for name in wiring.left]
    found += [
        loss(LEFT, item.id, f"{item.type} is left out by the importer")
        for item in left
        if item.type not in ("Input", "Output")
    ]
    if rule.dt is not None and rule.dt != dt:
        found.append(loss(FIXED, "dt", f"{rule.name} has a dt of its own", old=f"{dt:g} s", new=f"{rule.dt:g} s"))
    return found


@dataclass
class _Assembly:
    """Builds the graph: nodes in the framework's order, then the edges that lead back."""

    whole: Graph
    source: Source
    layers: dict[str, Layer]
    wiring: Wiring
    rule: Rule
    ports: dict[str, Port] = field(default_factory=dict)
    heads: dict[str, tuple[Port, ...]] = field(default_factory=dict)
    delays: dict[str, int] = field(default_factory=dict)
    arriving: dict[str, list[tuple[str, int]]] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)

    def graph(self, dt: float) -> Graph:
        """The finished graph. Raises ``GraphError`` where shapes do not fit."""
        builder = GraphBuilder(self.whole.name, REGISTRY)
        shape = self._input_shape()
        terminal = builder.input(shape, F64 if self.rule.type == "f64" else F32, self.whole.inputs[0].id)
        self.arriving = {name: [] for name in self.wiring.order}
        for src, dst, steps in self.wiring.edges:
            self.arriving[dst].append((src, steps))
        for name in self.wiring.order:
            self._place(builder, name)
        for name in self.wiring.order:
            self._connect(builder, name, terminal)
        self._end(builder, terminal)
        return builder.graph(dt=dt)

    def _input_shape(self) -> tuple[int, ...]:
        entries = self.source.of("Input")
        first = self.source.items.get(self.wiring.entry)
        chosen = first if first is not None and first.type == "Input" else entries[0] if entries else None
        if chosen is None:
            raise RefusedError("there is no Input that says what shape arrives")
        return tuple(int(size) for size in np.ravel(chosen["shape"]))

    def _place(self, builder: GraphBuilder, name: str) -> None:
        """Add the ops of a node, without what arrives at it."""
        item = self.source.items.get(name)
        made = Layer() if item is None else self._layer(item, name)
        self.findings += made.findings
        heads: list[Port] = []
        for index, op in enumerate(made.ops):
            if item is None or op.op == "delay":
                self.delays[name] = int(str(op.attributes["steps"]))
                continue
            last = index == len(made.ops) - 1
            name_of = item.id if last else f"{item.id}/{index}"
            choices: dict[str, Any] = dict(op.attributes)
            origin = Origin("nir", path=item.name)
            port = builder.node(
                name_of, op.op, self.ports.get(name), params=dict(op.params), origin=origin, **choices
            )
            if not heads:
                schema = REGISTRY(op.op, 1)
                first = schema.ports.inputs[0] if schema is not None else "x"
                heads.append(Port(builder.nodes[-1].id, first))
            self.ports[name] = port
        self.heads[name] = tuple(heads)

    def _layer(self, item: Item, name: str) -> Layer:
        if item.type == "Flatten" and self.rule.flatten is not None:
            return self.rule.flatten(item, self._rank(name))
        return self.layers.get(name, Layer())

    def _rank(self, name: str) -> int:
        """Number of feature axes that arrive at a node: that of the nearest node before it that says so."""
        item = self.source.items[name]
        if "input_type" in item.fields:
            return int(np.size(item["input_type"]))
        return len(self._input_shape())

    def _connect(self, builder: GraphBuilder, name: str, terminal: Port) -> None:
        for head in self.heads[name]:
            if name == self.wiring.entry:
                builder.edge(terminal, head)
            for src, steps in self._through(name):
                builder.edge(terminal if src is None else self.ports[src], head, steps)

    def _through(self, name: str) -> list[tuple[str | None, int]]:
        """The nodes with ops that reach a node, through those that only pass on; None is the network's input."""
        found: list[tuple[str | None, int]] = []
        for src, steps in self.arriving[name]:
            if src in self.ports:
                found.append((src, steps))
                continue
            late = steps + self.delays.get(src, 0)
            if src == self.wiring.entry:
                found.append((None, late))
            found += [(before, late + more) for before, more in self._through(src)]
        return found

    def _end(self, builder: GraphBuilder, terminal: Port) -> None:
        """The network's output: what the last node gives, or what reaches it where it only passes on."""
        if not self.whole.outputs:
            raise RefusedError("there is no Output")
        name, out = self.wiring.output, self.whole.outputs[0].id
        ends = [(name, 0)] if name in self.ports else self._through(name)
        if name == self.wiring.entry and name not in self.ports:
            ends = [(None, 0), *ends]
        builder.outputs.append(Output(out))
        for src, steps in ends:
            builder.edge(terminal if src is None else self.ports[src], Port(out, "x"), steps)
