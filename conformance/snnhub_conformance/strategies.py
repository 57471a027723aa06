"""Hypothesis strategies for graphs and inputs: float and integer, with loops, delays, several edges into one port.

They need the package ``hypothesis``. For tests of plugins, and for ``snnhub fuzz``.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import strategies as st
from snnhub.ir.builder import GraphBuilder
from snnhub.ir.graph import Graph, Port
from snnhub.ir.numtype import F32, SPIKE
from snnhub.ir.tensor import Array, tensor
from snnhub.ops.registry import REGISTRY

from snnhub_conformance.building import conv, cuba, dense, neurons, scalar


@st.composite
def float_graphs(draw: st.DrawFn) -> Graph:
    """Layers of IF and LIF neurons with delays, skip edges and loops; a third of them cyclic or more."""
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    builder = GraphBuilder("random", REGISTRY)
    ports = [builder.input((draw(st.integers(1, 5)),), F32)]
    sizes = [builder.inputs[0].shape[0]]
    for index in range(draw(st.integers(1, 4))):
        source = draw(st.integers(0, len(ports) - 1))
        size = draw(st.integers(1, 5))
        weight = _weights(draw, random, (size, sizes[source]))
        current = dense(builder, f"d{index}", ports[source], weight, delay=draw(st.integers(0, 3)))
        ports.append(_cell(draw, builder, f"n{index}", current))
        sizes.append(size)
        _extras(draw, builder, random, ports, sizes, index)
    builder.output(ports[-1], delay=draw(st.integers(0, 2)))
    return builder.graph()


def _weights(draw: st.DrawFn, random: np.random.Generator, shape: tuple[int, int]) -> Array:
    """Random numbers, or eighths: sums on a grid land on thresholds."""
    if draw(st.booleans()):
        return np.asarray(random.integers(-8, 13, shape) / 8, np.float32)
    return np.asarray(random.normal(0.2, 0.7, shape), np.float32)


def _cell(draw: st.DrawFn, builder: GraphBuilder, name: str, current: Port) -> Port:
    if draw(st.booleans()):
        return neurons(builder, name, current, v_threshold=draw(st.sampled_from([0.5, 1.0])))
    if draw(st.booleans()):
        return _two_states(draw, builder, name, current)
    reset = draw(st.sampled_from(["value", "subtract"]))
    params: dict[str, Any] = {"v_threshold": scalar(1.0), "tau": scalar(draw(st.sampled_from([1.5, 3.0])))}
    if reset == "value":
        params["v_reset"] = scalar(draw(st.sampled_from([0.0, -0.25])))
    return builder.node(
        name, "core.LIF", current, params=params, reset=reset, compare="ge", decay_input=draw(st.booleans())
    )


def _two_states(draw: st.DrawFn, builder: GraphBuilder, name: str, current: Port) -> Port:
    """Neurons that keep more than a membrane potential."""
    params: dict[str, Any] = {"v_threshold": scalar(1.0), "v_reset": scalar(draw(st.sampled_from([0.0, -0.25])))}
    choice: dict[str, Any] = {"reset": "value", "compare": "ge"}
    op = draw(st.sampled_from(["core.CubaLIF", "core.Izhikevich"]))
    if op == "core.Izhikevich":
        numbers = {"tau": 2.0, "v_rest": -0.1, "v_critical": 0.6, "a0": 0.7, "w_rest": 0.1, "tau_w": 3.0}
        params |= {key: scalar(value) for key, value in {**numbers, "a": 0.3, "b": 0.15}.items()}
    elif draw(st.booleans()):
        params |= {"u_factor": scalar(0.3), "v_factor": scalar(0.8)}
        choice["arithmetic"] = "float"
    else:
        params |= {"u_decay": tensor(np.int16(1229)), "v_decay": tensor(np.int16(410)), "scale": scalar(448.0)}
        choice["arithmetic"] = "fixed"
    return builder.node(name, op, current, params=params, **choice)


def _extras(
    draw: st.DrawFn,
    builder: GraphBuilder,
    random: np.random.Generator,
    ports: list[Port],
    sizes: list[int],
    index: int,
) -> None:
    """A second edge into the newest layer from an earlier one, and a loop back to an earlier one or itself."""
    if draw(st.booleans()):
        source = draw(st.integers(0, len(ports) - 2))
        weight = _weights(draw, random, (sizes[-1], sizes[source]))
        builder.edge(
            dense(builder, f"skip{index}", ports[source], weight), Port(f"n{index}", "x"), draw(st.integers(0, 2))
        )
    if draw(st.booleans()):
        target = draw(st.integers(0, index))
        weight = _weights(draw, random, (sizes[1 + target], sizes[-1]))
        first = draw(st.integers(0, 2))
        second = draw(st.integers(max(0, 1 - first), 2))
        builder.edge(
            dense(builder, f"loop{index}", ports[-1], weight, delay=first), Port(f"n{target}", "x"), second
        )


@st.composite
def netx_graphs(draw: st.DrawFn) -> Graph:
    """Chains that NetX can hold: conv, flatten, dense, recurrent, delays, biases, per-channel decays."""
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    builder = GraphBuilder("random", REGISTRY)
    shape: tuple[int, ...] = (draw(st.integers(1, 2)), draw(st.integers(3, 6)), draw(st.integers(3, 6)))
    if not draw(st.booleans()):
        shape = (draw(st.integers(1, 6)),)
    port = builder.input(shape, SPIKE)
    for index in range(draw(st.integers(1, 3))):
        name = f"n{index}"
        if len(shape) == 3 and draw(st.booleans()) and min(shape[1:]) >= 2:
            channels, stride = draw(st.integers(1, 3)), draw(st.integers(1, 2))
            weight = (2 * random.integers(-60, 60, (channels, shape[0], 2, 2))).astype(np.int16)
            port = conv(builder, f"s{index}", port, weight, 1, accumulate="wrap24", stride=(stride, stride))
            shape = (channels, *((size - 2) // stride + 1 for size in shape[1:]))
            port = cuba(builder, name, port, **_numbers(draw, random, shape))
            continue
        if len(shape) == 3:
            port = builder.node(f"f{index}", "core.Flatten", port, start=0, end=2)
            shape = (int(np.prod(shape)),)
        size = draw(st.integers(1, 5))
        weight = (2 * random.integers(-60, 100, (size, shape[0]))).astype(np.int16)
        weight[0, 0] = 2
        recurrent = draw(st.booleans())
        delays = _delays(draw, random, weight.shape) if not recurrent else np.ones(weight.shape, np.int64)
        shape = (size,)
        synapses = [
            dense(builder, f"s{index}_{delay}", port, np.where(delays == delay, weight, 0), int(delay))
            for delay in np.unique(delays[weight != 0])
        ]
        port = cuba(builder, name, synapses[0], **_numbers(draw, random, shape))
        for synapse in synapses[1:]:
            builder.edge(synapse, Port(name, "a"))
        if recurrent:
            back = (2 * random.integers(-30, 30, (size, size))).astype(np.int16)
            builder.edge(dense(builder, f"r{index}", port, back, 1), Port(name, "a"))
    builder.output(port)
    return builder.graph()


def _delays(draw: st.DrawFn, random: np.random.Generator, shape: tuple[int, int]) -> Array:
    """A delay per synapse, per output, per input, or one for all."""
    sizes = draw(st.sampled_from([(1, 1), (1, 1), (shape[0], 1), (1, shape[1]), shape]))
    return np.broadcast_to(random.integers(1, draw(st.sampled_from([3, 5, 64])), sizes), shape)


def _numbers(draw: st.DrawFn, random: np.random.Generator, shape: tuple[int, ...]) -> dict[str, Any]:
    """Decays, threshold and bias, scalar or per channel."""
    per_channel = (shape[0], *[1] * (len(shape) - 1))

    def decay() -> Any:
        return (
            random.integers(0, 4097, per_channel)
            if draw(st.booleans())
            else draw(st.sampled_from([0, 1, 409, 4096]))
        )

    bias = random.integers(-200, 300, per_channel) if draw(st.booleans()) else 0
    return {"vth": draw(st.sampled_from([1, 60, 500])), "i_decay": decay(), "v_decay": decay(), "bias": bias}


@st.composite
def layered_graphs(draw: st.DrawFn) -> Graph:
    """Neurons with random transforms between them: pools, shapes, products, numbers."""
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    builder = GraphBuilder("random", REGISTRY)
    shape: tuple[int, ...] = (draw(st.integers(1, 3)), draw(st.integers(1, 5)), draw(st.integers(1, 5)))
    port = builder.input(shape, F32)
    for index in range(draw(st.integers(1, 4))):
        kind = draw(st.sampled_from(["pad", "upsample", "adaptive", "reshape", "scale", "relu", "mul"]))
        name = f"t{index}"
        if kind == "pad":
            before, after = (tuple(draw(st.integers(0, 2)) for _ in shape) for _ in range(2))
            port = builder.node(name, "core.Pad", port, before=before, after=after)
            shape = tuple(sum(sizes) for sizes in zip(shape, before, after, strict=True))
        elif kind == "upsample":
            factor = tuple(draw(st.integers(1, 3)) for _ in shape[1:])
            port = builder.node(name, "core.Upsample", port, factor=factor)
            shape = (shape[0], *(size * times for size, times in zip(shape[1:], factor, strict=True)))
        elif kind == "adaptive":
            shape = (shape[0], *(draw(st.integers(1, 5)) for _ in shape[1:]))
            port = builder.node(name, "core.AdaptiveAvgPool", port, sizes=shape[1:])
        elif kind == "reshape":
            shape = (shape[2], shape[0], shape[1])
            port = builder.node(name, "core.Reshape", port, shape=shape)
        elif kind == "scale":
            size = draw(st.sampled_from([(), (shape[0], 1, 1)]))
            numbers = {key: tensor(random.normal(0.5, 1, size).astype(np.float32)) for key in ("scale", "shift")}
            port = builder.node(name, "core.Scale", port, params=numbers)
        elif kind == "relu":
            port = builder.node(name, "core.ReLU", port)
        else:
            port = builder.node(name, "core.Mul", {"a": port, "b": port})
        if draw(st.booleans()):
            port = _cell(draw, builder, f"n{index}", port)
    builder.output(_cell(draw, builder, "last", port), delay=draw(st.integers(0, 2)))
    return builder.graph()


@st.composite
def convolutional(draw: st.DrawFn) -> Graph:
    """Convolutions with bias and groups, norms, pools, sums and joins between neurons; averages at the end."""
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    builder = GraphBuilder("random", REGISTRY)
    channels = 2 * draw(st.integers(1, 2))
    port = builder.input((channels, 6, 6), F32)
    for index in range(draw(st.integers(1, 2))):
        groups = draw(st.sampled_from([1, 2]))
        weight = random.normal(0.1, 0.4, (4, channels // groups, 3, 3)).astype(np.float32)
        bias = random.normal(0, 0.2, 4).astype(np.float32) if draw(st.booleans()) else None
        port = _convolved(builder, f"c{index}", port, weight, bias, groups, padding=1)
        if draw(st.booleans()):
            norm = {key: tensor(random.normal(0.7, 0.3, (4, 1, 1)).astype(np.float32)) for key in NORM}
            port = builder.node(f"b{index}", "core.BatchNorm", port, params=norm)
        port = _pooled(draw, builder, index, port)
        if draw(st.booleans()):
            port = builder.node(f"a{index}", "core.Add", {"a": port, "b": port})
        if draw(st.booleans()):
            both = builder.node(f"j{index}", "core.Concat", {"a": port, "b": port}, axis=0, sizes=(4, 4))
            weight = random.normal(0.1, 0.4, (4, 8, 1, 1)).astype(np.float32)
            port = _convolved(builder, f"m{index}", both, weight, None, 1, padding=0)
        port, channels = _cell(draw, builder, f"n{index}", port), 4
    port = builder.node("mean", "core.AdaptiveAvgPool", port, sizes=(2, 1))
    port = builder.node("line", "core.Flatten", port, start=0, end=2)
    port = dense(builder, "d", port, random.normal(0.2, 0.7, (3, 8)).astype(np.float32))
    builder.output(_cell(draw, builder, "last", port))
    return builder.graph()


NORM = ("scale", "shift")


def _convolved(
    builder: GraphBuilder, name: str, port: Port, weight: Array, bias: Array | None, groups: int, padding: int
) -> Port:
    params = {"weight": tensor(weight)} | ({} if bias is None else {"bias": tensor(bias)})
    geometry: dict[str, Any] = {"stride": (1, 1), "padding": (padding, padding), "dilation": (1, 1)}
    return builder.node(
        name,
        "core.Conv",
        port,
        params=params,
        bias=bias is not None,
        accumulate="exact",
        groups=groups,
        **geometry,
    )


def _pooled(draw: st.DrawFn, builder: GraphBuilder, index: int, port: Port) -> Port:
    kind = draw(st.sampled_from(["core.AvgPool", "core.MaxPool", ""]))
    if not kind:
        return port
    own: dict[str, Any] = {"count_include_pad": False} if kind == "core.AvgPool" else {"dilation": (1, 1)}
    window: dict[str, Any] = {"kernel": (3, 3), "stride": (1, 1), "padding": (1, 1), "ceil_mode": False}
    return builder.node(f"p{index}", kind, port, **window, **own)


@st.composite
def stimuli(draw: st.DrawFn, graph: Graph, steps: int = 12) -> Array:
    """Input (time, batch, features…) for the one input of a graph: spikes, or numbers on a grid of quarters."""
    (item,) = graph.inputs
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    shape = (draw(st.integers(1, steps)), draw(st.integers(1, 3)), *item.shape)
    rate = draw(st.sampled_from([0.2, 0.5, 1.0]))
    if item.type.is_int:
        high = min(item.type.range[1], draw(st.sampled_from([1, 3])))
        return np.asarray(np.where(random.random(shape) < rate, high, 0).astype(item.type.numpy))
    values = random.integers(-4, 9, shape) / 4
    return np.asarray(np.where(random.random(shape) < rate, values, 0).astype(np.float32))


GRAPHS = {"float": float_graphs, "layers": layered_graphs, "conv": convolutional, "netx": netx_graphs}
"""Strategies by name, as ``snnhub fuzz --graphs`` takes them."""
