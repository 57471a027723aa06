"""spyx-1 without spyx: what it builds, in which order it sums, what it refuses, and the way back to NIR."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from snnhub.api.discretise import discretise
from snnhub.api.options import ImportOptions
from snnhub.engine.reference import prepare
from snnhub.engine.robust.certify import certify
from snnhub.errors import UnsupportedError
from snnhub.ir.ct_names import ROOT
from snnhub.ir.digest import network_digest
from snnhub.ir.graph import Graph, Node
from snnhub.ir.tensor import Array
from snnhub_nir.reader import import_nir
from snnhub_nir.writer import export_nir
from snnhub_profiles.official import official
from snnhub_profiles.source import RefusedError, source_of

from tests.networks.nir_nets import DT, Net, affine, chain, continuous, cuba, integrate, lif, neuron, weights
from tests.networks.nir_zoo import convolutions, loop, zoo
from tests.networks.spyx_files import beside, cut

F = np.float32


def made(net: Net, dt: float = DT) -> Graph:
    return discretise(continuous(net), dt, "spyx-1")


def output(graph: Graph, x: Array) -> Array:
    return np.asarray(prepare(graph).run(x, record=["output"])[0]["output"])


def codes(graph: Graph) -> set[str]:
    return {finding.code for finding in graph.findings}


def psu() -> Net:
    """LI before a Threshold."""
    threshold = ("Threshold", {"threshold": np.full(3, 0.5, "f4")})
    return chain(neuron("LI", 3, tau=2e-3, r=20.0, v_leak=0.0), threshold, shape=[3])


@pytest.mark.parametrize("kind", ["LIF", "CubaLIF"])
def test_a_loop_is_spyx_own_equation_one_step_in_two_halves(kind: str) -> None:
    """Against spyx's equations as they are there: spikes of the old potential come back within the step."""
    middle = lif(6, tau=2e-3, th=0.6) if kind == "LIF" else cuba(6, th=0.6)
    net = loop(middle, integrate(3), bias=False)
    graph = made(net)
    assert [str(edge) for edge in graph.edges if edge.delay] == ["w_rec.y -> lif.f (delay 1)"]
    assert codes(graph) >= {"SNN-2612"}
    x = np.random.default_rng(0).normal(0.5, 1, (60, 4)).astype(F)
    recording, _ = prepare(graph).run(x, record=["lif/s", "fc/y"])
    param = {name: value.array for name, value in graph.node["lif"].params}
    back = graph.node["w_rec"].param["weight"].array.astype(np.float64)
    v, i, spikes = np.zeros(6), np.zeros(6), []
    for frame in recording["fc/y"].astype(np.float64):
        s = (v - param["v_threshold"] > 0).astype(np.float64)
        spikes.append(s)
        if kind == "LIF":
            v = param["beta"] * v + frame + back @ s - s * param["v_threshold"]
        else:
            i = param["alpha"] * i + frame + back @ s
            v = param["beta"] * (v - s * param["v_threshold"]) + i
    np.testing.assert_array_equal(recording["lif/s"], spikes)
    assert 20 < np.sum(spikes) < 340


def test_a_bias_in_a_loop_is_ignored_and_a_recurrent_if_is_a_graph_of_four() -> None:
    with_bias, without = (made(loop(lif(6), lif(3), bias=bias)) for bias in (True, False))
    assert "SNN-2601" in {f.code for f in with_bias.findings if f.place == "w_rec/bias"}
    assert with_bias.node["w_rec"].params == without.node["w_rec"].params
    with pytest.raises(UnsupportedError, match="never ends"):
        made(loop(integrate(6), lif(3)))


def test_sums_are_xlas() -> None:
    """An fma per input in their order; of one output, windows of 32 with the missing zeros half in front."""
    x = np.random.default_rng(1).normal(0, 1, (5, 70)).astype(F)
    many = output(made(chain(affine(weights(4, 70, 1), np.ones(4, "f4")), shape=[70], out=[4])), x)
    total = np.zeros((5, 4), F)
    for k in range(70):
        exact = x[:, k, None].astype(np.longdouble) * weights(4, 70, 1)[:, k].astype(np.longdouble)
        total = (exact + total).astype(F)
    np.testing.assert_array_equal(many, total + F(1))
    pair = output(made(chain(affine(weights(2, 9, 1)), shape=[9], out=[2])), x[:, :9])
    for row, rounded in ((0, 8), (1, 0)):  # the first of two rounds its first eight products
        sums = np.zeros(5, F)
        for k, weight in enumerate(weights(2, 9, 1)[row]):
            exact = x[:, k].astype(np.longdouble) * np.longdouble(weight)
            sums = (exact.astype(F) if k < rounded else exact) + sums
            sums = sums.astype(F)
        np.testing.assert_array_equal(pair[:, row], sums)
    one = output(made(chain(affine(weights(1, 70, 1)), shape=[70], out=[1])), x)
    products = np.pad(x * weights(1, 70, 1)[0], ((0, 0), (13, 13))).reshape(5, 3, 32)
    sums = np.zeros((5, 3), F)
    for k in range(32):
        sums = sums + products[:, :, k]
    np.testing.assert_array_equal(one[:, 0], (sums[:, 0] + sums[:, 1]) + sums[:, 2])


def test_images_have_their_channels_last() -> None:
    """Flatten runs over the channels fastest; a sum over windows is a sum; a convolution is one."""
    flat = ("Flatten", {"input_type": np.array([2, 3, 4]), "start_dim": 0, "end_dim": -1})
    graph = made(chain(flat, shape=[2, 3, 4], out=[24]))
    x = np.arange(24, dtype=F).reshape(1, 2, 3, 4)
    np.testing.assert_array_equal(output(graph, x)[0], x[0].transpose(1, 2, 0).ravel())
    assert codes(graph) == {"SNN-2613"}
    window: dict[str, Any] = {"kernel_size": np.array([2, 2]), "stride": np.array([1, 2])}
    pool = ("SumPool2d", window | {"padding": np.array([0, 0])})
    found = output(made(chain(pool, shape=[2, 3, 4], out=[2, 2, 2])), x)
    windows = [[x[0, :, i : i + 2, j : j + 2].sum((1, 2)) for j in (0, 2)] for i in (0, 1)]
    np.testing.assert_array_equal(found[0], np.array(windows).transpose(2, 0, 1))
    net = convolutions()["conv"]
    x = np.random.default_rng(2).normal(0, 1, (2, 2, 6, 6)).astype(F)
    alone = chain(net.nodes["0"], shape=[2, 6, 6], out=[3, 6, 6])
    sums, exact = output(made(alone), x), output(discretise(continuous(alone), DT, "norse-1"), x)
    np.testing.assert_allclose(sums, exact, rtol=1e-4, atol=1e-5)
    assert not np.array_equal(sums, exact)


@pytest.mark.parametrize("padding", [(-1, -1), (-1, 2), (2, -1)])
def test_a_padding_below_0_cuts_off(padding: tuple[int, int]) -> None:
    """The same as a convolution without padding of the rest; NIR says the padding again."""
    graph, x = made(cut(padding)), np.random.default_rng(6).normal(0.4, 2, (20, 2, 7, 6)).astype(F)
    low = [max(-pad, 0) for pad in padding]
    rest = x[:, :, low[0] : 7 - low[0], low[1] : 6 - low[1]]
    (node,) = [node for node in graph.nodes if node.op == "spyx.Conv"]
    zeros = tuple(max(pad, 0) for pad in padding)
    plain = replace(node, attributes=tuple({**node.attribute, "before": zeros, "after": zeros}.items()))
    inputs = (replace(graph.inputs[0], shape=rest.shape[1:]),)
    nodes = tuple(plain if each is node else each for each in graph.nodes)
    spikes = output(graph, x)
    np.testing.assert_array_equal(spikes, output(replace(graph, nodes=nodes, inputs=inputs), rest))
    assert 0.05 < spikes.mean() < 0.95
    assert certify(graph, x).robust


def test_a_dense_layer_over_the_channels_of_an_image() -> None:
    """Where another node is named input, what the Input says arrives behind it."""
    weight = np.random.default_rng(7).normal(0, 1, (3, 2)).astype(F)
    x = np.random.default_rng(8).normal(0, 1, (4, 2, 3, 5)).astype(F)
    found = output(made(beside([2, 3, 5], weight)), x)
    np.testing.assert_allclose(found, np.einsum("tchw,oc->tohw", x, weight), rtol=1e-5, atol=1e-6)
    with pytest.raises(UnsupportedError, match="weight takes 2 inputs"):
        made(beside([3, 3, 5], weight))


def test_what_has_no_entry_or_no_shape_is_refused_and_why() -> None:
    """Spyx returns arrays of size 0, and whatever it is given."""
    sizes = {name: np.array([size, size]) for name, size in (("kernel_size", 3), ("stride", 1), ("padding", 0))}
    empty = Graph("net", (Node(ROOT, "ct.NIRGraph", 1),), (), (), ())
    pool = chain(("SumPool2d", sizes), shape=[1, 2, 4], out=[1, 0, 2])
    large = "has one or more"
    for graph, words in ((continuous(pool), large), (continuous(cut((-2, -2))), large), (empty, "what shape")):
        with pytest.raises(UnsupportedError, match=words) as caught:
            discretise(graph, DT, "spyx-1")
        assert [finding.code for finding in caught.value.findings] == ["SNN-2620"]


def test_what_jax_repeats_and_what_scan_refuses() -> None:
    """Conv1d is left out, so that one channel arrives where three neurons are: repeated. Two are not."""
    conv = {"weight": np.ones((3, 1, 1), "f4"), "bias": np.zeros(3, "f4"), "padding": 0, "input_shape": 4}
    conv |= dict.fromkeys(("stride", "dilation", "groups"), 1)
    graph = made(chain(("Conv1d", conv), integrate((3, 4)), shape=[1, 4], out=[3, 4]))
    assert {"SNN-2605", "SNN-2614"} <= codes(graph)
    assert output(graph, np.ones((3, 1, 4), F)).shape == (3, 3, 4)
    conv |= {"weight": np.ones((3, 2, 1), "f4")}
    with pytest.raises(UnsupportedError, match="does not fit the neuron's state"):
        made(chain(("Conv1d", conv), integrate((3, 4)), shape=[2, 4], out=[3, 4]))


def test_numbers_that_are_none_are_computed_with() -> None:
    """A threshold of NaN never fires, one of minus infinity always does; NaN among weights reaches its output."""
    odd = lif(3, th=np.array([np.nan, -np.inf, 0.5]))
    graph = made(chain(odd, shape=[3]))
    assert graph.nodes[0].op == "odd.spyx.LIF"
    spikes = output(graph, np.ones((10, 3), F))
    assert (spikes[:, 0] == 0).all()
    assert (spikes[:, 1] == 1).all()
    assert 0 < spikes[:, 2].sum() < 10
    weight = np.array([[1.0, np.nan], [np.inf, 0.0]])
    found = output(made(chain(affine(weight), shape=[2])), np.array([[1, 0], [0, 1]], F))
    np.testing.assert_array_equal(found, [[np.nan, np.inf], [np.nan, np.nan]])


def test_the_reader_before_it_refuses_what_nir_read_refuses() -> None:
    """Two edges of one kind, types that do not meet, fields of two shapes, an Input that leads nowhere."""
    net = chain(lif(3), shape=[3])
    twice = Net(net.nodes, [*net.edges, net.edges[0]])
    wide = Net({**net.nodes, "more": lif(4)}, [*net.edges, ("0", "more")])
    uneven = chain(("LIF", {**lif(3)[1], "v_leak": np.zeros(2, "f4")}), shape=[3])
    idle = Net(net.nodes, net.edges[1:])
    for broken, words in ((twice, "there twice"), (wide, "do not fit"), (uneven, "same shape")):
        with pytest.raises(RefusedError, match=words):
            official(source_of(continuous(broken)))
    read = official(source_of(continuous(idle)))
    assert ("input_0", "0") in read.edges
    assert ("input", "output_input") in read.edges
    assert not made(idle).nodes  # spyx returns its input then
    with pytest.raises(UnsupportedError, match="before a Threshold"):
        made(zoo()["li"])


@pytest.mark.parametrize("name", ["mlp", "conv_flat", "sum_pool"])
def test_order_robustness_is_told_of_sums_in_an_order_of_their_own(name: str) -> None:
    net = zoo()[name]
    x = np.random.default_rng(0).normal(0.6, 2, (20, *net.inputs)).astype(F)
    assert certify(made(net), x).robust


NETS: dict[str, Net] = {
    "psu": psu(),
    "rec_cuba": zoo()["rec_cuba"],
    "conv_flat": convolutions()["conv_flat"],
    "sum_pool": convolutions()["sum_pool"],
    "if": zoo()["if"],
}


@pytest.mark.parametrize("name", NETS)
def test_to_nir_and_back(name: str, tmp_path: Path) -> None:
    """What NIR does not say is a loss by name; metadata keeps all, and spyx-1 reads the same spikes without."""
    graph = made(NETS[name])
    if name == "psu":
        assert {finding.code for finding in export_nir(graph, tmp_path / "net.nir")} == {"SNN-4511"}
    else:
        with pytest.raises(UnsupportedError) as caught:
            export_nir(graph, tmp_path / "net.nir")
        assert {finding.code for finding in caught.value.findings} == {"SNN-4535"}
        export_nir(graph, tmp_path / "net.nir", {"lossy": "true"})
    assert network_digest(import_nir(tmp_path / "net.nir", ImportOptions())) == network_digest(graph)
    ignoring = ImportOptions(profile="spyx-1", dt=DT, given={"ignore_metadata": "true"})
    again = discretise(import_nir(tmp_path / "net.nir", ignoring), DT, "spyx-1")
    x = np.random.default_rng(3).normal(0.6, 2, (30, *NETS[name].inputs)).astype(F)
    np.testing.assert_array_equal(output(again, x), output(graph, x))


def test_what_no_nir_node_stands_for(tmp_path: Path) -> None:
    """A decay of 1 beside others, and weights that are NaN."""
    graph = made(chain(lif(2, tau=np.array([-1.0, 2e-3])), shape=[2]))
    odd = made(chain(affine(np.full((2, 2), np.nan)), shape=[2]))
    for net in (graph, odd):
        with pytest.raises(UnsupportedError) as caught:
            export_nir(replace(net, findings=()), tmp_path / "net.nir", {"lossy": "true"})
        assert {finding.code for finding in caught.value.findings} == {"SNN-4501"}
