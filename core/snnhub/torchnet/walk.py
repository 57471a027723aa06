"""Adds the nodes of every place of the plan, in order, and closes what is fed back."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from snnhub.errors import GraphError
from snnhub.findings import Severity, error, info, of_severity
from snnhub.ir.builder import GraphBuilder
from snnhub.ir.graph import Decoder, Edge, Node, Origin, Port
from snnhub.ir.numtype import F32
from snnhub.ir.op import OpLookup
from snnhub.torchnet import functions, kinds, states
from snnhub.torchnet.call import Call
from snnhub.torchnet.events import Event, mapped
from snnhub.torchnet.framework import MERGED, Neuron
from snnhub.torchnet.layers import REMOVED
from snnhub.torchnet.layout import Kind
from snnhub.torchnet.moments import GIVEN, Unit, Value
from snnhub.torchnet.plan import Constant, Link, Plan
from snnhub.torchnet.signals import Lead, RefusedError, Signal
from snnhub.torchnet.site import Site

if TYPE_CHECKING:
    from torch import nn

RESERVED = ("input", "output")
SEQUENCES = {None: Lead.BATCH, 0: Lead.TIME_BATCH, 1: Lead.BATCH_TIME, MERGED: Lead.BATCH_MERGED}
ONE_TENSOR = "Give it one tensor that the network works out."
STATE = "Take its spikes: --option output=N where it is the output. States are recorded by their key."
STACK = "Stack the same tensor of every step, in order, as torch.stack(spikes) does."
PARAMETER = "Numbers and tensors that are no activations belong into a layer."


class Walk:
    """``builder`` collects nodes and findings, ``decoder`` what reduces the output over time.

    ``sites``: id and lead of every module that was added, by its path. ``ports``: of neurons, their outputs by
    path.
    """

    def __init__(self, plan: Plan, input_shape: tuple[int, ...], lookup: OpLookup) -> None:
        self.plan = plan
        self.moments = plan.moments
        self.layout = plan.moments.layout
        self.framework = plan.moments.framework
        self.builder = GraphBuilder("", lookup)
        self.decoder: Decoder | None = None
        self.output: Value | None = None
        self.sites: dict[str, tuple[str, Lead]] = {}
        self.ports: dict[str, Mapping[str, Port]] = {}
        self.signals: dict[tuple[Unit, str], Signal] = {}
        self._used: Counter[str] = Counter()
        self._late: dict[Port, Link] = {}
        self._bundles: dict[Unit, list[Signal]] = {}
        hold = self.layout.steps if self.layout.kind is Kind.FRAME else 0
        port = self.builder.input(input_shape, F32, hold=hold)
        self.signals[GIVEN, "x"] = Signal(port, self.layout.kind.lead, input_shape)

    def run(self, output: Value | None, reduce: str = "") -> None:
        """Add everything; what cannot be held becomes ``error`` findings of the builder. ``reduce``: of the output
        over time, where the network does it itself.
        """
        for unit in self.plan.order:
            self._unit(unit)
        self.output = output
        self._output(output, reduce)
        nodes = {node.id: node for node in self.builder.nodes}
        made: dict[Unit, Node] = {}
        for unit in self.plan.order:
            event = self.plan.event[unit]
            if event.module is not None and event.name in self.sites and self.sites[event.name][0] in nodes:
                made[unit] = nodes[self.sites[event.name][0]]
        refused = {finding.place for finding in of_severity(self.builder.findings, Severity.ERROR)}
        looked_at = [*self.plan.problems, *states.problems(self.plan, made)]
        self.builder.findings += [finding for finding in looked_at if finding.place not in refused]
        self._close()
        self._ensure_outputs(nodes)

    def _unit(self, unit: Unit) -> None:
        event = self.plan.event[unit]
        try:
            made = self._function(event) if event.module is None else self._module(event, event.module)
        except RefusedError as problem:
            self.builder.findings.append(error(problem.code, event.place, str(problem), remedy=problem.remedy))
            made = {}
        except GraphError as problem:
            self.builder.findings.append(error("SNN-3010", event.place, str(problem)))
            made = {}
        self.signals |= {(unit, name): signal for name, signal in made.items()}

    def signal(self, link: Link) -> Signal:
        """What a link stands for. Of something that was refused, the axes that it has in the framework."""
        known = self.signals.get((link.unit, link.name))
        features = link.shape[1:]
        if link.delay:
            port = Port(f"{link.unit}", f"{link.name} {link.delay} steps ago")
            self._late[port] = link
            return Signal(port, Lead.BATCH, features)
        if known is None:
            self._ensure_named(link)
            lead = link.lead or Lead.BATCH
            return Signal(Port("refused", "y"), lead, link.shape[lead.axes :])
        if known.lead is Lead.DECODED or known.lead is Lead.FRAME or known.lead.axes + len(known.features) == 0:
            return known
        if link.lead is not None and len(link.shape) == link.lead.axes + len(known.features):
            return Signal(known.port, known.lead if self._whole(known) else link.lead, known.features)
        return Signal(known.port, Lead.BATCH, known.features) if self._one_step(link, known) else known

    @staticmethod
    def _whole(signal: Signal) -> bool:
        return signal.lead is not Lead.BATCH

    def _one_step(self, link: Link, known: Signal) -> bool:
        """Whether one step of a sequence is meant."""
        return link.lead is None and self._whole(known) and len(link.shape) == 1 + len(known.features)

    def _ensure_named(self, link: Link) -> None:
        """Raise ``RefusedError`` for an output of a neuron that its handler does not give."""
        names = [name for unit, name in self.signals if unit == link.unit]
        if names:
            words = f"{link.name} of {link.unit.name} is used"
            raise RefusedError("SNN-3002", words, f"Held of it: {', '.join(names)}.")

    def _site(self, place: str, path: str) -> Site:
        """A unique node id. Reserved names and second calls of one module get a suffix, which is a finding."""
        name = place
        if name.partition("/")[0] in RESERVED:
            name = f"module/{name}"
            words = "input and output are reserved ids"
            self.builder.findings.append(info("SNN-3007", path, words, old=place, new=name))
        self._used[name] += 1
        if self._used[name] > 1:
            old, name = name, f"{name}_{self._used[name] - 1}"
            if path:
                words = "a module without state is called again"
                self.builder.findings.append(info("SNN-3007", path, words, old=old, new=name))
        return Site(name, Origin(self.framework.name, "", path or place), self.builder)

    def _module(self, event: Event, module: nn.Module) -> Mapping[str, Signal]:
        kinds.check(self.framework, module)
        args, kwargs = self.plan.arguments(event)
        mapped((args, kwargs), Constant, _constant)
        neuron = self.plan.neuron(event)
        if len(args) + len(kwargs) != 1 or not isinstance((*args, *kwargs.values())[0], Link):
            raise RefusedError("SNN-3002", "takes something else than one tensor of the network", ONE_TENSOR)
        signal = self.signal((*args, *kwargs.values())[0])
        if signal.lead is Lead.DECODED:
            raise _goes_on()
        if neuron is not None:
            return self._neuron(neuron, event, signal)
        kind = kinds.kind_of(self.framework, module)[1]
        if kind in REMOVED:
            words = f"{kind} does nothing in evaluation mode; removed"
            self.builder.findings.append(info("SNN-3005", event.place, words))
            return {"y": signal}
        site = self._site(event.place, event.name)
        made = kinds.handler_of(self.framework, module)(module, signal, site)
        self.sites[event.name] = (site.name, made.lead)
        return {"y": made}

    def _neuron(self, neuron: Neuron, event: Event, signal: Signal) -> Mapping[str, Signal]:
        wanted = SEQUENCES[neuron.sequence]
        if signal.lead is not wanted:
            raise RefusedError(
                "SNN-3003",
                f"{type(event.module).__name__} takes {wanted.value}, found {signal.lead.value}",
                "Give it what it is made for: one step, or a whole sequence with its axes in that order.",
            )
        site = self._site(event.place, event.name)
        made = neuron.handle(event.module, signal, site)
        self.sites[event.name] = (site.name, signal.lead)
        self.ports[event.name] = {name: item.port for name, item in made.items()}
        return made

    def _function(self, event: Event) -> Mapping[str, Signal]:
        args, kwargs = self.plan.arguments(event)
        site_args = [self._argument(value) for value in args]
        shapes = [self.moments.recorder.facts[ref.value].shape for ref in (*event.made[:1], *event.inputs)]
        if bundle := self._bundled(event, args):
            return bundle
        call = Call(
            event.name,
            site_args,
            {key: self._argument(value) for key, value in kwargs.items()},
            shapes[0],
            shapes[1],
            self.layout.samples,
        )
        if any(isinstance(arg, Signal) and arg.lead is Lead.DECODED for arg in call.args):
            raise _goes_on()
        place = f"{event.outer.replace('.', '/')}/{event.name}" if event.outer else event.name
        before = len(self.builder.nodes)
        site = self._site(place, "")
        if event.name == "stack":
            raise RefusedError("SNN-3003", "stack of something else than one tensor of every step", STACK)
        result = functions.handle(call, site)
        if len(self.builder.nodes) == before:
            self._used[place] -= 1
        if call.hold:
            raise RefusedError("SNN-3003", f"{call.name} holds a frame in time", functions.TIME_REMEDY)
        if call.decoder is not None:
            self.decoder = call.decoder
        return {"y": result}

    def _bundled(self, event: Event, args: tuple[Any, ...]) -> Mapping[str, Signal]:
        """``torch.stack((a, b)).sum(0)``: the sum of two tensors of one step, as containers write it."""
        parts = args[0] if args and isinstance(args[0], tuple | list) else ()
        unit = self.moments.units[event.index]
        two = len(parts) == 2 and all(isinstance(part, Link) for part in parts)
        if event.name == "stack" and two and (*args[1:], *event.kwargs.values()) in ((), (0,)):
            self._bundles[unit] = [self.signal(part) for part in parts]
            shape = self.moments.recorder.facts[event.made[0].value].shape
            return {"y": Signal(Port("bundle", "y"), Lead.FRAME, shape[2:])}
        source = args[0].unit if args and isinstance(args[0], Link) and not args[0].delay else None
        if event.name != "sum" or source not in self._bundles or (*args[1:], *event.kwargs.values()) != (0,):
            return {}
        a, b = self._bundles[source]
        call = Call("add", [a, b], {}, (), (), self.layout.samples)
        return {"y": functions.handle(call, self._site(event.place, ""))}

    def _argument(self, value: Any) -> Any:
        changed = mapped(value, Link, self.signal)
        return mapped(changed, Constant, _constant)

    def _output(self, output: Value | None, reduce: str) -> None:
        if output is None:
            words = "the network returns no tensor that it works out from its input"
            self.builder.findings.append(
                error("SNN-3002", "output", words, remedy="Return the output of the last layer.")
            )
            return
        signal = self.signals.get((output.unit, output.name))
        if signal is None:
            if not any(unit == output.unit for unit, _ in self.signals) and self.builder.findings:
                return  # what makes it was refused
            words = f"{output.name} of {output.unit.name} is returned, which the graph does not have"
            self.builder.findings.append(
                error("SNN-3002", "output", words, remedy="Choose it with --option output=N.")
            )
            return
        if reduce:
            self.decoder = Decoder(reduce, argmax=len(signal.features) == 1)
        port = signal.port
        if self.decoder is not None and self._is_state(port, {node.id: node for node in self.builder.nodes}):
            self.decoder = replace(self.decoder, quantity=f"{port.node}/{port.name}")
            neuron = self.plan.neuron(self.plan.event[output.unit])
            spikes = [self.signals.get((output.unit, name)) for name in (neuron.spikes if neuron else ())]
            port = next((found.port for found in spikes if found is not None), port)
        self.builder.output(port)

    def _ensure_outputs(self, nodes: Mapping[str, Node]) -> None:
        """States of neurons may be recorded, but are no outputs that something else could take."""
        for edge in self.builder.edges:
            if self._is_state(edge.src, nodes):
                words = f"takes {edge.src.name} of {edge.src.node}, a state, which is recorded but not put out"
                self.builder.findings.append(error("SNN-3002", edge.dst.node, words, remedy=STATE))

    @staticmethod
    def _is_state(port: Port, nodes: Mapping[str, Node]) -> bool:
        node = nodes.get(port.node)
        return node is not None and node.program is not None and port.name not in dict(node.program.outputs)

    def _close(self) -> None:
        """Put the real end of an edge in place of a value of an earlier step."""
        self.builder.edges[:] = [self._real(edge) for edge in self.builder.edges]

    def _real(self, edge: Edge) -> Edge:
        seen = 0
        while edge.src in self._late and seen <= len(self._late):
            link = self._late[edge.src]
            signal = self.signals.get((link.unit, link.name))
            if signal is None:
                return edge
            edge = Edge(signal.port, edge.dst, edge.delay + link.delay)
            seen += 1
        return edge


def _constant(constant: Constant) -> Any:
    """A tensor of one element is a number; any other stays what no handler takes."""
    if constant.stale:
        words = "a tensor is used after it was overwritten in place through another name"
        raise RefusedError("SNN-3025", words, "Write y = y + x, or use a copy.")
    if constant.name:
        raise RefusedError("SNN-3002", f"parameter {constant.name} is used outside a layer", PARAMETER)
    return constant.number if constant.number is not None else constant


def _goes_on() -> RefusedError:
    return RefusedError("SNN-3003", "the network goes on after its reduction over time", functions.TIME_REMEDY)
