"""LIF networks as analog networks: what is read of which neuron, what is refused, currents, rates, curves."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from snnhub.api.convert import convert
from snnhub.api.plot_response import plot_response
from snnhub.api.save import save
from snnhub.cli.main import invoke
from snnhub.engine.reference import prepare
from snnhub.errors import UnsupportedError, UsageError
from snnhub.hub.catalogue import register_ops
from snnhub.ir.builder import GraphBuilder
from snnhub.ir.digest import network_digest
from snnhub.ir.graph import Decoder, Graph, Port
from snnhub.ir.numtype import F32, integer
from snnhub.ir.tensor import Array, tensor
from snnhub.ops.registry import REGISTRY
from snnhub.passes.base import PassContext, run_passes
from snnhub_dynapse2.approximate.analog import CURVES, PASS, concerned
from snnhub_dynapse2.approximate.currents import LARGEST
from snnhub_dynapse2.approximate.layers import Layer, Reading
from snnhub_dynapse2.approximate.raster import taught
from snnhub_dynapse2.approximate.report import ERRORS, TABLE
from snnhub_dynapse2.dac import PARAMETERS, SUB_PICO, amps, nearest, span
from snnhub_dynapse2.derive import DEFAULTS

register_ops()
F = np.float32
DT = 1e-3
HARD: dict[str, Any] = {"reset": "value", "compare": "ge"}
SOFT: dict[str, Any] = {"reset": "subtract", "compare": "ge"}
REST = {"v_threshold": 1.0, "v_reset": 0.0}
CASES: dict[str, tuple[str, dict[str, Any], dict[str, Any]]] = {
    "IF": ("core.IF", HARD, REST),
    "IF, soft": ("core.IF", SOFT, {"v_threshold": 1.0}),
    "LIF, input divided": ("core.LIF", {**HARD, "decay_input": True}, {**REST, "tau": 4.0}),
    "LIF, rest at -1": (
        "core.LIF",
        {**HARD, "decay_input": False},
        {"v_threshold": 0.0, "v_reset": -1.0, "tau": 8.0},
    ),
    "learned leak": ("core.LIFCoeff", {**SOFT, "decay_input": False}, {"v_threshold": 1.0, "leak": 0.1}),
    "CUBA": ("core.CubaLIF", {**HARD, "arithmetic": "float"}, {**REST, "u_factor": 0.8, "v_factor": 0.9}),
    "CUBA, fixed": (
        "core.CubaLIF",
        {**HARD, "arithmetic": "fixed"},
        {**REST, "u_decay": 1024, "v_decay": 512, "scale": 64.0},
    ),
    "several spikes": (
        "core.MultiSpikeLIF",
        {"n_syn": 1, "recurrent": False, "max_spikes": 31},
        {"alpha": 0.95, "beta": 0.9, "threshold": 1.0, "bias": 0.005},
    ),
    "Loihi, float": (
        "loihi.FloatCubaLIF",
        {},
        {"u_factor": 0.8, "v_factor": 0.9, "v_threshold": 1.0, "bias": 0.0},
    ),
}
INTEGERS = {"u_decay", "v_decay"}


def params(numbers: dict[str, Any]) -> dict[str, Any]:
    return {k: tensor(np.array(v, np.int64 if k in INTEGERS else F)) for k, v in numbers.items()}


def dense(
    builder: GraphBuilder, name: str, source: Port, weight: Array, bias: Array | None = None, delay: int = 0
) -> Port:
    held = {"weight": tensor(weight.astype(F))} | ({} if bias is None else {"bias": tensor(bias.astype(F))})
    choice: dict[str, Any] = {"bias": bias is not None, "accumulate": "exact", "shift": 0}
    return builder.node(name, "core.Dense", source, params=held, delay=delay, **choice)


def weights(size: int, inputs: int, scale: float, seed: int = 0) -> Array:
    return np.asarray(np.random.default_rng(seed).normal(0.8, 0.6, (size, inputs)) * scale)


def network(
    case: str, *, size: int = 5, scale: float = 0.3, dt: float | None = None, bias: Array | None = None
) -> Graph:
    op, choice, numbers = CASES[case]
    if "u_factor" in numbers or "u_decay" in numbers or "beta" in numbers:
        scale = scale / 5
    if choice.get("decay_input"):
        scale = scale * 4
    builder = GraphBuilder("net", REGISTRY)
    port = dense(builder, "fc", builder.input((8,), F32), weights(size, 8, scale), bias)
    builder.output(builder.node("lif", op, port, params=params(numbers), **choice))
    return builder.graph(decoder=Decoder("sum"), dt=dt)


def raster(seed: int, steps: int = 200, inputs: int = 8, rate: float = 0.12) -> Array:
    return (np.random.default_rng(seed).random((steps, 2, inputs)) < rate).astype(F)


def approximate(graph: Graph, calibration: Array | None = None, **options: str) -> tuple[Graph, PassContext]:
    context = PassContext(options={"neurons": "analog", **options}, calibration=calibration)
    return run_passes(graph if graph.dt else replace(graph, dt=DT), [PASS], context), context


def rate(graph: Graph, x: Array, name: str = "lif/s") -> Array:
    found, _ = prepare(graph, REGISTRY).run(x, record=[name])
    return np.asarray(found[name].mean(axis=(0, 1)) / DT)


def codes(graph: Graph) -> set[str]:
    return {finding.code for finding in graph.findings}


@pytest.mark.parametrize("case", CASES)
def test_every_kind_of_neuron_fires_as_often_on_input_it_was_not_fitted_on(case: str) -> None:
    graph = network(case)
    assert concerned(graph) == ("lif",)
    made, _ = approximate(graph, raster(1))
    assert [node.op for node in made.nodes] == ["core.Dense", "dynapse2.DynapSim"]
    assert made.dt == DT
    x = raster(2)
    wanted, found = rate(graph, x), rate(made, x)
    assert wanted.mean() > 15, "a network that hardly fires shows nothing"
    assert np.sqrt(((wanted - found) ** 2).mean()) < 0.2 * wanted.mean() + 4


def test_findings_say_what_stands_for_what_and_what_is_lost() -> None:
    graph = network("several spikes", bias=np.array([0.002, -0.5, 0, 0, 0]))
    made, context = approximate(graph, raster(1))
    assert {"SNN-2543", "SNN-2544", "SNN-2545", "SNN-2546", "SNN-2547", "SNN-2548", "SNN-2551"} <= codes(made)
    assert "SNN-2549" not in codes(made)
    lost = {finding.code: finding.message for finding in made.findings}
    assert "1 below 0" in lost["SNN-2547"]
    held = [np.abs(node.param["weight"].array).max() for node in made.nodes if node.op == "core.Dense"]
    assert f"the largest is {max(held):.4g} times" in lost["SNN-2551"]
    row = context.tables[ERRORS][0]
    both = [rate(g, raster(1)) for g in (graph, made)]
    assert row["rmse_hz"] == pytest.approx(float(np.sqrt(((both[0] - both[1]) ** 2).mean())))
    assert row["worst"] == int(np.abs(both[0] - both[1]).argmax())
    assert {item["current"] for item in context.tables[TABLE]} >= {
        "Itau_mem",
        "Itau_syn",
        "Ispkthr",
        "Idc",
        "Iref",
    }


def test_what_the_chip_does_not_have_is_said() -> None:
    made, _ = approximate(network("IF"), raster(1))
    found = {finding.code: finding for finding in made.findings}
    assert found["SNN-2550"].place == "lif/Itau_mem"  # an integrator that does not leak
    assert "SNN-2552" in found
    assert "SNN-2546" not in found


def test_without_a_raster_a_poisson_one_is_taken_and_said() -> None:
    graph = network("LIF, input divided")
    layers, _ = read(graph)
    seen = taught(graph, None, layers, DT, REGISTRY)
    again = taught(graph, None, layers, DT, REGISTRY)
    np.testing.assert_array_equal(seen.raster, again.raster)
    rates = seen.raster.mean(axis=(0, 2)) / DT
    assert np.all(np.abs(rates - np.resize([5, 20, 50, 100], 8)) < 12)
    (said,) = seen.findings
    assert (said.code, said.severity.value) == ("SNN-2549", "loss")


def test_a_layer_that_never_fires_keeps_the_formulas() -> None:
    made, _ = approximate(network("CUBA", scale=1e-6), raster(1))
    assert "SNN-2555" in codes(made)
    quiet, _ = approximate(network("CUBA"), 0 * raster(1))
    assert any("; 0.0% of what arrives" in finding.message for finding in quiet.findings)


def test_a_long_raster_is_looked_at_in_part() -> None:
    graph = network("CUBA")
    long = np.concatenate([raster(seed, 400) for seed in range(12)], axis=1)
    seen = taught(graph, long, read(graph)[0], DT, REGISTRY)
    assert seen.raster.shape == (400, 20, 8)
    (said,) = seen.findings
    assert (said.code, said.severity.value) == ("SNN-2549", "info")


@pytest.mark.parametrize("seed", range(3))
def test_currents_are_on_the_chips_grid_and_the_same_every_time(seed: int) -> None:
    random = np.random.default_rng(seed)
    builder = GraphBuilder("net", REGISTRY)
    port = dense(builder, "fc", builder.input((8,), F32), weights(6, 8, float(10 ** random.uniform(-3, 3)), seed))
    theta = float(10 ** random.uniform(-2, 3))
    numbers = {"alpha": random.uniform(0, 1), "beta": random.uniform(0, 0.999), "threshold": theta, "bias": 0.0}
    choice: dict[str, Any] = {"n_syn": 1, "recurrent": False, "max_spikes": 9}
    builder.output(builder.node("lif", "core.MultiSpikeLIF", port, params=params(numbers), **choice))
    graph = builder.graph(dt=float(10 ** random.uniform(-4, -2)))
    both = [approximate(graph, raster(seed, 60))[0] for _ in range(2)]
    assert network_digest(both[0]) == network_digest(both[1])
    node = both[0].node["lif"]
    for name in ("Itau_mem", "Itau_syn", "Igain_mem", "Igain_syn", "Ispkthr", "Iref", "Ipulse"):
        parameter = PARAMETERS[name][0]
        low, high = span(parameter)
        for current in np.unique(node.param[name].array).tolist():
            assert max(low, SUB_PICO * 0.97) <= current * (1 + 1e-6)
            assert current <= high * (1 + 1e-6)
            assert amps(parameter, nearest(parameter, current)) == pytest.approx(current, rel=1e-6)
    assert np.all(node.param["Idc"].array >= F(DEFAULTS["Io"]))
    assert np.all(node.param["n_ref"].array == 1)
    assert np.abs(both[0].node["fc"].param["weight"].array).max() < 100 * LARGEST
    assert np.isfinite(both[0].node["fc"].param["weight"].array).all()


def wide(op: str, choice: dict[str, Any], **more: Any) -> Graph:
    """Convolution, pooling, flattening, dense, and a neuron."""
    builder = GraphBuilder("conv", REGISTRY)
    random = np.random.default_rng(3)
    x = builder.node("cut", "core.Reshape", builder.input((16,), F32), shape=(1, 4, 4))
    kernel: dict[str, Any] = {"stride": (1, 1), "padding": (1, 1), "dilation": (1, 1), "groups": 1}
    plain: dict[str, Any] = {"bias": True, "accumulate": "exact"}
    held = {
        "weight": tensor(random.normal(0.2, 0.3, (2, 1, 3, 3)).astype(F)),
        "bias": tensor(np.array([0.1, 0], F)),
    }
    x = builder.node("conv", "core.Conv", x, params=held, **kernel, **plain)
    x = builder.node("pool", "core.AvgPool", x, kernel=(2, 2), stride=(2, 2), padding=(0, 0), **more)
    x = builder.node("flat", "core.Flatten", x, start=0, end=2)
    x = dense(builder, "fc", x, random.normal(0.3, 0.5, (4, 8)))
    builder.output(builder.node("lif", op, x, params=params({**REST, "tau": 4.0}), **choice))
    return builder.graph(dt=DT)


def read(graph: Graph) -> tuple[tuple[Layer, ...], Reading]:
    reading = Reading(graph, REGISTRY)
    return reading.layers(), reading


def test_linear_stages_become_one_matrix_and_biases() -> None:
    graph = wide("core.LIF", {**HARD, "decay_input": True}, ceil_mode=False, count_include_pad=True)
    layers, reading = read(graph)
    assert reading.found == []
    (link,) = layers[0].links
    x = np.random.default_rng(4).random((3, 5, 16)).astype(F)
    found, _ = prepare(graph, REGISTRY).run(x, record=["fc/y"])
    np.testing.assert_allclose(x @ link.weight + layers[0].offset, found["fc/y"], rtol=1e-5, atol=1e-6)
    made, _ = approximate(graph, raster(1, 120, 16, 0.3))
    assert "SNN-2554" in codes(made)
    assert [node.op for node in made.nodes] == ["core.Dense", "dynapse2.DynapSim"]


def test_a_filter_becomes_the_synaptic_current() -> None:
    builder = GraphBuilder("net", REGISTRY)
    port = dense(builder, "fc", builder.input((8,), F32), weights(4, 8, 0.05))
    port = builder.node("filter", "core.SynapseFilter", port, params=params({"leak": 0.2}))
    builder.output(
        builder.node("lif", "core.LIF", port, params=params({**REST, "tau": 8.0}), **HARD, decay_input=False)
    )
    layers, reading = read(builder.graph())
    assert reading.found == []
    assert layers[0].filtered == ("filter",)
    np.testing.assert_allclose(layers[0].source.factor, 0.8)


def test_recurrence_and_its_delay_stay() -> None:
    builder = GraphBuilder("net", REGISTRY)
    port = dense(builder, "fc", builder.input((8,), F32), weights(5, 8, 0.02))
    choice: dict[str, Any] = {"n_syn": 1, "recurrent": True, "max_spikes": 31}
    numbers = {"alpha": 0.95, "beta": 0.9, "threshold": 1.0, "bias": 0.0}
    port = builder.node("lif", "core.MultiSpikeLIF", port, params=params(numbers), **choice)
    builder.edge(dense(builder, "rec", port, weights(5, 5, 0.02, 1), delay=1), Port("lif", "r"))
    builder.output(port)
    made, _ = approximate(builder.graph(dt=DT), raster(1))
    assert {node.id for node in made.nodes} == {"fc", "rec", "lif"}
    assert [edge.delay for edge in made.edges if edge.dst.node == "rec"] == [1]


def refused(graph: Graph, **options: str) -> dict[str, str]:
    context = PassContext(options=options, calibration=raster(1))
    with pytest.raises(UnsupportedError) as caught:
        run_passes(graph, [PASS], context)
    return {finding.place: finding.code for finding in caught.value.findings if finding.severity.value == "error"}


def test_nothing_is_approximated_unasked() -> None:
    graph = network("several spikes", dt=DT)
    with pytest.raises(UnsupportedError, match="one step without any after it") as caught:
        run_passes(graph, [PASS], PassContext())
    assert [finding.code for finding in caught.value.findings] == ["SNN-2542"]
    assert "--approximate analog" in caught.value.findings[0].remedy


def test_a_step_without_length_is_asked_for() -> None:
    graph = network("IF")
    assert refused(graph, neurons="analog") == {"net": "SNN-2541"}
    assert refused(replace(graph, dt=1e-9), neurons="analog") == {"net": "SNN-2541"}


def test_all_that_has_no_counterpart_is_said_at_once() -> None:
    builder = GraphBuilder("net", REGISTRY)
    port = dense(builder, "fc1", builder.input((8,), F32), weights(4, 8, 0.2))
    klif: dict[str, Any] = {**HARD, "decay_input": True, "scale_reset": False}
    port = builder.node("klif", "core.KLIF", port, params=params({**REST, "tau": 2.0, "k": 1.5}), **klif)
    port = dense(builder, "fc2", port, weights(4, 4, 0.2))
    port = builder.node(
        "endless", "core.IF", port, params=params({"v_threshold": 1.0}), reset="none", compare="ge"
    )
    port = dense(builder, "fc3", port, weights(4, 4, 0.2))
    port = builder.node("below", "core.IF", port, params=params({"v_threshold": -1.0, "v_reset": 0.0}), **HARD)
    port = builder.node("relu", "core.ReLU", dense(builder, "fc4", port, weights(4, 4, 0.2)))
    builder.output(port)
    found = refused(builder.graph(dt=DT), neurons="analog")
    assert found == dict.fromkeys(("klif", "endless", "below", "relu"), "SNN-2540")


def test_integer_neurons_of_loihi_are_read() -> None:
    builder = GraphBuilder("net", REGISTRY)
    held = {"weight": tensor((weights(4, 8, 30.0)).astype(np.int64))}
    choice: dict[str, Any] = {"bias": False, "accumulate": "exact", "shift": 0}
    port = builder.node("fc", "core.Dense", builder.input((8,), integer(0, 1)), params=held, **choice)
    numbers = {"iDecay": 1024, "vDecay": 256, "vThMant": 100, "bias": 0}
    own = {name: tensor(np.array(value, np.int64)) for name, value in numbers.items()}
    builder.output(builder.node("lif", "loihi.CubaLIF", port, params=own, reset_interval=0, reset_offset=0))
    graph = builder.graph(dt=DT)
    made, context = approximate(graph, raster(1).astype(np.int64))
    x = raster(2).astype(np.int64)
    wanted, found = rate(graph, x), rate(made, x)
    assert wanted.mean() > 15
    assert np.sqrt(((wanted - found) ** 2).mean()) < 0.2 * wanted.mean() + 4
    assert len(context.tables[CURVES]) == 8


def test_curves_are_drawn(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("matplotlib")
    file, pictures = network_file(tmp_path), [tmp_path / "fi.png", tmp_path / "fi.svg"]
    np.save(tmp_path / "x.npy", raster(1))
    arguments = [
        "plot",
        "f-i",
        str(file),
        "--target",
        "dynapse2",
        "--calibrate",
        str(tmp_path / "x.npy"),
        "--json",
    ]
    outputs = [word for path in pictures for word in ("-o", str(path))]
    assert invoke([*arguments, *outputs, "--approximate", "analog"]) == 0
    rows = json.loads(capsys.readouterr().out)["rows"]
    assert [row["layer"] for row in rows] == ["lif"]
    curve = rows[0]["curve"]
    at_one = next(row for row in curve if row["level"] == 1.0)
    assert at_one["analog_mean_hz"] == pytest.approx(at_one["source_mean_hz"], rel=0.15)
    assert curve[0]["source_mean_hz"] == curve[0]["analog_mean_hz"] == 0
    assert b"panel0-analog" in pictures[1].read_bytes()
    assert (tmp_path / "fi.csv").read_text().count("\n") == 1 + len(curve)
    with pytest.raises(UnsupportedError):
        plot_response(file, tmp_path / "no.png", "dynapse2", calibration=raster(1))
    with pytest.raises(UsageError):
        plot_response(network_file(tmp_path), tmp_path / "no.png", "loihi2")


def test_it_reaches_the_board(tmp_path: Path) -> None:
    result = convert(
        network_file(tmp_path),
        tmp_path / "net.dynapse2.json",
        to="dynapse2",
        approximate=["analog"],
        calibration=raster(1),
    )
    assert result.approximations == ("analog",)
    assert result.cost is not None
    assert {"SNN-2548", "SNN-5301"} <= {finding.code for finding in result.findings}
    rows = result.tables[ERRORS]
    assert rows[0]["rmse_hz"] < 0.2 * rows[0]["mean_hz"] + 4


def network_file(folder: Path) -> Path:
    save(network("CUBA", dt=DT), folder / "net.snn")
    return folder / "net.snn"


def test_the_tables_say_which_current_stands_for_what(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    np.save(tmp_path / "x.npy", raster(1))
    arguments = ["--to", "dynapse2", "--approximate", "analog", "--calibrate", str(tmp_path / "x.npy")]
    assert invoke(["convert", str(network_file(tmp_path)), *arguments, "-o", str(tmp_path / "net.json")]) == 0
    shown = capsys.readouterr().out
    assert "stands for" in shown
    assert "threshold above rest" in shown
    assert "analog mean hz" in shown
    assert "f-I" not in shown, "points of curves are for --json and plots"
