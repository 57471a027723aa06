"""Family ``network``: whole networks without flags, which tell that something is wrong and not what."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from snnhub.ir.builder import GraphBuilder
from snnhub.ir.graph import TERMINAL_PORT, Decoder, Edge, Graph, Port
from snnhub.ir.numtype import F32, SPIKE
from snnhub.ir.tensor import Array
from snnhub_formats import container

from snnhub_conformance.building import cuba, neurons, stored
from snnhub_conformance.generate.graphs import Drawn, Random, Sketch, conv, dense, start
from snnhub_conformance.generate.loihi import Chain, even

CHECKOUT = Path(__file__).resolve().parents[3]
TRAINED = CHECKOUT / "tests" / "golden" / "v1_0" / "mnist_csnn.snn"
DIGITS = CHECKOUT / "docs" / "examples" / "mnist_csnn" / "digits.npz"
LAST = "conv_fc/7"
"""The layer of the trained network at which the case ends."""


def sketches() -> Iterator[Sketch]:
    """The whole family."""
    yield _float("MLP of IF and LIF neurons", "f32 weights, no delays, two samples.", _mlp, (8,))
    yield _float("convolutions, pools and a readout", "As an importer of a framework makes it.", _convs, (1, 8, 8))
    yield _float("a recurrent layer of LIF neurons", "Dense feedback of one step, with a bias.", _recurrent, (5,))
    yield _float(
        "a residual block", "A skip edge around two layers, and a batch normalisation.", _residual, (2, 4, 4)
    )
    yield _float("neurons behind currents", "CubaLIF in floats, a synapse filter, a delay.", _currents, (6,))
    yield _float("exponential neurons", "They use exp: no promise of bits.", _exponential, (6,))
    yield _float(
        "the first layers of a network trained on MNIST",
        "Real weights, real digits.",
        _trained,
        (1, 28, 28),
        "output",
    )
    yield _whole("Loihi, three dense layers", "", _loihi_mlp, (8,))
    yield _whole("Loihi, convolutions and a dense layer", "", _loihi_convs, (2, 6, 6))
    yield _whole("Loihi, recurrent layers", "", _loihi_recurrent, (6,))
    yield _whole(
        "Loihi, delays up to 62 steps beyond the synapse's own",
        "The longest that NetX has.",
        _loihi_late,
        (4,),
        length=72,
    )
    yield _whole(
        "Loihi, many synapses per neuron",
        "Fan-in 64: the current wraps at 2^23.",
        _loihi_wide,
        (64,),
        length=40,
        rate=0.9,
    )
    yield _whole("Loihi, a skip edge", "No chain, which NetX cannot hold.", _loihi_skip, (6,))


def _float(
    title: str, comment: str, build: Callable[[Random], Graph], shape: tuple[int, ...], *records: str
) -> Sketch:
    def draw(random: Random) -> Drawn:
        graph = build(random)
        x = _digits() if shape == (1, 28, 28) else (random.random((12, 2, *shape)) < 0.4).astype(np.float32)
        return Drawn(graph, x, batched=True)

    return Sketch(title, comment, draw, records=records, rung="spikes")


def _whole(
    title: str,
    comment: str,
    build: Callable[[Random], Graph],
    shape: tuple[int, ...],
    length: int = 24,
    rate: float = 0.5,
) -> Sketch:
    def draw(random: Random) -> Drawn:
        return Drawn(build(random), (random.random((length, *shape)) < rate).astype(np.uint8))

    return Sketch(title, comment, draw)


def _normal(random: Random, shape: tuple[int, ...], mean: float = 0.2, width: float = 0.6) -> Array:
    return random.normal(mean, width, shape).astype(np.float32)


def _ended(builder: GraphBuilder, port: Port) -> Graph:
    builder.output(port)
    return builder.graph(decoder=Decoder("mean"))


def _mlp(random: Random) -> Graph:
    builder = start("mlp")
    port = builder.input((8,), F32)
    for number, (before, after) in enumerate(((8, 10), (10, 6), (6, 4))):
        port = dense(
            builder, f"fc{number}", port, _normal(random, (after, before)), bias=_normal(random, (after,), 0, 0.1)
        )
        port = neurons(builder, f"n{number}", port, tau=2.5 if number % 2 else None)
    return _ended(builder, port)


def _pool(builder: GraphBuilder, name: str, op: str, source: Port, **more: Any) -> Port:
    return builder.node(name, op, source, kernel=(2, 2), stride=(2, 2), padding=(0, 0), ceil_mode=False, **more)


def _convs(random: Random) -> Graph:
    builder = start("convs")
    port = conv(builder, "c0", builder.input((1, 8, 8), F32), _normal(random, (4, 1, 3, 3)), padding=(1, 1))
    channels = (4, 1, 1)
    numbers = {
        "scale": stored(_normal(random, channels, 1, 0.2)),
        "shift": stored(_normal(random, channels, 0, 0.2)),
    }
    port = neurons(builder, "n0", builder.node("bn", "core.BatchNorm", port, params=numbers))
    port = _pool(builder, "p0", "core.MaxPool", port, dilation=(1, 1))
    port = neurons(
        builder, "n1", conv(builder, "c1", port, _normal(random, (6, 2, 3, 3)), groups=2, padding=(1, 1)), tau=2.0
    )
    port = _pool(builder, "p1", "core.AvgPool", port, count_include_pad=True)
    port = builder.node("f", "core.Flatten", port, start=0, end=2)
    return _ended(builder, neurons(builder, "n2", dense(builder, "fc", port, _normal(random, (5, 24)))))


def _recurrent(random: Random) -> Graph:
    builder = start("recurrent")
    port = dense(builder, "in", builder.input((5,), F32), _normal(random, (7, 5)))
    port = neurons(builder, "n", port, tau=3.0)
    back = dense(builder, "rec", port, _normal(random, (7, 7), 0), bias=_normal(random, (7,), 0.1, 0.1), delay=1)
    builder.edge(back, Port("n", "x"))
    return _ended(builder, neurons(builder, "out", dense(builder, "fc", port, _normal(random, (3, 7)))))


def _residual(random: Random) -> Graph:
    builder = start("residual")
    port = neurons(
        builder,
        "n0",
        conv(builder, "c0", builder.input((2, 4, 4), F32), _normal(random, (3, 2, 3, 3)), padding=(1, 1)),
    )
    inner = neurons(
        builder, "n1", conv(builder, "c1", port, _normal(random, (3, 3, 3, 3), 0.1, 0.3), padding=(1, 1))
    )
    inner = conv(builder, "c2", inner, _normal(random, (3, 3, 1, 1)))
    port = neurons(builder, "n2", builder.node("add", "core.Add", {"a": inner, "b": port}), tau=2.0)
    port = builder.node("f", "core.Flatten", port, start=0, end=2)
    return _ended(builder, neurons(builder, "n3", dense(builder, "fc", port, _normal(random, (4, 48), 0.05, 0.3))))


def _currents(random: Random) -> Graph:
    builder = start("currents")
    port = dense(builder, "fc0", builder.input((6,), F32), _normal(random, (8, 6)), delay=2)
    numbers = {
        "v_threshold": stored(1.0),
        "v_reset": stored(0.0),
        "u_factor": stored(0.3),
        "v_factor": stored(0.8),
    }
    port = builder.node(
        "n0", "core.CubaLIF", port, params=numbers, reset="value", compare="ge", arithmetic="float"
    )
    port = builder.node("filter", "core.SynapseFilter", port, params={"leak": stored(0.25)})
    return _ended(builder, neurons(builder, "n1", dense(builder, "fc1", port, _normal(random, (4, 8))), tau=2.0))


def _exponential(random: Random) -> Graph:
    builder = start("exponential")
    port = dense(builder, "fc0", builder.input((6,), F32), _normal(random, (8, 6)))
    names = {"tau": 2.0, "v_threshold": 1.0, "v_reset": 0.0, "v_rest": 0.0, "delta_T": 1.0, "theta_rh": 0.8}
    params = {name: stored(value) for name, value in names.items()}
    port = builder.node("n0", "core.EIF", port, params=params, reset="value", compare="ge")
    return _ended(builder, neurons(builder, "n1", dense(builder, "fc1", port, _normal(random, (4, 8)))))


def _trained(random: Random) -> Graph:
    graph = container.load(TRAINED)
    kept = [node.id for node in graph.nodes]
    names = set(kept[: kept.index(LAST) + 1])
    edges = [edge for edge in graph.edges if edge.src.node in (*names, "input") and edge.dst.node in names]
    edges.append(Edge(Port(LAST, "s"), Port("output", TERMINAL_PORT)))
    nodes = tuple(node.bare() for node in graph.nodes if node.id in names)
    return Graph("trained", nodes, tuple(edges), graph.inputs, graph.outputs)


def _digits() -> Array:
    """Two digits, as spikes: a pixel fires in each of four steps in which its grey level exceeds the step's."""
    with np.load(DIGITS) as file:
        images = file["images"][:2].reshape(2, 1, 28, 28).astype(np.float64)
    levels = (np.arange(4) + 0.5) / 4 * images.max()
    return np.asarray(images[None] > levels[:, None, None, None, None], np.float32)


def _loihi_mlp(random: Random) -> Graph:
    chain = Chain((8,))
    for before, after in ((8, 10), (10, 8), (8, 4)):
        numbers: dict[str, Any] = {
            "vth": 60,
            "i_decay": 1024,
            "v_decay": 128,
            "bias": random.integers(-9, 30, after),
        }
        chain.dense(even(random, (after, before)), **numbers)
    return chain.graph()


def _loihi_convs(random: Random) -> Graph:
    chain = Chain((2, 6, 6)).conv(even(random, (4, 2, 3, 3)), (6, 6), {"padding": (1, 1)}, vth=80, v_decay=128)
    chain.conv(even(random, (4, 2, 2, 2)), (3, 3), {"stride": (2, 2), "groups": 2}, vth=60, i_decay=2048)
    return chain.flatten().dense(even(random, (4, 36)), vth=90, v_decay=64).graph()


def _loihi_recurrent(random: Random) -> Graph:
    chain = Chain((6,)).dense(
        even(random, (8, 6)), back=even(random, (8, 8), -60, 60), vth=60, i_decay=1024, v_decay=128
    )
    return chain.dense(even(random, (4, 8)), back=even(random, (4, 4), -60, 60), vth=50).graph()


def _loihi_late(random: Random) -> Graph:
    delays = random.choice([0, 1, 30, 61, 62], (3, 4))
    delays[0, 0] = 62
    return Chain((4,)).dense(even(random, (3, 4)), delays, vth=60, v_decay=128).graph()


def _loihi_wide(random: Random) -> Graph:
    chain = Chain((64,)).dense(even(random, (4, 64), 100, 256), vth=2**17 - 1, i_decay=8, v_decay=16)
    return chain.dense(even(random, (2, 4)), vth=10).graph()


def _loihi_skip(random: Random) -> Graph:
    builder = start("skip")
    x = builder.input((6,), SPIKE)
    a = cuba(builder, "a", dense(builder, "wa", x, even(random, (5, 6)), delay=1), vth=60, v_decay=128)
    b = cuba(builder, "b", dense(builder, "wb", a, even(random, (5, 5)), delay=1), vth=60, v_decay=128, bias=5)
    builder.edge(dense(builder, "skip", x, even(random, (5, 6)), delay=3), Port("b", "a"))
    builder.output(b)
    return builder.graph()
