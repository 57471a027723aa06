"""Order-robustness on random networks: no order of summation leaves the radii, and none makes other spikes unless
the engine flagged a tie there first.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from snnhub.compare.align import spike_keys
from snnhub.engine.robust.plan import BoundedPlan
from snnhub.ir.builder import GraphBuilder
from snnhub.ir.graph import Graph
from snnhub.ir.numtype import F32
from snnhub.ir.tensor import Array, tensor
from snnhub.ir.topology import topological_order
from snnhub.ops.registry import REGISTRY
from snnhub_conformance.strategies import convolutional, float_graphs, layered_graphs

from tests.build import dense, neurons
from tests.permuted import ORDERS, PermutedPlan

STEPS, SAMPLES = 12, 2


def held_against_every_order(graph: Graph, x: Array, seed: int) -> tuple[bool, int]:
    """Whether the run is robust, and how many spikes differed in some order."""
    plan = BoundedPlan(graph, REGISTRY)
    keys = plan.record_keys()
    ours, _ = plan.run(x, record=keys)
    certificate = plan.ledger.certificate()
    spiking = spike_keys(graph)
    rank = {name: number for number, name in enumerate(topological_order(graph))}
    nodes = sorted((key for key in spiking if "/" in key), key=lambda key: rank[key.rpartition("/")[0]])
    different = 0
    for order in ORDERS:
        theirs, _ = PermutedPlan(graph, order, seed).run(x, record=keys)
        for sample in range(x.shape[1]):
            until = x.shape[0]
            for key in nodes:
                wrong = ours[key][:, sample] != theirs[key][:, sample]
                steps = np.flatnonzero(wrong.reshape(x.shape[0], -1).any(axis=1))
                different += int(wrong.sum())
                until = min(until, int(steps[0])) if len(steps) else until
            if until < x.shape[0]:
                first = next(
                    key for key in nodes if (ours[key][until, sample] != theirs[key][until, sample]).any()
                )
                for index in np.argwhere(ours[first][until, sample] != theirs[first][until, sample]):
                    assert certificate.flagged(first, until, sample, tuple(int(i) for i in index)), (order, first)
            for key in (key for key in keys if key not in spiking):
                radius = plan.radii.get(key, np.zeros(ours[key].shape))[:until, sample]
                a, b = (item[key][:until, sample].astype(np.float64) for item in (ours, theirs))
                with np.errstate(invalid="ignore"):
                    fits = (np.abs(a - b) <= radius) | np.isnan(a) | (a == b) | np.isinf(radius)
                assert fits.all(), (order, key, sample, np.abs(a - b).max(), radius.max())
    assert not (certificate.robust and different)
    return certificate.robust, different


def shown(graph: Graph, seed: int, analog: bool) -> Array:
    random = np.random.default_rng(seed)
    shape = (STEPS, SAMPLES, *graph.inputs[0].shape)
    if analog:
        return random.normal(0, 1, shape).astype(np.float32)
    return (random.random(shape) < 0.5).astype(np.float32)


@settings(max_examples=100)
@given(graph=float_graphs(), seed=st.integers(0, 2**16), analog=st.booleans())
def test_networks_with_loops_and_delays(graph: Graph, seed: int, analog: bool) -> None:
    held_against_every_order(graph, shown(graph, seed, analog), seed)


@settings(max_examples=100)
@given(graph=layered_graphs(), seed=st.integers(0, 2**16), analog=st.booleans())
def test_networks_of_transforms(graph: Graph, seed: int, analog: bool) -> None:
    held_against_every_order(graph, shown(graph, seed, analog), seed)


@settings(max_examples=60)
@given(graph=convolutional(), seed=st.integers(0, 2**16), analog=st.booleans())
def test_convolutional_networks(graph: Graph, seed: int, analog: bool) -> None:
    held_against_every_order(graph, shown(graph, seed, analog), seed)


@settings(max_examples=40)
@given(graph=float_graphs(), seed=st.integers(0, 2**16))
def test_weights_on_a_grid_of_tenths(graph: Graph, seed: int) -> None:
    """Sums that land on the threshold: here orders do differ, and only at ties."""
    nodes = [
        node.with_params(weight=tensor((np.rint(node.param["weight"].array * 10) / 10).astype(np.float32)))
        if "weight" in node.param
        else node
        for node in graph.nodes
    ]
    held_against_every_order(replace(graph, nodes=tuple(nodes)), shown(graph, seed, False), seed)


def test_orders_that_differ_are_found() -> None:
    """The tests above would be empty if no order ever made another spike, or if nothing ever were robust."""
    found = []
    for seed in range(12):
        builder = GraphBuilder("wide", REGISTRY)
        random = np.random.default_rng(seed)
        weight = random.normal(0.05, 0.2, (20, 40)).astype(np.float32)
        if seed % 2:
            weight = (np.rint(weight * 20) / 20).astype(np.float32)
        builder.output(neurons(builder, "n", dense(builder, "d", builder.input((40,), F32), weight)))
        graph = builder.graph()
        found.append(held_against_every_order(graph, shown(graph, seed, False), seed))
    random_weights, grid = found[::2], found[1::2]
    assert all(robust for robust, _ in random_weights)
    assert sum(different for _, different in grid) > 50
