"""slayer's layers lowered to Loihi without a peer: the same integers, and a finding for whatever differs."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from snnhub.engine.reference import prepare
from snnhub.errors import UnsupportedError
from snnhub.findings import Finding
from snnhub.hub.catalogue import register_ops
from snnhub.ir.builder import GraphBuilder
from snnhub.ir.graph import Decoder, Graph
from snnhub.ir.numtype import F32
from snnhub.ir.tensor import Array, smallest_integer, tensor
from snnhub.ops.registry import REGISTRY
from snnhub.passes.base import PassContext, run_passes
from snnhub_loihi.lowering import passes

STEPS, WIDTH = 50, 12
DENSE: dict[str, Any] = {"bias": False, "accumulate": "exact", "shift": 0}


@pytest.fixture(autouse=True)
def ops() -> None:
    register_ops()


def weights(seed: int, outputs: int = WIDTH, size: float = 1.0) -> Array:
    """On slayer's grid."""
    drawn = np.random.default_rng(seed).normal(0.2, size, (outputs, WIDTH))
    return np.clip(np.round(drawn * 32) / 32, -4, 254 / 64).astype(np.float32)


class Net:
    """A chain of slayer layers under construction."""

    def __init__(self) -> None:
        self.builder = GraphBuilder("net", REGISTRY)
        self.port, self.late, self.count = self.builder.input((WIDTH,), F32), 0, 0

    def dense(self, weight: Array | None = None) -> Net:
        self.count += 1
        params = {"weight": tensor(weights(self.count) if weight is None else weight)}
        name = f"n{self.count}/synapse"
        self.port = self.builder.node(name, "core.Dense", self.port, params=params, delay=self.late, **DENSE)
        self.late = 0
        return self

    def neuron(self, threshold: float = 1.0, current: int = 900, voltage: int = 200, **more: Any) -> Net:
        params = {"current_decay": smallest_integer(np.asarray(current))}
        params |= {"voltage_decay": smallest_integer(np.asarray(voltage))}
        params |= {"threshold": tensor((threshold + 0.01 / 4096) * 4096, "float32")}
        params |= {name: tensor(value, "float32") for name, value in more.pop("params", {}).items()}
        choice = {"graded": False, "norm": "none", "stepwise": False, **more}
        self.port = self.builder.node(f"n{self.count}", "slayer.CUBA", self.port, params=params, **choice)
        self.late = 1
        return self

    def graph(self) -> Graph:
        self.builder.output(self.port, delay=self.late)
        return self.builder.graph(decoder=Decoder("sum"))


def lowered(graph: Graph) -> tuple[Graph, dict[str, Finding]]:
    made = run_passes(graph, passes(), PassContext(REGISTRY))
    return made, {finding.code: finding for finding in made.findings}


def compare(graph: Graph, made: Graph) -> dict[str, int]:
    """Words that differ, by record key, after lag and scale of the correspondence."""
    x = (np.random.default_rng(9).random((STEPS, 2, WIDTH)) < 0.4).astype(np.uint8)
    first, second = prepare(graph, REGISTRY), prepare(made, REGISTRY)
    old, _ = first.run(x.astype(np.float32), record=list(first.record_keys()))
    new, _ = second.run(x, record=list(second.record_keys()))
    found = {}
    for match in made.correspondence:
        key = "output" if match.old.node == "output" else f"{match.old.node}/{match.old.name}"
        other = "output" if match.new.node == "output" else f"{match.new.node}/{match.new.name}"
        if key in old and other in new and match.scale is not None and old[key].shape == new[other].shape:
            length = STEPS - match.lag
            found[key] = int((new[other][match.lag :] != old[key][:length] * match.scale).sum())
    return found


def test_every_word_is_the_same_and_the_output_comes_at_the_same_step() -> None:
    graph = Net().dense().neuron().dense().neuron(2.5).graph()
    made, findings = lowered(graph)
    found = compare(graph, made)
    assert not any(found.values())
    assert {"n1/synapse/y", "n1/u", "n1/v", "n1/s", "n2/u", "n2/v", "n2/s", "output"} <= set(found)
    assert {"SNN-2130", "SNN-2134"} <= set(findings)
    assert [match.lag for match in made.correspondence if match.old.node == "output"] == [0]


def test_delays_of_outputs_become_synapses_of_the_next_layer() -> None:
    net = Net().dense().neuron()
    delay = smallest_integer(np.arange(WIDTH) % 4)
    net.port = net.builder.node("n1/delay", "slayer.Delay", net.port, params={"delay": delay})
    graph = net.dense().neuron().graph()
    made, findings = lowered(graph)
    assert "SNN-2134" in findings
    assert sorted(edge.delay for edge in made.edges if edge.src.node == "n1") == [1, 2, 3, 4]
    found = compare(graph, made)
    assert found == dict.fromkeys(found, 0)


def test_a_threshold_that_is_fired_at() -> None:
    leaking = Net().dense().neuron(64.0).graph()
    _, findings = lowered(leaking)
    assert findings["SNN-2132"].new == "vThMant 4096"
    whole = Net().dense(weights(1, size=3)).neuron(64.0, 4096, 0).graph()
    made, findings = lowered(whole)
    assert findings["SNN-2132"].new == "vThMant 4095"
    assert "SNN-2133" in findings  # nothing leaks, so v can go below what Lava holds
    assert compare(whole, made)["n1/s"] == 0


def test_a_mean_is_a_bias_one_step_early() -> None:
    mean = {"mean": np.full(WIDTH, -0.5)}
    graph = Net().dense().neuron(norm="mean", params=mean).graph()
    made, findings = lowered(graph)
    assert made.node["n1"].param["bias"].array.tolist() == [32] * WIDTH
    assert "SNN-2131" in findings


def test_a_last_layer_that_does_not_fire_is_read_from_its_state() -> None:
    graph = Net().dense().neuron().dense().graph()
    made, findings = lowered(graph)
    assert findings["SNN-2136"].place == "n2"
    assert made.decoder is not None
    assert made.decoder.quantity == "n2/u"
    x = (np.random.default_rng(9).random((STEPS, 2, WIDTH)) < 0.4).astype(np.uint8)
    old, _ = prepare(graph, REGISTRY).run(x.astype(np.float32), record=["output"])
    new, _ = prepare(made, REGISTRY).run(x, record=["n2/u", "n2/s"])
    assert (new["n2/u"][1:] == old["output"][:-1] * 4096).all()
    assert not new["n2/s"].any()


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"graded": True}, "carry a potential"),
        ({"norm": "mean", "stepwise": True, "params": {"mean": 0.5}}, "recurrent"),
        ({"norm": "scale", "params": {"mean": 0.5, "std": 2.0}}, "divides"),
    ],
)
def test_what_has_no_equal_is_refused(more: dict[str, Any], words: str) -> None:
    with pytest.raises(UnsupportedError, match=words) as caught:
        lowered(Net().dense().neuron(**more).graph())
    assert {finding.code for finding in caught.value.findings} >= {"SNN-2135"}


def test_weights_off_the_grid_and_a_delay_at_the_end_are_refused() -> None:
    with pytest.raises(UnsupportedError, match="multiples of 1/64"):
        lowered(Net().dense(weights(1) + np.float32(0.001)).neuron().graph())
    net = Net().dense().neuron()
    net.late = 3
    with pytest.raises(UnsupportedError, match="behind the last layer"):
        lowered(net.graph())
