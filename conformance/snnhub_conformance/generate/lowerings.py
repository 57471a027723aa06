"""Float networks to be lowered to Loihi, one per finding of the lowering; and those that it must refuse."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from snnhub.ir.builder import GraphBuilder
from snnhub.ir.graph import Edge, Graph, Port
from snnhub.ir.numtype import F32, SPIKE
from snnhub.ir.tensor import Array, tensor

from snnhub_conformance.building import IF, conv, dense, neurons, scalar
from snnhub_conformance.generate.build import eighths, new, spiking

POOL: dict[str, Any] = {
    "kernel": (2, 2),
    "stride": (2, 2),
    "padding": (0, 0),
    "ceil_mode": False,
    "count_include_pad": True,
}
MAXIMUM: dict[str, Any] = {
    "kernel": (2, 2),
    "stride": (2, 2),
    "padding": (0, 0),
    "ceil_mode": False,
    "dilation": (1, 1),
}


@dataclass(frozen=True)
class Row:
    """A network, what must be reported, and for refused ones the code and place first."""

    graph: Callable[[], Graph]
    comment: str
    findings: tuple[str, ...] = ()
    refused: tuple[str, str] | None = None
    options: dict[str, str] = field(default_factory=dict)
    calibration: Array | None = None
    landmine: int | None = None


def with_neurons(op: str, params: dict[str, Any], size: int = 3, inputs: int = 4, **attributes: Any) -> Graph:
    """A dense layer and neurons ``n`` of an op."""
    builder = new("neurons")
    port = dense(builder, "d", builder.input((inputs,), F32), eighths(size, inputs))
    values = {name: value if hasattr(value, "dtype") else scalar(value) for name, value in params.items()}
    builder.output(builder.node("n", op, port, params=values, **attributes))
    return builder.graph()


def leaky(tau: float = 2.0, **attributes: Any) -> Graph:
    params = {"v_threshold": 1.0, "v_reset": 0.0, "tau": tau}
    return with_neurons("core.LIF", params, **{**IF, "decay_input": False, **attributes})


def learned() -> Graph:
    params = {"v_threshold": 1.0, "v_reset": 0.0, "leak": 0.25}
    return with_neurons("core.LIFCoeff", params, **IF, decay_input=False)


def current() -> Graph:
    params = {"v_threshold": 1.0, "v_reset": 0.0, "u_factor": 0.5, "v_factor": 0.75}
    return with_neurons("core.CubaLIF", params, **IF, arithmetic="float")


def soft() -> Graph:
    return with_neurons("core.IF", {"v_threshold": 1.0}, reset="subtract", compare="ge")


def reset_to(value: float, v_threshold: float = 1.0) -> Graph:
    return with_neurons("core.IF", {"v_threshold": v_threshold, "v_reset": value}, **IF)


def after(make: Callable[[GraphBuilder, Port], Port], shape: tuple[int, ...] = (1, 4, 4), size: int = 4) -> Graph:
    """A convolution, neurons, what is tested, flatten, dense, neurons."""
    builder = new("after")
    port = conv(builder, "c", builder.input(shape, F32), eighths(1, shape[0], 1, 1))
    port = make(builder, neurons(builder, "n0", port))
    port = builder.node("f", "core.Flatten", port, start=0, end=2)
    builder.output(neurons(builder, "n1", dense(builder, "d", port, eighths(2, size))))
    return builder.graph()


def average(**changes: Any) -> Callable[[], Graph]:
    size = 9 if changes.get("padding") else 4
    return lambda: after(lambda b, p: b.node("p", "core.AvgPool", p, **{**POOL, **changes}), size=size)


def maximum(**changes: Any) -> Callable[[], Graph]:
    return lambda: after(lambda b, p: b.node("p", "core.MaxPool", p, **{**MAXIMUM, **changes}))


def normed(scale: list[float], shift: float, bias: bool = False) -> Graph:
    """A convolution, batch normalisation, neurons."""
    builder = new("norm")
    params = {"weight": tensor(eighths(2, 1, 2, 2)), **({"bias": tensor(eighths(2))} if bias else {})}
    attributes: dict[str, Any] = {
        "bias": bias,
        "accumulate": "exact",
        "stride": (1, 1),
        "padding": (0, 0),
        "dilation": (1, 1),
        "groups": 1,
    }
    port = builder.node("c", "core.Conv", builder.input((1, 3, 3), F32), params=params, **attributes)
    numbers = {
        "scale": tensor(np.reshape(scale, (2, 1, 1)), "float32"),
        "shift": tensor(np.full((2, 1, 1), shift), "float32"),
    }
    builder.output(neurons(builder, "n", builder.node("bn", "core.BatchNorm", port, params=numbers)))
    return builder.graph()


def norm_behind_pool() -> Graph:
    """A convolution, average pooling, batch normalisation, neurons."""
    builder = new("norm behind pool")
    port = conv(builder, "c", builder.input((1, 4, 4), F32), eighths(1, 1, 1, 1))
    port = builder.node("p", "core.AvgPool", port, **POOL)
    port = builder.node("bn", "core.BatchNorm", port, params={"scale": scalar(0.5), "shift": scalar(0.0)})
    builder.output(neurons(builder, "n", port))
    return builder.graph()


def between(op: str, params: dict[str, Any] | None = None, **attributes: Any) -> Graph:
    """A dense layer, neurons, an op ``x``, a dense layer, neurons."""
    builder = new("between")
    port = neurons(builder, "n0", dense(builder, "d0", builder.input((4,), F32), eighths(4, 4)))
    values = {name: scalar(value) for name, value in (params or {}).items()}
    sources = {"a": port, "b": port} if op in ("core.Add", "core.Mul") else {"x": port}
    port = builder.node("x", op, sources, params=values, **attributes)
    builder.output(neurons(builder, "n1", dense(builder, "d1", port, eighths(2, 4))))
    return builder.graph()


def weights(array: Any, bias: Array | None = None) -> Graph:
    builder = new("weights")
    matrix = np.asarray(array, np.float32)
    port = dense(builder, "d", builder.input((matrix.shape[1],), F32), matrix, bias=bias)
    builder.output(neurons(builder, "n", port))
    return builder.graph()


def wide_layer() -> Graph:
    """A threshold for each neuron."""
    return with_neurons("core.IF", {"v_threshold": tensor([1.0, 1.5, 2.0], "float32"), "v_reset": 0.0}, **IF)


def no_neurons() -> Graph:
    builder = new("no neurons")
    builder.output(dense(builder, "d", builder.input((2,), F32), eighths(2, 2)))
    return builder.graph()


def unfed() -> Graph:
    """Leaky neurons behind neurons, without a synapse between."""
    builder = new("unfed")
    port = neurons(builder, "n0", dense(builder, "d", builder.input((4,), F32), eighths(4, 4)))
    params = {"v_threshold": scalar(1.0), "v_reset": scalar(0.0), "tau": scalar(2.0)}
    builder.output(builder.node("n1", "core.LIF", port, params=params, **IF, decay_input=True))
    return builder.graph()


def line() -> Graph:
    """A convolution over one axis."""
    builder = new("line")
    changes: dict[str, Any] = {"stride": (1,), "padding": (0,), "dilation": (1,)}
    builder.output(
        neurons(builder, "n", conv(builder, "c", builder.input((1, 4), F32), eighths(2, 1, 2), **changes))
    )
    return builder.graph()


def loop_without_room() -> Graph:
    """A loop whose only delay stands where the lowering cannot use it."""
    graph = spiking((4, 4, 4))
    edges = tuple(replace(edge, delay=1) if edge.dst.node == "n1" else edge for edge in graph.edges)
    node = replace(graph.node["d0"], id="back").with_params(weight=tensor(eighths(4, 4)))
    more = (Edge(Port("n1", "s"), Port("back", "x")), Edge(Port("back", "y"), Port("n0", "x")))
    return replace(graph, nodes=(*graph.nodes, node), edges=(*edges, *more))


def many_faults() -> Graph:
    """A maximum of no spikes, a soft reset, a sum, an output that does not spike."""
    builder = new("faults")
    port = builder.node("max", "core.MaxPool", builder.input((2, 4, 4), F32), **MAXIMUM)
    soft_ = builder.node(
        "soft", "core.IF", port, params={"v_threshold": scalar(1.0)}, reset="subtract", compare="ge"
    )
    synapse = conv(builder, "c", soft_, eighths(2, 2, 1, 1))
    builder.output(builder.node("add", "core.Add", {"a": synapse, "b": soft_}))
    return builder.graph()


def spike_input() -> Graph:
    """The input takes spikes already."""
    return spiking((4, 3), SPIKE)


def spikes(*shape: int) -> Array:
    """0 and 1 by a formula, for calibration: (time, batch, features…)."""
    return ((np.arange(int(np.prod(shape))) * 7 % 5) < 2).astype(np.uint8).reshape(shape)


LIFS: dict[str, float] = {"v_threshold": 1.0, "v_reset": 0.0}
"""Parameters of most neurons."""
