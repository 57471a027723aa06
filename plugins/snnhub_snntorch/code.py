"""The file that a user of snnTorch would have written: a class with its modules, and a loop over time."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from snnhub.findings import Finding, error
from snnhub.ir.analysis import analyse
from snnhub.ir.graph import TERMINAL_PORT, Edge, Graph, Node, Port
from snnhub.ir.numtype import F32
from snnhub.ir.op import Shape
from snnhub.ir.tensor import Array
from snnhub.ir.topology import topological_order
from snnhub.ops.registry import REGISTRY

from snnhub_snntorch.code_names import tree, variables
from snnhub_snntorch.layer_forms import LAYERS, Made, UnsayableError
from snnhub_snntorch.neuron_forms import LAYERED, NEURONS, neuron

UNSAYABLE = "SNN-4520"
INDENT, ADD = "    ", "core.Add"
KEEP = "Keep the network as .snn."
SPIKES = {"s": "spk", "spk": "spk"}
HEAD = '''"""Network {title}, written by snnhub for snnTorch 1.0.0. Its numbers are beside it:

    network = {factory}()
    network.load_state_dict(torch.load({weights}, weights_only=True))
"""

import snntorch as snn
import torch
from torch import nn


class Net(nn.Module):
    """{about}"""

    def __init__(self):
        super().__init__()
'''


@dataclass
class Code:
    """``text`` of the file. ``state``: numbers by key of the state dict; ``checks``: gains by module path."""

    text: str = ""
    state: dict[str, Array] = field(default_factory=dict)
    checks: dict[str, Array] = field(default_factory=dict)
    found: list[Finding] = field(default_factory=list)


class Coder:
    """Writes one graph. Everything that cannot be said is collected in ``found``."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.found: list[Finding] = []
        self.shapes: Mapping[Port, Shape] = analyse(graph, REGISTRY).shapes
        self.loops: dict[str, Node] = {}
        for node in graph.nodes:
            if node.op in LAYERED and (layer := self._loop(node)) is not None:
                self.loops[node.id] = layer
        inner = {layer.id for layer in self.loops.values()}
        self.order = [graph.node[name] for name in topological_order(graph) if name in graph.node]
        self.order = [node for node in self.order if node.id not in inner]
        self.local = variables([node.id for node in self.order])
        self.called: Mapping[str, str] = {}

    def code(self, weights: str, factory: str) -> Code:
        """The file. Where ``found`` is not empty, its text means nothing."""
        self._look_around()
        made = {node.id: one for node in self.order if (one := self._made(node)) is not None}
        modules = tree({name: one.call for name, one in made.items() if one.call})
        self.called = modules.called
        body = list(self._forward())
        if self.found:
            return Code(found=self.found)
        title = re.sub(r"[^\w .:/-]", "_", self.graph.name, flags=re.ASCII)  # a file's name must not become code
        text = HEAD.format(title=title, weights=json.dumps(weights), factory=factory, about=self._about())
        text += "".join(f"{INDENT * 2}{line}\n" for line in modules.lines)
        text += "\n" + "".join(f"{INDENT}{line}".rstrip() + "\n" for line in body)
        text += f"\n\ndef {factory}():\n{INDENT}return Net()\n"
        code = Code(text)
        for name, one in made.items():
            code.state |= {f"{modules.paths[name]}.{key}": value for key, value in one.state.items()}
            if one.gain is not None:
                code.checks[modules.paths[name]] = one.gain
        return code

    def _refuse(self, place: str, words: str, remedy: str = KEEP) -> None:
        self.found.append(error(UNSAYABLE, place, words, remedy=remedy))

    def _look_around(self) -> None:
        """What belongs to no node: terminals, types, delays."""
        graph = self.graph
        if len(graph.inputs) != 1 or len(graph.outputs) != 1:
            self._refuse(
                graph.name, f"{len(graph.inputs)} inputs and {len(graph.outputs)} outputs; one of each is written"
            )
        for item in graph.inputs:
            if item.type != F32:
                self._refuse(item.id, f"its input is {item.type}; snnTorch computes in f32")
        inner = {(node, layer.id) for node, layer in self.loops.items()}
        for edge in graph.edges:
            if edge.delay and (edge.src.node, edge.dst.node) not in inner:
                self._refuse(str(edge), f"an edge of {edge.delay} steps that is in no recurrent neuron")

    def _loop(self, node: Node) -> Node | None:
        """The layer from a neuron's spikes of the step before to its port ``r``, where that is all there is."""
        into = self.graph.into.get(Port(node.id, "r"), ())
        if len(into) != 1 or into[0].delay:
            return None
        layer = self.graph.node.get(into[0].src.node)
        if layer is None or layer.op not in ("core.Dense", "core.Conv"):
            return None
        before = self.graph.into.get(Port(layer.id, "x"), ())
        alone = len(before) == 1 and before[0].src == Port(node.id, "s") and before[0].delay == 1
        return layer if alone and len(self.graph.fed_by(layer.id)) == 1 else None

    def _made(self, node: Node) -> Made | None:
        shape = self.shapes.get(Port(node.id, "x"), ())
        try:
            if node.op in NEURONS:
                return neuron(node, shape, self.loops.get(node.id))
            if node.op in LAYERS:
                return LAYERS[node.op](node, shape)
        except UnsayableError as problem:
            self._refuse(node.id, str(problem), problem.remedy)
            return None
        if node.op == ADD:
            return Made("")
        self._refuse(node.id, f"{node.kind} has no form in snnTorch's code")
        return None

    def _about(self) -> str:
        item = self.graph.inputs[0]
        features = ", ".join(["samples", *(str(size) for size in item.shape)])
        given = f"({features}), one frame for {item.hold} steps" if item.hold else f"(time, {features})"
        return f"Input {given}."

    def _forward(self) -> Iterator[str]:
        graph = self.graph
        yield "def forward(self, x):"
        for node in self.order:
            if node.op in NEURONS:
                yield f"{INDENT}{self._start(node)}"
        yield f"{INDENT}outputs = []"
        hold = graph.inputs[0].hold if graph.inputs else 0
        yield f"{INDENT}for _ in range({hold}):" if hold else f"{INDENT}for step in x:"
        for node in self.order:
            yield f"{INDENT * 2}{self._call(node)}"
        yield f"{INDENT * 2}outputs.append({self._last()})"
        yield f"{INDENT}return torch.stack(outputs){self._decoded()}"

    def _start(self, node: Node) -> str:
        names = [self._value(node.id, port) for port in NEURONS[node.op].takes]
        if node.op == "snntorch.DeltaLeaky":
            return f"{self.local[node.id]}_state = (None, None)"
        return f"{', '.join(names)} = {self._module(node)}.reset_mem()"

    def _call(self, node: Node) -> str:
        if node.op == ADD:
            return f"{self.local[node.id]} = {self._arriving(node, 'a')} + {self._arriving(node, 'b')}"
        if node.op not in NEURONS:
            return f"{self.local[node.id]} = {self._module(node)}({self._arriving(node, 'x')})"
        form, name = NEURONS[node.op], self.local[node.id]
        if node.op == "snntorch.DeltaLeaky":
            return f"{name}_spk, {name}_state = {self._module(node)}({self._arriving(node, 'x')}, {name}_state)"
        given = ", ".join([self._arriving(node, "x"), *(self._value(node.id, port) for port in form.takes)])
        back = ", ".join(self._value(node.id, port) for port in form.returns)
        return f"{back} = {self._module(node)}({given})"

    def _module(self, node: Node) -> str:
        return self.called.get(node.id, "?")  # what was refused is not made

    def _arriving(self, node: Node, port: str) -> str:
        return self._sum(self.graph.into.get(Port(node.id, port), ()))

    def _sum(self, edges: tuple[Edge, ...]) -> str:
        words = " + ".join(self._taken(edge) for edge in edges)
        return f"({words})" if len(edges) > 1 else words

    def _taken(self, edge: Edge) -> str:
        """The value that an edge brings."""
        if edge.src.node in self.graph.input:
            return "x" if self.graph.input[edge.src.node].hold else "step"
        node = self.graph.node[edge.src.node]
        if node.op in NEURONS and edge.src.name in ("s", "spk"):
            heard = "spk" if node.attribute.get("graded") else "s"
            if edge.src.name != heard:
                self._refuse(str(edge), "spikes of 1 of a neuron whose call gives graded ones")
        return self._value(edge.src.node, edge.src.name)

    def _value(self, name: str, port: str) -> str:
        node = self.graph.node.get(name)
        if name not in self.local:
            return "?"  # the layer of a loop, which feeds nothing else
        if node is None or node.op not in NEURONS:
            return self.local[name]
        if node.op == "snntorch.DeltaLeaky" and port == "mem":
            return f"{self.local[name]}_state[0]"
        return f"{self.local[name]}_{SPIKES.get(port, port)}"

    def _last(self) -> str:
        graph, decoder = self.graph, self.graph.decoder
        if decoder is not None and decoder.quantity != "output":
            name, _, state = decoder.quantity.rpartition("/")
            node = graph.node.get(name)
            if node is None or node.op not in NEURONS or state not in ("v", "mem"):
                self._refuse(decoder.quantity, "a decision by a quantity that no call returns")
                return "?"
            return self._value(name, "mem")
        return self._sum(graph.into.get(Port(graph.outputs[0].id, TERMINAL_PORT), ())) if graph.outputs else "?"

    def _decoded(self) -> str:
        decoder = self.graph.decoder
        if decoder is None:
            return ""
        return {"sum": ".sum(0)", "mean": ".mean(0)", "last": "[-1]"}[decoder.reduce]
