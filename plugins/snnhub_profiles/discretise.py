"""From a graph in continuous time to steps by a rule: layers, edges with their delays, findings, refusals."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
from snnhub.errors import GraphError, ProgramError, UnsupportedError
from snnhub.findings import Finding, error, info, loss, note
from snnhub.ir.builder import GraphBuilder
from snnhub.ir.ct_flat import flat
from snnhub.ir.graph import Graph, Node, Origin, Output, Port
from snnhub.ir.numtype import F32, F64
from snnhub.ir.tensor import tensor
from snnhub.ops.registry import REGISTRY

from snnhub_profiles.layer import Layer, Op
from snnhub_profiles.odd import allowed, loud
from snnhub_profiles.official import official
from snnhub_profiles.rules import RULES
from snnhub_profiles.rules.rule import Rule
from snnhub_profiles.source import CHANCE, REFUSED, ChanceError, Item, RefusedError, Source, flat_source, source_of
from snnhub_profiles.wiring import Wiring, chain, ours

CYCLE, LEFT, FIXED, FIRST = "SNN-2604", "SNN-2605", "SNN-2609", "SNN-2615"
ODD, OPEN = "SNN-2617", "SNN-3505"
MOST_WAYS = 100_000
"""Edges that passing nodes may become: many in and many out are as many as their product."""


def discretise(graph: Graph, dt: float | None, profile: str) -> Graph:
    """The network that the profile's framework makes of ``graph``. Node ids stay. ``dt`` in seconds; None for a
    framework that has none, whose network then does not say how long a step is.

    Raises ``UnsupportedError`` with every reason where the framework, or the profile, refuses the file.
    """
    rule = RULES[profile]
    given = rule.dt if rule.dt is not None else dt
    step = float("nan") if given is None else given
    if rule.build is not None:
        return rule.build(graph, step)
    whole = flat(graph) if rule.wire is ours else graph
    source = _source(whole, rule, profile)
    refusals = [error(REFUSED, place, words) for place, words in rule.check(source)]
    layers = _layers(source, rule, step, refusals)
    known = {path for path, item in source.everything() if item.type in rule.known}
    wiring = None
    try:
        wiring = rule.wire(source, known)
    except RefusedError as problem:
        code = CHANCE if isinstance(problem, ChanceError) else REFUSED
        refusals.append(error(code, graph.name or "network", str(problem)))
    if wiring is None or refusals:
        raise _refused(profile, refusals)
    assembly = _Assembly(whole, source, layers, wiring, rule)
    try:
        made = assembly.graph(given)
    except (GraphError, ProgramError, RefusedError) as problem:
        places = [error(REFUSED, item.place, item.message) for item in getattr(problem, "findings", ())]
        raise _refused(profile, places or [error(REFUSED, graph.name or "network", str(problem))]) from problem
    findings = (
        *_settled(graph.findings, profile),
        *_remarks(assembly.items, wiring, rule, dt),
        *assembly.findings,
    )
    return replace(made, findings=findings, provenance=graph.provenance)


def _source(graph: Graph, rule: Rule, profile: str) -> Source:
    """The file as the importer gets it: through ``nir.read``, but for the profiles that are nobody's."""
    if rule.wire is ours:
        return flat_source(graph)
    source = source_of(graph)
    try:
        read = rule.rewrite(official(source))
    except RefusedError as problem:
        raise _refused(profile, [error(REFUSED, graph.name or "network", str(problem))]) from None
    if read.nested and rule.wire is chain:
        words = "found a graph within a graph, which this profile does not cover"
        raise _refused(profile, [error(REFUSED, item.id, words) for item in read.nested])
    return read


def _reached(after: Mapping[str, set[str]], start: str) -> set[str]:
    found: set[str] = set()
    waiting = [start]
    while waiting:
        for name in after.get(waiting.pop(), set()) - found:
            found.add(name)
            waiting.append(name)
    return found


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
    for name, item in source.everything():
        words = rule.refuses.get(item.type)
        if words is None and item.type not in rule.known and not rule.drops:
            words = f"{item.type} is no type that the importer knows"
        if words is not None:
            refusals.append(error(REFUSED, item.id, words))
        elif item.type in rule.makes:
            try:
                with np.errstate(all="ignore"):  # what comes of odd numbers is told with its place
                    layers[name] = rule.makes[item.type](item, dt)
            except RefusedError as problem:
                refusals.append(error(REFUSED, item.id, str(problem)))
    return layers


def _settled(findings: Iterable[Finding], profile: str) -> list[Finding]:
    """The reader's remarks, without the advice to choose a profile."""
    return [replace(item, remedy="", new=profile) if item.code == OPEN else item for item in findings]


def _remarks(items: Mapping[str, Item], wiring: Wiring, rule: Rule, dt: float | None) -> list[Finding]:
    found = [
        info(
            CYCLE,
            f"{items[a].id} -> {items[b].id}",
            "this edge brings the value of the step before",
            new="1",
        )
        for a, b, steps in wiring.edges
        if steps
    ]
    left = [items[name] for name in wiring.left]
    if len(wiring.returned) > 1:
        words = f"{len(wiring.returned)} values are returned; the order of a set decides which is the first"
        all_of, first = ", ".join(wiring.returned), items[wiring.output]
        found.append(loss(FIRST, first.id, words, old=all_of, new=wiring.output))
    found += [
        loss(LEFT, item.id, f"{item.type} is left out by the importer")
        for item in left
        if item.type not in ("Input", "Output")
    ]
    if rule.timeless and dt is not None:
        found.append(note(FIXED, "dt", f"{rule.name} has no dt: the one given is not used", old=f"{dt:g} s"))
    if rule.dt is not None and dt is not None and rule.dt != dt:
        found.append(loss(FIXED, "dt", f"{rule.name} has a dt of its own", old=f"{dt:g} s", new=f"{rule.dt:g} s"))
    return found


ONE, ZERO = (tensor(np.float32(value)) for value in (1, 0))
SUM = Op("core.Scale", {"scale": ONE, "shift": ZERO})
"""What a node that passes on is where sums of sums have an order."""


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
    items: dict[str, Item] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.items = dict(self.source.everything())

    def graph(self, dt: float | None) -> Graph:
        """The finished graph. Raises ``GraphError`` where shapes do not fit."""
        builder = GraphBuilder(self.whole.name, REGISTRY)
        shape = self._input_shape()
        terminal = builder.input(shape, F64 if self.rule.type == "f64" else F32)
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
        first = self.items.get(self.wiring.entry)
        chosen = first if first is not None and first.type == "Input" else entries[0] if entries else None
        if chosen is None:
            raise RefusedError("there is no Input that says what shape arrives")
        return tuple(int(size) for size in np.ravel(chosen["shape"]))

    def _place(self, builder: GraphBuilder, name: str) -> None:
        """Add the ops of a node, without what arrives at it."""
        item = self.items.get(name)
        made = Layer() if item is None else self._layer(item, name)
        if not made.ops and self.rule.wire is not ours and self._adds(name):
            made = Layer((SUM,), made.findings)
        self.findings += made.findings
        heads: list[Port] = []
        for index, op in enumerate(made.ops):
            if item is None or op.op == "delay":
                self.delays[name] = int(str(op.attributes["steps"]))
                continue
            last = index == len(made.ops) - 1
            name_of = item.id if last else f"{item.id}/{index}"
            chosen = allowed(op.wide if op.wide is not None and self._wide(op) else op)
            ends = [self._add(builder, name_of if op.beside is None else f"{name_of}/finite", chosen, item.name)]
            if op.beside is not None:
                ends.append(self._add(builder, f"{name_of}/odd", op.beside, item.name))
            for _, head in ends:
                if name in self.ports:
                    builder.edge(self.ports[name], head)
            if not heads:
                heads += [head for _, head in ends]
            self.ports[name] = ends[0][0] if op.beside is None else self._sum(builder, name_of, ends, item.name)
        self.heads[name] = tuple(heads)

    def _add(self, builder: GraphBuilder, name: str, op: Op, said: str) -> tuple[Port, Port]:
        """A node; its output and its input port. What is no registered op brings its program."""
        origin = Origin("nir", path=said)
        if op.program is None:
            choices: dict[str, Any] = dict(op.attributes)
            port = builder.node(name, op.op, params=dict(op.params), origin=origin, **choices)
            schema = REGISTRY(op.op, 1)
            return port, Port(name, schema.ports.inputs[0] if schema is not None else "x")
        self.findings.append(note(ODD, name, "its program is in the graph: no registered op takes such numbers"))
        values = tuple(op.params.items())
        builder.nodes.append(Node(name, op.op, 1, tuple(op.attributes.items()), values, op.program, origin))
        return Port(name, op.program.outputs[0][0]), Port(name, op.program.inputs[0].name)

    def _sum(self, builder: GraphBuilder, name: str, ends: list[tuple[Port, Port]], said: str) -> Port:
        """A node that adds what several ops give."""
        words = "weights that are NaN or infinite, which parameters cannot be, add what they do beside the others"
        self.findings.append(note(ODD, name, words))
        port, head = self._add(builder, name, SUM, said)
        for out, _ in ends:
            builder.edge(out, head)
        return port

    def _adds(self, name: str) -> bool:
        """Whether a node that only passes on is a place of its own: it adds, or keeps what it gave before."""
        return len(self.arriving[name]) + (name == self.wiring.entry) > 1 or name in self.cyclic

    def _wide(self, op: Op) -> bool:
        """Whether potentials may be NaN or infinite, or counts may grow without a bound: on cycles, by sums."""
        added = any(len(found) > 1 for found in self.arriving.values())
        return self.loud or (op.op.startswith("sinabs.") and (added or bool(self.cyclic)))

    @cached_property
    def loud(self) -> bool:
        """Whether any number of the network leads to NaN or infinities, or a cycle has no neuron to bound it."""
        if any(loud(op) for made in self.layers.values() for op in made.ops):
            return True
        spiking = {name for name, item in self.items.items() if item.type in ("IF", "LIF", "CubaLIF")}
        after = self._after(spiking)
        return any(name in _reached(after, name) for name in after)

    def _after(self, without: Collection[str] = ()) -> dict[str, set[str]]:
        after: dict[str, set[str]] = {name: set() for name in self.wiring.order if name not in without}
        for src, dst, _ in self.wiring.edges:
            if src in after and dst in after:
                after[src].add(dst)
        return after

    @cached_property
    def cyclic(self) -> frozenset[str]:
        """Nodes that reach themselves."""
        after = self._after()
        return frozenset(name for name in after if name in _reached(after, name))

    def _layer(self, item: Item, name: str) -> Layer:
        if item.type == "Flatten" and self.rule.flatten is not None:
            return self.rule.flatten(item, self._rank(name))
        return self.layers.get(name, Layer())

    def _rank(self, name: str) -> int:
        """Number of feature axes that arrive at a node: that of the nearest node before it that says so."""
        item = self.items[name]
        if item.arriving is not None:
            return len(item.arriving)
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
        pending = self.arriving[name][::-1]
        for _ in range(MOST_WAYS):
            if not pending:
                return found
            src, steps = pending.pop()
            if src in self.ports:
                found.append((src, steps))
                continue
            late = steps + self.delays.get(src, 0)
            if src == self.wiring.entry:
                found.append((None, late))
            pending += [(before, late + more) for before, more in self.arriving[src][::-1]]
        raise RefusedError(f"more than {MOST_WAYS:,} ways lead to {name} through nodes that only pass on")

    def _end(self, builder: GraphBuilder, terminal: Port) -> None:
        """The network's output: what the last node gives, or what reaches it where it only passes on."""
        name, out = self.wiring.output, "output"
        ends = [(name, 0)] if name in self.ports else self._through(name)
        if name == self.wiring.entry and name not in self.ports:
            ends = [(None, 0), *ends]
        builder.outputs.append(Output(out))
        for src, steps in ends:
            builder.edge(terminal if src is None else self.ports[src], Port(out, "x"), steps)
