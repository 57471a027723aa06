"""slayer's resonators lowered to Loihi's without a peer, and the sigma-delta neurons that are refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from snnhub.errors import UnsupportedError
from snnhub.ir.builder import GraphBuilder
from snnhub.ir.graph import Decoder, Graph
from snnhub.ir.numtype import F32
from snnhub.ir.tensor import Array, smallest_integer, tensor
from snnhub.ops.registry import REGISTRY

from tests.unit.test_slayer_lowering import DENSE, WIDTH, compare, lowered, ops, weights

__all__ = ["ops"]
KINDS = ("slayer.RF", "slayer.RFIzhikevich")


def net(op: str, layers: int = 2, gain: float = 1.0, threshold: int = 2048, **more: Any) -> Graph:
    """Complex dense layers of resonators, each one step late."""
    builder = GraphBuilder("net", REGISTRY)
    port, late = builder.input((WIDTH,), F32), 0
    decays = more.pop("decays", (1500, 3600))
    for number in range(layers):
        name, sources = f"n{number}", {}
        for part in ("real", "imag"):
            params = {"weight": tensor(gain * weights(2 * number + (part == "imag"), size=0.5))}
            sources[part] = builder.node(
                f"{name}/synapse_{part}", "core.Dense", port, params=params, delay=late, **DENSE
            )
        values = {"sin_decay": decays[0], "cos_decay": decays[1], "threshold": threshold}
        own = {key: smallest_integer(np.asarray(value)) for key, value in values.items()}
        own |= {key: tensor(value, "float32") for key, value in more.get("params", {}).items()}
        choice: dict[str, Any] = {"graded": False, "norm": "none"}
        choice |= {key: more[key] for key in ("graded", "norm") if key in more}
        port, late = builder.node(name, op, sources, params=own, **choice), 1
    builder.output(port, delay=late)
    return builder.graph(decoder=Decoder("sum"))


@pytest.mark.parametrize("op", KINDS)
def test_both_parts_of_the_state_and_every_spike_are_the_same(op: str) -> None:
    made, findings = lowered(net(op))
    assert [made.node[name].op for name in ("n0", "n1")] == [op.replace("slayer", "loihi")] * 2
    found = compare(net(op), made)
    states = {f"n{number}/{name}" for number in (0, 1) for name in ("re", "im", "s", "synapse_real/y")}
    assert states | {"output"} <= set(found)
    assert found == dict.fromkeys(found, 0)
    assert findings["SNN-2130"].new == "vThMant 32"
    assert "SNN-2133" not in findings


def test_decays_per_neuron_stay_so() -> None:
    decays: tuple[Array, Array] = (np.arange(1, 1 + WIDTH) * 100, np.arange(WIDTH) * 200)
    graph = net("slayer.RFIzhikevich", decays=decays)
    made, _ = lowered(graph)
    assert made.node["n0"].param["sinDecay"].array.tolist() == decays[0].tolist()
    found = compare(graph, made)
    assert found == dict.fromkeys(found, 0)


@pytest.mark.parametrize(("gain", "decays"), [(1.0, (0, 4096)), (1.0, (2, 4095)), (60.0, (1500, 3800))])
def test_states_that_can_reach_2_23_are_said(gain: float, decays: tuple[int, int]) -> None:
    _, findings = lowered(net("slayer.RF", gain=gain, decays=decays))
    assert findings["SNN-2133"].place == "n1"


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"graded": True}, "carry a state"),
        ({"norm": "mean", "params": {"real_mean": 0.5, "imag_mean": 0.5}}, "no bias"),
        ({"threshold": 100}, "multiple of 1/64"),
    ],
)
def test_what_has_no_equal_is_refused_for_every_layer(more: dict[str, Any], words: str) -> None:
    with pytest.raises(UnsupportedError, match=words) as caught:
        lowered(net("slayer.RF", **more))
    places = {finding.place for finding in caught.value.findings if finding.code == "SNN-2135"}
    assert {"n0", "n1"} <= places


def test_resonators_behind_convolutions_are_refused() -> None:
    builder = GraphBuilder("net", REGISTRY)
    port, weight = builder.input((1, 4, 4), F32), {"weight": tensor(np.ones((2, 1, 3, 3), np.float32))}
    shape: dict[str, Any] = {"stride": (1, 1), "padding": (0, 0), "dilation": (1, 1), "groups": 1, "bias": False}
    shape |= {"accumulate": "exact"}
    parts = ("real", "imag")
    sources = {part: builder.node(f"n/{part}_", "core.Conv", port, params=weight, **shape) for part in parts}
    own = {"sin_decay": 1000, "cos_decay": 3000, "threshold": 64}
    params = {key: smallest_integer(np.asarray(value)) for key, value in own.items()}
    builder.output(builder.node("n", "slayer.RF", sources, params=params, graded=False, norm="none"))
    with pytest.raises(UnsupportedError, match="behind a convolution") as caught:
        lowered(builder.graph())
    assert {finding.place for finding in caught.value.findings} >= {"n/real_", "n/imag_"}


def test_sigma_delta_neurons_are_refused_each_with_what_to_do_instead() -> None:
    builder = GraphBuilder("net", REGISTRY)
    threshold = {"threshold": tensor(0.5, "float32")}
    port = builder.node("in", "slayer.Delta", builder.input((WIDTH,), F32), params=threshold)
    port = builder.node("n/synapse", "core.Dense", port, params={"weight": tensor(weights(1))}, **DENSE)
    port = builder.node(
        "n", "slayer.SigmaDelta", port, params={**threshold, "bias": tensor(0.0, "float32")}, norm="none"
    )
    builder.output(builder.node("out", "slayer.Sigma", port))
    with pytest.raises(UnsupportedError) as caught:
        lowered(builder.graph())
    refused = {finding.place: finding for finding in caught.value.findings if finding.code == "SNN-2138"}
    assert set(refused) == {"in", "n", "out"}
    assert all("export_hdf5" in finding.remedy for finding in refused.values())
