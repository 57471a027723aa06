"""Walks the traced graph once and adds the nodes of each module and function, insides of containers too."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from snnhub.api.options import ImportOptions
from snnhub.errors import GraphError
from snnhub.findings import error, info
from snnhub.ir.builder import GraphBuilder
from snnhub.ir.graph import Decoder, Edge, Origin, Port
from snnhub.ir.numtype import F32, SPIKE
from snnhub.torchnet import functions
from snnhub.torchnet.call import Call
from snnhub.torchnet.layers import REMOVED
from snnhub.torchnet.signals import Lead, RefusedError, Signal
from snnhub.torchnet.site import Site

from snnhub_spikingjelly import containers, modules
from snnhub_spikingjelly.modules import STATEFUL, kind_of
from snnhub_spikingjelly.probe import SAMPLES, Probe
from snnhub_spikingjelly.refusals import name_of, path_of, place_of
from snnhub_spikingjelly.regions import Region

if TYPE_CHECKING:
    from torch import fx, nn

TIME_FIRST = "Time comes first in SpikingJelly: its modules take (T, N, …)."
RESERVED = ("input", "output")


@dataclass
class Scope:
    """Where the walk is: a region, its shapes by node, and what flows there.

    ``given``: the inputs of a container's inside; ``result``: its output. ``lost``: nodes whose meaning is not
    known, because they follow from one that was refused; they are not reported again.
    """

    region: Region
    shapes: Mapping[str, tuple[int, ...]]
    given: list[Signal] = field(default_factory=list)
    signals: dict[str, Signal] = field(default_factory=dict)
    result: Signal | None = None
    lost: set[str] = field(default_factory=set)

    def place(self, node: fx.Node) -> str:
        """Module path of a module, id of a function."""
        if node.op == "call_module":
            return path_of(self.region.path(str(node.target)))
        return place_of(self.region, node)


class _AlreadyReportedError(Exception):
    """The inside of a container was refused, with findings of its own."""


class Walk:
    """The walk. ``builder`` collects nodes and findings, ``decoder`` what reduces the output over time."""

    def __init__(self, region: Region, probe: Probe, options: ImportOptions) -> None:
        self.probe = probe
        self.builder = GraphBuilder("", options.lookup)
        self.decoder: Decoder | None = None
        self._used: Counter[str] = Counter()
        self._hold = 0
        self._framework = "spikingjelly"
        self._scope = Scope(region, probe.shapes)
        self._depth = 0

    def run(self, name: str) -> None:
        """Add everything; what cannot be held becomes ``error`` findings of the builder."""
        self.builder.name = name.rpartition(":")[2]
        self._nodes()
        if self._hold:
            first = self.builder.inputs[0]
            self.builder.inputs[0] = type(first)(first.id, first.shape, first.type, self._hold)

    def _nodes(self) -> None:
        scope = self._scope
        for node in scope.region.graph.nodes:
            if scope.lost & {before.name for before in node.all_input_nodes}:
                scope.lost.add(node.name)
                continue
            if any(before.op == "get_attr" for before in node.all_input_nodes):
                self._carry_on(node)  # a tensor outside a layer, which has been refused
                continue
            try:
                self._node(node)
            except RefusedError as problem:
                place = scope.place(node)
                self.builder.findings.append(error(problem.code, place, str(problem), remedy=problem.remedy))
                self._carry_on(node)
            except _AlreadyReportedError:
                self._carry_on(node)
            except GraphError as problem:
                self.builder.findings.append(error("SNN-3010", scope.place(node), str(problem)))
                self._carry_on(node)

    def _carry_on(self, node: fx.Node) -> None:
        """Take a refused node's output from the shapes that the framework gave, to find what else is wrong."""
        scope = self._scope
        before = next((past for past in node.all_input_nodes if past.name in scope.signals), None)
        if before is None or node.name not in scope.shapes:
            scope.lost.add(node.name)
            return
        signal, shape = scope.signals[before.name], scope.shapes[node.name]
        axes = signal.lead.axes
        if signal.lead is Lead.DECODED or shape[:axes] != scope.shapes.get(before.name, ())[:axes]:
            scope.lost.add(node.name)
            return
        scope.signals[node.name] = Signal(signal.port, signal.lead, shape[axes:])

    def _node(self, node: fx.Node) -> None:
        if node.op == "placeholder":
            self._placeholder(node)
        elif node.op == "call_module":
            self._module(node)
        elif node.op in ("call_function", "call_method"):
            self._function(node)
        elif node.op == "output":
            self._output(node)

    def _placeholder(self, node: fx.Node) -> None:
        if self._depth:
            self._scope.signals[node.name] = self._scope.given.pop(0)
            return
        if self.builder.inputs:
            if node.args:  # a further argument with a default that the probe did not need
                return
            raise RefusedError("SNN-3002", f"forward takes a second input {node.name}", "Networks have one input.")
        type_ = F32
        if self.probe.spikes_in:
            type_ = SPIKE
            words = "a BlockContainer takes the input: it must hold 0 and 1 only"
            self.builder.findings.append(info("SNN-3032", "input", words, old=str(F32), new=str(SPIKE)))
        port = self.builder.input(self.probe.input_shape, type_)
        lead = Lead.BATCH if self.probe.lead is Lead.FRAME else self.probe.lead
        self._scope.signals[node.name] = Signal(port, lead, self.probe.input_shape)

    def _site(self, wanted: str, path: str) -> Site:
        """A unique node id. Reserved names and second calls of one module get a suffix, which is a finding."""
        name = wanted
        if name.partition("/")[0] in RESERVED:
            name = f"module/{name}"
            self.builder.findings.append(
                info("SNN-3007", path, "input and output are reserved ids", old=wanted, new=name)
            )
        self._used[name] += 1
        if self._used[name] > 1:
            name = f"{name}_{self._used[name] - 1}"
            self.builder.findings.append(
                info("SNN-3007", path, "a module without state is called again", old=wanted, new=name)
            )
        return Site(name, Origin(self._framework, "", path), self.builder)

    def _module(self, node: fx.Node) -> None:
        target = str(node.target)
        module = self._scope.region.module(node)
        path = self._scope.region.path(target)
        signal = self._scope.signals.get(str(node.args[0])) if node.args else None
        if signal is None or len(node.args) != 1:
            raise RefusedError("SNN-3002", "layer takes something else than one tensor of the network")
        if signal.lead is Lead.DECODED:
            raise RefusedError(
                "SNN-3003", "the network goes on after its reduction over time", functions.TIME_REMEDY
            )
        kind = kind_of(module)
        if kind[1] in REMOVED:
            self.builder.findings.append(
                info("SNN-3005", path_of(path), f"{kind[1]} does nothing in evaluation mode; removed")
            )
            self._scope.signals[node.name] = signal
            return
        if kind in STATEFUL and signal.lead is Lead.MERGED:
            raise RefusedError(
                "SNN-3003", "neurons see time and batch merged into one axis", functions.TIME_REMEDY
            )
        if target in self._scope.region.inner:
            self._scope.signals[node.name] = self._container(module, signal, self._scope.region.inner[target])
            return
        self._scope.signals[node.name] = modules.handle(module, signal, self._site(path_of(path), path))

    def _container(self, module: nn.Module, signal: Signal, inner: Region) -> Signal:
        """The inside of a container. What is fed back goes over an edge of one step."""
        modules.check(module)
        lead = containers.lead_inside(module, signal.lead)
        given = [Signal(signal.port, lead, signal.features)]
        recurrent = containers.container_kind(module) in containers.RECURRENT
        if recurrent:
            features = containers.feedback_features(module, signal.features)
            self._used[inner.prefix] += 1
            given.append(
                Signal(Port(path_of(inner.prefix), f"feedback {self._used[inner.prefix]}"), lead, features)
            )
        back = given[-1]
        result = self._inside(inner, lead, given)
        if result.lead is not lead:
            raise RefusedError(
                "SNN-3003", f"the inside takes {lead.value} and gives {result.lead.value}", functions.TIME_REMEDY
            )
        if recurrent:
            self._close(back, result)
        return Signal(result.port, signal.lead, result.features)

    def _inside(self, inner: Region, lead: Lead, given: list[Signal]) -> Signal:
        outer = self._scope
        shapes = self.probe.inside(inner, lead, [signal.features for signal in given])
        self._scope, self._depth = Scope(inner, shapes, given), self._depth + 1
        try:
            self._nodes()
            result = self._scope.result
        finally:
            self._scope, self._depth = outer, self._depth - 1
        if result is None:
            raise _AlreadyReportedError
        return result

    def _close(self, back: Signal, result: Signal) -> None:
        """Feed the output of a recurrent container back: what was read from ``back`` comes one step late."""
        if result.port == back.port:
            raise RefusedError("SNN-3002", "the container gives back nothing but its own output", "Remove it.")
        if result.features != back.features:
            raise RefusedError(
                "SNN-3010",
                f"output {list(result.features)} and its feedback {list(back.features)} differ in shape",
                "A recurrent container gives what it takes back.",
            )
        self.builder.edges[:] = [
            Edge(result.port, edge.dst, edge.delay + 1) if edge.src == back.port else edge
            for edge in self.builder.edges
        ]

    def _function(self, node: fx.Node) -> None:
        shape = self._scope.shapes.get(node.name)
        if shape is None:
            return  # a number or a size
        call = Call(
            name_of(node),
            [self._argument(arg) for arg in node.args],
            {key: self._argument(arg) for key, arg in node.kwargs.items()},
            shape,
            self._scope.shapes.get(str(node.args[0]), ()) if node.args else (),
            SAMPLES,
        )
        if any(isinstance(arg, Signal) and arg.lead is Lead.DECODED for arg in call.args):
            raise RefusedError(
                "SNN-3003", "the network goes on after its reduction over time", functions.TIME_REMEDY
            )
        place = place_of(self._scope.region, node)
        before = len(self.builder.nodes)
        result = functions.handle(call, Site(place, Origin(self._framework, "", node.name), self.builder))
        if result.lead is Lead.BATCH_TIME:
            raise RefusedError("SNN-3002", f"function {call.name} cannot be held", TIME_FIRST)
        if len(self.builder.nodes) > before:
            self._used[place] += 1
        self._scope.signals[node.name] = result
        if self._depth and (call.hold or call.decoder):
            raise RefusedError("SNN-3003", "time is repeated or reduced inside a container", functions.TIME_REMEDY)
        if call.hold:
            self._hold = call.hold
        if call.decoder is not None:
            self.decoder = call.decoder

    def _argument(self, value: Any) -> Any:
        from torch import fx

        if isinstance(value, fx.Node):
            return self._scope.signals.get(value.name, value)
        if isinstance(value, tuple | list):
            return type(value)(self._argument(item) for item in value)
        return value

    def _output(self, node: fx.Node) -> None:
        signal = self._scope.signals.get(str(node.args[0]))
        if signal is None:
            raise RefusedError(
                "SNN-3002", "the network must return one tensor", "Return the output of the last layer."
            )
        if self._depth:
            self._scope.result = signal
            return
        if signal.lead in (Lead.MERGED, Lead.FRAME):
            raise RefusedError("SNN-3003", f"the output looks like {signal.lead.value}", functions.TIME_REMEDY)
        self.builder.output(signal.port)
