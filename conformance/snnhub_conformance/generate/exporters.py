"""``exporter.netx``, ``exporter.snn`` and ``exporter.json``: written and read back, or refused."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from snnhub.errors import FormatError, UnsupportedError
from snnhub.ir.graph import Decoder, Graph
from snnhub.ir.numtype import SPIKE, signed
from snnhub.ir.tensor import tensor
from snnhub.passes.base import PassContext, run_passes
from snnhub_formats.container import to_bytes
from snnhub_netx.arrange import passes

from snnhub_conformance.building import conv, dense
from snnhub_conformance.generate import chips, snn_accepted
from snnhub_conformance.generate.build import cuba, even, everything, loihi, new
from snnhub_conformance.generate.entry import Answer, Family, Refusal
from snnhub_conformance.generate.snn_parts import WEIGHTS, members, packed
from snnhub_conformance.generate.write import Writer

SOURCE = {"kind": "graph", "ref": "the network that was written"}


def add(writer: Writer) -> None:
    """All three exporters."""
    _neutral(Family(writer, "exporter.snn", "writer", ("exporter", "snn"), SOURCE))
    _neutral(Family(writer, "exporter.json", "writer", ("exporter", "graph-json"), SOURCE))
    family = Family(writer, "exporter.json", "writer", ("exporter", "graph-json"), SOURCE)
    _put(
        family,
        "records",
        "What computes nothing is left out, and said to be.",
        everything(),
        Answer(everything(), ("SNN-4201",)),
    )
    family = Family(writer, "exporter.netx", "writer", ("exporter", "netx"), SOURCE)
    for title, (make, findings) in ACCEPTED.items():
        graph = make()
        kept = loihi((3, 2)) if make is reset else graph  # which NetX cannot say
        named = run_passes(kept, passes(), PassContext())
        _put(family, title, (make.__doc__ or title).strip(), graph, Answer(named, findings))
    for title, (make, code, place, about) in REFUSED.items():
        _put(family, title, about, make(), Refusal(UnsupportedError, code, place))


def _put(family: Family, title: str, about: str, graph: Graph, wanted: Answer | Refusal) -> None:
    family.add(
        title, about, {"snn": ("model.snn", to_bytes(graph))}, wanted, landmine=30 if title == "twice" else None
    )


def _neutral(family: Family) -> None:
    for title, (make, _) in snn_accepted.GRAPHS.items():
        if title != "every field":
            graph = make()
            _put(family, title, (make.__doc__ or title).strip(), graph, Answer(graph))
    _put(
        family,
        "twice",
        "The same network gives the same bytes, whatever the hash seed.",
        loihi((5, 4, 3)),
        Answer(loihi((5, 4, 3))),
    )
    parts = members(loihi())
    weights = bytearray(parts[WEIGHTS])
    weights[-1] ^= 0x40
    wrong = packed({**parts, WEIGHTS: bytes(weights)})
    about = "A number was changed: no conversion may hand it on."
    family.add(
        "numbers without their digest", about, {"snn": ("model.snn", wrong)}, Refusal(FormatError, "SNN-4106")
    )


def held() -> Graph:
    """One frame, held: kept beside the network."""
    graph = loihi((3, 2))
    return replace(graph, inputs=(replace(graph.inputs[0], hold=7),))


def reset() -> Graph:
    """Neurons that are reset while running."""
    return loihi((3, 2), reset=(8, 1))


def decided() -> Graph:
    """A decoder."""
    return replace(loihi((3, 2)), decoder=Decoder("mean"))


def high() -> Graph:
    """A threshold of 2^17."""
    return loihi((3, 2), vThMant=2**17)


def sigma_delta() -> Graph:
    """Sigma-delta neurons and a sigma output. Sums keep 32 bits in the graph, and fewer in Lava."""
    builder = new("sigma_delta")
    number = tensor(3, "int8")
    port = builder.node("n0", "loihi.Delta", builder.input((3,), signed(32)), params={"vThMant": number})
    port = dense(builder, "d1", port, even(2, 3), 1)
    params = {"vThMant": number, "bias": tensor(np.array([5, -7], np.int8))}
    port = builder.node("n1", "loihi.SigmaDelta", port, params=params, a_bits=32)
    builder.output(builder.node("n2", "loihi.Sigma", dense(builder, "d2", port, even(2, 2), 1), a_bits=32))
    return builder.graph()


def graded_threshold_per_neuron() -> Graph:
    builder = new("thresholds")
    params = {"vThMant": tensor(np.array([1, 2, 3], np.int8))}
    port = builder.node("n0", "loihi.Delta", builder.input((3,), signed(32)), params=params)
    builder.output(builder.node("n1", "loihi.Sigma", dense(builder, "d1", port, even(2, 3), 1), a_bits=30))
    return builder.graph()


def inhibited() -> Graph:
    """A second layer of inhibition alone: a silent neuron saves it."""
    builder = new("inhibited")
    port = dense(builder, "d", builder.input((3,), SPIKE), np.array([[8, 2, 4], [2, 6, -2]], np.int8), 1)
    port = dense(builder, "e", cuba(builder, "a", port, vThMant=4), np.full((2, 2), -8, np.int8), 1)
    builder.output(cuba(builder, "b", port, vThMant=10, bias=[11, 9]))
    return builder.graph()


def first_inhibited() -> Graph:
    builder = new("first")
    builder.output(
        cuba(builder, "n", dense(builder, "d", builder.input((2,), SPIKE), np.full((2, 2), -8, np.int8), 1))
    )
    return builder.graph()


def per_position() -> Graph:
    builder = new("positions")
    port = conv(builder, "c", builder.input((1, 2, 2), SPIKE), even(1, 1, 1, 1), 1, accumulate="wrap24")
    builder.output(cuba(builder, "n", port, bias=[[[1, 2], [3, 4]]]))
    return builder.graph()


def threshold_per_neuron() -> Graph:
    return loihi((3, 2), vThMant=[64, 65])


def synapse_with_bias() -> Graph:
    builder = new("bias")
    port = dense(builder, "d", builder.input((2,), SPIKE), even(2, 2), 1, bias=np.array([2, 4], np.int16))
    builder.output(cuba(builder, "n", port))
    return builder.graph()


def shifted() -> Graph:
    builder = new("shifted")
    builder.output(cuba(builder, "n", dense(builder, "d", builder.input((2,), SPIKE), even(2, 2), 1, shift=3)))
    return builder.graph()


def exact_convolution() -> Graph:
    builder = new("exact")
    builder.output(cuba(builder, "n", conv(builder, "c", builder.input((1, 3, 3), SPIKE), even(1, 1, 2, 2), 1)))
    return builder.graph()


def two_outputs() -> Graph:
    builder = new("outputs")
    port = cuba(builder, "n", dense(builder, "d", builder.input((2,), SPIKE), even(2, 2), 1))
    builder.output(port)
    builder.output(port, "second")
    return builder.graph()


def branches() -> Graph:
    builder = new("branches")
    source = cuba(builder, "n0", dense(builder, "d0", builder.input((2,), SPIKE), even(2, 2), 1))
    left = dense(builder, "d1", source, even(2, 2), 1)
    builder.output(cuba(builder, "n1", left))
    cuba(builder, "n2", dense(builder, "d2", source, even(2, 2), 1))
    return builder.graph()


def too_late() -> Graph:
    builder = new("late")
    builder.output(cuba(builder, "n", dense(builder, "d", builder.input((2,), SPIKE), even(2, 2), 5000)))
    return builder.graph()


def ten_bits() -> Graph:
    graph = loihi((3, 2))
    weight = tensor(np.array([[1, 3, 5], [7, -9, 257]], np.int16))
    return replace(graph, nodes=(graph.nodes[0].with_params(weight=weight), *graph.nodes[1:]))


ACCEPTED: dict[str, tuple[Callable[[], Graph], tuple[str, ...]]] = {
    **{title: (make, ()) for title, make in chips.INTEGER.items()},
    "decoder": (decided, ()),
    "held frame": (held, ("SNN-4104",)),
    "reset interval": (reset, ("SNN-4104",)),
    "threshold of 18 bits": (high, ("SNN-4105",)),
    "silent neuron": (inhibited, ("SNN-4103",)),
    "sigma-delta neurons": (sigma_delta, ("SNN-4110",)),
}
REFUSED: dict[str, tuple[Callable[[], Graph], str, str, str]] = {
    "first layer of inhibition": (first_inhibited, "SNN-4102", "", "No layer before it for a silent neuron."),
    "weights of ten bits": (ten_bits, "SNN-4102", "", "257 is beyond its eight bits, and odd."),
    "bias per position": (per_position, "SNN-4101", "", "NetX has one value per channel."),
    "threshold per neuron": (threshold_per_neuron, "SNN-4101", "", "NetX has one per layer."),
    "sigma-delta: threshold per neuron": (
        graded_threshold_per_neuron,
        "SNN-4101",
        "",
        "NetX has one per layer.",
    ),
    "synapse with a bias": (synapse_with_bias, "SNN-4101", "", "NetX has it in the neuron."),
    "synapse that shifts": (shifted, "SNN-4101", "", "NetX does not."),
    "exact sums of a convolution": (exact_convolution, "SNN-4101", "", "Loihi's wrap to 24 bits."),
    "two outputs": (two_outputs, "SNN-4101", "outputs", "NetX has one."),
    "branches": (branches, "SNN-4101", "", "NetX is a chain."),
    "delay 5000": (too_late, "SNN-4131", "", "More relays than anyone wants."),
}
