"""``file.snn``, accepted: every feature of the format, with the digest of the network that must be read."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np
from snnhub.ir.builder import GraphBuilder
from snnhub.ir.graph import Decoder, Graph, Port
from snnhub.ir.numtype import F32, F64, SPIKE, signed
from snnhub.ir.tensor import STORED_DTYPES, tensor
from snnhub.ir.verify import MAX_DELAY, MAX_HOLD, ensure
from snnhub.ops.registry import REGISTRY, Registry
from snnhub_formats.container import to_bytes

from snnhub_conformance.building import dense, neurons
from snnhub_conformance.generate import micro
from snnhub_conformance.generate.build import cuba, eighths, even, everything, loihi, new, spiking
from snnhub_conformance.generate.entry import Answer, Family
from snnhub_conformance.generate.snn_parts import members, packed
from snnhub_conformance.generate.write import Writer

SPEC = {"kind": "specification", "ref": "formats/snnhub_formats/spec/snn.md"}


def add(writer: Writer) -> None:
    """Each graph is written, and must be read as it was."""
    family = Family(writer, "file.snn", "reader", ("importer", "snn"), SPEC)
    for title, (make, landmine) in GRAPHS.items():
        graph = make()
        ensure(graph, _with_micro())
        family.add(
            title,
            (make.__doc__ or title).strip(),
            {"snn": ("model.snn", to_bytes(graph))},
            Answer(graph),
            landmine=landmine,
        )
    for dtype in sorted(STORED_DTYPES):
        graph = stored(dtype)
        about = f"A tensor stored as {dtype}, its smallest and its largest number (below 2^63) included."
        family.add(f"dtype {dtype}", about, {"snn": ("model.snn", to_bytes(graph))}, Answer(graph))
    for title, comment, data, graph in other_writers():
        family.add(title, comment, {"snn": ("model.snn", data)}, Answer(graph))


def stored(dtype: str) -> Graph:
    """A reader takes any dtype for any tensor; whether the op does is for the verifier to say."""
    low, high = _ends(dtype)
    values = np.array([[low, high, 0], [1, 2, high]], dtype)
    graph = spiking()
    return replace(graph, nodes=(graph.nodes[0].with_params(weight=tensor(values)), *graph.nodes[1:]))


def _ends(dtype: str) -> tuple[int | float, int | float]:
    kind = np.dtype(dtype)
    if kind.kind == "f":
        return float(np.finfo(kind).min), float(np.finfo(kind).max)
    return int(np.iinfo(kind).min), min(int(np.iinfo(kind).max), 2**63 - 1)


def float_network() -> Graph:
    """Two layers of IF neurons in f32, averaged over time."""
    return spiking((3, 4, 2))


def integer_network() -> Graph:
    """Two layers of Loihi neurons with integer weights and states."""
    return loihi((3, 4, 2))


def per_neuron() -> Graph:
    """A threshold per neuron where others have one for all: both are parameters, only the shape differs."""
    builder = new("per neuron")
    port = dense(builder, "d0", builder.input((3,), F32), eighths(2, 3))
    builder.output(neurons(builder, "n0", port, [1.0, 1.0]))
    return builder.graph()


def shared_axes() -> Graph:
    """A parameter of shape (2, 1, 1) over features (2, 3, 3)."""
    builder = new("channels")
    builder.output(neurons(builder, "n", builder.input((2, 3, 3), F32), np.array([[[1.0]], [[2.0]]])))
    return builder.graph()


def extremes() -> Graph:
    """Negative zero, the smallest subnormal and the largest f32: bits, not values, are kept."""
    values = np.array([-0.0, 1e-45, np.finfo(np.float32).max], np.float32)
    builder = new("extremes")
    port = builder.node(
        "s", "core.Scale", builder.input((3,), F32), params={"scale": tensor(values), "shift": tensor(-values)}
    )
    builder.output(port)
    return builder.graph()


def held() -> Graph:
    """One frame held for as many steps as can be."""
    return replace(spiking(), inputs=(replace(spiking().inputs[0], hold=MAX_HOLD),))


def late() -> Graph:
    """An edge with the largest delay."""
    graph = loihi()
    return replace(graph, edges=(replace(graph.edges[0], delay=MAX_DELAY), *graph.edges[1:]))


def parallel() -> Graph:
    """Two edges between the same ports with different delays, which add up."""
    builder = new("parallel")
    source = builder.input((3,), F32)
    port = neurons(builder, "n", source)
    builder.edge(source, Port("n", "x"), 2)
    builder.output(port)
    return builder.graph()


def loop() -> Graph:
    """A layer that feeds itself through a synapse, one step later."""
    builder = new("loop")
    port = cuba(builder, "n", dense(builder, "d", builder.input((2,), SPIKE), even(2, 2), 1))
    builder.edge(dense(builder, "r", port, even(2, 2), 1), Port("n", "a"))
    builder.output(port)
    return builder.graph()


def self_loop() -> Graph:
    """A node whose output is its own input one step later."""
    builder = new("self loop")
    port = builder.node("n", "core.ReLU", builder.input((2,), F32))
    builder.edge(port, Port("n", "x"), 1)
    builder.output(port)
    return builder.graph()


def wire() -> Graph:
    """The input is the output: no node, no tensor, an empty payload."""
    builder = new("wire")
    builder.output(builder.input((3,), SPIKE))
    return builder.graph()


def two_components() -> Graph:
    """Two networks side by side, each with an input and an output of its own."""
    builder = new("two")
    for name in ("a", "b"):
        builder.output(neurons(builder, f"n{name}", builder.input((2,), F32, name)), f"out {name}")
    return builder.graph()


def unused() -> Graph:
    """A node that does not reach an output: odd, and allowed."""
    builder = new("unused")
    port = neurons(builder, "n", builder.input((2,), F32))
    neurons(builder, "unused", port)
    builder.output(port)
    return builder.graph()


def shared() -> Graph:
    """Two nodes with one tensor and one program: each is stored once."""
    builder = new("shared")
    port = builder.input((3,), F32)
    for name in "ab":
        port = neurons(builder, f"n{name}", dense(builder, f"d{name}", port, eighths(3, 3)))
    builder.output(port)
    return builder.graph()


def foreign() -> Graph:
    """An op that no plugin has: its program is in the file, which is all that it takes to run it."""
    (op,) = (item for item in micro.STATEFUL if item.name == "micro.count")
    builder = GraphBuilder("foreign", _with_micro())
    builder.output(builder.node("n", op.name, builder.input((3,), signed(16))))
    return builder.graph()


def other_program() -> Graph:
    """A node called core.IF whose program is another one: it runs as the file says."""
    graph = spiking()
    schema = REGISTRY("core.IF", 1)
    program = schema.program({"reset": "none", "compare": "ge"})  # type: ignore[union-attr]
    return replace(graph, nodes=(graph.nodes[0], replace(graph.nodes[1], program=program)))


def attributes() -> Graph:
    """Attributes of every kind: true and false, a number, text, several numbers."""
    builder = new("attributes")
    kinds = {"kernel": (2, 2), "stride": (2, 1), "padding": (0, 1), "ceil_mode": True, "dilation": (1, 1)}
    builder.output(builder.node("p", "core.MaxPool", builder.input((1, 4, 4), F32), **kinds))  # type: ignore[arg-type]
    return builder.graph()


def names() -> Graph:
    """Ids in other scripts, with spaces, dots and slashes inside."""
    builder = new("名前 – 网络")
    builder.output(neurons(builder, "层/1.neuron β", builder.input((2,), F32, "données")), "sortie 1")
    return builder.graph()


def wide() -> Graph:
    """An input of f64 and a dt of 2^-1074."""
    builder = new("wide")
    builder.output(
        builder.node(
            "s", "core.Scale", builder.input((2,), F64), params={"scale": tensor(0.1), "shift": tensor(0.0)}
        )
    )
    return builder.graph(dt=5e-324)


def read_state() -> Graph:
    """A decoder that reads a membrane potential, and decides."""
    return replace(spiking(), decoder=Decoder("mean", True, "n0/v"))


def large_numbers() -> Graph:
    """Parameters that need 64 bits."""
    builder = new("large")
    params = {"scale": tensor(2**40), "shift": tensor(-(2**62))}
    builder.output(builder.node("s", "core.Scale", builder.input((2,), signed(8)), params=params))
    return builder.graph()


GRAPHS: dict[str, tuple[Callable[[], Graph], int | None]] = {
    "float network": (float_network, None),
    "integer network": (integer_network, None),
    "every field": (everything, None),
    "parameter per neuron": (per_neuron, 21),
    "parameter per channel": (shared_axes, None),
    "extreme floats": (extremes, None),
    "largest hold": (held, None),
    "largest delay": (late, 17),
    "parallel edges": (parallel, None),
    "recurrent layer": (loop, None),
    "self loop": (self_loop, 22),
    "wire": (wire, 22),
    "two components": (two_components, 22),
    "unused node": (unused, None),
    "shared tensors": (shared, None),
    "op of nobody": (foreign, None),
    "program of its own": (other_program, None),
    "attributes of every kind": (attributes, None),
    "names": (names, None),
    "f64 and dt": (wide, None),
    "decoder of a state": (read_state, None),
    "64-bit parameters": (large_numbers, None),
}


def _with_micro() -> Registry:
    registry = Registry(REGISTRY.all())
    for op in micro.OPS:
        registry.add(op)
    return registry


def other_writers() -> Iterator[tuple[str, str, bytes, Graph]]:
    """Files that another writer could make of the same graph."""
    graph = loihi()
    parts = members(graph)
    loose = parts["manifest.json"].replace(b"\n", b" ").replace(b"  ", b" ")
    yield (
        "manifest in one line",
        "White space in the manifest means nothing.",
        packed({**parts, "manifest.json": loose}),
        graph,
    )
    yield "ZIP64 sizes", "The extra field of ZIP64 where it is not needed.", _zip64(parts), graph


def _zip64(parts: dict[str, bytes]) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name, data in parts.items():
            with archive.open(zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0)), "w", force_zip64=True) as member:
                member.write(data)
    return stream.getvalue()
