"""A lowered graph seen as NetX sees networks: one chain of blocks, each a synapse and its neurons."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import prod

import numpy as np
from snnhub.findings import Finding, error
from snnhub.ir.analysis import analyse
from snnhub.ir.graph import TERMINAL_PORT, Edge, Graph, Node, Port
from snnhub.ir.tensor import Array
from snnhub.ops.registry import REGISTRY

from snnhub_netx import sigma_delta_group
from snnhub_netx.complex_block import ComplexBlock, complex_block, resonator_of
from snnhub_netx.delays import MAX_DELAY, merge, overlapping

CUBA = "loihi.CubaLIF"
NEURONS = (CUBA, *sigma_delta_group.NEURONS)
SYNAPSES = {"core.Dense": "dense", "core.Conv": "conv"}


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
    """Synapses and their neurons. ``kind``: conv, dense or dense_rec. ``shape``: of the neurons.

    ``synapses``: one node, or where delays differ one per delay. ``delays``: steps beyond the one that
    every synapse takes.
    """

    kind: str
    synapses: tuple[Node, ...]
    delays: tuple[int, ...]
    neuron: Node
    shape: tuple[int, ...]
    recurrent: Node | None = None

    @property
    def nodes(self) -> tuple[tuple[str, Node], ...]:
        loop = (("/synapse_rec", self.recurrent),) if self.recurrent is not None else ()
        if len(self.synapses) == 1:
            return (("/synapse", self.synapses[0]), ("", self.neuron), *loop)
        parts = tuple((f"/synapse_d{d}", node) for d, node in zip(self.delays, self.synapses, strict=True))
        return (*parts, ("", self.neuron), *loop)

    @property
    def synapse(self) -> Node:
        """The first synapse: the only one, unless delays differ."""
        return self.synapses[0]

    def parts(self, nodes: Mapping[str, Node] | None = None) -> list[tuple[int, Array]]:
        """Delay and weights of every synapse; of ``nodes`` with the same ids, if given."""
        now = [nodes[node.id] if nodes else node for node in self.synapses]
        weights = [node.param["weight"].array.astype(np.int64) for node in now]
        return list(zip(self.delays, weights, strict=True))

    def matrices(self, nodes: Mapping[str, Node]) -> list[tuple[str, Array, Array | None]]:
        """What Lava packs together: the id of the first synapse, the weights of all, and the recurrent ones."""
        back = nodes[self.recurrent.id].param["weight"].array.astype(np.int64) if self.recurrent else None
        return [(self.synapse.id, self.weight(nodes), back)]

    def weight(self, nodes: Mapping[str, Node] | None = None) -> Array:
        """The matrix (out, in) or the kernel of all synapses together, as it stands in the file."""
        return merge(self.parts(nodes))[0]


Block = InputBlock | FlattenBlock | LayerBlock | ComplexBlock


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
        return int(plain and following is not None and following.nodes[0][1].id.startswith("layer0/synapse"))

    def numbered(self) -> list[tuple[int, Block]]:
        """The blocks that have a layer in the file, with its index."""
        return list(enumerate(self.blocks[self.first :]))

    def _refuse(self, place: str, message: str, remedy: str = "") -> None:
        self.findings.append(error("SNN-4101", place, message, remedy=remedy))

    def _walk(self, port: Port) -> None:
        item = self.graph.inputs[0]
        first = next(iter(self.graph.out_of.get(port, ())), None)
        if first is not None and self._op(first.dst.node) in NEURONS:
            neuron = self._take(first.dst.node)
            if first.delay:
                self._refuse(str(first), "an input neuron is reached without delay")
            self._onward(port)
            self.blocks.append(InputBlock(item.shape, neuron))
            port = Port(neuron.id, "s")
        else:
            self.blocks.append(InputBlock(item.shape))
        edges = self._onward(port)
        while edges and edges[0].dst.node not in (output.id for output in self.graph.outputs):
            following = self._block(edges)
            if following is None:
                return
            edges = self._onward(following)
        if edges and edges[0].delay:
            self._refuse(str(edges[0]), "NetX has no delay on the output")

    def _take(self, name: str) -> Node:
        self._seen.add(name)
        return self.graph.node[name]

    def _op(self, name: str) -> str:
        return self.graph.node[name].op if name in self.graph.node else ""

    def _onward(self, port: Port) -> tuple[Edge, ...]:
        """The edge that leads on from ``port``, or the edges into synapses of the same neurons, which differ in
        delay; loops back into the same neuron do not count. Nothing, and a finding, where ways part.
        """
        edges = [edge for edge in self.graph.out_of.get(port, ()) if not self._loops_back(edge, port.node)]
        targets = {
            out.dst.node
            for edge in edges
            for out in (self.graph.fed_by(edge.dst.node) if self._op(edge.dst.node) == "core.Dense" else ())
        }
        parallel = len(targets) == 1 and all(len(self.graph.fed_by(edge.dst.node)) == 1 for edge in edges)
        if len(edges) != 1 and not (parallel and len({edge.dst.node for edge in edges}) == len(edges) > 1):
            names = ", ".join(edge.dst.node for edge in edges) or "nothing"
            self._refuse(
                port.node,
                f"NetX is a chain, and {port} leads to {names}",
                "Branches and residual connections cannot be written.",
            )
            return ()
        return tuple(sorted(edges, key=lambda edge: edge.delay))

    def _loops_back(self, edge: Edge, neuron: str) -> bool:
        if neuron not in self.graph.node or self.graph.node[neuron].op not in NEURONS:
            return False
        return any(back.dst.node == neuron for back in self.graph.fed_by(edge.dst.node))

    def _complex(self, edges: tuple[Edge, ...], neuron: Node) -> Port | None:
        block, found = complex_block(self.graph, edges, neuron, self.shapes[Port(neuron.id, "s")])
        self.findings += found
        if block is None:
            return None
        for _, node in block.nodes:
            self._take(node.id)
        self.blocks.append(block)
        return Port(neuron.id, "s")

    def _block(self, edges: tuple[Edge, ...]) -> Port | None:
        resonator = resonator_of(self.graph, edges)
        if resonator is not None:
            return self._complex(edges, resonator)
        nodes = tuple(self._take(edge.dst.node) for edge in edges)
        edge, node = edges[0], nodes[0]
        if node.op == "core.Flatten":
            if edge.delay:
                self._refuse(str(edge), "a delay belongs on the edge into a synapse")
            size = prod(self.shapes[Port(node.id, "y")])
            self.blocks.append(FlattenBlock(node, size))
            return Port(node.id, "y")
        if node.op not in SYNAPSES:
            self._refuse(node.id, f"NetX has no layer for {node.kind}")
            return None
        outs = [out for part in nodes for out in self._onward(Port(part.id, "y"))]
        if len(outs) != len(nodes):
            return None
        if self._op(outs[0].dst.node) not in NEURONS or any(out.delay for out in outs):
            self._refuse(node.id, "a synapse must lead to a Loihi neuron without delay")
            return None
        neuron = self._take(outs[0].dst.node)
        recurrent = self._recurrent(neuron, nodes)
        kind = SYNAPSES[node.op]
        if recurrent is not None and kind != "dense":
            self._refuse(recurrent.id, "only dense layers can be recurrent in NetX")
        self._check_delays(edges, MAX_DELAY if kind == "dense" and recurrent is None else 0)
        block = LayerBlock(
            "dense_rec" if recurrent is not None else kind,
            nodes,
            tuple(edge.delay - 1 for edge in edges),
            neuron,
            self.shapes[Port(neuron.id, "s")],
            recurrent,
        )
        self._check_parts(block)
        self.blocks.append(block)
        return Port(neuron.id, "s")

    def _check_parts(self, block: LayerBlock) -> None:
        if len(block.synapses) == 1:
            return
        names = ", ".join(part.id for part in block.synapses)
        if len(set(block.delays)) < len(block.delays) or overlapping(block.parts()):
            self._refuse(
                block.neuron.id, f"NetX has one synapse between two neurons, and several lead here: {names}"
            )
        for part, (_, weight) in zip(block.synapses, block.parts(), strict=True):
            if not weight.any():
                self._refuse(part.id, f"a synapse without weights beside others: {names}", "Remove it.")

    def _check_delays(self, edges: tuple[Edge, ...], limit: int) -> None:
        for edge in edges:
            if not 0 <= edge.delay - 1 <= limit:
                self._refuse(str(edge), f"found delay {edge.delay}, allowed 1 .. {limit + 1}")

    def _recurrent(self, neuron: Node, synapses: tuple[Node, ...]) -> Node | None:
        forward = {synapse.id for synapse in synapses}
        others = [edge for edge in self.graph.into[Port(neuron.id, "a")] if edge.src.node not in forward]
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
