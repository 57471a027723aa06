"""Transforms that Loihi has no layer for become weights: of a convolution where that is exact, else of a matrix.

Zero padding goes into the convolution behind it, a global average is a convolution over the whole image, channel
by channel, and sum pooling one with equal weights. Everything else that is linear (reshapes and permutations
before a dense layer, unpooling, transposed convolutions, unequal windows) is a dense matrix, if it is small:
its columns are what the transforms make of unit vectors. Its neurons have one axis then, and whatever follows them
becomes a matrix as well, since nothing gives a shape back to spikes.

Every rewrite is compared with what it replaces on random spikes: integers in bits, floats up to their rounding.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from snnhub.engine.reference import prepare
from snnhub.errors import GraphError
from snnhub.findings import Finding, error, info, note
from snnhub.ir.analysis import Analysis, analyse
from snnhub.ir.graph import AttributeValue, Edge, Graph, Node, Port
from snnhub.ir.numtype import F32, SPIKE
from snnhub.ir.op import OpLookup
from snnhub.ir.rewrite import Rewriter
from snnhub.ir.rung import Rung
from snnhub.ir.tensor import Array, smallest_integer, tensor
from snnhub.passes.base import ALMOST, PassContext, PassResult, Promise, unchanged

from snnhub_loihi.stretch import Stretch, affine, chain, stretches

LARGEST = 2**22
"""Weights of a matrix, zeros included: beyond, a rewrite is refused (16 MiB in a NetX file)."""
TOLERANCE = 2e-5
TRIALS = 4
SPATIAL = 3
DONE, REFUSED = "SNN-2143", "SNN-2144"


class _InexactError(Exception):
    """The rewrite would not compute the same."""


def run(graph: Graph, context: PassContext) -> PassResult:
    """Rewrite stretch by stretch, from the input on."""
    if not any(item.awkward for item in stretches(graph, context.lookup)):
        return unchanged(graph, context)
    work = _Work(graph, context.lookup)
    for item in stretches(graph, context.lookup):
        if item.awkward or item.source.node in work.flat:
            work.take(item)
    whole = work.rewriter.graph()
    exact = all(not node.param["weight"].type.is_float for node in whole.nodes if node.id in work.made)
    promise = Promise(Rung.BITS) if exact else Promise(Rung.BOUNDED, ALMOST)
    return PassResult(whole, work.rewriter.correspondence(), tuple(work.findings), promise)


class _Work:
    """What was rewritten so far. ``flat``: neurons that have one axis now; ``made``: nodes with new weights."""

    def __init__(self, graph: Graph, lookup: OpLookup) -> None:
        self.graph, self.lookup = graph, lookup
        self.analysis: Analysis = analyse(graph, lookup)
        self.rewriter = Rewriter(graph, lookup)
        self.findings: list[Finding] = []
        self.flat: set[str] = set()
        self.made: set[str] = set()

    def take(self, item: Stretch) -> None:
        """Rewrite one stretch, or leave it as it is: what Loihi does not have is refused later, all at once."""
        if not self._alone(item):
            return
        shape = self.analysis.shapes[item.source]
        try:
            kept = _as_conv(item, shape, self._integer(item)) if item.source.node not in self.flat else None
            if kept is not None:
                _prove(item, (kept,), shape, self._integer(item), self.lookup)
                self._put(item, kept)
                weight = list(kept.param["weight"].shape)
                self._note(item, f"convolution with kernel {weight}, {kept.attribute['groups']} groups")
            elif problem := self._no_matrix(item):
                self._leave(item, problem)
            else:
                self._dense(item, shape)
        except (_InexactError, GraphError) as problem_found:
            self._leave(item, str(problem_found))

    def _alone(self, item: Stretch) -> bool:
        return item.linear and len(self.graph.feeding(item.neuron)) == 1

    def _no_matrix(self, item: Stretch) -> str:
        """Why a stretch cannot be a matrix, or what follows its neurons cannot; empty if all of it can."""
        if not self._alone(item):
            return f"{item.nodes[0].id} behind it is not linear, or not the only way into {item.neuron}"
        made = self.analysis.shapes[Port(item.nodes[-1].id, "y")]
        size = int(np.prod(self.analysis.shapes[item.source])) * int(np.prod(made))
        if size > LARGEST:
            return f"a matrix of {size} weights at {item.nodes[-1].id}, of {LARGEST} at most"
        if len(made) == 1:
            return ""
        ends = {output.id for output in self.graph.outputs}
        following = {other.edges[0]: other for other in stretches(self.graph, self.lookup)}
        for edge in self.graph.fed_by(item.neuron):
            if edge.dst.node not in ends and edge not in following:
                return f"{edge.dst.node} behind it needs the shape of {item.neuron}"
        behind = (following[edge] for edge in self.graph.fed_by(item.neuron) if edge.dst.node not in ends)
        return next((problem for other in behind if (problem := self._no_matrix(other))), "")

    def _integer(self, item: Stretch) -> bool:
        """Whether the neurons take integers, in bits then."""
        return bool(self.analysis.types[Port(item.nodes[-1].id, "y")].is_int)

    def _leave(self, item: Stretch, reason: str) -> None:
        names = ", ".join(node.kind for node in item.nodes if node.op not in ("core.Dense", "core.Conv"))
        told = f"cannot become weights ({names}): {reason}"
        broken = item.source.node in self.flat  # what it takes has lost its shape already
        self.findings.append((error if broken else info)(REFUSED, item.nodes[0].id, told))

    def _note(self, item: Stretch, new: str) -> None:
        exact = "exact" if self._integer(item) else "one f32 rounding per weight"
        old = " then ".join(node.kind for node in item.nodes)
        bound = f"{exact}; compared on random spikes; no neuron more, no step later"
        self.findings.append(note(DONE, item.nodes[-1].id, "became weights", old=old, new=new, bound=bound))

    def _dense(self, item: Stretch, shape: tuple[int, ...]) -> None:
        integer = self._integer(item)
        weight, bias = affine(item.chain(shape, SPIKE if integer else F32), self.lookup)
        if integer and np.abs(weight.astype(np.int64)).sum(axis=1).max(initial=0) >= 2**23:
            raise _InexactError("sums reach beyond 24 bits, where convolutions wrap and matrices do not")
        new = _matrix(item, weight, bias, integer)
        flatten = _flatten(f"{item.nodes[0].id}/flat", len(shape))
        front = () if len(shape) == 1 else (flatten,)
        _prove(item, (*front, new), shape, integer, self.lookup)
        wide = len(shape) > 1 and item.source.node not in self.flat
        self._put(item, new, flatten if wide else None)
        self._flatten_neuron(item.neuron)
        self._note(item, f"matrix {weight.shape[0]} x {weight.shape[1]}, {np.count_nonzero(weight)} synapses")

    def _put(self, item: Stretch, new: Node, flatten: Node | None = None) -> None:
        """Replace the stretch by one node with the id of its last, and a flatten in front where one is needed.

        Delays of the stretch sit on the edge into the weights.
        """
        first, last = item.edges[0], item.nodes[-1]
        position = self.rewriter.edges.index(first)
        gone = {node.id for node in item.nodes}
        self.rewriter.edges = [e for e in self.rewriter.edges if e.dst.node not in gone]
        source = item.source
        if flatten is not None:
            self.rewriter.insert_before(flatten, last.id)
            self.rewriter.edges.insert(position, Edge(source, Port(flatten.id, "x")))
            source, position = Port(flatten.id, "y"), position + 1
        self.rewriter.edges.insert(position, Edge(source, Port(last.id, "x"), item.delay - item.edges[-1].delay))
        for name in gone - {last.id}:
            del self.rewriter.nodes[name]
        self.rewriter.put(new)
        self.made.add(new.id)

    def _flatten_neuron(self, name: str) -> None:
        """Give the neurons one axis: parameters per channel are written out for every neuron."""
        shape = next(iter(self.analysis.shapes[edge.src] for edge in self.graph.feeding(name)))
        if len(shape) == 1:
            return
        self.flat.add(name)
        node = self.rewriter.nodes[name]
        spread = {
            key: replace(
                tensor(
                    np.broadcast_to(value.array, shape).reshape(-1), value.dtype, quantisation=value.quantisation
                ),
                recipe=value.recipe,
            )
            for key, value in node.params
            if value.size > 1
        }
        if spread:
            self.rewriter.put(node.with_params(**spread))


def _as_conv(item: Stretch, shape: tuple[int, ...], integer: bool) -> Node | None:
    """The stretch as one convolution, where it is one."""
    ops = tuple(node.op for node in item.nodes)
    first = item.nodes[0]
    if len(shape) != SPATIAL:
        return None
    if ops == ("core.Pad", "core.Conv") and first.integers("before") == first.integers("after"):
        return _padded(first, item.nodes[1])
    if ops == ("core.SumPool",):
        names = ("kernel", "stride", "padding")
        if first.attribute.get("ceil_mode") or any(name not in first.attribute for name in names):
            return None
        kernel, stride, padding = (first.integers(name) for name in names)
        return _depthwise(first, shape[0], kernel, stride, padding, 1.0, integer)
    if ops == ("core.AdaptiveAvgPool",) and set(first.integers("sizes")) == {1} and not integer:
        return _depthwise(first, shape[0], shape[1:], (1, 1), (0, 0), 1 / (shape[1] * shape[2]), integer)
    return None


def _padded(pad: Node, conv: Node) -> Node | None:
    channels, *around = pad.integers("before")
    if channels:
        return None
    padding = tuple(a + b for a, b in zip(conv.integers("padding"), around, strict=True))
    return replace(conv, attributes=tuple({**conv.attribute, "padding": padding}.items()))


def _depthwise(
    node: Node,
    channels: int,
    kernel: tuple[int, ...],
    stride: tuple[int, ...],
    padding: tuple[int, ...],
    value: float,
    integer: bool,
) -> Node:
    attributes: dict[str, AttributeValue] = {"bias": False, "accumulate": "wrap24" if integer else "exact"}
    attributes |= {"stride": stride, "padding": padding, "dilation": (1,) * len(kernel), "groups": channels}
    weight = np.full((channels, 1, *kernel), value)
    stored = smallest_integer(weight.astype(np.int64)) if integer else tensor(weight.astype(np.float32))
    told = stored.described(f"{value:g} for every entry of a window of {node.kind}")
    return Node(node.id, "core.Conv", 1, tuple(attributes.items()), (("weight", told),), origin=node.origin)


def _matrix(item: Stretch, weight: Array, bias: Array, integer: bool) -> Node:
    last, biased = item.nodes[-1], bool(np.any(bias))
    if integer and biased:
        raise _InexactError("integer synapses have no bias on Loihi")
    recipe = f"what {' then '.join(node.kind for node in item.nodes)} make of unit vectors"
    stored = smallest_integer(weight.astype(np.int64)) if integer else tensor(weight.astype(np.float32))
    params = [("weight", stored.described(recipe))]
    if biased:
        params.append(("bias", tensor(bias.astype(np.float32)).described(f"{recipe}, of zeros")))
    attributes = (("accumulate", "exact"), ("bias", biased), ("shift", 0))
    return Node(last.id, "core.Dense", 1, attributes, tuple(params), origin=last.origin)


def _flatten(name: str, axes: int) -> Node:
    return Node(name, "core.Flatten", 1, (("end", axes - 1), ("start", 0)), ())


def _prove(item: Stretch, new: tuple[Node, ...], shape: tuple[int, ...], integer: bool, lookup: OpLookup) -> None:
    """Old and new on random spikes: equal in bits for integers, up to rounding for floats."""
    type_ = SPIKE if integer else F32
    kind = np.uint8 if integer else np.float32
    x = (np.random.default_rng(0).random((TRIALS, 1, *shape)) < 0.5).astype(kind)
    graphs = item.chain(shape, type_), chain(new, shape, type_)
    old, now = (prepare(graph, lookup).run(x)[0]["output"].reshape(TRIALS, -1) for graph in graphs)
    if old.shape != now.shape:
        raise _InexactError(f"{now.shape[1]} values instead of {old.shape[1]}")
    largest = float(np.abs(old.astype(np.float64) - now).max(initial=0.0))
    if largest > (0 if integer else TOLERANCE * max(1.0, float(np.abs(old).max(initial=0.0)))):
        raise _InexactError(f"differs by {largest:.3g} on random spikes")
