"""A lowered graph seen as NetX sees networks: one chain of blocks, each a synapse and its neurons."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod

from snnhub.findings import Finding, error
from snnhub.ir.analysis import analyse
from snnhub.ir.graph import TERMINAL_PORT, Edge, Graph, Node, Port
from snnhub.ops.registry import REGISTRY

NEURON = "loihi.CubaLIF"
SYNAPSES = {"core.Dense": "dense", "core.Conv": "conv"}
MAX_DELAY = 62


@dataclass(frozen=True)
class InputBlock:
    """The graph input, with neurons of its own or without."""

    shape: tuple[int, ...]
    neuron: Node | None = None
    kind: str = "input"

    @property
    def nodes(self) -> tuple[tuple[str, Node], ...]:
        """Its nodes with what their ids in a NetX graph add to ``layer<i>``."""
        return (("", self.neuron),) if self.neuron is not None else ()


@dataclass(frozen=True)
class FlattenBlock:
    """A change of shape between a spatial and a dense layer. ``size``: number of elements."""

    node: Node
    size: int
    kind: str = "flatten"

    @property
    def nodes(self) -> tuple[tuple[str, Node], ...]:
        return (("", self.node),)


@dataclass(frozen=True)
class LayerBlock:
    """A synapse and its neurons. ``kind``: conv, dense or dense_rec. ``delay``: steps beyond the one of every
    synapse. ``shape``: of the neurons.
    """

    kind: str
    synapse: Node
    neuron: Node
    shape: tuple[int, ...]
    recurrent: Node | None = None
    delay: int = 0

    @property
    def nodes(self) -> tuple[tuple[str, Node], ...]:
        loop = (("/synapse_rec", self.recurrent),) if self.recurrent is not None else ()
        return (("/synapse", self.synapse), ("", self.neuron), *loop)


Block = InputBlock | FlattenBlock | LayerBlock


class Chain:
    """Walks a graph from its input to its output. ``blocks`` is the result; ``findings`` say what does not fit."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.shapes = analyse(graph, REGISTRY).shapes
        self.blocks: list[Block] = []
        self.findings: list[Finding] = []
        self._seen: set[str] = set()
        if len(graph.inputs) != 1 or len(graph.outputs) != 1:
            self._refuse(
                graph.name,
                f"NetX has one input and one output, found {len(graph.inputs)} and {len(graph.outputs)}",
            )
            return
        self._walk(Port(graph.inputs[0].id, TERMINAL_PORT))
        left = [node.id for node in graph.nodes if node.id not in self._seen]
        if left and not self.findings:
            self._refuse(left[0], f"not on the chain from input to output: {', '.join(left[:5])}")

    @property
    def first(self) -> int:
        """Index of the first block in the file: 1 if the input needs no layer, as in files that begin with a
        dense layer and whose graphs are named so; else 0.
        """
        following = self.blocks[1] if len(self.blocks) > 1 else None
        plain = isinstance(following, LayerBlock) and following.kind != "conv"
        return int(plain and following is not None and following.nodes[0][1].id == "layer0/synapse")

    def numbered(self) -> list[tuple[int, Block]]:
        """The blocks that have a layer in the file, with its index."""
        return list(enumerate(self.blocks[self.first :]))

    def _refuse(self, place: str, message: str, remedy: str = "") -> None:
        self.findings.append(error("SNN-4101", place, message, remedy=remedy))

    def _walk(self, port: Port) -> None:
        item = self.graph.inputs[0]
        first = self._only(port)
        if (
            first is not None
            and first.dst.node in self.graph.node
            and self.graph.node[first.dst.node].op == NEURON
        ):
            neuron = self._take(first.dst.node)
            if first.delay:
                self._refuse(str(first), "an input neuron is reached without delay")
            self.blocks.append(InputBlock(item.shape, neuron))
            port = Port(neuron.id, "s")
        else:
            self.blocks.append(InputBlock(item.shape))
        edge = self._only(port)
        while edge is not None and edge.dst.node not in (output.id for output in self.graph.outputs):
            following = self._block(edge)
            if following is None:
                return
            edge = self._only(following)
        if edge is not None and edge.delay:
            self._refuse(str(edge), "NetX has no delay on the output")

    def _take(self, name: str) -> Node:
        self._seen.add(name)
        return self.graph.node[name]

    def _only(self, port: Port) -> Edge | None:
        """The one edge that leads on from ``port``; loops back into the same neuron do not count."""
        edges = [edge for edge in self.graph.out_of.get(port, ()) if not self._loops_back(edge, port.node)]
        if len(edges) != 1:
            names = ", ".join(edge.dst.node for edge in edges) or "nothing"
            self._refuse(
                port.node,
                f"NetX is a chain, and {port} leads to {names}",
                "Branches and residual connections cannot be written.",
            )
            return None
        return edges[0]

    def _loops_back(self, edge: Edge, neuron: str) -> bool:
        if neuron not in self.graph.node or self.graph.node[neuron].op != NEURON:
            return False
        return any(back.dst.node == neuron for back in self.graph.fed_by(edge.dst.node))

    def _block(self, edge: Edge) -> Port | None:
        node = self._take(edge.dst.node)
        if node.op == "core.Flatten":
            if edge.delay:
                self._refuse(str(edge), "a delay belongs on the edge into a synapse")
            size = prod(self.shapes[Port(node.id, "y")])
            self.blocks.append(FlattenBlock(node, size))
            return Port(node.id, "y")
        if node.op not in SYNAPSES:
            self._refuse(node.id, f"NetX has no layer for {node.kind}")
            return None
        out = self._only(Port(node.id, "y"))
        if out is None:
            return None
        if self.graph.node.get(out.dst.node, node).op != NEURON or out.delay:
            self._refuse(node.id, "a synapse must lead to a Loihi neuron without delay")
            return None
        neuron = self._take(out.dst.node)
        kind, delay = SYNAPSES[node.op], edge.delay - 1
        recurrent = self._recurrent(neuron, node)
        if recurrent is not None and kind != "dense":
            self._refuse(recurrent.id, "only dense layers can be recurrent in NetX")
        limit = MAX_DELAY if kind == "dense" and recurrent is None else 0
        if not 0 <= delay <= limit:
            self._refuse(str(edge), f"found delay {edge.delay}, allowed 1 .. {limit + 1}")
        shape = self.shapes[Port(neuron.id, "s")]
        kind = "dense_rec" if recurrent is not None else kind
        self.blocks.append(LayerBlock(kind, node, neuron, shape, recurrent, delay))
        return Port(neuron.id, "s")

    def _recurrent(self, neuron: Node, synapse: Node) -> Node | None:
        others = [edge for edge in self.graph.into[Port(neuron.id, "a")] if edge.src.node != synapse.id]
        if not others:
            return None
        back = self.graph.node.get(others[0].src.node)
        feeding = self.graph.feeding(back.id) if back is not None else ()
        fits = (
            len(others) == 1
            and back is not None
            and back.op == "core.Dense"
            and others[0].delay == 0
            and [(edge.src, edge.delay) for edge in feeding] == [(Port(neuron.id, "s"), 1)]
        )
        if not fits:
            self._refuse(
                neuron.id, "several edges meet here; NetX knows one synapse and one recurrent dense of delay 1"
            )
            return None
        return self._take(others[0].src.node)
