"""Small networks that the contracts use where a plugin brings none of its own."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
from snnhub.ir.builder import GraphBuilder
from snnhub.ir.graph import Decoder, Graph, Origin
from snnhub.ir.numtype import F32, NumType
from snnhub.ir.op import StepOp
from snnhub.ir.program import Program, Slot, State
from snnhub.ir.tensor import Array, tensor
from snnhub.ops.registry import REGISTRY, Registry

SIZES = (6, 5, 4)
STEPS, SAMPLES = 12, 3


def feedforward() -> Graph:
    """Two dense layers of ``core.IF`` neurons. Weights are quarters, so that no order of summation matters."""
    random = np.random.default_rng(20261121)
    builder = GraphBuilder("sample", REGISTRY)
    port = builder.input(SIZES[:1], F32)
    for layer, (before, after) in enumerate(pairwise(SIZES)):
        weight = (random.integers(-2, 6, (after, before)) / 4).astype(np.float32)
        params = {"weight": tensor(weight)}
        port = builder.node(
            f"fc{layer}",
            "core.Dense",
            port,
            params=params,
            origin=Origin("sample", "", f"fc{layer}"),
            bias=False,
            accumulate="exact",
            shift=0,
        )
        numbers = {"v_threshold": tensor(1.0, "float32"), "v_reset": tensor(0.0, "float32")}
        origin = Origin("sample", "", f"n{layer}")
        port = builder.node(
            f"n{layer}", "core.IF", port, params=numbers, origin=origin, reset="value", compare="ge"
        )
    builder.output(port)
    return builder.graph(decoder=Decoder("sum"))


def unheard_of() -> Graph:
    """A network with an op of a domain that nobody has: its program travels with it, its name means nothing."""
    op = StepOp(
        "unheard.Of",
        1,
        "Fires when its input does.",
        lambda x, state, param: ({"v": x}, {"s": x > 0.5}),
        lambda _: (Slot("x", F32),),
        lambda _: (State("v", F32, 0.0),),
        lambda _: (),
    )
    builder = GraphBuilder("unheard", Registry([*REGISTRY.all(), op]))
    builder.output(builder.node("strange", "unheard.Of", builder.input((3,), F32)))
    return builder.graph()


def events(shape: tuple[int, ...], type_: NumType, steps: int = STEPS, samples: int = SAMPLES) -> Array:
    """Random 0/1 input (time, batch, features…) in the type of a graph input."""
    random = np.random.default_rng(7)
    return (random.random((steps, samples, *shape)) < 0.5).astype(type_.numpy)


def with_foreign_program(graph: Graph) -> Graph | None:
    """The network with one step program that is not what its op expands to; None where it has no step op."""
    for number, node in enumerate(graph.nodes):
        schema = REGISTRY(node.op, node.version)
        if node.program is None or not isinstance(schema, StepOp):
            continue
        other = _other(node.program)
        nodes = (*graph.nodes[:number], replace(node, program=other), *graph.nodes[number + 1 :])
        return replace(graph, nodes=nodes)
    return None


def _other(program: Program) -> Program:
    """The same program, but that its first state begins elsewhere."""
    first, *rest = program.states
    return replace(program, states=(replace(first, init=1 if first.type.is_int else 0.5), *rest))
