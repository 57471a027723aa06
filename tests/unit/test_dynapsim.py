"""Dynap-SE2's neurons: the step programs against their equations in NumPy, files, mismatch, separate synapses."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import snnhub
from snnhub.cli.main import invoke
from snnhub.engine.reference import prepare
from snnhub.errors import FormatError, UnsupportedError, UsageError
from snnhub.findings import Severity
from snnhub.ir.graph import Graph
from snnhub.ir.rung import Rung
from snnhub.ir.tensor import Array, tensor
from snnhub.ir.verify import verify
from snnhub.ops.registry import REGISTRY
from snnhub_dynapse2.archive import read_archive
from snnhub_dynapse2.derive import RAW, derived, refractory_steps
from snnhub_dynapse2.mismatch import mismatched
from snnhub_dynapse2.parameters import BIASES, MOST_BLOCKED, names
from snnhub_dynapse2.split import separated
from snnhub_formats.container import load
from snnhub_formats.container import save as save_graph

from tests.networks.dynapsim_numbers import STATES, layer, numbers, raster, raw, save, simulated

F = np.float32
NEURONS = "layer0"


def codes(graph: Graph) -> set[str]:
    return {finding.code for finding in graph.findings}


def network(path: Path, arrays: dict[str, Array]) -> Graph:
    return snnhub.import_model(save(path / "net.npz", arrays), source="dynapse2")


def ran(graph: Graph, x: Array) -> dict[str, Array]:
    keys = [f"{NEURONS}/{name}" for name in (*STATES, "s")]
    found, _ = prepare(graph, REGISTRY).run(x, record=keys)
    return {key.removeprefix(f"{NEURONS}/"): found[key] for key in keys}


@pytest.mark.parametrize("recurrent", [False, True])
@pytest.mark.parametrize("seed", range(4))
def test_the_program_is_the_equations_bit_for_bit(tmp_path: Path, seed: int, recurrent: bool) -> None:
    arrays = layer(size=(2, 9, 40, 128)[seed], seed=seed, spread=0.2)
    if not recurrent:
        del arrays["w_rec"]
    x = raster(600, 8, seed, 0.1)
    ours = ran(network(tmp_path, arrays), x)
    theirs = simulated({**arrays, "I_init": arrays["I_init"]}, arrays["w_in"], arrays.get("w_rec"), x)
    assert theirs["s"].sum() > 20
    for name, array in theirs.items():
        np.testing.assert_array_equal(ours[name], array, err_msg=name)


def test_several_spikes_in_a_step_multiply_what_recurs(tmp_path: Path) -> None:
    arrays = layer(seed=3, spread=0.0, Ispkthr=1e-10, Itau_mem=2e-11)
    arrays["w_in"] = arrays["w_in"] * F(40)
    x = raster(300, 8, 3, 0.4)
    ours, theirs = ran(network(tmp_path, arrays), x), simulated(arrays, arrays["w_in"], arrays["w_rec"], x)
    assert theirs["s"].max() > 1
    np.testing.assert_array_equal(ours["s"], theirs["s"])
    np.testing.assert_array_equal(ours["imem"], theirs["imem"])


def test_stop_and_go_gives_the_same_bits(tmp_path: Path) -> None:
    graph, x = network(tmp_path, layer(seed=1)), raster(200, 8, 1, 0.1)
    plan = prepare(graph, REGISTRY)
    whole, _ = plan.run(x, record=[f"{NEURONS}/imem"])
    first, state = plan.run(x[:77], record=[f"{NEURONS}/imem"])
    second, _ = plan.run(x[77:], state=state, record=[f"{NEURONS}/imem"])
    parts = np.concatenate([first[f"{NEURONS}/imem"], second[f"{NEURONS}/imem"]])
    np.testing.assert_array_equal(parts, whole[f"{NEURONS}/imem"])


def test_parameters_have_units_and_the_step_is_the_graphs(tmp_path: Path) -> None:
    graph = network(tmp_path, layer())
    assert graph.dt == 0.001
    schema = REGISTRY("dynapse2.DynapSim", 1)
    assert schema is not None
    units = {p.name: p.unit for p in schema.parameters({"biases": True}) if not p.name.startswith("f_")}
    assert units["Ispkthr"] == "A"
    assert units["Ut"] == "V"
    assert units["C_mem"] == "F"
    assert {name for name, unit in units.items() if not unit} == {"n_ref"}
    wrong = replace(graph, dt=0.002)
    assert ("SNN-1006", f"{NEURONS}/dt") in {(found.code, found.place) for found in verify(wrong, REGISTRY)}
    assert not verify(replace(graph, dt=None), REGISTRY)


def test_a_graph_comes_back_from_its_file(tmp_path: Path) -> None:
    graph = network(tmp_path, {**layer(spread=0.0), **raw(6)})
    save_graph(graph, tmp_path / "net.snn")
    again = load(tmp_path / "net.snn")
    assert again.network() == graph.network()
    assert again.node[NEURONS].attribute["biases"] is True
    assert again.node[NEURONS].param["f_charge"].recipe == "as the file has it"


@pytest.mark.parametrize(
    ("t_ref", "steps"), [(0.0, 0), (1e-9, 1), (0.001, 1), (0.0010001, 2), (0.0035, 4), (1e9, MOST_BLOCKED)]
)
def test_the_refractory_timer_is_counted(t_ref: float, steps: int) -> None:
    assert int(refractory_steps(np.asarray(t_ref, F), np.asarray(0.001, F))) == steps


def test_the_timer_blocks_as_long_as_n_ref_says(tmp_path: Path) -> None:
    """A neuron driven hard fires again in the first step in which its input is not blocked."""
    arrays = layer(size=5, spread=0.0)
    del arrays["w_rec"]
    arrays["w_in"] = np.full((8, 5), 400, F)
    arrays["t_ref"] = np.array([0, 0.001, 0.002, 0.0045, 0.009], F)
    graph = network(tmp_path, arrays)
    n_ref = graph.node[NEURONS].param["n_ref"].array
    spikes = ran(graph, np.ones((400, 8), F))["s"] > 0
    apart = np.array([np.diff(np.flatnonzero(column)[10:]).min() for column in spikes.T])
    assert (apart - apart[0]).tolist() == (n_ref - n_ref[0]).tolist()
    assert n_ref.tolist()[-1] > 8


def test_a_period_of_whole_steps_is_told(tmp_path: Path) -> None:
    arrays = layer(spread=0.0)
    arrays["t_ref"] = np.full(6, 0.001, F)
    found = [item for item in network(tmp_path, arrays).findings if item.code == "SNN-3402"]
    assert len(found) == 1
    assert "6 neurons" in found[0].message
    arrays["t_ref"] = np.full(6, 0.0017, F)
    assert "SNN-3402" not in codes(network(tmp_path, arrays))
    arrays["t_ref"] = np.full(6, 1e9, F)
    assert "6 neurons are blocked" in str(
        [item.message for item in network(tmp_path, arrays).findings if item.code == "SNN-3402"]
    )


def test_charge_factors_lose_digits_as_the_source_has_them() -> None:
    values = raw(8, 1, 0.1)
    theirs, right = derived(values, 1e-8, 1e-3), derived(values, 1e-8, 1e-3, exact=True)
    wide = {name: array.astype(np.float64) for name, array in values.items()}
    utk = wide["Ut"] / ((wide["kappa_n"] + wide["kappa_p"]) / 2)
    tau = utk * wide["C_syn"] / wide["Itau_syn"]
    exact = -np.expm1(-wide["Vth"] * wide["C_pulse"] / wide["Ipulse"] / tau)
    assert np.abs(right["f_charge"] / exact - 1).max() < 1e-6
    assert 1e-6 < np.abs(theirs["f_charge"] / exact - 1).max() < 1e-3
    np.testing.assert_allclose(theirs["f_discharge"], right["f_discharge"], rtol=2e-7)


def test_currents_are_floored_at_the_dark_current() -> None:
    values = raw(3, Itau_mem=1e-14, Igain_syn=1e-14)
    found = derived(values, 1e-8, 1e-3)
    np.testing.assert_array_equal(found["It_mem"], values["Io"])
    np.testing.assert_array_equal(found["r_syn"], values["Io"] / values["Itau_syn"])


def test_a_file_of_several_layers(tmp_path: Path) -> None:
    parts = [layer(6, 8, 0), layer(4, 6, 1), layer(3, 4, 2)]
    arrays = {f"{k}/{name}": array for k, part in enumerate(parts) for name, array in part.items()}
    arrays["2/b_in"] = np.full(3, 0.01, F)
    graph = network(tmp_path, arrays)
    assert [node.op for node in graph.nodes].count("dynapse2.DynapSim") == 3
    x = raster(400, 8, 0, 0.3)
    found, _ = prepare(graph, REGISTRY).run(x, record=["layer0/s", "layer2/imem", "w_in2/y"])
    first = simulated(parts[0], parts[0]["w_in"], parts[0]["w_rec"], x)
    np.testing.assert_array_equal(found["layer0/s"], first["s"])
    second = simulated(parts[1], parts[1]["w_in"], parts[1]["w_rec"], first["s"])
    third = simulated(parts[2], np.eye(3, dtype=F), parts[2]["w_rec"], found["w_in2/y"])
    np.testing.assert_array_equal(found["layer2/imem"], third["imem"])
    assert found["w_in2/y"].min() <= 0.01 <= found["w_in2/y"].max()
    assert second["s"].sum() > 0


def test_what_a_file_leaves_out_is_said(tmp_path: Path) -> None:
    arrays = layer(spread=0.1)
    graph = network(tmp_path, arrays)
    assert codes(graph) >= {"SNN-3406"}
    assert graph.node[NEURONS].attribute["biases"] is False
    del arrays["I_init"]
    graph = network(tmp_path, arrays)
    assert "SNN-3109" in codes(graph)
    assert float(graph.node[NEURONS].param["I_init"].array) == F(5e-13)
    arrays["Io"] = np.full(6, 4e-13, F)
    graph = network(tmp_path, arrays)
    assert "SNN-3109" not in codes(graph)
    assert float(graph.node[NEURONS].param["I_init"].array) == F(4e-13)
    full = {**layer(spread=0.1), **{name: raw(6, 0, 0.1)[name] for name in RAW}}
    graph = network(tmp_path, full)
    assert "SNN-3406" not in codes(graph)
    assert "SNN-3401" in codes(graph)
    full["Itau_mem"] = full["Itau_mem"] * F(2)
    told = [item for item in network(tmp_path, full).findings if item.code == "SNN-3406"]
    assert told[0].severity is Severity.LOSS
    assert "r_mem" in told[0].message
    low = raw(6, Itau_ahp=1e-15)
    assert "SNN-3405" in codes(network(tmp_path, {**layer(spread=0.0), **derived(low, 1e-8, 1e-3), **low}))


def test_a_recording_in_the_file_is_what_a_run_is_compared_with(tmp_path: Path) -> None:
    arrays, x = layer(seed=2), raster(300, 8, 2, 0.1)
    recorded = simulated(arrays, arrays["w_in"], arrays["w_rec"], x)
    path = save(tmp_path / "net.npz", {**arrays, **recorded, "x": x})
    result = snnhub.verify(path, stimulus=x, against="dynapsim", expect="spikes")
    assert result.passed
    assert result.verdict.reached.reaches(Rung.SPIKES)
    assert "SNN-3410" in {finding.code for finding in result.findings}
    assert {row.a_key: row.different for row in result.verdict.rows}[f"{NEURONS}/imem"] == 0
    recorded["s"][123, 4] += 1
    path = save(tmp_path / "net.npz", {**arrays, **recorded, "x": x})
    result = snnhub.verify(path, stimulus=x, against="dynapsim", expect="spikes")
    assert not result.passed
    assert result.verdict.first is not None
    assert (result.verdict.first.step, result.verdict.first.index) == (123, (4,))
    with pytest.raises(UsageError, match="another stimulus"):
        snnhub.verify(path, stimulus=1 - x, against="dynapsim")
    path = save(tmp_path / "net.npz", arrays)
    with pytest.raises(UsageError, match="no recording"):
        snnhub.verify(path, stimulus=x, against="dynapsim")


def test_files_are_told_by_their_names_and_run_from_the_command_line(tmp_path: Path) -> None:
    path = save(tmp_path / "net.npz", layer())
    np.save(tmp_path / "x.npy", raster(100, 8))
    assert invoke(["inspect", str(path)]) == 0
    assert invoke(["run", str(path), "--input", str(tmp_path / "x.npy")]) == 0
    assert invoke(["inspect", str(save(tmp_path / "x.npz", {"a": np.zeros(3)}))]) != 0


@pytest.mark.parametrize(
    ("change", "code", "place"),
    [
        ({"Ispkthr": np.zeros(6)}, "SNN-3404", "layer0/Ispkthr"),
        ({"f_charge": np.full(6, -0.1)}, "SNN-3404", "layer0/f_charge"),
        ({"Io": np.array([1, 1, 1, 1, 1, -1])}, "SNN-3404", "layer0/Io"),
    ],
)
def test_numbers_that_the_equations_cannot_take(
    tmp_path: Path, change: dict[str, Array], code: str, place: str
) -> None:
    with pytest.raises(UnsupportedError) as caught:
        network(tmp_path, {**layer(), **change})
    assert (code, place) in {(finding.code, finding.place) for finding in caught.value.findings}


def test_layers_that_do_not_fit_are_refused_together(tmp_path: Path) -> None:
    arrays = {f"0/{name}": array for name, array in layer(6, 8).items()}
    arrays |= {f"1/{name}": array for name, array in layer(4, 5).items()}
    arrays["1/dt"] = np.asarray(2e-3, F)
    with pytest.raises(UnsupportedError) as caught:
        network(tmp_path, arrays)
    assert {finding.code for finding in caught.value.findings} == {"SNN-3407", "SNN-3408"}


def pulse(seconds: list[int], steps: int = 40) -> Array:
    """Two channels: an excitatory event in step 5, inhibitory ones at ``seconds``."""
    x = np.zeros((steps, 2), F)
    x[5, 0] = 1
    x[[5 + step for step in seconds], 1] = 1
    return x


def excited(tmp_path: Path) -> Graph:
    """One neuron below its threshold, an excitatory and an inhibitory weight."""
    arrays = {**numbers(1), "w_in": np.array([[6.0], [-6.0]], F)}
    return network(tmp_path, arrays)


@pytest.mark.parametrize("late", [1, 2, 3, 4, 5])
def test_inhibition_after_excitation_acts_in_the_separate_model_alone(tmp_path: Path, late: int) -> None:
    original = excited(tmp_path)
    separate = separated(original, REGISTRY)
    assert "SNN-3411" in codes(separate)
    plain, inhibited = pulse([]), pulse([late])
    np.testing.assert_array_equal(ran(original, plain)["imem"], ran(original, inhibited)["imem"])
    without, with_it = ran(separate, plain), ran(separate, inhibited)
    np.testing.assert_array_equal(without["imem"], ran(original, plain)["imem"])
    lower, before = with_it["imem"], without["imem"]
    assert (lower[: 5 + late] == before[: 5 + late]).all()
    until = int(np.argmax(without["s"].any(axis=1)))  # a spike resets imem, and the inhibited neuron fires later
    assert until > 5 + late + 5
    assert (lower[5 + late : until] < before[5 + late : until]).all()


@pytest.mark.parametrize("seed", range(3))
def test_without_inhibition_the_separate_model_has_the_same_bits(tmp_path: Path, seed: int) -> None:
    arrays = layer(size=20, seed=seed, spread=0.2)
    arrays |= {name: np.abs(arrays[name]) * F(0.5) for name in ("w_in", "w_rec")}
    graph, x = network(tmp_path, arrays), raster(500, 8, seed, 0.05)
    ours, theirs = ran(separated(graph, REGISTRY), x), ran(graph, x)
    assert theirs["s"].sum() > 50
    for name, array in theirs.items():
        np.testing.assert_array_equal(ours[name], array, err_msg=name)


def test_inhibition_makes_a_trained_network_quieter(tmp_path: Path) -> None:
    graph, x = network(tmp_path, layer(size=20, seed=5, spread=0.1)), raster(800, 8, 5, 0.2)
    apart = separated(graph, REGISTRY)
    assert {"w_in0/gaba", f"{NEURONS}/w_rec/gaba"} <= set(apart.node)
    assert 0 < ran(apart, x)["s"].sum() < ran(graph, x)["s"].sum()


def four(tmp_path: Path) -> Graph:
    """The neuron of ``excited`` with all four synapses, each with a channel of its own and a weight of 6."""
    apart = separated(excited(tmp_path), REGISTRY)
    node = apart.node[NEURONS]
    own = {f"{name}_{kind}": node.param[f"{name}_gaba"] for kind in ("nmda", "shunt") for name in ("r",)}
    own |= {f"f_{way}_{kind}": node.param[f"f_{way}_gaba"] for kind in ("nmda", "shunt") for way in WAYS}
    own["If_nmda"] = tensor(1e-10, "float32")
    from snnhub.ir.builder import GraphBuilder
    from snnhub.ir.numtype import F32

    builder = GraphBuilder("four", REGISTRY)
    source = builder.input((4,), F32)
    ports = {}
    for k, port in enumerate(("x", "x_gaba", "x_nmda", "x_shunt")):
        weight = tensor(6 * np.eye(4, dtype=F)[k : k + 1])
        choice: dict[str, Any] = {"bias": False, "accumulate": "exact", "shift": 0}
        ports[port] = builder.node(f"to_{port}", "core.Dense", source, params={"weight": weight}, **choice)
    params = {**node.param, **own}
    builder.output(
        builder.node(NEURONS, "dynapse2.DynapSimSeparate", ports, params=params, biases=False, synapses="all")
    )
    return builder.graph(dt=0.001)


WAYS = ("charge", "discharge")


def test_each_synapse_does_what_its_name_says(tmp_path: Path) -> None:
    graph = four(tmp_path)

    def at_12(*events: tuple[int, int]) -> float:
        x = np.zeros((13, 4), F)
        for step, channel in events:
            x[step, channel] = 1
        found = ran(graph, x)
        assert not found["s"].any()
        return float(found["imem"][12, 0])

    ampa, gaba, nmda, shunt = range(4)
    rest = at_12()
    assert at_12((5, ampa)) > 100 * rest
    assert at_12((5, gaba)) == at_12((5, shunt)) == rest
    assert at_12((5, ampa), (7, gaba)) < at_12((5, ampa))
    assert at_12((5, ampa), (7, shunt)) < at_12((5, ampa))
    # the gate: NMDA adds next to nothing at rest, and more once the membrane current is up
    assert 0 < at_12((7, nmda)) - rest < 0.01 * (at_12((5, ampa), (7, nmda)) - at_12((5, ampa)))


def test_weights_without_a_kind_of_synapse_are_refused(tmp_path: Path) -> None:
    arrays = {**layer(), "b_in": np.full(6, 0.1, F)}
    with pytest.raises(UsageError, match="kind of synapse"):
        separated(network(tmp_path, arrays), REGISTRY)


def biased(tmp_path: Path, size: int = 30) -> Graph:
    return network(tmp_path, {**layer(size, spread=0.0), **raw(size)})


def test_mismatch_is_drawn_from_a_seed(tmp_path: Path) -> None:
    graph = biased(tmp_path, 400)
    drawn = list(mismatched(graph, 3, 0.3, seed=7))
    assert all("SNN-3412" in codes(item) for item in drawn)
    assert drawn[1].network() == list(mismatched(graph, 2, 0.3, seed=7))[1].network()
    assert drawn[0].network() != drawn[1].network()
    before, after = graph.node[NEURONS].param, drawn[0].node[NEURONS].param
    for name in RAW:
        ratio = after[name].array / before[name].array.astype(np.float64)
        assert abs(ratio.mean() - 1) < 0.03, name
        assert 0.08 < ratio.std() < 0.12, name
    np.testing.assert_array_equal(
        after["utk"].array, after["Ut"].array / ((after["kappa_n"].array + after["kappa_p"].array) / F(2))
    )
    for name in ("Iscale", "dt", "I_init"):
        assert after[name] == before[name]
    assert drawn[0].node["w_in0"] == graph.node["w_in0"]
    assert not [found for found in verify(drawn[0], REGISTRY) if found.severity is Severity.ERROR]


def test_no_mismatch_is_the_network_itself(tmp_path: Path) -> None:
    graph = biased(tmp_path)
    (same,) = mismatched(graph, 1, 0.0, seed=1)
    assert same.network() == graph.network()
    apart = separated(graph, REGISTRY)
    (again,) = mismatched(apart, 1, 0.0, seed=1)
    x = raster(200, 8)
    np.testing.assert_array_equal(ran(again, x)["imem"], ran(apart, x)["imem"])
    (other,) = mismatched(apart, 1, 0.2, seed=1)
    assert other.node[NEURONS].param["r_gaba"].shape == (30,)


def test_mismatch_needs_bias_currents(tmp_path: Path) -> None:
    graph = network(tmp_path, layer())
    with pytest.raises(UsageError, match="bias currents"):
        next(mismatched(graph, 1, 0.05, seed=0))
    with pytest.raises(UsageError, match="1 or more"):
        next(mismatched(biased(tmp_path), 0, 0.05, seed=0))
    assert set(names(BIASES)) < {*RAW, "Itau_mem"}


def test_the_archive_says_what_it_holds(tmp_path: Path) -> None:
    arrays = layer()
    x = raster(20, 8)
    archive = read_archive(save(tmp_path / "n.npz", {**arrays, "x": x, "s": np.zeros((20, 6), np.uint8)}))
    assert archive.x is not None
    assert set(archive.records) == {"0/s"}
    with pytest.raises(FormatError, match="without the raster"):
        read_archive(save(tmp_path / "n.npz", {**arrays, "s": np.zeros((20, 6), np.uint8)}))


def test_torch_runs_the_same_program(tmp_path: Path) -> None:
    pytest.importorskip("torch")
    path, x = save(tmp_path / "net.npz", layer(size=12, seed=4, spread=0.1)), raster(400, 8, 4, 0.1)
    ours = snnhub.run(path, x, record="all").recording
    theirs = snnhub.run(path, x, runner="torch", record="all").recording
    assert ours["output"].sum() > 20
    np.testing.assert_array_equal(theirs["output"], ours["output"])
    np.testing.assert_allclose(theirs[f"{NEURONS}/imem"], ours[f"{NEURONS}/imem"], rtol=1e-4)


def test_the_order_of_sums_is_bounded(tmp_path: Path) -> None:
    """The certificate has a rule for every instruction of the program, exp and log among them."""
    arrays = layer(size=4, seed=4, spread=0.1)
    del arrays["w_rec"]
    result = snnhub.run(save(tmp_path / "net.npz", arrays), raster(60, 8, 4, 0.02), robust=True)
    assert result.robust is not None
    assert result.robust.decided == 60 * 4
