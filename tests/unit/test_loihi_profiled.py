"""Neurons that a profile made of a NIR file, on their way to Loihi: spikes, states, refusals."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from snnhub.api.discretise import discretise
from snnhub.engine.reference import prepare
from snnhub.errors import UnsupportedError
from snnhub.ir.graph import Graph
from snnhub.ir.rung import Rung
from snnhub.passes.base import ALMOST, Pass, PassContext, Promise, run_pass, run_passes
from snnhub_loihi import profiled
from snnhub_loihi.lowering import passes

from tests.build import spikes
from tests.networks.nir_nets import DT, Net, affine, chain, continuous, cuba, integrate, lif, weights

PROFILED = Pass("loihi profiled", 1, Promise(Rung.BOUNDED, ALMOST), "", profiled.run)
UNIT: dict[str, Any] = {"r": 20.0, "w_in": 10.0, "th": 1.0}
EVEN = {"lif": lif(12, r=20.0, th=1.0), "if": integrate(12, r=1e4, th=2.0), "cuba": cuba(12, **UNIT)}


def uneven(low: float, high: float, seed: int = 0) -> Any:
    return np.random.default_rng(seed).uniform(low, high, 12)


UNEVEN = {
    "lif": lif(12, "f8", r=uneven(15, 25), tau=uneven(1e-3, 4e-3, 1), th=uneven(0.8, 1.2, 2)),
    "cuba": cuba(12, **(UNIT | {"r": uneven(15, 25), "th": uneven(0.8, 1.2, 2)}), mem=uneven(1e-3, 4e-3, 1)),
}


def behind(neuron: Any, bias: Any = None) -> Net:
    return chain(affine(weights(12, 8, 3), bias), neuron, shape=[8], out=[12])


def both(net: Net, profile: str) -> tuple[Graph, Graph]:
    before = discretise(continuous(net), DT, profile)
    return before, run_pass(before, PROFILED, PassContext())


@pytest.mark.parametrize("profile", ["nir-euler", "exponential", "norse-1"])
@pytest.mark.parametrize("kind", EVEN)
def test_the_same_spikes_and_states_by_the_gain(kind: str, profile: str) -> None:
    before, after = both(behind(EVEN[kind], np.full(12, 0.1, "f4")), profile)
    assert after.node["1"].op.startswith("core.")
    assert [f.code for f in after.findings if f.code.startswith("SNN-261")] == ["SNN-2610"]
    states = {m.old.name: m for m in after.correspondence if m.old.node == "1" and m.old.name in "iv"}
    x = spikes((200, 2, 8), 0.4)
    old, _ = prepare(before).run(x, record=["1/s", *(f"1/{name}" for name in states)])
    new, _ = prepare(after).run(x, record=["1/s", *(f"1/{match.new.name}" for match in states.values())])
    assert old["1/s"].sum() > 50
    np.testing.assert_array_equal(new["1/s"], old["1/s"])
    for name, match in states.items():
        assert match.scale is not None
        np.testing.assert_allclose(
            new[f"1/{match.new.name}"], old[f"1/{name}"] * match.scale, rtol=1e-3, atol=1e-3
        )


@pytest.mark.parametrize("kind", UNEVEN)
def test_neurons_that_differ_take_rows_of_the_weights(kind: str) -> None:
    before, after = both(behind(UNEVEN[kind]), "nir-euler")
    assert after.node["1"].param["v_threshold"].size == 1
    assert (after.node["0"].param["weight"].array != before.node["0"].param["weight"].array).any()
    x = spikes((200, 2, 8), 0.4)
    old, new = (prepare(graph).run(x, record=["1/s"])[0]["1/s"] for graph in (before, after))
    assert old.sum() > 50
    assert (old & new).sum() >= ALMOST * (old | new).sum()


def test_what_has_no_equal_is_refused_at_once_with_its_place() -> None:
    layers = (lif(12, r=20.0, leak=0.1, reset=0.2), affine(weights(12, 12, 4)), lif(12, r=-20.0))
    graph = discretise(continuous(chain(affine(weights(12, 8, 3)), *layers, shape=[8], out=[12])), DT, "nir-euler")
    with pytest.raises(UnsupportedError) as caught:
        run_passes(graph, passes(), PassContext())
    found = [(f.place, f.old) for f in caught.value.findings if f.code == "SNN-2611"]
    assert found == [("1", "v_leak 0.1"), ("1", "v_reset 0.2"), ("3", "gain -1")]


def test_neurons_that_differ_behind_a_convolution_are_refused() -> None:
    conv = {"input_shape": np.array([4, 4]), "weight": np.ones((3, 2, 3, 3), "f4"), "stride": 1, "padding": 0}
    conv |= {"dilation": 1, "groups": 1, "bias": np.zeros(3, "f4")}
    neuron = lif((3, 2, 2), r=20.0, tau=uneven(1e-3, 4e-3).reshape(3, 2, 2))
    graph = discretise(
        continuous(chain(("Conv2d", conv), neuron, shape=[2, 4, 4], out=[3, 2, 2])), DT, "nir-euler"
    )
    with pytest.raises(UnsupportedError) as caught:
        run_passes(graph, passes(), PassContext())
    (finding,) = [f for f in caught.value.findings if f.code == "SNN-2611"]
    assert finding.place == "1"
    assert "fed by 0" in finding.old
