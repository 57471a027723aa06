"""The leak of Xylo's potentials in floats, to measure what it does to neurons that leak less. No registered op.

The chip takes 2^-dash of a potential per step, and at least 1 unit, until 0 is reached. How large a unit is
depends on scales that are chosen later; it is taken to be the largest weight of a neuron over 127.
"""

from __future__ import annotations

import numpy as np
from snnhub.ir.graph import Graph, Node
from snnhub.ir.numtype import F32
from snnhub.ir.op import Parameter, StepOp
from snnhub.ir.program import Slot, State
from snnhub.ir.tensor import Array, tensor
from snnhub.ir.trace import Namespace, Step, Value, maximum, where
from snnhub.ops.neuron import COMPARE, V_THRESHOLD, fire

from snnhub_xylo.neuron_numbers import Numbers

LEVELS = 127
"""Largest weight of the chip."""


def _leaking(x: Value, state: Namespace, param: Namespace, *, compare: str) -> Step:
    v, u = state.v, state.u * param.u_factor + x
    lost = maximum(abs(v) * param.part, param.unit)
    kept = where(abs(v) <= lost, 0.0, where(v > 0.0, v - lost, v + lost))
    h = kept + u + param.bias
    s = fire(h, param, compare)
    return {"u": u, "v": where(s, h - param.v_threshold, h)}, {"s": s}


OP = StepOp(
    "xylo.UnitLeak",
    1,
    "Leaky integrate and fire whose potential loses a part per step, and at least a unit.",
    _leaking,
    lambda _: (Slot("x", F32),),
    lambda _: (State("u", F32, 0.0), State("v", F32, 0.0)),
    lambda _: (
        V_THRESHOLD,
        Parameter("u_factor", "factor of the current per step", F32),
        Parameter("part", "part of the potential lost per step", F32),
        Parameter("unit", "least that is lost per step", F32),
        Parameter("bias", "added per step", F32),
    ),
    (COMPARE,),
)


def unit_leak(node: Node, unit: Array, found: Numbers, made_up: bool) -> Node:
    """A neuron with its own current and the chip's leak. ``made_up``: with a bias of 1, which makes up for the
    unit while the potential is above 0, and doubles it below.
    """
    attributes = {"compare": node.attribute["compare"]}
    params = {
        "v_threshold": node.param["v_threshold"],
        "u_factor": tensor(found.wanted_factor, "float32"),
        "part": tensor(1 - found.alpha, "float32"),
        "unit": tensor(unit, "float32"),
        "bias": tensor(unit if made_up else np.zeros_like(unit), "float32"),
    }
    pairs = tuple(attributes.items())
    return Node(node.id, OP.name, 1, pairs, tuple(params.items()), OP.program(attributes), node.origin)


def units(graph: Graph, node: Node, found: Numbers) -> Array:
    """A unit of each neuron's potential, if the largest of its weights becomes 127."""
    sources = [graph.node[edge.src.node] for edge in graph.feeding(node.id)]
    arrays = [source.param["weight"].array for source in sources]
    rows = [np.abs(array).reshape(array.shape[0], -1).max(axis=1, initial=0.0) for array in arrays]
    largest = (np.max(rows, axis=0).astype(np.float64) / LEVELS).reshape(-1, *[1] * (arrays[0].ndim - 2))
    return np.asarray(largest * found.gain)
