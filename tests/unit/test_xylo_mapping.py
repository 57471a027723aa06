"""Layers to the neurons of one core: mapped arrays mean what the graph means, relays and blocks included."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from snnhub.engine.reference import prepare
from snnhub.errors import UnsupportedError
from snnhub.ir.graph import Edge, Graph, Port
from snnhub.ir.recording import Recording
from snnhub.ir.rung import Rung
from snnhub.ir.tensor import Array, tensor
from snnhub.ops.registry import REGISTRY
from snnhub.passes.base import PassContext, promise_of, run_passes
from snnhub_xylo.families import A2, A3, FAMILIES, IMU, Family
from snnhub_xylo.lowering import _passes
from snnhub_xylo.mapping.layers import read_network
from snnhub_xylo.mapping.mapped import Mapped, mapped
from snnhub_xylo.quantiser.integers import matches
from snnhub_xylo.steps import mapping

from tests.networks import float_core
from tests.networks.multispike_nets import SHAPES, network, raster


def lowered(graph: Graph, family: Family = A2, **options: str) -> Graph:
    """The graph with the chip's timing, decays and caps, in floats."""
    return run_passes(graph, mapping(family), PassContext(options=options))


def placed(graph: Graph, family: Family = A2) -> Mapped:
    made, found = mapped(read_network(graph, REGISTRY)[0], family)
    assert not found
    return made


def everything(graph: Graph, x: Array) -> Recording:
    plan = prepare(graph)
    return plan.run(x, record=plan.record_keys())[0]


def width(graph: Graph) -> int:
    return graph.inputs[0].shape[0]


@pytest.mark.parametrize("family", [A2, A3], ids=lambda family: family.name)
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("seed", range(4))
def test_mapped_arrays_mean_what_the_graph_means(shape: str, seed: int, family: Family) -> None:
    graph = lowered(network(shape, seed), family)
    made = placed(graph, family)
    x = raster(width(graph), samples=1, seed=seed)
    rows = matches(graph, made)
    recording = everything(graph, x)
    hidden, outputs = float_core.run(made, x[:, 0])
    compared = 0
    for row in rows:
        chip = {"s": hidden, "s_out": outputs}.get(row.new.name)
        if chip is None or row.old.name == "x":
            continue
        first, last = row.select or (0, chip.shape[1])
        wanted = recording[f"{row.old.node}/{row.old.name}"][:, 0]
        np.testing.assert_array_equal(
            chip[row.lag :, first:last], wanted[: len(wanted) - row.lag], err_msg=str(row)
        )
        compared += int(wanted.sum())
    assert compared > 20, "hardly any spikes: nothing was shown"


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("seed", range(3))
def test_the_timing_keeps_every_spike_up_to_the_lag(shape: str, seed: int) -> None:
    before = network(shape, seed)
    context = PassContext()
    after = run_passes(before, mapping(A2)[:1], context)
    promise = promise_of(after)
    assert promise is not None
    assert promise.rung is Rung.SPIKES_LAG
    x = raster(width(before))
    longer = np.concatenate([x, np.zeros((12, *x.shape[1:]), np.float32)])
    old, new = everything(before, longer), everything(after, longer)
    lags = set()
    for row in after.correspondence:
        key = f"{row.old.node}/{row.old.name}"
        if row.old.name == "s":
            steps = len(x)
            np.testing.assert_array_equal(new[key][row.lag : row.lag + steps], old[key][:steps])
            lags.add(row.lag)
    assert max(lags) >= 1


def test_lags_are_the_depth() -> None:
    graph = lowered(network("three"))
    lags = {row.old.node: row.lag for row in graph.correspondence if row.old.name == "s"}
    assert sorted(lags.values()) == [0, 1, 2, 3]


@pytest.mark.parametrize(
    ("shape", "relays"), [("residual", 9), ("nested", 27), ("deep", 18), ("three", 0), ("loop", 9)]
)
def test_relays_are_as_many_as_steps_to_wait(shape: str, relays: int) -> None:
    graph = lowered(network(shape))
    made = placed(graph)
    assert int(made.relay.sum()) == relays
    sources = np.flatnonzero(made.alias >= 0)
    assert (made.alias[sources] > sources).all()


def test_an_input_is_repeated_in_the_same_step_where_it_is_needed_later() -> None:
    made = placed(lowered(network("skip")))
    assert int(made.relay.sum()) == 5  # one row of relays, of the input
    made = placed(lowered(network("input")))
    assert int(made.relay.sum()) == 9
    assert (made.alias >= 0).sum() == 9


def test_skew_maps_without_relays_and_says_what_it_costs() -> None:
    context = PassContext(options={"residual": "skew"})
    graph = run_passes(network("residual"), mapping(A2), context)
    assert not placed(graph).relay.any()
    promise = promise_of(graph)
    assert promise is not None
    assert promise.rung is Rung.DISTRIBUTION
    assert [(item.severity.value, item.place) for item in graph.findings if item.code == "SNN-2408"] == [
        ("loss", "add3")
    ]


def test_refuse_refuses() -> None:
    with pytest.raises(UnsupportedError, match="residual") as caught:
        lowered(network("residual"), residual="refuse")
    errors = [item for item in caught.value.findings if item.severity.value == "error"]
    assert [(item.code, item.place) for item in errors] == [("SNN-2408", "add3")]
    lowered(network("two"), residual="refuse")


def test_relays_that_do_not_fit_become_a_skew_with_a_loss() -> None:
    small = replace(A2, limits={**A2.limits, "hidden neurons": (20, "a test")})
    graph = lowered(network("residual"), small)
    assert not placed(graph).relay.any()
    losses = [item for item in graph.findings if item.severity.value == "loss"]
    assert "too many" in losses[0].message


def test_sources_without_a_weight_left_become_a_skew_with_a_loss() -> None:
    full = replace(A2, limits={**A2.limits, "recurrent fan-out": (9, "a test")})
    graph = lowered(network("residual"), full)
    assert not placed(graph).relay.any()
    losses = [item for item in graph.findings if item.severity.value == "loss"]
    assert "no weight left" in losses[0].message
    room = replace(A2, limits={**A2.limits, "recurrent fan-out": (10, "a test")})
    assert placed(lowered(network("residual"), room)).relay.any()


def test_inputs_come_first_and_outputs_last_where_a_family_wants_that() -> None:
    graph = lowered(network("residual"), A3)
    for family in (A3, IMU):
        made = placed(graph, family)
        assert (made.weights_in[:, :9] != 0).any()
        assert not (made.weights_in[:, 9:] != 0).any()
        assert not (made.weights_out[:-9] != 0).any()
        assert made.relay[9:18].all()


def test_a_bias_in_a_later_layer_ends_equality_up_to_a_lag() -> None:
    graph = network("two")
    node = graph.node["n1"]
    biased = node.with_params(bias=tensor(np.full(9, 0.1, np.float32)))
    graph = replace(graph, nodes=tuple(biased if item.id == "n1" else item for item in graph.nodes))
    after = lowered(graph)
    assert [
        (item.code, item.severity.value, item.place) for item in after.findings if item.code == "SNN-2409"
    ] == [("SNN-2409", "loss", "n1")]


@pytest.mark.parametrize("family", FAMILIES.values(), ids=lambda family: family.name)
def test_a_lowered_graph_passes_unchanged(family: Family) -> None:
    once = run_passes(network("two"), _passes(family), PassContext())
    twice = run_passes(once, _passes(family), PassContext())
    assert twice.network() == once.network()


def test_a_loop_without_room_is_refused() -> None:
    graph = network("loop")
    edges = [Edge(edge.src, edge.dst, 1) if edge.delay == 3 else edge for edge in graph.edges]
    with pytest.raises(UnsupportedError, match="no room"):
        lowered(replace(graph, edges=tuple(edges)))


def test_neurons_inside_a_block_cannot_be_heard_alone() -> None:
    graph = network("residual")
    inner = next(edge.src for edge in graph.edges if edge.dst.node.startswith("add") and edge.dst.name == "a")
    spy = Edge(inner, Port("d4", "x"))
    edges = tuple(spy if edge.dst == spy.dst else edge for edge in graph.edges)
    _, found = read_network(replace(graph, edges=edges), REGISTRY)
    assert "without what is added" in " ".join(item.message for item in found)
