"""Walks the traced graph once and adds the nodes of each module and function."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from snnhub.api.options import ImportOptions
from snnhub.errors import GraphError
from snnhub.findings import Finding, error, info
from snnhub.ir.builder import GraphBuilder
from snnhub.ir.graph import Decoder, Origin
from snnhub.ir.numtype import F32, SPIKE

from snnhub_spikingjelly import functions, modules
from snnhub_spikingjelly.blocks import is_block
from snnhub_spikingjelly.call import Call
from snnhub_spikingjelly.inplace import overwritten
from snnhub_spikingjelly.layers import REMOVED
from snnhub_spikingjelly.modules import STATEFUL, kind_of
from snnhub_spikingjelly.probe import Probe
from snnhub_spikingjelly.signals import Lead, RefusedError, Signal
from snnhub_spikingjelly.site import Site

if TYPE_CHECKING:
    from torch import fx, nn

RESERVED = ("input", "output")
BOOKKEEPING = frozenset({"getattr", "size", "dim", "getitem", "mul", "floordiv", "int", "len"})
"""Calls that only compute shapes; their results are numbers, not tensors."""


def refusals(net: nn.Module, graph: fx.Graph) -> list[Finding]:
    """Everything that cannot be held whatever the shapes are, in one list."""
    found: list[Finding] = []
    for node in graph.nodes:
        if node.op == "call_module":
            found += [
                error(problem.code, path_of(str(node.target)), str(problem), remedy=problem.remedy)
                for problem in modules.problems(net.get_submodule(str(node.target)))
            ]
        elif node.op in ("call_function", "call_method"):
            name = (
                node.target if isinstance(node.target, str) else getattr(node.target, "__name__", str(node.target))
            )
            if not functions.known(str(name)) and name not in BOOKKEEPING:
                remedy = functions.REMEDIES.get(str(name), "Write it with layers that can be held.")
                found.append(error("SNN-3002", place_of(node), f"function {name} cannot be held", remedy=remedy))
        elif node.op == "get_attr":
            found.append(
                error(
                    "SNN-3002",
                    place_of(node),
                    f"tensor {node.target} is used outside a layer",
                    remedy="Move it into a layer.",
                )
            )
    return [*found, *_called_twice(net, graph), *overwritten(net, graph, place_of)]


def _called_twice(net: nn.Module, graph: fx.Graph) -> list[Finding]:
    calls: dict[str, list[str]] = {}
    for node in graph.nodes:
        if node.op == "call_module" and _remembers(net.get_submodule(str(node.target))):
            calls.setdefault(str(node.target), []).append(node.name)
    return [
        error(
            "SNN-3004",
            path_of(target),
            f"stateful module is called {len(names)} times: {', '.join(names)}",
            remedy="Use a module of its own at each place; a loop over time belongs outside the network.",
        )
        for target, names in calls.items()
        if len(names) > 1
    ]


def _remembers(module: nn.Module) -> bool:
    return hasattr(module, "_memories") or (is_block(module) and module.neuron is not None)


def path_of(target: str) -> str:
    """Module path with slashes: the node id."""
    return target.replace(".", "/")


def place_of(node: fx.Node) -> str:
    """Id of a function: its fx name, beside the module whose forward calls it."""
    stack = node.meta.get("nn_module_stack") or {}
    parent = next(reversed(stack), "") if stack else ""
    return f"{path_of(parent)}/{node.name}" if parent else str(node.name)


class Walk:
    """The walk. ``builder`` collects nodes and findings, ``decoder`` what reduces the output over time."""

    def __init__(self, net: nn.Module, graph: fx.Graph, probe: Probe, options: ImportOptions) -> None:
        self.net = net
        self.graph = graph
        self.probe = probe
        self.builder = GraphBuilder("", options.lookup)
        self.decoder: Decoder | None = None
        self._signals: dict[str, Signal] = {}
        self._used: Counter[str] = Counter()
        self._hold = 0
        self._framework = "spikingjelly"

    def run(self, name: str) -> None:
        """Add everything; what cannot be held becomes ``error`` findings of the builder."""
        self.builder.name = name.rpartition(":")[2]
        for node in self.graph.nodes:
            try:
                self._node(node)
            except RefusedError as problem:
                place = path_of(str(node.target)) if node.op == "call_module" else place_of(node)
                self.builder.findings.append(error(problem.code, place, str(problem), remedy=problem.remedy))
                if not self._stand_in(node):
                    return  # what follows has no shape to speak of
            except GraphError as problem:
                self.builder.findings.append(error("SNN-3010", place_of(node), str(problem)))
                return
        if self._hold:
            first = self.builder.inputs[0]
            self.builder.inputs[0] = type(first)(first.id, first.shape, first.type, self._hold)

    def _node(self, node: fx.Node) -> None:
        if node.op == "placeholder":
            self._placeholder(node)
        elif node.op == "call_module":
            self._module(node)
        elif node.op in ("call_function", "call_method"):
            self._function(node)
        elif node.op == "output":
            self._output(node)

    def _stand_in(self, node: fx.Node) -> bool:
        """Go on behind a node that cannot be held, so that one report has all of them. Needs known axes."""
        known = [str(arg) for arg in node.args if str(arg) in self._signals]
        before, after = self.probe.shapes.get(known[0] if known else ""), self.probe.shapes.get(node.name)
        if before is None or after is None or self._signals[known[0]].lead is Lead.DECODED:
            return False
        source = self._signals[known[0]]
        axes = source.lead.axes
        if before[:axes] != after[:axes]:
            return False
        self._signals[node.name] = Signal(source.port, source.lead, after[axes:])
        return True

    def _placeholder(self, node: fx.Node) -> None:
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
        self._signals[node.name] = Signal(port, lead, self.probe.input_shape)

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
        module = self.net.get_submodule(target)
        signal = self._signals.get(str(node.args[0])) if node.args else None
        if signal is None or len(node.args) != 1:
            raise RefusedError("SNN-3002", "layer takes something else than one tensor of the network")
        if signal.lead is Lead.DECODED:
            raise RefusedError(
                "SNN-3003", "the network goes on after its reduction over time", functions.TIME_REMEDY
            )
        kind = kind_of(module)
        if kind[1] in REMOVED:
            self.builder.findings.append(
                info("SNN-3005", path_of(target), f"{kind[1]} does nothing in evaluation mode; removed")
            )
            self._signals[node.name] = signal
            return
        if kind in STATEFUL and signal.lead is Lead.MERGED:
            raise RefusedError(
                "SNN-3003", "neurons see time and batch merged into one axis", functions.TIME_REMEDY
            )
        self._signals[node.name] = modules.handle(module, signal, self._site(path_of(target), target))

    def _function(self, node: fx.Node) -> None:
        shape = self.probe.shapes.get(node.name)
        if shape is None:
            return  # a number or a size
        call = Call(
            node,
            [self._argument(arg) for arg in node.args],
            {key: self._argument(arg) for key, arg in node.kwargs.items()},
            shape,
            self.probe.shapes.get(str(node.args[0]), ()) if node.args else (),
        )
        if any(isinstance(arg, Signal) and arg.lead is Lead.DECODED for arg in call.args):
            raise RefusedError(
                "SNN-3003", "the network goes on after its reduction over time", functions.TIME_REMEDY
            )
        place = place_of(node)
        before = len(self.builder.nodes)
        result = functions.handle(call, Site(place, Origin(self._framework, "", node.name), self.builder))
        if len(self.builder.nodes) > before:
            self._used[place] += 1
        self._signals[node.name] = result
        if call.hold:
            self._hold = call.hold
        if call.decoder is not None:
            self.decoder = call.decoder

    def _argument(self, value: Any) -> Any:
        from torch import fx

        if isinstance(value, fx.Node):
            return self._signals.get(value.name, value)
        if isinstance(value, tuple | list):
            return type(value)(self._argument(item) for item in value)
        return value

    def _output(self, node: fx.Node) -> None:
        signal = self._signals.get(str(node.args[0]))
        if signal is None:
            raise RefusedError(
                "SNN-3002", "the network must return one tensor", "Return the output of the last layer."
            )
        if signal.lead in (Lead.MERGED, Lead.FRAME):
            raise RefusedError("SNN-3003", f"the output looks like {signal.lead.value}", functions.TIME_REMEDY)
        self.builder.output(signal.port)
