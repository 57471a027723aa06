"""Small graphs that the families of files, targets and refusals are made of. Weights follow a formula."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from itertools import pairwise
from typing import Any

import numpy as np
from snnhub.findings import loss
from snnhub.ir.builder import GraphBuilder
from snnhub.ir.graph import Decoder, Graph, Match, Origin, Port, Provenance, Stage
from snnhub.ir.numtype import F32, SPIKE, NumType, Quantisation
from snnhub.ir.tensor import Array
from snnhub.ops.registry import REGISTRY

from snnhub_conformance import building
from snnhub_conformance.building import dense, neurons


def eighths(*shape: int) -> Array:
    """f32 weights -3/8 .. 5/8, whose sums are exact in any order."""
    size = int(np.prod(shape))
    return (((np.arange(size) * 7 + 3) % 9 - 3) / 8).astype(np.float32).reshape(shape)


def even(*shape: int) -> Array:
    """Even i16 weights -40 .. 58, of both signs."""
    size = int(np.prod(shape))
    return (2 * ((np.arange(size) * 17 + 5) % 50 - 20)).astype(np.int16).reshape(shape)


def new(name: str) -> GraphBuilder:
    return GraphBuilder(name, REGISTRY)


def cuba(builder: GraphBuilder, name: str, source: Port, **changes: Any) -> Port:
    """Loihi's neurons; parameters by their names in files, and ``reset``."""
    names = {"vThMant": "vth", "iDecay": "i_decay", "vDecay": "v_decay"}
    return building.cuba(builder, name, source, **{names.get(key, key): value for key, value in changes.items()})


def spiking(sizes: Sequence[int] = (3, 2), input_type: NumType = F32) -> Graph:
    """Dense layers ``d0`` … of IF neurons ``n0`` …; the output is averaged."""
    builder = new("spiking")
    port = builder.input((sizes[0],), input_type)
    for index, (before, after) in enumerate(pairwise(sizes)):
        port = neurons(builder, f"n{index}", dense(builder, f"d{index}", port, eighths(after, before)))
    builder.output(port)
    return builder.graph(decoder=Decoder("mean"))


def loihi(sizes: Sequence[int] = (3, 2), **changes: Any) -> Graph:
    """Dense layers of Loihi neurons, one step per synapse."""
    builder = new("loihi")
    port = builder.input((sizes[0],), SPIKE)
    for index, (before, after) in enumerate(pairwise(sizes)):
        port = cuba(builder, f"n{index}", dense(builder, f"d{index}", port, even(after, before), 1), **changes)
    builder.output(port)
    return builder.graph()


def everything() -> Graph:
    """A graph that uses every field of the format."""
    return every_field(loihi((3, 2), reset=(16, 3)))


def every_field(graph: Graph) -> Graph:
    """A graph whose first node is a synapse and whose last one has neurons, with every field of the format set."""
    node, neural = graph.nodes[0], graph.nodes[-1].id
    weight = replace(node.param["weight"], quantisation=Quantisation(Fraction(-1, 3)), recipe="made up")
    nodes = (replace(node.with_params(weight=weight), origin=Origin("test", "1.0", "a.b")), *graph.nodes[1:])
    return replace(
        graph,
        nodes=nodes,
        dt=0.001,
        decoder=Decoder("sum", False, f"{neural}/v"),
        correspondence=(
            Match(Port("x", "s"), Port(neural, "s"), 2, None, (0, 3)),
            Match(Port("y", "v"), Port(neural, "v"), -1, 0.0),
        ),
        findings=(loss("SNN-2103", "n0", "three clipped", old="1", new="2", bound="b", remedy="r"),),
        provenance=Provenance(
            (Stage("import test", "1", (("k", "v"),)), Stage("pass", "2")),
            "net.x",
            hashlib.sha256(b"").hexdigest(),
        ),
    )
