"""Delays of NetX files that differ between neurons: read as one synapse per delay, written back, and refused."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from snnhub.api.options import ImportOptions
from snnhub.engine.reference import prepare
from snnhub.errors import FormatError, UnsupportedError
from snnhub.findings import Severity
from snnhub.ir.builder import GraphBuilder
from snnhub.ir.graph import Graph, Node, Port
from snnhub.ir.numtype import SPIKE
from snnhub.ir.tensor import Array, smallest_integer
from snnhub.ops.registry import REGISTRY
from snnhub.passes.base import PassContext, run_passes
from snnhub_netx.arrange import passes
from snnhub_netx.delays import compact, merge, split, spread_delay
from snnhub_netx.reader import import_netx
from snnhub_netx.writer import export_netx

from tests.build import cuba, dense, spikes
from tests.networks.netx_files import dense_layer, write

WEIGHT = np.array([[8, -6, 4, 2], [0, 10, -2, 6], [12, 2, 4, -8]])


def read(path: Path) -> Graph:
    return import_netx(path, ImportOptions())


def sums(weight: Array, delay: Array, x: Array) -> Array:
    """Synaptic input (time, out), computed from the definition: a spike arrives ``delay + 1`` steps later."""
    result = np.zeros((len(x), weight.shape[0]), np.int64)
    for step, row, column in np.ndindex(len(x), *weight.shape):
        earlier = step - 1 - int(delay[row, column])
        result[step, row] += int(weight[row, column]) * int(x[earlier, column]) if earlier >= 0 else 0
    return result


@pytest.mark.parametrize("delay", [5.0, [0, 2, 7], [3, 0, 3, 1], [[0, 1, 2, 3], [62, 0, 9, 9], [4, 4, 0, 61]]])
def test_spikes_arrive_as_late_as_the_file_says(delay: Any, tmp_path: Path) -> None:
    path = write(tmp_path / "a.net", [dense_layer(WEIGHT, delay=np.array(delay, np.float32))])
    graph = read(path)
    x = spikes((80, 4), 0.5)
    recording, _ = prepare(graph).run(x, record=["layer0/u"])
    whole = spread_delay(np.array(delay, np.int64), 3, 4)
    assert whole is not None
    np.testing.assert_array_equal(recording["layer0/u"], 64 * sums(WEIGHT, whole, x))


def test_one_synapse_per_delay_named_after_it(tmp_path: Path) -> None:
    graph = read(write(tmp_path / "a.net", [dense_layer(WEIGHT, delay=np.array([3.0, 0.0, 3.0]))]))
    assert [node.id for node in graph.nodes] == ["layer0/synapse_d0", "layer0/synapse_d3", "layer0"]
    assert [graph.feeding(node.id)[0].delay for node in graph.nodes[:2]] == [1, 4]
    np.testing.assert_array_equal(sum(node.param["weight"].array for node in graph.nodes[:2]), WEIGHT)


@pytest.mark.parametrize(
    ("delay", "shape"),
    [
        (np.full((3, 4), 7.0), ()),
        (np.array([1.0, 0.0, 2.0]), (3,)),
        (np.array([1.0, 0.0, 2.0, 62.0]), (4,)),
        (np.arange(12.0).reshape(3, 4), (3, 4)),
    ],
)
def test_written_delays_have_the_smallest_shape_and_read_back_equal(
    delay: Array, shape: tuple[int, ...], tmp_path: Path
) -> None:
    graph = read(write(tmp_path / "a.net", [dense_layer(WEIGHT, delay=delay), dense_layer(np.full((2, 3), 6))]))
    assert export_netx(graph, tmp_path / "b.net") == []
    with h5py.File(tmp_path / "b.net") as file:
        assert file["layer/0/delay"].shape == shape
        assert file["layer/0/delay"].dtype == np.float32
    assert read(tmp_path / "b.net").network() == graph.network()


def test_of_equal_lengths_one_delay_per_output_wins() -> None:
    weight, inputs = np.full((3, 3), 2), np.broadcast_to(np.array([4, 5, 6]), (3, 3))
    assert compact(weight, inputs).shape == (3, 3)
    assert compact(weight, inputs.T).shape == (3,)
    np.testing.assert_array_equal(spread_delay(np.array([4, 5, 6]), 3, 3), inputs.T)


def test_split_and_merge_are_inverse_where_weights_are() -> None:
    random = np.random.default_rng(3)
    for _ in range(50):
        weight, delay = random.integers(-1, 2, (4, 5)), random.integers(0, 4, (4, 5))
        together, found = merge(split(weight, delay))
        np.testing.assert_array_equal(together, weight)
        np.testing.assert_array_equal(found[weight != 0], delay[weight != 0])


def test_delays_are_clamped_and_cut_as_in_lava_and_reported(tmp_path: Path) -> None:
    graph = read(write(tmp_path / "a.net", [dense_layer(WEIGHT, delay=np.array([1.75, 80.0, 0.0]))]))
    assert sorted(edge.delay for edge in graph.edges if edge.src.node == "input") == [1, 2, 63]
    found = [f for f in graph.findings if f.code == "SNN-3115"]
    assert [(f.severity, f.old, f.new) for f in found] == [
        (Severity.LOSS, "1.75", "1"),
        (Severity.LOSS, "80", "62"),
    ]


@pytest.mark.parametrize(
    "changes",
    [
        {"delay": np.array(-1.0)},
        {"delay": np.array([3.0, 1.0, -2.0])},
        {"type": "dense_rec", "weight_rec": np.full((3, 3), 2.0), "delay": np.array(2.0)},
    ],
)
def test_what_lava_cannot_load_is_refused(changes: dict[str, Any], tmp_path: Path) -> None:
    with pytest.raises(UnsupportedError) as caught:
        read(write(tmp_path / "a.net", [dense_layer(WEIGHT, **changes)]))
    assert {f.code for f in caught.value.findings if f.severity is Severity.ERROR} == {"SNN-3116"}


def test_delays_that_are_no_numbers_are_refused(tmp_path: Path) -> None:
    with pytest.raises(FormatError, match="NaN"):
        read(write(tmp_path / "a.net", [dense_layer(WEIGHT, delay=np.array([0.0, np.nan, 1.0]))]))


def parallel(parts: list[tuple[int, Array]]) -> Graph:
    """Two inputs, and a layer of neurons that several synapses feed, each with its delay."""
    builder = GraphBuilder("parallel", REGISTRY)
    source = builder.input((2,), SPIKE)
    ports = [dense(builder, f"s{i}", source, np.array(w, np.int16), d) for i, (d, w) in enumerate(parts)]
    port = cuba(builder, "n", ports[0])
    for other in ports[1:]:
        builder.edge(other, Port("n", "a"))
    builder.output(port)
    return builder.graph()


def test_parallel_synapses_are_written_as_delays(tmp_path: Path) -> None:
    """Any names, any order: the parts are sorted and named by delay."""
    graph = parallel([(4, np.array([[0, 6], [-4, 0]])), (1, np.array([[2, 0], [0, 8]]))])
    arranged = run_passes(graph, passes(), PassContext())
    assert [node.id for node in arranged.nodes] == ["layer1/synapse_d0", "layer1/synapse_d3", "layer1"]
    export_netx(arranged, tmp_path / "a.net")
    with h5py.File(tmp_path / "a.net") as file:
        assert file["layer/1/weight"][()].tolist() == [[2, 6], [-4, 8]]
        assert file["layer/1/delay"][()].tolist() == [[0, 3], [3, 0]]
    found = read(tmp_path / "a.net")
    assert found.network() == arranged.network()
    x = spikes((40, 2))
    np.testing.assert_array_equal(prepare(graph).run(x)[0]["output"], prepare(found).run(x)[0]["output"])


@pytest.mark.parametrize(
    ("parts", "words"),
    [
        ([(1, [[2, 4], [6, 8]]), (2, [[2, 0], [0, 0]])], "several lead here: s0, s1"),
        ([(1, [[2, 0], [0, 8]]), (1, [[0, 4], [6, 0]])], "several lead here: s0, s1"),
        ([(1, [[2, 4], [6, 8]]), (2, [[0, 0], [0, 0]])], "without weights"),
        ([(1, [[2, 0], [6, 8]]), (2100, [[0, 2], [0, 0]])], "33 layers of relays, of 32 at most"),
        ([(0, [[2, 0], [6, 8]]), (70, [[0, 2], [0, 0]])], "found delay 0, allowed 1 .. 63"),
        ([(0, [[2, 0], [6, 8]]), (5, [[0, 2], [0, 0]])], "found delay 0, allowed 1 .. 63"),
    ],
)
def test_what_no_file_can_hold_is_refused(parts: list[tuple[int, Any]], words: str) -> None:
    with pytest.raises(UnsupportedError, match=words):
        run_passes(parallel(parts), passes(), PassContext())


def negative(synapse: Node) -> Node:
    """The synapse with the sign of its weights turned."""
    return synapse.with_params(weight=smallest_integer(-synapse.param["weight"].array.astype(np.int64)))


def test_a_silent_neuron_saves_delayed_inhibition(tmp_path: Path) -> None:
    """The layer before has delays as well; every one of its synapses gets a row for the silent neuron."""
    layers = [
        dense_layer([[60, 80], [70, 64], [90, 66]], delay=np.array([0.0, 3.0, 1.0])),
        dense_layer(np.full((2, 3), 8), delay=np.array([[0.0, 2, 1], [2, 5, 0]]), bias=np.array([40.0, 30.0])),
    ]
    graph = read(write(tmp_path / "a.net", layers))
    nodes = [negative(node) if node.id.startswith("layer1/") else node for node in graph.nodes]
    graph = replace(graph, nodes=tuple(nodes))
    assert [node.id for node in nodes if node.id.startswith("layer1/")] == [
        f"layer1/synapse_d{steps}" for steps in (0, 1, 2, 5)
    ]
    safe = run_passes(graph, passes(), PassContext())
    assert {f.code for f in safe.findings} == {"SNN-4103"}
    export_netx(safe, tmp_path / "b.net")
    found = read(tmp_path / "b.net")
    assert found.network() == safe.network()
    x = spikes((60, 2), 0.6)
    before, _ = prepare(graph).run(x, record=["layer1/v", "layer0/s"])
    after, _ = prepare(found).run(x, record=["layer1/v", "layer0/s"])
    np.testing.assert_array_equal(before["layer1/v"], after["layer1/v"])
    np.testing.assert_array_equal(before["layer0/s"], after["layer0/s"][:, :3])
    assert before["layer0/s"].any()
