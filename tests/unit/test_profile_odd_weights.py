"""Weights that are NaN or infinite, and what else importers go on with: 0 times NaN, values taken for a state."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from snnhub.api.discretise import discretise
from snnhub.api.load import load_graph
from snnhub.engine.exact import add_exactly
from snnhub.engine.reference import prepare
from snnhub.errors import UnsupportedError
from snnhub.ir.builder import GraphBuilder
from snnhub.ir.graph import Graph, Port
from snnhub.ir.numtype import F32
from snnhub.ir.tensor import Array, tensor
from snnhub.ops.registry import REGISTRY
from snnhub_profiles.ops.nirtorch import codes, kept

from tests.networks.nir_nets import DT, Net, affine, chain, continuous, cuba, lif

NAN, INF = np.float32(np.nan), np.float32(np.inf)


def run(graph: Graph, x: Array) -> Array:
    recording, _ = prepare(graph).run(x.astype("f4"), record=["output"])
    return np.asarray(recording["output"])


def test_a_dense_layer_adds_nan_and_infinities_as_ieee_754_does() -> None:
    weight = np.array([[NAN, 1], [INF, 1], [-INF, 1], [INF, INF], [2, 3]], "f4")
    graph = discretise(continuous(chain(affine(weight), shape=[2], out=[5])), DT, "norse-1")
    assert {"core.Dense", "nirtorch.OddDense", "core.Scale"} == {node.op for node in graph.nodes}
    assert "SNN-2617" in {item.code for item in graph.findings}
    found = run(graph, np.array([[1, 1], [-1, 1], [0, 1]]))
    expected = [[NAN, INF, -INF, INF, 5], [NAN, -INF, INF, NAN, 1], [NAN, NAN, NAN, NAN, 3]]
    np.testing.assert_array_equal(found, np.array(expected, "f4"))


@pytest.mark.parametrize("groups", [1, 2])
def test_a_convolution_counts_the_zeros_around(groups: int) -> None:
    """Beside sums in IEEE 754, window by window."""
    random = np.random.default_rng(groups)
    weight = random.normal(0, 1, (4, 2 // groups, 3, 2)).astype("f4")
    weight[0, 0, 0, 0], weight[1, 0, 2, 1], weight[3, 0, 1, 0] = INF, NAN, -INF
    bias = np.array([0, 0, INF, 0], "f4")
    x = random.normal(0, 1, (3, 2, 5, 4)).astype("f4")
    places: dict[str, Any] = {"stride": (2, 1), "padding": (1, 1), "dilation": (1, 2), "groups": groups}
    builder = GraphBuilder("conv", REGISTRY)
    given = builder.input((2, 5, 4), F32)
    odd = {"weight_odd": tensor(codes(weight)), "bias_odd": tensor(codes(bias))}
    params = {"weight": tensor(kept(weight)), "bias": tensor(kept(bias))}
    finite = builder.node("f", "core.Conv", given, params=params, accumulate="exact", bias=True, **places)
    beside = builder.node("o", "nirtorch.OddConv", given, params=odd, bias=True, **places)
    one, zero = (tensor(np.float32(value)) for value in (1, 0))
    total = builder.node("t", "core.Scale", finite, params={"scale": one, "shift": zero})
    builder.edge(beside, Port("t", "x"))
    builder.output(total)
    found, expected = run(builder.graph(), x), by_hand(x, weight, bias, groups)
    assert found.shape == expected.shape
    assert {"nan", "inf", "-inf"} <= {str(value) for value in found.ravel() if not np.isfinite(value)}
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)


def by_hand(x: Array, weight: Array, bias: Array, groups: int) -> Array:
    """The convolution of the test above in f64, one product after the other."""
    padded = np.pad(x.astype("f8"), [(0, 0), (0, 0), (1, 1), (1, 1)])
    out = np.zeros((len(x), 4, (5 + 2 - 3) // 2 + 1, 4 + 2 - 2))
    with np.errstate(invalid="ignore"):
        for n, f, i, j in np.ndindex(out.shape):
            first = f * groups // 4 * (2 // groups)
            window = padded[n, first : first + 2 // groups, 2 * i : 2 * i + 3, j : j + 3 : 2]
            out[n, f, i, j] = (window * weight[f].astype("f8")).sum() + bias[f]
    return out


def test_the_reference_engine_adds_nan_and_infinities() -> None:
    terms = [np.array([1, INF, INF, NAN]), np.array([2, 1, -INF, 1]), np.array([3, 1, 1, 1])]
    np.testing.assert_array_equal(add_exactly(terms, np.dtype("f4")), np.array([6, INF, NAN, NAN], "f4"))


def test_thresholds_of_0_make_a_layer_of_rockpool_nan() -> None:
    """Its spikes are NaN, which zeros in the place of recurrent weights bring to all neurons."""
    th = np.array([0.0, 1.0])
    graph = discretise(continuous(chain(cuba(2, th=th), shape=[2])), DT, "rockpool-3")
    found = run(graph, np.ones((3, 2)))
    assert np.isnan(found[0]).tolist() == [True, False]
    assert np.isnan(found[1:]).all()


@pytest.mark.parametrize("r", [-1.0, -3.0])
def test_a_guessed_dt_that_has_no_root_makes_a_layer_of_rockpool_nan(r: float) -> None:
    """Noise of 0 times the root of dt."""
    graph = discretise(continuous(chain(cuba(2, r=r), shape=[2])), DT, "rockpool-3")
    assert np.isnan(run(graph, np.zeros((2, 2)))).all()
    assert any("root of the guessed dt" in item.message for item in graph.findings)


def within(inner: Net, size: int) -> Net:
    ends = {kind: (kind, {"shape": np.array([size])}) for kind in ("Input", "Output")}
    nodes: dict[str, Any] = {"i": ends["Input"], "sub": ("NIRGraph", {"graph": inner}), "o": ends["Output"]}
    return Net(nodes, [("i", "sub"), ("sub", "o")])


def discrete(net: Net, profile: str, folder: Path) -> Graph:
    return discretise(load_graph(net.write(folder / "n.nir"), continuous=True).graph, DT, profile)


def test_a_graph_within_that_returns_several_values(tmp_path: Path) -> None:
    """The first goes on, the second is taken for a state, for which SpikingJelly asks and snnTorch does not."""
    inner = chain(lif(3, r=20.0), shape=[3])
    inner = Net(inner.nodes, [*inner.edges, ("input", "output")])
    graph = discrete(within(inner, 3), "snntorch-1", tmp_path)
    assert [node.op for node in graph.nodes] == ["snntorch.Leaky"]
    with pytest.raises(UnsupportedError, match="taken for its state"):
        discrete(within(inner, 3), "spikingjelly-2", tmp_path)


def test_a_graph_within_is_a_recurrent_layer_of_rockpool(tmp_path: Path) -> None:
    weight = np.arange(9, dtype="f4").reshape(3, 3)
    base = chain(cuba(3), shape=[3])
    nodes = {**base.nodes, "w": affine(weight, np.ones(3, "f4"))}
    inner = Net(nodes, [*base.edges, ("0", "w"), ("w", "0")])
    graph = discrete(within(inner, 3), "rockpool-3", tmp_path)
    (neuron,) = [node for node in graph.nodes if node.op == "core.MultiSpikeLIF"]
    assert neuron.attribute["recurrent"] is True
    assert [(edge.dst.name, edge.delay) for edge in graph.edges if edge.src.node == "sub/back"] == [("r", 1)]
    assert {"SNN-2601", "SNN-2612"} <= {item.code for item in graph.findings}


def test_integers_as_weights_of_a_conv1d_are_refused_by_snntorch() -> None:
    fields = {"weight": np.ones((2, 2, 1), "i4"), "bias": np.zeros(2, "i4"), "input_shape": np.array(3)}
    fields |= {name: np.array(1) for name in ("stride", "dilation", "groups")} | {"padding": np.array(0)}
    with pytest.raises(UnsupportedError, match="weight and bias must be of floats"):
        discretise(continuous(chain(("Conv1d", fields), shape=[2, 3])), DT, "snntorch-1")
