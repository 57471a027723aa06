"""Turns average pooling into weights: of the layer behind it, of the layer before it, or of its own.

Pooling is linear, so pool-then-convolve and convolve-then-pool are convolutions with larger kernels, and a
dense layer behind a pool is a dense layer with repeated weights. Every fold is compared with the original
on random input before it is kept; where borders make it inexact, it is refused.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import prod

import numpy as np

from snnhub.engine.reference import prepare
from snnhub.errors import GraphError
from snnhub.findings import Finding, error, note
from snnhub.ir.analysis import analyse
from snnhub.ir.graph import TERMINAL_PORT, Edge, Graph, Input, Node, Output, Port
from snnhub.ir.numtype import F32
from snnhub.ir.rewrite import Rewriter
from snnhub.ir.rung import Rung
from snnhub.ir.tensor import Array, tensor
from snnhub.passes.base import ALMOST, Pass, PassContext, PassResult, Promise

TOLERANCE = 2e-5
TRIALS = 4


@dataclass(frozen=True)
class Window:
    """The geometry of a pooling node, per spatial axis."""

    kernel: tuple[int, ...]
    stride: tuple[int, ...]
    padding: tuple[int, ...]

    @staticmethod
    def of(node: Node) -> Window:
        return Window(*(node.integers(name) for name in ("kernel", "stride", "padding")))

    @property
    def size(self) -> int:
        return prod(self.kernel)


def run(graph: Graph, context: PassContext) -> PassResult:
    """Fold every average pool, last ones first, so that pools in a row fold one after the other."""
    rewriter = Rewriter(graph, context.lookup)
    findings = [_fold(node, rewriter, context) for node in reversed(graph.nodes) if node.op == "core.AvgPool"]
    return PassResult(rewriter.graph(), rewriter.correspondence(), tuple(findings))


def _fold(pool: Node, rewriter: Rewriter, context: PassContext) -> Finding:
    refused = _refused(pool)
    after = rewriter.out_of(pool.id)
    if refused or len(after) != 1 or after[0].delay or len(rewriter.into(pool.id)) != 1:
        return _refuse(pool, refused or "it is connected to more than one layer, or with a delay")
    follower = rewriter.nodes.get(after[0].dst.node)
    try:
        if follower is not None and follower.op == "core.Conv":
            return _forward_conv(pool, follower, rewriter, context)
        if follower is not None and follower.op in ("core.Flatten", "core.Dense"):
            return _forward_dense(pool, follower, rewriter, context)
        before = rewriter.nodes.get(rewriter.into(pool.id)[0].src.node)
        if before is not None and before.op == "core.Conv" and len(rewriter.out_of(before.id)) == 1:
            return _backward_conv(before, pool, rewriter, context)
        return _own_weights(pool, rewriter, context)
    except _InexactError as problem:
        return _refuse(pool, str(problem))


class _InexactError(Exception):
    """The fold would not compute the same."""


def _refuse(pool: Node, reason: str) -> Finding:
    return error(
        "SNN-2003",
        pool.id,
        f"average pooling cannot be folded exactly: {reason}",
        remedy="Use a strided convolution, or a pool without padding whose stride divides its input.",
    )


def _refused(pool: Node) -> str:
    if pool.attribute["ceil_mode"]:
        return "ceil_mode makes windows of different sizes"
    if any(pool.integers("padding")) and not pool.attribute["count_include_pad"]:
        return "count_include_pad=False makes windows of different sizes"
    return ""


def _forward_conv(pool: Node, conv: Node, rewriter: Rewriter, context: PassContext) -> Finding:
    """Pool then conv: each tap of the kernel becomes a window of taps."""
    window, weight = Window.of(pool), conv.param["weight"].array.astype(np.float64)
    strides, paddings, dilations = (conv.integers(n) for n in ("stride", "padding", "dilation"))
    for axis in range(2, weight.ndim):
        weight = _spread_taps(weight, axis, dilations[axis - 2] * window.stride[axis - 2], window.kernel[axis - 2])
    changes = {
        "stride": tuple(a * b for a, b in zip(strides, window.stride, strict=True)),
        "padding": tuple(a * b + c for a, b, c in zip(paddings, window.stride, window.padding, strict=True)),
        "dilation": (1,) * len(strides),
    }
    new = _with(conv, weight / window.size, changes, f"{pool.id} folded into the kernel")
    _prove([pool, conv], [new], rewriter, context)
    rewriter.put(new)
    rewriter.bypass(pool.id)
    return _noted(pool, conv, new)


def _backward_conv(conv: Node, pool: Node, rewriter: Rewriter, context: PassContext) -> Finding:
    """Conv then pool: the kernel, summed over the positions of a window."""
    window, weight = Window.of(pool), conv.param["weight"].array.astype(np.float64)
    if any(window.padding):
        raise _InexactError("a padded pool behind a convolution averages zeros that no convolution gives")
    strides, dilations = (conv.integers(n) for n in ("stride", "dilation"))
    for axis in range(2, weight.ndim):
        weight = _dilate(weight, axis, dilations[axis - 2])
        weight = _spread_taps(weight, axis, 1, window.kernel[axis - 2], strides[axis - 2])
    changes = {
        "stride": tuple(a * b for a, b in zip(strides, window.stride, strict=True)),
        "dilation": (1,) * len(strides),
    }
    new = _with(conv, weight / window.size, changes, f"{pool.id} folded into the kernel")
    _prove([conv, pool], [new], rewriter, context)
    rewriter.put(new)
    rewriter.bypass(pool.id)
    rewriter.drop(Port(conv.id, "y"))
    rewriter.match(Port(pool.id, "y"), Port(conv.id, "y"))
    return _noted(pool, conv, new)


def _forward_dense(pool: Node, follower: Node, rewriter: Rewriter, context: PassContext) -> Finding:
    """pool, flatten, dense: every weight is spread over the window that it stood for."""
    flatten = follower if follower.op == "core.Flatten" else None
    edges = rewriter.out_of(flatten.id) if flatten is not None else []
    dense = rewriter.nodes.get(edges[0].dst.node) if len(edges) == 1 and not edges[0].delay else None
    if flatten is None or dense is None or dense.op != "core.Dense":
        raise _InexactError("it is not followed by a convolution, a neuron, or a flatten and one dense layer")
    source = rewriter.into(pool.id)[0].src
    shapes = analyse(rewriter.graph(), context.lookup).shapes
    inner, outer = shapes[source], shapes[Port(pool.id, "y")]
    weight = dense.param["weight"].array.astype(np.float64).reshape(-1, *outer)
    window, spread = Window.of(pool), np.zeros((weight.shape[0], *inner))
    for place in np.ndindex(*outer[1:]):
        start = [p * s - q for p, s, q in zip(place, window.stride, window.padding, strict=True)]
        area = tuple(slice(max(a, 0), a + k) for a, k in zip(start, window.kernel, strict=True))
        spread[(slice(None), slice(None), *area)] += weight[(slice(None), slice(None), *place)][
            (..., *[None] * len(place))
        ]
    new = _with(dense, spread.reshape(weight.shape[0], -1) / window.size, {}, f"{pool.id} folded into the weights")
    wider = replace(flatten, attributes=(("end", len(inner) - 1), ("start", 0)))
    _prove([pool, flatten, dense], [wider, new], rewriter, context)
    rewriter.put(new)
    rewriter.bypass(pool.id)
    rewriter.drop(Port(flatten.id, "y"))
    return _noted(pool, dense, new)


def _own_weights(pool: Node, rewriter: Rewriter, context: PassContext) -> Finding:
    """A pool between two neurons is a convolution of each channel by itself, all weights equal."""
    source = rewriter.into(pool.id)[0].src
    channels = analyse(rewriter.graph(), context.lookup).shapes[source][0]
    window = Window.of(pool)
    weight = np.full((channels, 1, *window.kernel), np.float32(1) / np.float32(window.size), np.float32)
    new = Node(
        pool.id,
        "core.Conv",
        1,
        (
            ("bias", False),
            ("accumulate", "exact"),
            ("stride", window.stride),
            ("padding", window.padding),
            ("dilation", (1,) * len(window.kernel)),
            ("groups", channels),
        ),
        (("weight", tensor(weight).described(f"1 / {window.size}, rounded to f32")),),
        origin=pool.origin,
    )
    _prove([pool], [new], rewriter, context)
    rewriter.put(new)
    return note(
        "SNN-2004",
        pool.id,
        "became a convolution of each channel by itself",
        new=f"weight 1/{window.size}",
        bound=_rounding(weight.astype(np.float64), np.full_like(weight, 1 / window.size, np.float64)),
    )


def _spread_taps(weight: Array, axis: int, gap: int, size: int, step: int = 1) -> Array:
    """Put tap u at ``u * gap`` and let it cover ``size`` taps ``step`` apart, along one axis."""
    taps = weight.shape[axis]
    shape = list(weight.shape)
    shape[axis] = (taps - 1) * gap + (size - 1) * step + 1
    result, source = np.zeros(shape), np.moveaxis(weight, axis, 0)
    target = np.moveaxis(result, axis, 0)
    for tap in range(taps):
        for offset in range(size):
            target[tap * gap + offset * step] += source[tap]
    return result


def _dilate(weight: Array, axis: int, gap: int) -> Array:
    return _spread_taps(weight, axis, gap, 1)


def _with(node: Node, weight: Array, changes: dict[str, tuple[int, ...]], recipe: str) -> Node:
    new = tensor(weight.astype(np.float32)).described(f"{recipe}, rounded to f32")
    attributes = tuple({**node.attribute, **changes}.items())
    return replace(node.with_params(weight=new), attributes=attributes)


def _noted(pool: Node, old: Node, new: Node) -> Finding:
    return note(
        "SNN-2004",
        pool.id,
        f"folded into {old.id}",
        old=f"kernel {list(old.param['weight'].shape)}",
        new=f"kernel {list(new.param['weight'].shape)}",
        bound="one f32 rounding per weight; compared on random input",
    )


def _rounding(stored: Array, wanted: Array) -> str:
    return f"weight error {float(np.abs(stored - wanted).max()):.2g}"


def _prove(old: list[Node], new: list[Node], rewriter: Rewriter, context: PassContext) -> None:
    """Compare both chains on random spikes; raise if shapes or values differ."""
    analysis = analyse(rewriter.graph(), context.lookup)
    source = rewriter.into(old[0].id)[0].src
    shape = analysis.shapes[source]
    stimulus = (np.random.default_rng(0).random((TRIALS, *shape)) < 0.5).astype(np.float32)
    try:
        results = [
            prepare(_chain(nodes, shape), context.lookup).run(stimulus)[0]["output"] for nodes in (old, new)
        ]
    except GraphError as problem:
        raise _InexactError(str(problem)) from None
    if results[0].shape != results[1].shape:
        raise _InexactError(f"output {list(results[1].shape[1:])} instead of {list(results[0].shape[1:])}")
    largest = float(np.abs(results[0] - results[1]).max(initial=0.0))
    if largest > TOLERANCE * max(1.0, float(np.abs(results[0]).max(initial=0.0))):
        raise _InexactError(f"borders differ by {largest:.3g}")


def _chain(nodes: list[Node], shape: tuple[int, ...]) -> Graph:
    names = ["input", *(node.id for node in nodes), "output"]
    ports = [Port("input", TERMINAL_PORT), *(Port(node.id, "y") for node in nodes)]
    edges = tuple(
        Edge(port, Port(name, "x" if name != "output" else TERMINAL_PORT))
        for port, name in zip(ports, names[1:], strict=True)
    )
    return Graph("fold", tuple(nodes), edges, (Input("input", shape, F32),), (Output("output"),))


FOLD_POOL = Pass(
    "fold average pooling", 1, Promise(Rung.BOUNDED, ALMOST), "average pooling becomes weights", run, tolerant=True
)
