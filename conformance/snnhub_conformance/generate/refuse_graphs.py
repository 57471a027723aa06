"""Rules of whole graphs, each broken once; files that lie; and runs that must stop."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
from snnhub.errors import FormatError, RunError, UsageError
from snnhub.ir.builder import GraphBuilder
from snnhub.ir.graph import Decoder, Edge, Graph, Match, Port
from snnhub.ir.numtype import F32, SPIKE, signed
from snnhub.ir.tensor import Array
from snnhub.ops.registry import REGISTRY, Registry

from snnhub_conformance.generate import micro, refuse_ops
from snnhub_conformance.generate.build import loihi, new, spiking
from snnhub_conformance.generate.entry import Refusal
from snnhub_conformance.generate.refuse_parts import STEPS, Broken, add_broken, put, stimulus
from snnhub_conformance.generate.snn_parts import WEIGHTS, members, packed, with_message
from snnhub_conformance.generate.write import Writer


def add(writer: Writer) -> None:
    """Conditions of ops, rules of graphs, files, and inputs."""
    add_broken(writer, refuse_ops.broken(), json=False)
    add_broken(writer, _graphs(), json=True)
    _files(writer)
    _runs(writer)


RULE = "A rule of graphs."


def _graphs() -> Iterator[Broken]:
    graph = spiking()
    for title, (changed, code, place) in {**_ids(graph), **_edges(graph), **_rest(graph)}.items():
        yield Broken(title, RULE, changed, code, place)


Rows = dict[str, tuple[Graph, str, str]]


def _ids(graph: Graph) -> Rows:
    def renamed(old: str, name: str) -> Graph:
        nodes = tuple(replace(node, id=name) if node.id == old else node for node in graph.nodes)
        return replace(graph, nodes=nodes, edges=tuple(_moved(edge, old, name) for edge in graph.edges))

    return {
        "two nodes of one id": (replace(graph, nodes=(*graph.nodes, graph.nodes[0])), "SNN-1001", "d0"),
        "node named as the input": (renamed("d0", "input"), "SNN-1001", "input"),
        "node below the output": (renamed("n0", "output/n0"), "SNN-1001", "output/n0"),
        "empty id": (renamed("n0", ""), "SNN-1001", "(empty)"),
        "id that begins with a slash": (renamed("n0", "/n0"), "SNN-1001", "/n0"),
        "id that ends with a slash": (renamed("n0", "n0/"), "SNN-1001", "n0/"),
        "two outputs of one id": (replace(graph, outputs=(*graph.outputs, *graph.outputs)), "SNN-1001", "output"),
        "unknown op": (_op(graph, "acme.Unknown"), "SNN-1003", "d0"),
    }


def _moved(edge: Edge, old: str, name: str) -> Edge:
    src = replace_node(edge.src, old, name)
    return replace(edge, src=src, dst=replace_node(edge.dst, old, name))


def replace_node(port: Port, old: str, name: str) -> Port:
    """The port at the node's new name."""
    return Port(name, port.name) if port.node == old else port


def _op(graph: Graph, op: str) -> Graph:
    return replace(graph, nodes=(replace(graph.nodes[0], op=op), *graph.nodes[1:]))


def _edges(graph: Graph) -> Rows:
    first, *others = graph.edges

    def with_first(**changes: Any) -> Graph:
        return replace(graph, edges=(replace(first, **changes), *others))

    back = Edge(Port("n0", "s"), Port("d0", "x"))
    lost = Edge(Port("nobody", "x"), Port("d0", "x"))
    wrong = Edge(Port("n0", "s"), Port("d0", "nothing"), 1)
    small = spiking((2, 2))
    cycle = replace(small, edges=(*small.edges, back))
    loop = Edge(Port("n0", "s"), Port("n0", "x"))
    return {
        "edge from nowhere": (replace(graph, edges=(*graph.edges, lost)), "SNN-1002", str(lost)),
        "edge to no port": (replace(graph, edges=(*graph.edges, wrong)), "SNN-1002", str(wrong)),
        "edge from no port": (with_first(src=Port("input", "y")), "SNN-1002", ""),
        "edge to nowhere": (with_first(dst=Port("nobody", "x")), "SNN-1002", ""),
        "output without an edge": (replace(graph, edges=graph.edges[:-1]), "SNN-1008", "output.x"),
        "edge twice": (replace(graph, edges=(first, *graph.edges)), "SNN-1018", str(first)),
        "cycle without a delay": (cycle, "SNN-1011", ""),
        "self loop without a delay": (replace(graph, edges=(*graph.edges, loop)), "SNN-1011", "n0"),
        "delay beyond 2^20": (with_first(delay=2**20 + 1), "SNN-1015", ""),
    }


def _rest(graph: Graph) -> Rows:
    item = graph.inputs[0]
    nobody = Match(Port("a", "s"), Port("nobody", "s"))
    return {
        "no input": (replace(graph, inputs=()), "SNN-1016", "spiking"),
        "no output": (replace(graph, outputs=(), edges=graph.edges[:-1]), "SNN-1016", "spiking"),
        "input that does not fit the weight": (
            replace(graph, inputs=(replace(item, shape=(4,)),)),
            "SNN-1009",
            "d0",
        ),
        "input of size 0": (replace(graph, inputs=(replace(item, shape=(0,)),)), "SNN-1009", "input"),
        "frame held for 65,537 steps": (
            replace(graph, inputs=(replace(item, hold=2**16 + 1),)),
            "SNN-1015",
            "input",
        ),
        "decoder of nothing": (replace(graph, decoder=Decoder("mean", True, "n0/u")), "SNN-1017", "n0/u"),
        "unknown reduction": (replace(graph, decoder=Decoder("product")), "SNN-1017", "decoder"),
        "correspondence to nothing": (replace(graph, correspondence=(nobody,)), "SNN-1019", "nobody.s"),
    }


def _files(writer: Writer) -> None:
    """Programs are proved and kernels chosen by the stated range: a lie must not reach the engine."""
    graph = loihi()
    parts = members(graph)

    def narrow(message: Any) -> None:
        next(item for item in message.tensors if item.max.integer > 8).max.integer = 8

    about = (_files.__doc__ or "").strip()
    wanted = Refusal(FormatError, "SNN-4106", "d0/weight")
    put(
        writer,
        "range that the numbers leave",
        about,
        graph,
        stimulus(graph),
        wanted,
        data=with_message(parts, narrow),
        json=False,
    )
    for title, data in {
        "truncated file": packed(parts)[:-30],
        "payload missing": packed({**parts, WEIGHTS: b""}),
    }.items():
        about = "What cannot be read cannot be run."
        put(writer, title, about, graph, stimulus(graph), Refusal(FormatError), data=data, json=False)


def _runs(writer: Writer) -> None:
    """Valid networks and what must not go into them; and a check that is left."""
    floats, whole, bits = spiking(), _adder(), _bits()
    zeros = np.zeros((STEPS, 3), np.float32)
    for title, (graph, array) in {
        "NaN": (floats, _with(zeros, np.nan)),
        "infinity": (floats, _with(zeros, np.inf)),
        "too few features": (floats, zeros[:, :2]),
        "an axis missing": (floats, zeros[0]),
        "two axes too many": (floats, zeros[:, None, None]),
        "no step": (floats, zeros[:0]),
        "text": (floats, np.array([["a", "b", "c"]] * STEPS)),
        "complex numbers": (floats, zeros.astype(np.complex64)),
        "a half where integers belong": (whole, _with(zeros, 0.5)),
        "a number above the input's type": (whole, _with(zeros, 2**15)),
        "a number below the input's type": (whole, _with(zeros, -(2**15) - 1)),
        "two spikes in a step": (bits, _with(zeros.astype(np.int8), 2)),
        "a negative spike": (bits, _with(zeros.astype(np.int8), -1)),
    }.items():
        mine = {"two spikes in a step": 16, "a negative spike": 26}.get(title)
        about = "Input that the network does not take is refused, never cut to fit."
        put(writer, f"input: {title}", about, graph, array, Refusal(UsageError), landmine=mine)
    checked = _checked()
    about = "A check that is left stops the run: no value beyond it may go on."
    put(writer, "check that is left", about, checked, np.full((STEPS, 2), 1e30, np.float32), Refusal(RunError))


def _with(array: Array, value: float) -> Array:
    changed = array.copy()
    changed[0, 0] = value
    return changed


def _adder() -> Graph:
    builder = new("adder")
    builder.output(builder.node("r", "core.ReLU", builder.input((3,), signed(16))))
    return builder.graph()


def _bits() -> Graph:
    builder = new("bits")
    builder.output(builder.input((3,), SPIKE))
    return builder.graph()


def _checked() -> Graph:
    """1024 x as an integer, checked to lie within 2^40."""
    registry = Registry(REGISTRY.all())
    for op in micro.OPS:
        registry.add(op)
    builder = GraphBuilder("checked", registry)
    builder.output(builder.node("n", "micro.f_to_int", builder.input((2,), F32)))
    return builder.graph()
