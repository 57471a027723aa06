"""Steps of sinabs' neurons against their equations, and these networks as NIR and on Loihi; all without sinabs."""

from __future__ import annotations

import itertools
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from snnhub.api.discretise import discretise
from snnhub.api.options import ImportOptions
from snnhub.engine.reference import prepare
from snnhub.errors import RunError, UnsupportedError
from snnhub.hub.catalogue import register_ops
from snnhub.ir.builder import GraphBuilder
from snnhub.ir.digest import network_digest
from snnhub.ir.graph import Graph, Origin, Port
from snnhub.ir.numtype import F32
from snnhub.ir.op import StepOp
from snnhub.ir.rung import Rung
from snnhub.ir.tensor import Array, tensor
from snnhub.ops.registry import REGISTRY
from snnhub.passes.base import ALMOST, Pass, PassContext, Promise, run_pass
from snnhub.torchnet.counts import as_floats
from snnhub.torchnet.signals import Lead, Signal
from snnhub.torchnet.site import Site
from snnhub_loihi import of_sinabs
from snnhub_loihi.approximations import soft_resets
from snnhub_nir.reader import import_nir
from snnhub_nir.writer import export_nir

F = np.float32
SIZE = 6
NUMBERS: dict[str, Any] = {
    "alpha": 0.83,
    "gain": 0.17,
    "alpha_syn": 0.6,
    "v_threshold": np.linspace(0.3, 1.9, SIZE),
    "v_subtract": 0.7,
    "v_reset": 0.1,
    "v_min": -0.4,
    "max_spikes": 2.0,
    "alpha_adapt": 0.9,
    "gain_adapt": 0.1,
    "adapt_scale": 1.8,
}


@pytest.fixture(autouse=True, scope="module")
def ops() -> None:
    register_ops()


def numbers(op: str, choices: dict[str, Any]) -> dict[str, Array]:
    schema = REGISTRY(op, 1)
    assert schema is not None
    return {item.name: np.asarray(NUMBERS[item.name], F) for item in schema.parameters(choices)}


def alone(op: str, params: dict[str, Any], shape: tuple[int, ...] = (SIZE,), **choices: Any) -> Graph:
    builder = GraphBuilder("n", REGISTRY)
    given = {name: tensor(np.asarray(value, F)) for name, value in params.items()}
    builder.output(builder.node("n", op, builder.input(shape, F32), params=given, **choices))
    return builder.graph()


def choices_of(op: str) -> list[dict[str, Any]]:
    schema = REGISTRY(op, 1)
    assert isinstance(schema, StepOp)
    names = [item.name for item in schema.attributes]
    return [
        dict(zip(names, values, strict=True))
        for values in itertools.product(*(item.allowed for item in schema.attributes))
    ]


def by_hand(x: Array, p: dict[str, Array], c: dict[str, Any], adaptive: bool) -> dict[str, Array]:
    """One step of LIF or ALIF after the other, in the order of sinabs 3.1.3, one f32 operation at a time."""
    v, i, b = (np.zeros(x.shape[1:], F) for _ in range(3))
    kept: dict[str, list[Array]] = {"s": [], "v": [], "i": [], "b": []}
    for now in x:
        i = p["alpha_syn"] * (i + now) if c["synapse"] == "exp" else now
        if adaptive:
            i = p["gain"] * i
        v = p["alpha"] * v + (i if adaptive else p["gain"] * i)
        threshold = p["v_threshold"] + p["adapt_scale"] * b if adaptive else p["v_threshold"]
        n = ((v - threshold) >= 0).astype(F)
        if c["spikes"] != "single":
            n = (v > 0) * np.trunc(v / threshold)
            n = np.minimum(n, p["max_spikes"]) if c["spikes"] == "max" else n
        if c["reset"] == "reset":
            v = v * (n == 0).astype(F) + p["v_reset"]
        else:
            v = v - n * (threshold if c["reset"] == "threshold" else p["v_subtract"])
        if adaptive:
            b = p["alpha_adapt"] * b + p["gain_adapt"] * n
        if c["floor"]:
            v = np.maximum(v - p["v_min"], F(0)) + p["v_min"]
        for name, value in zip(kept, (n, v, i, b), strict=True):
            kept[name].append(np.asarray(value, F))
    return {name: np.stack(values) for name, values in kept.items()}


@pytest.mark.parametrize("op", ["sinabs.Neuron", "sinabs.ALIF"])
def test_every_choice_is_its_equation(op: str) -> None:
    x = np.random.default_rng(0).normal(1.0, 4.0, (20, 2, SIZE)).astype(F)
    spikes = 0
    for chosen in choices_of(op):
        params = numbers(op, chosen)
        graph = alone(op, params, **chosen)
        states = [state.name for state in graph.node["n"].program.states]  # type: ignore[union-attr]
        found, _ = prepare(graph).run(x, record=["n/s", *(f"n/{name}" for name in states)])
        expected = by_hand(x, params, chosen, op == "sinabs.ALIF")
        for name in ("s", *states):
            np.testing.assert_array_equal(found[f"n/{name}"], expected[name], err_msg=f"{chosen} {name}")
        spikes += int(expected["s"].sum())
    assert spikes > 1000


def test_layers_without_spikes_put_out_what_is_above_their_floor() -> None:
    x = np.random.default_rng(1).normal(-0.5, 2.0, (20, 2, SIZE)).astype(F)
    for chosen in choices_of("sinabs.Leaky"):
        params = numbers("sinabs.Leaky", chosen)
        found, _ = prepare(alone("sinabs.Leaky", params, **chosen)).run(x, record=["n/y", "n/v"])
        v, i = np.zeros((2, SIZE), F), np.zeros((2, SIZE), F)
        for step, now in enumerate(x):
            i = params["alpha_syn"] * (i + now) if chosen["synapse"] == "exp" else now
            h = params["alpha"] * v + params["gain"] * i
            v = np.maximum(h - params["v_min"], F(0)) + params["v_min"] if chosen["floor"] else h
            np.testing.assert_array_equal(found["n/y"][step], h)
            np.testing.assert_array_equal(found["n/v"][step], v)


def test_whole_numbers_and_a_count_that_f32_does_not_hold() -> None:
    x = np.array([[-1.5, -0.5, 0.5, 1.5, 2.5, 3.0]], F)
    for mode, expected in (("floor", np.floor(x)), ("rint", np.rint(x))):
        found, _ = prepare(alone("sinabs.Quantize", {}, mode=mode)).run(x, record=["n/y"])
        np.testing.assert_array_equal(found["n/y"], expected)
    chosen: dict[str, Any] = {"synapse": "none", "spikes": "multi", "reset": "subtract", "floor": False}
    graph = alone("sinabs.Neuron", numbers("sinabs.Neuron", chosen) | {"gain": F(1)}, **chosen)
    with pytest.raises(RunError, match="checked range"):
        prepare(graph).run(np.full((1, SIZE), 1e9, F))


def test_counts_that_could_be_too_large_for_f32_are_added_as_f32() -> None:
    builder = GraphBuilder("n", REGISTRY)
    given = {"v_threshold": tensor(F(1))}
    port = builder.node("n", "sinabs.IAF", builder.input((4,), F32), params=given, precision="f32")
    site = Site("sum", Origin(), builder)
    signal = Signal(port, Lead.BATCH, (4,))
    a, b = as_floats(signal, signal, site)
    assert (a.port.node, b.port.node) == ("sum/a", "sum/b")
    single: dict[str, Any] = {"synapse": "none", "spikes": "single", "reset": "subtract", "floor": False}
    params = {name: tensor(value) for name, value in numbers("sinabs.Neuron", single).items()}
    params["v_threshold"] = tensor(F(1))
    one = Signal(builder.node("m", "sinabs.Neuron", port, params=params, **single), Lead.BATCH, (4,))
    assert as_floats(one, one, site) == (one, one)


def network(op: str, choices: dict[str, Any], spatial: bool = True, **given: Any) -> Graph:
    """Convolution, neurons, sums over windows, dense without a bias, neurons; else the latter two alone."""
    random = np.random.default_rng(0)
    builder = GraphBuilder("net", REGISTRY)

    def weights(*shape: int) -> dict[str, Any]:
        return {"weight": tensor(random.normal(0.2, 0.6, shape).astype(F))}

    def neurons(name: str, port: Port) -> Port:
        params = {name: tensor(value) for name, value in (numbers(op, choices) | given).items()}
        return builder.node(name, op, port, params=params, **choices)

    flat: dict[str, Any] = {"bias": False, "accumulate": "exact"}
    around: dict[str, Any] = {"stride": (1, 1), "padding": (0, 0), "dilation": (1, 1), "groups": 1}
    window: dict[str, Any] = {"kernel": (2, 2), "stride": (2, 2), "padding": (0, 0)}
    port = builder.input((1, 6, 6), F32)
    if spatial:
        port = builder.node("0", "core.Conv", port, params=weights(3, 1, 3, 3), **flat, **around)
        port = neurons("1", port)
        port = builder.node("2/mean", "core.AvgPool", port, **window, ceil_mode=False, count_include_pad=True)
        port = builder.node("2", "core.Scale", port, params={"scale": tensor(F(4)), "shift": tensor(F(0))})
    port = builder.node("3", "core.Flatten", port, start=0, end=2)
    port = builder.node("4", "core.Dense", port, params=weights(5, 12 if spatial else 36), **flat, shift=0)
    builder.output(neurons("5", port))
    return builder.graph()


LIF: dict[str, Any] = {"alpha": F(0.87), "v_threshold": F(0.8)}
OWN: dict[str, Any] = {"synapse": "none", "spikes": "single", "reset": "reset", "floor": False}


def codes(graph: Graph, folder: Path, **chosen: str) -> list[str]:
    return sorted({finding.code for finding in export_nir(graph, folder / "net.nir", chosen)})


def test_nir_holds_them_with_losses_and_gives_them_back(tmp_path: Path) -> None:
    graph = network("sinabs.LIF", {"precision": "f32"}, **LIF)
    with pytest.raises(UnsupportedError) as caught:
        export_nir(graph, tmp_path / "net.nir")
    told = [(finding.code, finding.place) for finding in caught.value.findings]
    assert {("SNN-4506", "1"), ("SNN-4506", "5"), ("SNN-4509", "1")} <= set(told)
    assert codes(graph, tmp_path, lossy="true") == ["SNN-4506", "SNN-4509"]
    again = import_nir(tmp_path / "net.nir", ImportOptions())
    assert network_digest(again) == network_digest(graph)
    plain = import_nir(tmp_path / "net.nir", ImportOptions(profile="sinabs-3"))
    assert [node.op for node in plain.nodes if node.op.startswith("ct.S")] == ["ct.SumPool2d"]
    tau = plain.node["n1"].param["tau"].array
    assert tau.shape == (3, 4, 4)
    np.testing.assert_allclose(np.exp(-1 / tau), LIF["alpha"], rtol=1e-7)


@pytest.mark.parametrize("op", ["sinabs.LIF", "sinabs.IAF"])
def test_for_sinabs_the_profile_reads_the_same_network(op: str, tmp_path: Path) -> None:
    """As sinabs does, which the tests with peers show: Linear becomes Affine, and sums stay sums."""
    given = {name: LIF[name] for name in (["alpha"] if op == "sinabs.LIF" else []) + ["v_threshold"]}
    graph = network(op, {"precision": "f32"}, spatial=op == "sinabs.IAF", **given)
    assert "SNN-4505" in codes(graph, tmp_path, **{"for": "sinabs", "lossy": "true"})
    plain = import_nir(tmp_path / "net.nir", ImportOptions(given={"ignore_metadata": "true"}))
    made = discretise(plain, 1.0, "sinabs-3")
    x = np.random.default_rng(3).normal(0.3, 1.0, (30, 2, 1, 6, 6)).astype(F)
    found, expected = (prepare(item).run(x, record=["output"])[0]["output"] for item in (made, graph))
    np.testing.assert_array_equal(found, expected)
    assert expected.sum() > 20
    if op == "sinabs.LIF":
        with pytest.raises(UnsupportedError, match="over several axes"):
            codes(network(op, {"precision": "f32"}, **given), tmp_path, **{"for": "sinabs", "lossy": "true"})


def test_means_are_convolutions_where_a_framework_has_only_those(tmp_path: Path) -> None:
    graph = network("sinabs.IAF", {"precision": "f32"}, v_threshold=F(0.8))
    scale = next(node for node in graph.nodes if node.id == "2")
    halved = replace(scale, params=(("scale", tensor(F(0.5))), ("shift", tensor(F(0)))))
    graph = replace(graph, nodes=tuple(halved if node.id == "2" else node for node in graph.nodes))
    with pytest.raises(UnsupportedError) as caught:  # sinabs reads no Scale; the mean itself is no problem
        codes(graph, tmp_path, **{"for": "sinabs", "lossy": "true"})
    assert [finding.place for finding in caught.value.findings if finding.code == "SNN-4503"] == ["n2"]


def test_what_nir_has_no_word_for(tmp_path: Path) -> None:
    adaptive: dict[str, Any] = {"synapse": "none", "spikes": "single", "reset": "threshold", "floor": False}
    with pytest.raises(UnsupportedError, match="no NIR node"):
        export_nir(alone("sinabs.ALIF", numbers("sinabs.ALIF", adaptive), **adaptive), tmp_path / "a.nir")
    chosen = OWN | {"synapse": "exp"}
    integrating = numbers("sinabs.Neuron", chosen) | {"alpha": F(1)}
    with pytest.raises(UnsupportedError, match="synapse before an integrator"):
        export_nir(alone("sinabs.Neuron", integrating, **chosen), tmp_path / "a.nir", {"lossy": "true"})
    leak = alone("sinabs.ExpLeak", {"alpha": 0.8})
    assert "SNN-4530" in codes(leak, tmp_path, lossy="true")


@pytest.mark.parametrize("alpha", [1.0, 0.9])
def test_one_spike_and_a_reset_to_zero_is_loihis_neuron(alpha: float) -> None:
    given: dict[str, Any] = {"alpha": F(alpha), "gain": F(1), "v_threshold": F(0.9), "v_reset": F(0)}
    graph = network("sinabs.Neuron", OWN, **given)
    item = Pass("loihi sinabs", 1, Promise(Rung.BOUNDED, ALMOST), "", of_sinabs.run)
    made = run_pass(graph, item, PassContext())
    assert {made.node[name].op for name in "15"} == {"core.IF" if alpha == 1 else "core.LIF"}
    assert [finding.code for finding in made.findings] == ["SNN-2610", "SNN-2610"]
    x = np.random.default_rng(3).normal(0.3, 1.0, (30, 2, 1, 6, 6)).astype(F)
    found, expected = (prepare(item).run(x, record=["1/s", "output"])[0] for item in (made, graph))
    for key in ("1/s", "output"):
        assert expected[key].sum() > 20
        assert (found[key] != expected[key]).mean() < (1e-9 if alpha == 1 else 1e-3)


def test_what_loihi_does_not_do_is_refused_at_once() -> None:
    chosen: dict[str, Any] = {"synapse": "exp", "spikes": "max", "reset": "subtract", "floor": True}
    item = Pass("loihi sinabs", 1, Promise(Rung.BOUNDED, ALMOST), "", of_sinabs.run)
    with pytest.raises(UnsupportedError) as caught:
        run_pass(network("sinabs.Neuron", chosen, v_threshold=F(1)), item, PassContext())
    found = [finding.message for finding in caught.value.findings if finding.place == "1"]
    assert len(found) == 5
    assert soft_resets(network("sinabs.Neuron", chosen, v_threshold=F(1))) == ("1", "5")
    with pytest.raises(UnsupportedError, match="spike once"):
        run_pass(network("sinabs.LIF", {"precision": "f32"}, **LIF), item, PassContext())
