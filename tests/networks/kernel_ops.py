"""A kernel op for tests: a dense layer with a delay for every synapse, and counts of what arrived."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from snnhub.engine.kernels import Context, StatefulKernel
from snnhub.errors import GraphError
from snnhub.ir.builder import GraphBuilder
from snnhub.ir.graph import Graph, Node, Port
from snnhub.ir.numtype import SPIKE, integer, signed
from snnhub.ir.op import Attribute, KernelOp, KernelState, OpLookup, Parameter, Ports, Shapes, Types
from snnhub.ir.tensor import Array, tensor
from snnhub.ops.registry import CORE, Registry

MAX_DELAY = 5
SUM = signed(20)


def _shapes(node: Node, shapes: Shapes) -> Shapes:
    weight = node.param["weight"].shape
    if weight[1:] != shapes["x"]:
        raise GraphError("weight does not fit", found=str(shapes["x"]), allowed=str(weight[1:]))
    return {"y": weight[:1], "busy": ()}


def _types(node: Node, types: Types) -> Types:
    if not SPIKE.holds(types["x"]):
        raise GraphError("takes spikes", found=str(types["x"]), allowed=str(SPIKE))
    return {"y": SUM, "busy": integer(0, 4096)}


def delayed_dense(context: Context) -> StatefulKernel:
    """``line``: the last spikes of each input, newest first. ``seen``: inputs that have ever fired."""
    weight, delay = (context.node.param[name].array.astype(np.int64) for name in ("weight", "delay"))
    masks = [np.where(delay == steps, weight, 0).T for steps in range(MAX_DELAY + 1)]

    def run(inputs: Mapping[str, Array], states: dict[str, Array], wanted: frozenset[str]) -> Mapping[str, Array]:
        x = inputs["x"]
        result = {
            "y": np.zeros((*x.shape[:2], len(weight)), SUM.numpy),
            "busy": np.zeros(x.shape[:2], context.types["busy"].numpy),
        }
        result |= {name: np.empty((len(x), *states[name].shape), states[name].dtype) for name in wanted}
        line, seen = states["line"], states["seen"]
        for step, now in enumerate(x):
            line[:] = np.concatenate([now[:, None], line[:, :-1]], axis=1)
            seen[:] |= now.astype(seen.dtype)
            result["y"][step] = sum(line[:, d].astype(np.int64) @ mask for d, mask in enumerate(masks))
            result["busy"][step] = seen.sum(axis=1)
            for name in wanted:
                result[name][step] = states[name]
        return result

    return run


DELAYED_DENSE = KernelOp(
    "acme.DelayedDense",
    1,
    "Dense layer with a delay per synapse.",
    _shapes,
    _types,
    lambda _: (KernelState("line", SPIKE), KernelState("seen", SPIKE)),
    lambda _, shapes: {"line": (MAX_DELAY + 1, *shapes["x"]), "seen": shapes["x"]},
    "tests.networks.kernel_ops:delayed_dense",
    (Attribute("rule", "how delays count", ("steps",)),),
    lambda _: (
        Parameter("weight", "(out, in)", signed(8), elementwise=False),
        Parameter("delay", "(out, in), steps", integer(0, MAX_DELAY), elementwise=False),
    ),
    Ports(("x",), ("y", "busy")),
    lambda node: {"y": int(node.param["delay"].array.min())},
)

KNOWING: OpLookup = Registry((*CORE, DELAYED_DENSE))
"""A registry that has the op; ``snnhub.ops.registry.REGISTRY`` has not."""


def delayed(seed: int = 0, recurrent: bool = False, lookup: OpLookup = KNOWING) -> Graph:
    """The layer with four inputs and three neurons behind it, which may feed back with a delay."""
    random = np.random.default_rng(seed)
    builder = GraphBuilder("delayed", lookup)
    x = builder.input((4,), SPIKE)
    params = {
        "weight": tensor(random.integers(-40, 100, (3, 4)).astype(np.int8)),
        "delay": tensor(random.integers(1, MAX_DELAY + 1, (3, 4)).astype(np.uint8)),
    }
    y = builder.node("slow", "acme.DelayedDense", x, params=params, rule="steps")
    threshold = {"v_threshold": tensor(np.float32(60)), "v_reset": tensor(np.float32(0))}
    s = builder.node("n", "core.IF", y, params=threshold, reset="value", compare="ge")
    if recurrent:
        back = tensor(np.array([[50, -30, 9]], np.int8).repeat(3, 0))
        fed = builder.node(
            "back", "core.Dense", s, params={"weight": back}, delay=2, bias=False, accumulate="exact", shift=0
        )
        builder.edge(fed, Port("n", "x"))
    builder.output(s)
    return builder.graph()


def broken(kernel: str) -> OpLookup:
    """A registry whose op has other code."""
    return Registry((*CORE, replace(DELAYED_DENSE, kernel=f"tests.networks.kernel_ops:{kernel}")))


def too_wide(context: Context) -> StatefulKernel:
    """Code that gives more than its type holds."""
    return lambda inputs, states, wanted: {
        "y": np.full((*inputs["x"].shape[:2], 3), 2**20, np.int32),
        "busy": np.zeros(inputs["x"].shape[:2], np.int16),
    }


def forgetful(context: Context) -> StatefulKernel:
    """Code that leaves an output out."""
    return lambda inputs, states, wanted: {"y": np.zeros((*inputs["x"].shape[:2], 3), np.int32)}
