"""Lowering of learned leaks and of current-based neurons to Loihi."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
from snnhub.engine.reference import prepare
from snnhub.errors import UnsupportedError
from snnhub.findings import Finding, Severity
from snnhub.ir.builder import GraphBuilder
from snnhub.ir.graph import Graph, Port
from snnhub.ir.numtype import F32
from snnhub.ir.rung import Rung
from snnhub.ir.tensor import Array, Tensor, tensor
from snnhub.ops.registry import REGISTRY
from snnhub.passes.base import PassContext, promise_of, run_passes
from snnhub_loihi.lowering import passes

from tests.build import dense, scalar

F = np.float32
FLOAT = {"u_factor": scalar(0.5), "v_factor": scalar(0.75)}
FIXED = {"u_decay": tensor(np.int16(1229)), "v_decay": tensor(np.int16(410)), "scale": scalar(4096.0)}
EPSILON = 0.01 / 4096


def spikes(steps: int = 60) -> Array:
    return (np.random.default_rng(0).random((steps, 5, 8)) < 0.5).astype(F)


def lowered(graph: Graph) -> Graph:
    return run_passes(graph, passes(), PassContext())


def errors(graph: Graph) -> list[Finding]:
    with pytest.raises(UnsupportedError) as caught:
        lowered(graph)
    return [f for f in caught.value.findings if f.severity is Severity.ERROR]


def cuba(
    weight: Array,
    numbers: Mapping[str, Tensor] = FLOAT,
    bias: Array | None = None,
    v_reset: float = 0.0,
    v_threshold: float = 1.0,
) -> Graph:
    """One dense layer of current-based neurons."""
    builder = GraphBuilder("cuba", REGISTRY)
    port = dense(builder, "d", builder.input((8,), F32), weight, bias=bias)
    params = {"v_threshold": scalar(v_threshold), "v_reset": scalar(v_reset), **numbers}
    choice: dict[str, Any] = {"reset": "value", "compare": "ge"}
    choice["arithmetic"] = "fixed" if "scale" in numbers else "float"
    builder.output(builder.node("n", "core.CubaLIF", port, params=params, **choice))
    return builder.graph()


def trained() -> Array:
    return np.random.default_rng(1).normal(0.2, 0.5, (20, 8)).astype(F)


def on_grid() -> Array:
    """Even multiples of 1/64."""
    return (2 * np.random.default_rng(2).integers(-20, 25, (20, 8)) / 64).astype(F)


def in_both(graph: Graph, found: Graph) -> tuple[Array, Array]:
    x = spikes()
    before, _ = prepare(graph).run(x)
    after, _ = prepare(found).run(x.astype(np.uint8), steps=len(x) + 1)
    a, b = before["output"].astype(bool), after["output"][1:].astype(bool)
    assert a.sum() > 50
    return a, b


@pytest.mark.parametrize("decay_input", [True, False])
def test_a_learned_leak_is_lowered_as_a_time_constant(decay_input: bool) -> None:
    """Leak 0.25 is tau 4, in 4096ths 1024: nothing is rounded but what every leaky neuron rounds."""
    weight = np.random.default_rng(1).normal(0.3, 0.6, (20, 8)).astype(F)

    def network(op: str, **numbers: float) -> Graph:
        builder = GraphBuilder("leak", REGISTRY)
        port = dense(builder, "d", builder.input((8,), F32), weight)
        params = {"v_threshold": scalar(1.0), "v_reset": scalar(0.0), **{k: scalar(v) for k, v in numbers.items()}}
        choice: dict[str, Any] = {"reset": "value", "compare": "ge", "decay_input": decay_input}
        builder.output(builder.node("n", op, port, params=params, **choice))
        return builder.graph()

    x = (np.random.default_rng(0).random((60, 5, 8)) < 0.5).astype(F)
    found = run_passes(network("core.LIFCoeff", leak=0.25), passes(), PassContext())
    other = run_passes(network("core.LIF", tau=4.0), passes(), PassContext())
    assert found.network() == other.network()
    assert int(found.node["n"].param["vDecay"].array) == 1024
    notes = [f for f in found.findings if f.code == "SNN-2104"]
    assert any((f.old, f.new) == ("leak 0.25", "tau 4") for f in notes)
    before, _ = prepare(network("core.LIFCoeff", leak=0.25)).run(x)
    after, _ = prepare(found).run(x.astype(np.uint8), steps=61)
    a, b = before["output"].astype(bool), after["output"][1:].astype(bool)
    assert a.sum() > 50
    assert (a & b).sum() > 0.85 * (a | b).sum()


def test_a_decaying_current_becomes_the_chips_own() -> None:
    graph = cuba(trained())
    found = lowered(graph)
    node = found.node["n"]
    assert node.op == "loihi.CubaLIF"
    assert (int(node.param["iDecay"].array), int(node.param["vDecay"].array)) == (2048, 1024)
    note = next(f for f in found.findings if f.code == "SNN-2104")
    assert (note.old, note.new) == ("u_factor 0.5, v_factor 0.75", "iDecay 2048, vDecay 1024")
    assert note.bound.startswith("decays off by at most 0 per step")
    promised = promise_of(found)
    assert promised is not None
    assert promised.rung is Rung.DECISION
    a, b = in_both(graph, found)
    assert (a & b).sum() > 0.9 * (a | b).sum()
    matches = {match.old: match for match in found.correspondence}
    assert matches[Port("n", "u")].scale == matches[Port("n", "v")].scale != 1.0


def test_factors_between_4096ths_are_rounded_and_reported() -> None:
    found = lowered(cuba(trained(), {"u_factor": scalar(0.3), "v_factor": scalar(0.9)}))
    assert (int(found.node["n"].param["iDecay"].array), int(found.node["n"].param["vDecay"].array)) == (2867, 410)
    bound = next(f.bound for f in found.findings if f.code == "SNN-2104")
    assert float(bound.split("at most ")[1].split()[0]) == pytest.approx(abs(410 / 4096 - 0.1), rel=0.01)


def test_fixed_point_at_its_own_scale_is_the_chip_bit_for_bit() -> None:
    """Lava's neuron as SpikingJelly imitates it, with weights of lava-dl's grid: nothing is rounded at all."""
    graph = cuba(on_grid(), FIXED, v_threshold=1 + EPSILON)
    found = lowered(graph)
    weight = found.node["d"].param["weight"].array
    np.testing.assert_array_equal(weight, on_grid() * 64)
    assert int(found.node["n"].param["vThMant"].array) == 64
    promised = promise_of(found)
    assert promised is not None
    assert promised.rung is Rung.SPIKES_LAG
    a, b = in_both(graph, found)
    np.testing.assert_array_equal(a, b)
    before, _ = prepare(graph).run(spikes(), record=["n/u", "n/v"])
    after, _ = prepare(found).run(spikes().astype(np.uint8), record=["n/u", "n/v"], steps=61)
    for name in ("u", "v"):
        np.testing.assert_array_equal(before[f"n/{name}"] * 4096, after[f"n/{name}"][1:])


@pytest.mark.parametrize(
    ("weight", "numbers", "v_threshold"),
    [
        (trained(), FIXED, 1 + EPSILON),  # off the grid
        (on_grid(), FIXED, 0.7),  # the threshold falls between two integers
        (on_grid(), {**FIXED, "u_decay": tensor(np.int16(1))}, 1 + EPSILON),  # the current could overflow
    ],
)
def test_fixed_point_that_the_chip_cannot_repeat_promises_no_spikes(
    weight: Array, numbers: dict[str, Tensor], v_threshold: float
) -> None:
    promised = promise_of(lowered(cuba(weight, numbers, v_threshold=v_threshold)))
    assert promised is not None
    assert promised.rung is Rung.DECISION


def test_what_a_decaying_current_cannot_do_on_the_chip() -> None:
    bias = np.full(20, 0.1, F)
    found = errors(cuba(trained(), {"u_factor": scalar(1.5), "v_factor": scalar(0.5)}, bias, v_reset=-0.5))
    assert [(f.code, f.place) for f in found] == [("SNN-2101", "n"), ("SNN-2101", "n"), ("SNN-2101", "d")]
    assert all(f.remedy for f in found)


def test_neurons_that_a_decaying_current_lets_fire_are_not_called_silent() -> None:
    """A drive of 0.25 per step: with u kept by half and v by three quarters, potentials come up to 2."""
    weight = np.zeros((2, 8), F)
    weight[0, 0], weight[1, 0] = 0.25, 0.0625
    found = lowered(cuba(weight))
    assert next(f for f in found.findings if f.code == "SNN-2105").message.endswith(": 1")
    x = np.zeros((60, 1, 8), np.uint8)
    x[:, :, 0] = 1
    fired = prepare(found).run(x)[0]["output"][:, 0].sum(axis=0)
    assert fired[0] > 0
    assert fired[1] == 0
