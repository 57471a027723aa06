"""Neurons with several spikes per step against their equations in NumPy, one rounding per operation in f32."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from snnhub.engine.reference import prepare
from snnhub.errors import GraphError, RunError
from snnhub.ir.builder import GraphBuilder
from snnhub.ir.graph import Graph, Port
from snnhub.ir.numtype import F32, integer
from snnhub.ir.tensor import Array, tensor
from snnhub.ops.registry import REGISTRY
from snnhub_formats.container import load, save

from tests.build import scalar

F = np.float32
SIZE, STEPS = 40, 30
ALPHA, BIAS = F(0.75), F(0.03)
BETAS = (F(0.8), F(0.5), F(0.95))
CHOICES = [(n_syn, recurrent, cap) for n_syn in (1, 2, 3) for recurrent in (False, True) for cap in (1, 31, 65536)]


def names(name: str, count: int) -> list[str]:
    return [name, *(f"{name}{k}" for k in range(2, count + 1))]


def thresholds() -> Array:
    return np.random.default_rng(3).uniform(0.2, 1.5, SIZE).astype(F)


def layer(n_syn: int, recurrent: bool, cap: int) -> Graph:
    """One node with an input per port; what recurs is an input too, so that every number of it is known."""
    builder = GraphBuilder("multi", REGISTRY)
    ports = [*names("x", n_syn), *(names("r", n_syn) if recurrent else [])]
    sources = {port: builder.input((SIZE,), F32, f"in_{port}") for port in ports}
    params = {"alpha": tensor(ALPHA), "bias": tensor(BIAS), "threshold": tensor(thresholds())}
    params |= {name: tensor(beta) for name, beta in zip(names("beta", n_syn), BETAS, strict=False)}
    choice: dict[str, Any] = {"n_syn": n_syn, "recurrent": recurrent, "max_spikes": cap}
    builder.output(builder.node("n", "core.MultiSpikeLIF", sources, params=params, **choice))
    return builder.graph()


def expected(n_syn: int, recurrent: bool, cap: int, given: dict[str, Array]) -> dict[str, Array]:
    """The equations of the specification."""
    isyn = [np.zeros(SIZE, F) for _ in range(n_syn)]
    vmem, threshold = np.zeros(SIZE, F), thresholds()
    out: dict[str, list[Array]] = {}
    for t in range(STEPS):
        for k in range(n_syn):
            isyn[k] = isyn[k] + given[f"in_{names('x', n_syn)[k]}"][t]
            if recurrent:
                isyn[k] = isyn[k] + given[f"in_{names('r', n_syn)[k]}"][t]
            isyn[k] = isyn[k] * BETAS[k]
        total = isyn[0]
        for other in isyn[1:]:
            total = total + other
        h = (vmem * ALPHA + total) + BIAS
        n = np.where(h >= threshold, np.minimum(np.floor(h / threshold), F(cap)), F(0))
        vmem = h - n * threshold
        for key, array in {"s": n, "vmem": vmem, **dict(zip(names("isyn", n_syn), isyn, strict=True))}.items():
            out.setdefault(key, []).append(array)
    return {key: np.stack(arrays) for key, arrays in out.items()}


def currents(graph: Graph) -> dict[str, Array]:
    random = np.random.default_rng(1)
    return {item.id: random.normal(0.3, 1.5, (STEPS, SIZE)).astype(F) for item in graph.inputs}


@pytest.mark.parametrize(("n_syn", "recurrent", "cap"), CHOICES)
def test_every_combination_computes_its_equation_bit_by_bit(
    n_syn: int, recurrent: bool, cap: int, tmp_path: Path
) -> None:
    graph = layer(n_syn, recurrent, cap)
    save(graph, tmp_path / "n.snn")
    assert load(tmp_path / "n.snn") == graph
    x = currents(graph)
    wanted = expected(n_syn, recurrent, cap, x)
    recording, _ = prepare(graph).run(x, record=[f"n/{key}" for key in wanted])
    for key, array in wanted.items():
        np.testing.assert_array_equal(recording[f"n/{key}"], array, err_msg=key)
    spikes = recording["n/s"]
    assert spikes.dtype == integer(0, cap).numpy
    assert spikes.max() == 1 if cap == 1 else spikes.max() > 3


def test_the_current_alone() -> None:
    builder = GraphBuilder("syn", REGISTRY)
    port = builder.input((SIZE,), F32)
    builder.output(builder.node("n", "core.ExpSyn", port, params={"beta": tensor(ALPHA)}))
    x = np.random.default_rng(0).normal(size=(STEPS, SIZE)).astype(F)
    recording, _ = prepare(builder.graph()).run(x, record=["n/y", "n/isyn"])
    i = np.zeros(SIZE, F)
    for t in range(STEPS):
        i = (i + x[t]) * ALPHA
        np.testing.assert_array_equal(recording["n/y"][t], i)
    np.testing.assert_array_equal(recording["n/y"], recording["n/isyn"])


@pytest.mark.parametrize(("threshold", "x"), [(0.0, 0.0), (-1.0, 1.0)])
def test_a_threshold_that_no_spike_can_pay_stops_the_run(threshold: float, x: float) -> None:
    """Rockpool goes on with NaN, or with negative spikes."""
    builder = GraphBuilder("odd", REGISTRY)
    params = {"alpha": scalar(0.5), "beta": scalar(0.5), "bias": scalar(0.0), "threshold": scalar(threshold)}
    choice: dict[str, Any] = {"n_syn": 1, "recurrent": False, "max_spikes": 31}
    port = builder.node("n", "core.MultiSpikeLIF", builder.input((1,), F32), params=params, **choice)
    builder.output(port)
    with pytest.raises(RunError, match="left its checked range"):
        prepare(builder.graph()).run(np.full((2, 1), x, F))


def test_ports_depend_on_the_attributes() -> None:
    """A port that these attributes do not have is refused, one that they have must be connected."""
    graph = layer(2, True, 31)
    assert [port.name for port in graph.into if port.node == "n"] == ["x", "x2", "r", "r2"]
    builder = GraphBuilder("wrong", REGISTRY)
    port = builder.input((1,), F32)
    params = {name: scalar(0.5) for name in ("alpha", "beta", "beta2", "bias", "threshold")}
    choice: dict[str, Any] = {"n_syn": 2, "recurrent": False, "max_spikes": 31}
    builder.output(builder.node("n", "core.MultiSpikeLIF", {"x": port, "x3": port}, params=params, **choice))
    with pytest.raises(GraphError) as caught:
        builder.graph()
    found = {(finding.code, finding.place) for finding in caught.value.findings}
    assert found == {("SNN-1002", "in.x -> n.x3".replace("in", "input")), ("SNN-1008", "n.x2")}


@pytest.mark.parametrize("n_syn", [0, 33, True, (1,)])
def test_a_number_of_synapses_that_is_none_is_refused(n_syn: Any) -> None:
    graph = layer(1, False, 31)
    node = graph.nodes[0]
    from dataclasses import replace

    from snnhub.ir.verify import verify

    wrong = replace(node, attributes=(("max_spikes", 31), ("n_syn", n_syn), ("recurrent", False)))
    codes = {finding.code for finding in verify(replace(graph, nodes=(wrong,)), REGISTRY)}
    assert "SNN-1004" in codes
    assert Port("n", "x") in graph.into
