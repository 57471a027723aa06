"""From layers and a wiring to a graph: nodes in the framework's order, then the edges that lead back."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from snnhub.findings import Finding, loss, note
from snnhub.ir.builder import GraphBuilder
from snnhub.ir.graph import Graph, Node, Origin, Output, Port
from snnhub.ir.numtype import F32, F64
from snnhub.ir.op import Shape, StepOp
from snnhub.ir.tensor import tensor
from snnhub.ops.registry import REGISTRY

from snnhub_profiles.fitting import Arrival, Fitting
from snnhub_profiles.layer import Layer, Op, replaced
from snnhub_profiles.odd import allowed, forgetful, loud
from snnhub_profiles.rules.rule import Rule
from snnhub_profiles.source import Item, RefusedError, Source
from snnhub_profiles.torch_shapes import Fit, brought, entry
from snnhub_profiles.wiring import Wiring, ours

ODD, SPREAD, SHAPE = "SNN-2617", "SNN-2614", "SNN-2618"
MOST_WAYS = 100_000
"""Edges that passing nodes may become: many in and many out are as many as their product."""
ONE, ZERO = (tensor(np.float32(value)) for value in (1, 0))
SUM = Op("core.Scale", {"scale": ONE, "shift": ZERO})
"""What a node that passes on is where sums of sums have an order."""


def _reached(after: Mapping[str, set[str]], start: str) -> set[str]:
    found: set[str] = set()
    waiting = [start]
    while waiting:
        for name in after.get(waiting.pop(), set()) - found:
            found.add(name)
            waiting.append(name)
    return found


@dataclass
class Assembly:
    """Builds the graph. ``shape``: of the input's features, where it is another than the file says."""

    name: str
    source: Source
    layers: dict[str, Layer]
    wiring: Wiring
    rule: Rule
    shape: Shape | None = None
    ports: dict[str, Port] = field(default_factory=dict)
    heads: dict[str, tuple[Port, ...]] = field(default_factory=dict)
    delays: dict[str, int] = field(default_factory=dict)
    arriving: dict[str, list[tuple[str, int]]] = field(default_factory=dict)
    fitting: Fitting | None = None
    findings: list[Finding] = field(default_factory=list)
    items: dict[str, Item] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.items = dict(self.source.everything())
        self.arriving = {name: [] for name in self.wiring.order}
        for src, dst, steps in self.wiring.edges:
            self.arriving[dst].append((src, steps))

    def graph(self, dt: float | None) -> Graph:
        """The finished graph. Raises ``GraphError`` or ``RefusedError`` where shapes do not fit."""
        builder = GraphBuilder(self.name, REGISTRY)
        shape = self._input_shape()
        if self.rule.wire is not ours:
            self.fitting = Fitting(self.items, self.layers, self.wiring, self.arriving, self.rule, entry(shape))
        terminal = builder.input(shape, F64 if self.rule.type == "f64" else F32)
        for name in self.wiring.order:
            self._place(builder, name)
        for name in self.wiring.order:
            self._connect(builder, name, terminal)
        self._end(builder, terminal)
        return builder.graph(dt=dt)

    def _input_shape(self) -> Shape:
        entries = self.source.of("Input")
        first = self.items.get(self.wiring.entry)
        chosen = first if first is not None and first.type == "Input" else entries[0] if entries else None
        if chosen is None and self.shape is None:
            raise RefusedError("there is no Input that says what shape arrives")
        said = None if chosen is None else tuple(int(size) for size in np.ravel(chosen["shape"]))
        if self.shape is None or self.shape == said:
            assert said is not None  # noqa: S101  one of them is
            return said
        place = "input" if chosen is None else chosen.id
        if self.rule.wire is ours:
            raise RefusedError(f"inputs of {list(self.shape)}: this profile takes those that the file says")
        words = "the input has another shape than the file says, and torch goes on with it"
        self.findings.append(loss(SHAPE, place, words, old=str(list(said or ())), new=str(list(self.shape))))
        return self.shape

    def _place(self, builder: GraphBuilder, name: str) -> None:
        """Add the ops of a node, without what arrives at it."""
        item = self.items.get(name)
        fit = None if item is None or self.fitting is None else self.fitting.fits[name]
        made = Layer() if item is None else fit.layer if fit is not None else self._layer(item, name)
        if not made.ops and self.rule.wire is not ours and self._adds(name):
            made = Layer((SUM,), made.findings)
        self.findings += made.findings
        heads: list[Port] = []
        ops = made.ops if fit is None else (*fit.before, *made.ops)
        for index, op in enumerate(ops):
            if item is None or op.op == "delay":
                self.delays[name] = int(str(op.attributes["steps"]))
                continue
            last = index == len(ops) - 1
            name_of = item.id if last else f"{item.id}/{index}"
            chosen = allowed(op.wide if op.wide is not None and self._wide(op) else op)
            if last and fit is not None:
                chosen = self._told(item, fit, chosen)
            for head in self._chained(builder, name, name_of, chosen, item.name):
                heads += [head] if index == 0 else []
        self.heads[name] = tuple(heads)

    def _chained(self, builder: GraphBuilder, name: str, name_of: str, op: Op, said: str) -> list[Port]:
        """Add an op behind those that the node ``name`` has by now; its input ports."""
        if op.beside is None:
            out, head = self._add(builder, name_of, op, said)
            heads = [head]
            if op.feedback is not None:
                back, first = self._add(builder, f"{name_of}/back", op.feedback, said)
                builder.edge(out, first)
                builder.edge(back, Port(name_of, "r") if self._has(op, "r") else head, 1)
        else:
            pairs = [(f"{name_of}/finite", op), (f"{name_of}/odd", op.beside)]
            ends = [self._add(builder, *pair, said) for pair in pairs]
            words = (
                "weights that are NaN or infinite, which parameters cannot be, add what they do beside the others"
            )
            self.findings.append(note(ODD, name_of, words))
            out, total = self._add(builder, name_of, SUM, said)
            for port, _ in ends:
                builder.edge(port, total)
            heads = [head for _, head in ends]
        for head in heads:
            if name in self.ports:
                builder.edge(self.ports[name], head)
        self.ports[name] = out
        return heads

    @staticmethod
    def _has(op: Op, port: str) -> bool:
        """Whether a neuron has a port of this name."""
        program = op.program
        if program is None:
            schema = REGISTRY(op.op, 1)
            program = schema.program(op.attributes) if isinstance(schema, StepOp) else None
        return program is not None and port in [slot.name for slot in program.inputs]

    def _told(self, item: Item, fit: Fit, op: Op) -> Op:
        """The op of a node that meets a shape that its file does not say, with findings."""
        if fit.repeated:
            words = "what arrives has fewer entries than there are neurons or inputs, and is repeated"
            self.findings.append(loss(SPREAD, item.id, words, new=str(list(fit.leaving.ours))))
        if not fit.lost:
            return op
        words = "no memory: its state has another shape than what arrives, and is put back before every step"
        self.findings.append(replaced(item, words, "kept", f"{', '.join(fit.lost)} put back"))
        return forgetful(op, fit.lost)

    def _add(self, builder: GraphBuilder, name: str, op: Op, said: str) -> tuple[Port, Port]:
        """A node; its output and its input port. What is no registered op brings its program."""
        origin = Origin("nir", path=said)
        if op.program is None:
            choices: dict[str, Any] = dict(op.attributes)
            port = builder.node(name, op.op, params=dict(op.params), origin=origin, **choices)
            schema = REGISTRY(op.op, 1)
            return port, Port(name, schema.ports.inputs[0] if schema is not None else "x")
        self.findings.append(note(ODD, name, "its program is in the graph: no registered op computes so"))
        values = tuple(op.params.items())
        builder.nodes.append(Node(name, op.op, 1, tuple(op.attributes.items()), values, op.program, origin))
        return Port(name, op.program.outputs[0][0]), Port(name, op.program.inputs[0].name)

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
                self._edge(builder, name, terminal, head, None, 0)
            for src, steps in self._through(name):
                self._edge(builder, name, terminal if src is None else self.ports[src], head, src, steps)

    def _edge(self, builder: GraphBuilder, name: str, port: Port, head: Port, src: str | None, steps: int) -> None:
        """An edge; where torch broadcasts what it adds, with ops on it that do."""
        for index, op in enumerate(self._on_edge(name, src)):
            item = self.items[name]
            place = f"{item.id}/from {self.wiring.order.index(src) if src is not None else 'input'}/{index}"
            out, first = self._add(builder, place, op, item.name)
            builder.edge(port, first, steps)
            port, steps = out, 0
        builder.edge(port, head, steps)

    def _on_edge(self, name: str, src: str | None) -> Sequence[Op]:
        if self.fitting is None or name not in self.fitting.arrivals:
            return ()
        arrival: Arrival = self.fitting.arrivals[name]
        signal = self.fitting.entry if src is None else self.fitting.fits[src].leaving
        if signal == arrival.signal:
            return ()
        return brought(signal, arrival.signal.torch)

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
