"""What must hold for every conversion: round trips, and that passes keep what they promise."""

from __future__ import annotations

import tempfile
from contextlib import suppress
from pathlib import Path

import numpy as np
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from snnhub.api.options import ImportOptions
from snnhub.engine.reference import prepare
from snnhub.errors import UnsupportedError
from snnhub.ir.builder import GraphBuilder
from snnhub.ir.graph import Graph
from snnhub.ir.numtype import F32
from snnhub.ir.rung import Rung
from snnhub.ops.registry import REGISTRY
from snnhub.passes.base import PassContext, promise_of, run_passes
from snnhub_conformance.strategies import netx_graphs
from snnhub_loihi.lowering import passes as loihi
from snnhub_netx.arrange import passes as netx
from snnhub_netx.reader import import_netx
from snnhub_netx.writer import export_netx

from tests.build import dense, neurons, spikes


@settings(max_examples=120)
@given(netx_graphs(), st.integers(0, 2**20))
def test_a_netx_file_read_back_is_the_same_network(graph: Graph, seed: int) -> None:
    with suppress(UnsupportedError):
        arranged = run_passes(graph, netx(), PassContext())
    assume("arranged" in locals())  # a first layer of inhibition only cannot be written
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.net"
        export_netx(arranged, path)
        found = import_netx(path, ImportOptions())
        assert found.network() == arranged.network()
        export_netx(found, Path(folder) / "b.net")
        assert import_netx(Path(folder) / "b.net", ImportOptions()).network() == arranged.network()
    x = (np.random.default_rng(seed).random((8, 2, *graph.inputs[0].shape)) < 0.5).astype(np.uint8)
    np.testing.assert_array_equal(prepare(graph).run(x)[0]["output"], prepare(found).run(x)[0]["output"])


@settings(max_examples=60)
@given(
    st.lists(st.integers(2, 9), min_size=2, max_size=4),
    st.integers(0, 2**20),
    st.sampled_from(["ge", "gt"]),
    st.sampled_from([1.0, 0.375, 0.7]),
)
def test_a_promise_of_equal_spikes_is_kept(layers: list[int], seed: int, compare: str, theta: float) -> None:
    """Weights on a grid, where sums land on the threshold all the time."""
    random = np.random.default_rng(seed)
    builder = GraphBuilder("grid", REGISTRY)
    port = builder.input((layers[0],), F32)
    for index, (before, after) in enumerate(zip(layers, layers[1:], strict=False)):
        weight = (random.integers(-4, 7, (after, before)) / 8).astype(np.float32)
        weight[0, 0] = 0.25  # a layer that only inhibits cannot be written to NetX
        port = neurons(builder, f"n{index}", dense(builder, f"d{index}", port, weight), theta, compare=compare)
    builder.output(port)
    graph = builder.graph()
    lowered = run_passes(graph, [*loihi(), *netx()], PassContext())
    promise = promise_of(lowered)
    assert promise is not None
    assert promise.rung is Rung.SPIKES_LAG
    lag = next(match.lag for match in lowered.correspondence if match.old.node == "output")
    assert lag == len(layers) - 1
    x = spikes((25, 3, layers[0]), 0.5, seed)
    wanted, _ = prepare(graph).run(x)
    found, _ = prepare(lowered).run(x, steps=25 + lag)
    np.testing.assert_array_equal(wanted["output"], found["output"][lag:])
