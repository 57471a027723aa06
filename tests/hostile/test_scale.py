"""Graphs that are valid and huge: a clear error before memory is touched, and no hang."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import snnhub
from snnhub.engine import recorder
from snnhub.engine.memory import ensure_memory
from snnhub.engine.reference import prepare
from snnhub.engine.stimulus import read_stimulus
from snnhub.errors import GraphError, SnnhubError, UnsupportedError, UsageError
from snnhub.ir.builder import GraphBuilder
from snnhub.ir.graph import TERMINAL_PORT, Edge, Graph, Port
from snnhub.ir.numtype import F32, integer
from snnhub.ir.verify import verify
from snnhub.ops.registry import REGISTRY
from snnhub_formats.container import save

from tests.build import conv, dense, loihi_mlp, mlp, neurons, spikes
from tests.hostile.sandbox import attempt

HERE = "tests.hostile.test_scale"


def run_file(path: str, shape: str, steps: str = "2") -> None:
    """What the sandbox runs: two steps of zeros through the network of a file."""
    snnhub.run(path, np.zeros((int(steps), *(int(size) for size in shape.split(","))), np.uint8))


def padded(padding: int) -> Graph:
    """Weights of 8 numbers; the output of a frame of 8 x 8 is what the padding makes of it."""
    builder = GraphBuilder("padded", REGISTRY)
    port = builder.input((2, 8, 8), F32)
    weight = np.ones((4, 2, 1, 1), np.float32)
    port = neurons(builder, "n", conv(builder, "c", port, weight, padding=(padding, padding)))
    builder.output(port)
    return builder.graph()


def test_padding_that_needs_a_terabyte(tmp_path: Path) -> None:
    save(padded(65_536), tmp_path / "x.snn")
    said = attempt(f"{HERE}:run_file", tmp_path / "x.snn", "2,8,8")
    assert said.startswith("UnsupportedError")
    assert "more memory than this machine has" in said


def test_delays_that_need_a_terabyte(tmp_path: Path) -> None:
    graph = loihi_mlp((1000, 4))
    edges = tuple(replace(edge, delay=2**20) if edge.src.node == "input" else edge for edge in graph.edges)
    save(replace(graph, edges=edges), tmp_path / "x.snn")
    said = attempt(f"{HERE}:run_file", tmp_path / "x.snn", "1000,1000")
    assert said.startswith("UnsupportedError")
    assert "the delay of" in said


def test_a_frame_that_is_held_costs_one_frame(tmp_path: Path) -> None:
    """2**16 steps of a frame of 200,000 numbers: 50 GB if the frame were copied."""
    graph = mlp((200_000, 2))
    held = replace(graph, inputs=(replace(graph.inputs[0], hold=2**16),))
    plan = prepare(held)
    read = read_stimulus(np.ones((1, 1, 200_000), np.float32), held.inputs[0])
    assert read.values.shape[0] == 2**16
    assert read.values.strides[0] == 0
    assert plan.graph is held


def test_recordings_beyond_the_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recorder, "MEMORY_BYTES", 100)
    plan = prepare(mlp((6, 5)))
    with pytest.raises(UsageError, match="more room than there is"):
        plan.run(spikes((3, 1, 6)), record=["output"], steps=2**56)


@pytest.mark.parametrize("rank", [31, 40, 70, 1000])
def test_ranks_beyond_numpy(rank: int, tmp_path: Path) -> None:
    builder = GraphBuilder("ranks", REGISTRY)
    builder.output(neurons(builder, "n", builder.input((1,) * rank, F32)))
    save(builder.graph(), tmp_path / "x.snn")
    with pytest.raises(SnnhubError):
        snnhub.run(tmp_path / "x.snn", np.zeros((2, *[1] * min(rank, 30)), np.float32))
    with pytest.raises(UnsupportedError, match="too many axes"):
        ensure_memory(prepare(builder.graph()), 1)


def test_shapes_whose_product_leaves_64_bits(tmp_path: Path) -> None:
    builder = GraphBuilder("wide", REGISTRY)
    port = builder.node("f", "core.Flatten", builder.input((2**40, 2**40), F32), start=0, end=1)
    builder.output(neurons(builder, "n", port))
    graph = builder.graph()
    save(graph, tmp_path / "x.snn")
    snnhub.inspect(tmp_path / "x.snn")
    with pytest.raises(SnnhubError):
        snnhub.run(tmp_path / "x.snn", np.zeros((1, 1, 1), np.float32))
    with pytest.raises(UnsupportedError, match="more memory"):
        ensure_memory(prepare(graph), 1)


def chain(length: int, backwards: bool, loops: bool = False) -> Graph:
    """Nodes in a row, listed from the last to the first: the worst order for whoever walks the list."""
    builder = GraphBuilder("chain", REGISTRY)
    port = builder.input((1,), F32)
    for index in range(length):
        port = neurons(builder, f"n{index}", port)
    builder.output(port)
    nodes, edges = tuple(builder.nodes), tuple(builder.edges)
    if loops:
        back = [Edge(Port(f"n{i}", "s"), Port(f"n{i // 2}", "x"), 1) for i in range(1, length)]
        edges = (*edges, *back)
    return Graph(
        "chain",
        nodes[::-1] if backwards else nodes,
        edges[::-1] if backwards else edges,
        tuple(builder.inputs),
        tuple(builder.outputs),
    )


@pytest.mark.parametrize("loops", [False, True])
def test_many_nodes_are_verified_in_time(loops: bool) -> None:
    graph = chain(20_000, backwards=True, loops=loops)
    start = time.process_time()
    verify(graph, REGISTRY)
    assert time.process_time() - start < 60  # a quadratic walk takes hours


def test_the_order_of_nodes_does_not_change_what_is_found() -> None:
    forward, backward = chain(50, backwards=False), chain(50, backwards=True)
    assert verify(forward, REGISTRY) == verify(backward, REGISTRY) == ()
    x = np.ones((4, 1), np.float32)
    np.testing.assert_array_equal(prepare(forward).run(x)[0]["output"], prepare(backward).run(x)[0]["output"])


def test_sums_that_grow_around_a_loop() -> None:
    """An integer loop without neurons grows until 64 bits end: found, not followed."""
    builder = GraphBuilder("growing", REGISTRY)
    port = builder.input((1,), integer(0, 1))
    first = dense(builder, "d", port, np.ones((1, 1), np.int8))
    builder.edge(first, Port("d", "x"), 1)
    builder.output(first)
    with pytest.raises(GraphError) as caught:
        prepare(builder.graph())
    assert {finding.code for finding in caught.value.findings} == {"SNN-1010"}


def test_one_port_with_many_edges() -> None:
    graph = loihi_mlp((3, 2))
    many = tuple(Edge(Port("input", TERMINAL_PORT), graph.edges[0].dst, delay) for delay in range(1, 50_000))
    start = time.process_time()
    verify(replace(graph, edges=(*many, *graph.edges[1:])), REGISTRY)
    assert time.process_time() - start < 30
